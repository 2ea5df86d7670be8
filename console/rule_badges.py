"""What was measured of rules, as lists and explanations of rules show it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from alerts.delivery.measured import lasting, measured
from alerts.evaluation.badge import Badge, as_data
from alerts.evaluation.badges import Badges, beside, write_badges
from alerts.evaluation.result import Evaluation
from alerts.rule_files import load_rules
from alerts.rules import Rule
from console.messages import language, say
from console.replay.results import ResultUnreadable


def keep(files: Sequence[Path], evaluation: Evaluation, title: str, truth: Sequence[Path]) -> list[Path]:
    """Keep what was measured of each rule beside the file, or the folder of files, that it was read from; where that
    is. Raises BadgesUnreadable, and ResultUnreadable where a folder cannot be written."""
    left, written = dict(evaluation.rules), list[Path]()
    for file in files:
        names = [rule.name for rule in load_rules(file) if rule.name in left]
        of_file = replace(evaluation, rules={name: left.pop(name) for name in names})
        try:
            written.append(write_badges(file, of_file, title, ", ".join(each.name for each in truth)))
        except OSError as error:
            raise ResultUnreadable(f"{beside(file)}: cannot be written: {error.strerror}") from None
    return list(dict.fromkeys(written))


def cell(rule: Rule, badges: Badges) -> str:
    """Precision, recall, delay and events, in two short lines; that they are out of date; or nothing."""
    found = badges.best(rule.hash)
    if found is None:
        return say("badges.outdated") if badges.outdated(rule.name, rule.hash) else ""
    delay = "–" if found.delay_median_s is None else lasting(found.delay_median_s, language())
    figures = {"precision": _figure(found.precision), "recall": _figure(found.recall)}
    return say("badges.cell", delay=delay, events=found.events, **figures)


def said(rule: Rule, badges: Badges) -> list[str]:
    """A sentence for each history the rule was measured on; what was measured before it was changed is no figure."""
    found = [say("badges.said", said=measured(badge, language()), **_made(badge)) for badge in badges.of(rule.hash)]
    old = badges.outdated(rule.name, rule.hash)
    return [*found, *([say("badges.outdated_said", **_made(old))] if old is not None else [])]


def data(rule: Rule, badges: Badges) -> dict[str, Any]:
    """The same for programs: `measured`, that with the most events first, and `measured_before`, of another text."""
    old = badges.outdated(rule.name, rule.hash)
    return {
        "measured": [as_data(badge) for badge in badges.of(rule.hash)],
        "measured_before": None if old is None else as_data(old),
    }


def _made(badge: Badge) -> dict[str, str]:
    return {"at": f"{badge.made_at:%Y-%m-%d}", "code": badge.code}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
