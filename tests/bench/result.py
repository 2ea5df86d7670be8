"""What a benchmark measured, and the ratios that are its figures. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

BARE: Final = "bare"
OURS: Final = "ours"
PEERS: Final = ("take32", "loop")
APART: Final = 0.10  # neighbouring bare runs that differ by more say that the machine was not the same for both
STOLEN: Final = 0.05  # of the machine's time, by the hypervisor
WANTED: Final = {"of_bare": 0.85, "of_best_peer": 2.5}  # on MIX


class Run(Struct, kw_only=True):
    """One run of one contestant over one corpus. A run with problems is void: its rate means nothing."""

    contestant: str
    round: int
    items: int
    seconds: float
    rate: float  # items a second
    stolen: float = 0.0
    cpu_us: dict[str, float] = {}  # per item, by process
    peak_mib: dict[str, float] = {}  # resident memory, by process
    fill: float = 0.0  # share of the tokens sent that is no padding; bare runs
    alerts: int = 0
    drained_after: float = 0.0  # seconds after the last document until every stage had acknowledged everything
    largest_difference: float = 0.0  # of a probability, from the bare run
    problems: list[str] = []


class Spread(Struct):
    """A figure over the rounds that count."""

    median: float
    least: float
    most: float
    rounds: int


class Figures(Struct, kw_only=True):
    """The ratios of one contestant over one corpus."""

    rate: Spread
    of_bare: Spread | None = None
    of_best_peer: Spread | None = None
    dropped: list[str] = []  # rounds that do not count, with the reason


def spread(values: Sequence[float]) -> Spread:
    """Median, least and most of at least one value."""
    return Spread(round(statistics.median(values), 4), round(min(values), 4), round(max(values), 4), len(values))


def neighbours(runs: Sequence[Run], at: int) -> tuple[Run, Run]:
    """The bare runs next before and next after a run."""
    before = next(r for r in reversed(runs[:at]) if r.contestant == BARE)
    after = next(r for r in runs[at + 1 :] if r.contestant == BARE)
    return before, after


def fault(run: Run, before: Run, after: Run) -> str:
    """Why a run must not count, empty when it may."""
    apart = abs(before.rate - after.rate) / ((before.rate + after.rate) / 2)
    stolen = max(run.stolen, before.stolen, after.stolen)
    if apart > APART:
        return f"round {run.round}: neighbouring bare runs differ by {apart:.0%}"
    if stolen > STOLEN:
        return f"round {run.round}: {stolen:.0%} of the machine's time was stolen"
    return ""


def ratios(runs: Sequence[Run]) -> tuple[dict[str, dict[int, float]], dict[str, list[str]]]:
    """By contestant: the rate over the mean of the neighbouring bare runs by round, and the rounds that do not count.

    Where no round counts, all are given, and the faults stay listed.
    """
    found: dict[str, dict[int, float]] = {}
    every: dict[str, dict[int, float]] = {}
    dropped: dict[str, list[str]] = {}
    for at, run in enumerate(runs):
        if run.contestant == BARE:
            continue
        before, after = neighbours(runs, at)
        ratio = run.rate / ((before.rate + after.rate) / 2)
        every.setdefault(run.contestant, {})[run.round] = ratio
        if why := fault(run, before, after):
            dropped.setdefault(run.contestant, []).append(why)
        else:
            found.setdefault(run.contestant, {})[run.round] = ratio
    return {name: found.get(name) or every[name] for name in every}, dropped


def figures(runs: Sequence[Run]) -> dict[str, Figures]:
    """The figures of every contestant of one corpus. `runs` are in the order they ran, bare ones first and last."""
    by_name: dict[str, list[float]] = {}
    for run in runs:
        by_name.setdefault(run.contestant, []).append(run.rate)
    relative, dropped = ratios(runs)
    table: dict[str, Figures] = {}
    for name, rates in by_name.items():
        table[name] = Figures(rate=spread(rates), dropped=dropped.get(name, []))
        if name in relative:
            table[name].of_bare = spread(list(relative[name].values()))
    if OURS in relative and (peers := [relative[name] for name in PEERS if name in relative]):
        rounds = set(relative[OURS]).intersection(*peers)
        best = [relative[OURS][n] / max(peer[n] for peer in peers) for n in sorted(rounds)]
        if best:
            table[OURS].of_best_peer = spread(best)
    return table


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; the values must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-round(share * len(ordered) * 1e6) // 1_000_000) - 1))]
