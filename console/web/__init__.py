"""The page that people look at: plain files that the API serves as they are. Nothing is built, or loaded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"  # index.html and all that it asks for
