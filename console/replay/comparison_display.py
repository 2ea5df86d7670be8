"""A comparison as a terminal shows it. Text from outside is plain: no markup, no control characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.delivery.measured import lasting, rate
from alerts.delivery.phrases import cut
from alerts.evaluation.changes import CHANCE, Change
from alerts.evaluation.compare import ALL, Comparison, Pair
from alerts.evaluation.result import Episode, EventOf
from console.messages import language, say

COLUMNS: Final = ("figure", "before", "after", "verdict")
HEADLINE: Final = 90  # characters of a headline on a line of its own
NAME: Final = 40
NONE: Final = "–"


def show(console: Console, found: Comparison, examples: int) -> None:
    """Every pair of rules: figures with their verdicts, alerts gained, lost and moved with examples; then caveats."""
    for pair in found.pairs:
        console.print(Text(_heading(pair), style="bold"))
        console.print(_figures(pair.changes))
        console.print(Text(_alerts(pair), overflow="fold"))
        for line in _examples(pair, found.events, examples):
            console.print(Text(line, overflow="fold"))
        console.print()
    for line in _asides(found):
        console.print(Text(line, overflow="fold"))


def verdict(change: Change) -> str:
    """Whether the difference is more than chance, in words, with p and what was looked at."""
    if change.p is None:
        return say("compare.verdict.unknown")
    if change.better is None and change.p == 1:
        return say("compare.verdict.same", of=_of(change))
    key = "more" if change.more_than_chance else "chance"
    way = say(f"compare.way.{'better' if change.better else 'worse'}") if change.better is not None else ""
    return say(f"compare.verdict.{key}", p=_p(change.p), of=_of(change), way=way)


def _heading(pair: Pair) -> str:
    if pair.before == ALL == pair.after:
        return say("compare.all")
    named = say("compare.same_rule", rule=cut(pair.before, 64))
    if pair.before != pair.after:
        named = say("compare.two_rules", before=cut(pair.before, 64), after=cut(pair.after, 64))
    changed = "" if pair.before_hash == pair.after_hash or pair.before != pair.after else say("compare.changed")
    return named + changed


def _figures(changes: Sequence[Change]) -> Table:
    made = Table(box=SIMPLE_HEAD)
    for column in COLUMNS:
        made.add_column(say(f"compare.column.{column}"), overflow="fold")
    for change in changes:
        shown = (figure(change.figure, value) for value in (change.before, change.after))
        made.add_row(say(f"figures.{change.figure}"), *shown, verdict(change))
    return made


def figure(name: str, value: float | None) -> str:
    """A figure of a rule in its own way of writing."""
    if value is None:
        return NONE
    if name.endswith("_s"):
        return lasting(value, language())
    if name == "false_per_subject_day":
        return rate(value)
    return f"{value:.0f}" if name in ("controls_fired", "found", "true", "false") else f"{value:.2f}"


def _of(change: Change) -> str:
    return say(f"compare.of.{change.figure}", count=change.n)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _alerts(pair: Pair) -> str:
    gained, lost, moved = map(len, (pair.gained, pair.lost, pair.moved))
    said = say("compare.alerts", same=pair.same, gained=gained, lost=lost, moved=moved)
    if pair.moved:
        said += say("compare.moved_by", shift=shift(median(moved.seconds for moved in pair.moved)))
    return said


def shift(seconds: float) -> str:
    """How much later or earlier."""
    return say("compare.later" if seconds > 0 else "compare.earlier", time=lasting(abs(seconds), language()))


def _examples(pair: Pair, events: Sequence[EventOf], most: int) -> Iterable[str]:
    for key, places in (("events_gained", pair.events_gained), ("events_lost", pair.events_lost)):
        if places:
            yield say(f"compare.{key}", count=len(places))
            yield from (f"  {event(events[at])}" for at in places[:most])
    for key, episodes in (("gained", pair.gained), ("lost", pair.lost)):
        if episodes and most:
            yield say(f"compare.{key}", shown=min(most, len(episodes)), count=len(episodes))
            for each in _telling(episodes)[:most]:
                yield from _alert(each, events)
    if pair.moved and most:
        yield say("compare.moved", shown=min(most, len(pair.moved)), count=len(pair.moved))
        for moved in sorted(pair.moved, key=lambda moved: -abs(moved.seconds))[:most]:
            yield from _alert(moved.after, events, f", {shift(moved.seconds)}")


def _telling(episodes: Sequence[Episode]) -> list[Episode]:
    """Those that decide something first: right and false alerts before repeats and what is not judged."""
    order = {"true": 0, "control": 1, "false": 1, "repeat": 2, "excluded": 3}
    return sorted(episodes, key=lambda each: (order[each.judged], -each.beyond, each.at, each.subject))


def _alert(episode: Episode, events: Sequence[EventOf], more: str = "") -> Iterable[str]:
    name = cut(episode.name or episode.subject, NAME)
    judged = say(f"compare.judged.{episode.judged}")
    if episode.event is not None:
        judged += say("compare.about", event=_note(events[episode.event]))
    level = say(f"alerts.severity.{episode.severity}")
    yield f"  {moment(episode.at)}  {name}  {level}: {judged}{more}"
    for document in episode.documents[:1]:
        yield f"      {cut(document.headline, HEADLINE)} ({cut(document.source, NAME)})"


def event(of: EventOf) -> str:
    """A truth event on one line."""
    return f"{moment(of.onset)}  {cut(of.name or of.subject, NAME)}  {_note(of)}"


def moment(at: datetime) -> str:
    """A time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _note(of: EventOf) -> str:
    return cut(of.note, HEADLINE) or say(f"compare.kind.{of.kind}")


def _asides(found: Comparison) -> Iterable[str]:
    for key, names in (("only_before", found.only_before), ("only_after", found.only_after)):
        if names:
            yield say(f"compare.{key}", rules=", ".join(cut(name, 64) for name in names))
    tests = sum(change.p is not None for pair in found.pairs for change in pair.changes)
    if tests > 1:
        yield say("compare.tests", count=tests, chance=f"{tests * CHANCE:.1f}")
    for caveat in found.caveats:
        yield say(f"compare.caveat.{caveat}", count=len(found.events))
