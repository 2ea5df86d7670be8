"""Python looks for cycles less often while engines hold millions of objects.

Nearly nothing that an engine makes is a cycle: with 240 rules over three weeks of StockNet 11.0 seconds of CPU became
9.0, in the same memory.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MADE: Final = 100_000  # objects made and not freed between two searches; Python's own is 700


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Within the body."""
    before = gc.get_threshold()
    gc.set_threshold(MADE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
