"""Figures of `tocsin top` as a terminal shows them, and as one line. Names of sources come from outside: no markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from console.messages import say
from console.top.figures import Figures, Latency, Source, Stage
from console.workers import ALL
from streams.plain import plain

SEVERITIES: Final = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
GOOD: Final = ("serving", "external")
SOURCES: Final = 8  # lines of sources; the rest is counted
UNKNOWN: Final = "?"
NONE: Final = "-"


def screen(figures: Figures, keys: bool) -> RenderableType:
    """The whole picture. `keys`: say which keys work."""
    parts: list[RenderableType] = [_head(figures), _stages(figures)]
    sides = [_alerts(figures), _flow(figures)]
    parts.append(Columns(sides, padding=(0, 4)))
    if figures.sources:
        parts.append(_sources(figures.sources))
    parts += [Text(plain(problem), style="yellow") for problem in figures.problems]
    if keys:
        parts.append(Text(say("top.keys"), style="dim"))
    return Group(*parts)


def line(figures: Figures) -> str:
    """The same in one line, for a log or a pipe."""
    lag = figures.lag
    told = [
        f"{figures.at:%Y-%m-%dT%H:%M:%SZ}",
        say("top.line.rate", rate=_number(figures.documents_per_second)),
        say("top.line.lag", lag=UNKNOWN if lag is None else " ".join(f"{name} {count}" for name, count in lag.items())),
        say("top.line.triton", **_triton(figures.triton)),
        say("top.line.alerts", counts=_counts(figures)),
        say("top.line.letters", count=UNKNOWN if figures.letters is None else figures.letters),
    ]
    missing = [name for name in ALL if name not in {each.stage for each in figures.stages}]
    if missing:
        told.append(say("top.line.missing", stages=" ".join(missing)))
    return say("top.line.between").join([*told, *map(plain, figures.problems)])


def _head(figures: Figures) -> Text:
    head = Text(say("top.title"), style="bold")
    head.append(f"  {figures.at:%H:%M:%S} UTC  ", style="not bold")
    for name, state in figures.engines.items():
        head.append(f"  {name} ", style="not bold")
        head.append(say(f"top.state.{state}"), style="not bold green" if state in GOOD else "bold red")
    return head


def _table(*columns: str) -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(say(f"top.column.{column}"), justify="left" if number == 0 else "right", overflow="fold")
    return made


def _stages(figures: Figures) -> Table:
    made = _table("stage", "rate", "lag", "rejected", "memory", "delivery")
    by_name: dict[str, list[Stage]] = {}
    for each in figures.stages:
        by_name.setdefault(each.stage, []).append(each)
    for name in (*ALL, *(other for other in by_name if other not in ALL)):
        lag = _lag(figures, name)
        for each in by_name.get(name, []):
            made.add_row(*_row(each, lag))
        if name not in by_name:
            made.add_row(name, Text(say("top.not_running"), style="yellow"), lag, NONE, NONE, NONE)
    return made


def _row(each: Stage, lag: str) -> Sequence[str | Text]:
    if not each.answers:
        return each.stage, Text(say("top.silent"), style="bold red"), lag, NONE, NONE, NONE
    age = NONE if each.last_delivery_age is None else ago(each.last_delivery_age)
    rejected = Text(f"{each.rejected:,}", style="yellow" if each.rejected else "")
    return each.stage, _number(each.per_second), lag, rejected, f"{each.memory_mib:,}", age


def _lag(figures: Figures, name: str) -> str:
    if figures.lag is None:
        return UNKNOWN
    return f"{figures.lag[name]:,}" if name in figures.lag else NONE


def _alerts(figures: Figures) -> Text:
    text = Text(say("top.alerts") + "\n", style="bold")
    found = figures.alerts
    if found is None:
        return text.append(UNKNOWN, style="not bold")
    for severity, style in SEVERITIES.items():
        count = found.firing.get(severity, 0)
        text.append(f"{count:>4} {say(f'alerts.severity.{severity}')}\n", style=style if count else "not bold dim")
    text.append(
        f"{found.pending:>4} {say('alerts.state.pending')}\n", style="not bold" if found.pending else "not bold dim"
    )
    text.append(f"{found.system:>4} {say('top.system')}", style="bold yellow" if found.system else "not bold dim")
    return text


def _flow(figures: Figures) -> Text:
    text = Text(say("top.flow") + "\n", style="bold")
    triton = _triton(figures.triton)
    letters = UNKNOWN if figures.letters is None else f"{figures.letters:,}"
    for told in (
        say("top.documents", rate=_number(figures.documents_per_second)),
        say("top.requests", **triton),
        say("top.times" if figures.triton and figures.triton.mean is not None else "top.no_requests", **triton),
        say("top.open_letters", count=letters),
    ):
        text.append(f"{told}\n", style="not bold")
    text.rstrip()
    return text


def _sources(found: Sequence[Source]) -> Table:
    made = _table("source", "items", "answered")
    for each in found[:SOURCES]:
        age = NONE if each.age is None else ago(each.age)
        made.add_row(Text(plain(each.name, 40)), f"{each.items:,}", age)
    if len(found) > SOURCES:
        made.add_row(Text(say("top.more", count=len(found) - SOURCES), style="dim"), "", "")
    return made


def _triton(found: Latency | None) -> dict[str, str]:
    if found is None:
        return {"rate": UNKNOWN, "mean": UNKNOWN, "p95": UNKNOWN, "failed": UNKNOWN}
    return {
        "rate": _number(found.per_second),
        "mean": _milliseconds(found.mean),
        "p95": _milliseconds(found.p95),
        "failed": str(found.failed),
    }


def _counts(figures: Figures) -> str:
    found = figures.alerts
    if found is None:
        return UNKNOWN
    return " ".join(f"{say(f'alerts.severity.{name}')} {found.firing.get(name, 0)}" for name in SEVERITIES)


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}"


def _milliseconds(value: float | None) -> str:
    return NONE if value is None else f"{value * 1000:,.0f} ms"


def ago(seconds: float) -> str:
    """How long ago, in the largest fitting unit."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return say(f"top.ago.{unit}", count=f"{seconds / length:.0f}")
    return say("top.ago.seconds", count=f"{seconds:.0f}")
