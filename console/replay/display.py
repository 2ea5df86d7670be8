"""What a replay shows on the terminal. Text from outside is plain: no markup, no control characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.evaluation.report.findings import caveats, labelled
from alerts.evaluation.report.wording import Lang
from alerts.evaluation.result import Evaluation, Interval, RuleResult
from console.messages import language, say
from console.replay.session import Outcome
from console.replay.source import Notes
from streams.plain import plain
from streams.records import AlertEvent

NONE: Final = "–"
WEEKS: Final = 12  # shown at most: with more, months
BAR: Final = "█"
WIDEST: Final = 40  # characters of a bar
HEADLINE: Final = 100


def show(console: Console, outcome: Outcome, with_truth: bool) -> None:
    """The table of the rules, what the data cannot show, and what could not be read."""
    found = outcome.evaluation
    lang: Lang = "zh" if language() == "zh" else "en"
    console.print(Text(_heading(found), style="bold"))
    console.print(measured(found) if with_truth else rang(found))
    if with_truth:
        console.print(Text(say("replay.show.matching", **_matching(found))))
        console.print(Text(plain(labelled(found, lang), 1000)))
    else:
        console.print(weekly(found))
    for caveat in caveats(found, lang):
        console.print(Text(f"· {plain(caveat, 1000)}", overflow="fold"))
    for line in fault_lines(outcome.notes, outcome.unjudged):
        console.print(Text(line, overflow="fold"))


def measured(found: Evaluation) -> Table:
    """Each rule against the truth."""
    made = _table("rule", "alerts", "found", "precision", "recall", "false", "controls", "delay")
    for name, rule in found.rules.items():
        made.add_row(
            Text(plain(name, 64)),
            str(rule.alerts),
            f"{rule.found}/{rule.events}",
            _share(rule.precision, rule.precision_interval),
            _share(rule.recall, rule.recall_interval),
            NONE if rule.false_per_subject_day is None else f"{rule.false_per_subject_day:.5f}",
            f"{rule.controls_fired}/{rule.controls}",
            _delay(rule),
        )
    return made


def rang(found: Evaluation) -> Table:
    """How often each rule would have rung, where nobody says what should have."""
    made = _table("rule", "alerts", "subjects", "critical", "a_week")
    weeks = max((found.end - found.begin) / timedelta(days=7), 1 / 7)
    for name, rule in found.rules.items():
        critical = sum(each.severity == "critical" for each in rule.episodes)
        subjects = len({each.subject for each in rule.episodes})
        made.add_row(
            Text(plain(name, 64)), str(rule.alerts), str(subjects), str(critical), f"{rule.alerts / weeks:.1f}"
        )
    return made


def weekly(found: Evaluation) -> Table:
    """Alerts of all rules by week; by month where there are many weeks."""
    long = found.end - found.begin > timedelta(weeks=WEEKS)
    counts = Counter(_period(each.at, long) for rule in found.rules.values() for each in rule.episodes)
    most = max(counts.values(), default=0)
    made = _table("month" if long else "week", "alerts", "bar")
    for period in _periods(found.begin, found.end, long):
        count = counts[period]
        bar = BAR * round(count / most * WIDEST) if most else ""
        made.add_row(f"{period:%Y-%m}" if long else period.isoformat(), str(count), bar)
    return made


def fault_lines(*notes: Notes) -> list[str]:
    """What could not be read or judged, by reason, with the first places; and columns that no field took."""
    faults = [each for known in notes for each in sorted(known.faults.items())]
    lines = [say("replay.show.faults", count=f"{sum(each.count for _, each in faults):,}")] if faults else []
    for reason, found in faults:
        lines.append(say("replay.show.fault", reason=reason, count=f"{found.count:,}"))
        lines += [f"    {plain(place, 300)}" for place in found.first]
        if found.count > len(found.first):
            lines.append(say("ingest.more", count=found.count - len(found.first)))
    unused = [plain(column, 64) for known in notes for column in known.unused]
    return [*lines, say("ingest.ignored", columns=", ".join(unused))] if unused else lines


def told(event: AlertEvent) -> str:
    """One line for an event as it comes."""
    first = event.evidence[0].headline if event.evidence else ""
    return plain(
        f"{event.at:%Y-%m-%d %H:%M} {say(f'alerts.severity.{event.severity}')} {say(f'alerts.state.{event.state}')} "
        f"{event.name} · {event.rule} · {first[:HEADLINE]}",
        300,
    )


def _heading(found: Evaluation) -> str:
    return say(
        "replay.show.heading", sources=plain(", ".join(found.sources), 200), begin=f"{found.begin:%Y-%m-%d}",
        end=f"{found.end:%Y-%m-%d}", mentions=f"{found.mentions:,}", events=len(found.events),
        models=plain(", ".join(found.models), 200) or NONE,
    )  # fmt: skip


def _matching(found: Evaluation) -> dict[str, str]:
    matching = found.matching
    unlabelled = say(f"replay.show.unlabelled.{matching.unlabelled}")
    return {
        "before": f"{matching.before_s / 3600:g}", "after": f"{matching.after_s / 3600:g}", "unlabelled": unlabelled,
        "subjects": f"{found.subjects:,}", "days": f"{found.subject_days:,.0f}",
    }  # fmt: skip


def _table(*columns: str) -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if number == 0 or column == "bar" else "right"
        made.add_column(say(f"replay.column.{column}"), justify=justify, overflow="fold", no_wrap=number > 0)
    return made


def _share(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return NONE
    return f"{value:.2f}" if interval is None else f"{value:.2f}\n{interval.low:.2f}–{interval.high:.2f}"


def _delay(rule: RuleResult) -> str:
    """Median from the onset, else from the first public document, in minutes or hours."""
    seconds = rule.delay_median_s if rule.delay_median_s is not None else rule.public_delay_median_s
    if seconds is None:
        return NONE
    mark = "" if rule.delay_median_s is not None else "*"
    return f"{seconds / 60:.0f} min{mark}" if abs(seconds) < 7200 else f"{seconds / 3600:.1f} h{mark}"


def _period(at: datetime, long: bool) -> date:
    day = at.date()
    return day.replace(day=1) if long else day - timedelta(days=day.weekday())


def _periods(begin: datetime, end: datetime, long: bool) -> Sequence[date]:
    found = [_period(begin, long)]
    while found[-1] < _period(end, long):
        last = found[-1]
        following = (last + timedelta(days=32)).replace(day=1) if long else last + timedelta(days=7)
        found.append(following)
    return found
