"""The sheet as one HTML file, which prints on A4. From outside comes text: see `alerts.evaluation.report.paper`."""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment

from alerts.delivery.facts import address
from alerts.evaluation.report.paper import environment
from console.report.sheet import Sheet

TAGS: Final = {"en": "en", "zh": "zh-CN"}


def page(sheet: Sheet) -> str:
    """The same sheet always gives the same page."""
    made = _environment().get_template("page.html").render(
        sheet=sheet,
        lang_tag=TAGS.get(sheet.lang, "en"),
    )  # fmt: skip
    return made.lstrip() + "\n"


@cache
def _environment() -> Environment:
    made = environment(__package__)
    made.filters |= {"address": address, "kind": lambda part: type(part).__name__}
    return made
