"""The page itself: one template, filled. Nothing is loaded, nothing runs, everything from outside is text.

The policy in the page's head forbids all but its own style sheet, by its checksum; there is no script. The template
engine escapes every value, and before that takes out what hides or turns text.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from alerts.delivery.channels.markup import address
from alerts.evaluation.compare import ALL, Comparison
from alerts.evaluation.report import charts, curves, findings, wording
from alerts.evaluation.report.strips import strip
from alerts.evaluation.report.wording import Lang, say
from alerts.evaluation.result import AtRate, Evaluation, RuleResult
from streams.plain import plain

BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0D, 0x2028, 0x2029), " ")  # keep words apart where lines are joined


def render(
    evaluation: Evaluation,
    lang: Lang = "en",
    *,
    compare: Evaluation | None = None,
    changes: Comparison | None = None,
) -> str:
    """The evaluation as one self-contained HTML page; with `compare` also what changed since that one: `changes`, or
    without it what rules of the same name made of it.

    The same evaluation always gives the same page. It holds no script and loads nothing, shows text from outside only
    as text, and makes links only of http and https addresses.
    """
    style = _read("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template("page.html").render(
        e=evaluation,
        lang=lang,
        say=_speaker(lang),
        figure=_figures(lang),
        style=Markup(style),  # noqa: S704 - our own file
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        rules=list(evaluation.rules.items()),
        timelines=findings.timelines(evaluation),
        before=compare,
        comparison=(changes or findings.compared(compare, evaluation)) if compare else None,
    )  # fmt: skip
    return page.lstrip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_plain, trim_blocks=True, lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )  # fmt: skip
    environment.globals |= {
        "charts": charts, "curves": curves, "findings": findings, "strip": strip, "words": wording,
        "limits": limits, "at_limit": at_limit, "ALL": ALL,
    }  # fmt: skip
    environment.filters["address"] = address
    return environment


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    """What every value passes on its way into the page; markup of ours passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value.translate(BREAKS))
    return value


def _figures(lang: Lang) -> Any:
    """How a figure of a comparison is written, by its name."""

    def figure(name: str, value: float | None) -> str:
        if name.endswith("_s"):
            return wording.length(value, lang)
        if name == "false_per_subject_day":
            return wording.rate(value)
        return wording.setting(value) if name == "controls_fired" else wording.share(value)

    return figure


def _speaker(lang: Lang) -> Any:
    return lambda key, **values: say(lang, key, **values)


def limits(rules: list[tuple[str, RuleResult]], view: str) -> list[float]:
    """The limits for which any rule's best setting is known, smallest first."""
    return sorted({at.limit for _, rule in rules for at in getattr(rule, view)})


def at_limit(rule: RuleResult, view: str, limit: float) -> AtRate | None:
    """The rule's best setting within a limit."""
    return next((at for at in getattr(rule, view) if at.limit == limit), None)
