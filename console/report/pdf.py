"""The page as PDF, by WeasyPrint (extra `report`). Nothing is fetched: a page of ours needs nothing from elsewhere."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from console.report.page import page
from console.report.sheet import Sheet

# WeasyPrint does not show a drawing the style sheet of its page, and knows no variables there.
COLOURS: Final = (
    "text{fill:#5c5c57;font-size:12px;font-family:'Noto Sans','Noto Sans CJK SC',sans-serif}.axis{fill:#1c1c1a}"
    ".grid{stroke:#dcdcd6;stroke-width:1;fill:none}.axis-line{stroke:#1c1c1a;stroke-width:1.2;stroke-dasharray:4 3}"
    ".mentions{fill:#c9d3dc}.negative{fill:#b3400a}.c0{fill:#5a7f9c}.c1{fill:#b3400a}.band{opacity:.45}"
)

DRAWING: Final = re.compile(r"(<svg [^>]*>)")


class NoPdf(RuntimeError):  # noqa: N818 - what is missing
    """WeasyPrint, or Pango below it, is not installed."""


class Loads(RuntimeError):  # noqa: N818 - what is wrong
    """A page wanted something from elsewhere."""


def pdf(sheet: Sheet) -> bytes:
    """The sheet as PDF. Raises NoPdf. The date of making is not in it, so the same sheet gives the same pages."""
    html = _library().HTML(string=painted(page(sheet)), url_fetcher=_refuse, media_type="print")
    made: bytes = html.write_pdf()
    return made


def available() -> bool:
    """Whether PDFs can be made here."""
    try:
        _library()
    except NoPdf:
        return False
    return True


def painted(html: str) -> str:
    """The page with the colours of its drawings inside them. Text from outside has no `<` of its own in a page."""
    return DRAWING.sub(rf"\1<style>{COLOURS}</style>", html)


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise Loads(f"a report loads nothing, and wanted {url[:60]}")


def _library() -> Any:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: Pango's library cannot be loaded
        raise NoPdf(type(error).__name__) from None
    return weasyprint
