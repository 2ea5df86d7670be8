"""What `make test` needs beyond the program: a browser, promtool, and Pango with a Chinese font."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import Final

from console.findings import Check, Told

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PANGO: Final = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")
PATIENCE: Final = 3.0  # seconds fc-list gets: it may have to build its cache first


def browser() -> str:
    """A browser that the tests of the page can drive."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise Told("no_browser")
    return found


def promtool() -> str:
    """The program that checks rules for Prometheus."""
    found = shutil.which("promtool")
    if found is None:
        raise Told("no_promtool")
    return found


def pango() -> str:
    """The libraries that set the text of a PDF can be loaded."""
    missing = [name for name in PANGO if not _loads(name)]
    if missing:
        raise Told("no_pango", names=", ".join(missing))
    return ", ".join(PANGO)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def font() -> str:
    """A font with Chinese characters, as fontconfig tells."""
    lister = shutil.which("fc-list")
    if lister is None:
        raise Told("font_unknown", None)
    asked = (lister, ":lang=zh", "family")
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        raise Told("font_unknown", None) from None
    families = sorted({line.partition(",")[0] for line in answer.stdout.splitlines() if line.strip()})
    if not families:
        raise Told("no_font")
    return families[0]


CHECKS: Final[dict[str, Check]] = {"browser": browser, "promtool": promtool, "pango": pango, "font": font}
