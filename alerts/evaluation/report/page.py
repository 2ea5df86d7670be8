"""The page itself: one template, filled. What comes from outside is text: see `paper`."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment

from alerts.delivery.channels.markup import address
from alerts.evaluation.compare import ALL, Comparison
from alerts.evaluation.report import charts, curves, findings, wording
from alerts.evaluation.report.paper import environment
from alerts.evaluation.report.strips import strip
from alerts.evaluation.report.wording import Lang, say
from alerts.evaluation.result import AtRate, Evaluation, RuleResult


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
    page = _environment().get_template("page.html").render(
        e=evaluation,
        lang=lang,
        say=_speaker(lang),
        figure=_figures(lang),
        rules=list(evaluation.rules.items()),
        timelines=findings.timelines(evaluation),
        before=compare,
        comparison=(changes or findings.compared(compare, evaluation)) if compare else None,
    )  # fmt: skip
    return page.lstrip() + "\n"


@cache
def _environment() -> Environment:
    made = environment(__package__)
    made.globals |= {
        "charts": charts, "curves": curves, "findings": findings, "strip": strip, "words": wording,
        "limits": limits, "at_limit": at_limit, "ALL": ALL,
    }  # fmt: skip
    made.filters["address"] = address
    return made


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
