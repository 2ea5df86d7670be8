"""What the watcher looks at: every check of Tocsin itself, with its bound, its patience and its severities. Pure.

A probe is what was measured about one thing. What stands still because of something else is not told beside it: while
Triton is away, that enrich waits for it is no news (`CAUSES`). What could not be measured is neither good nor bad: it
changes nothing, and after five minutes the not knowing is an alert of its own (`unknown`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from streams.plain import plain
from streams.records import Severity, digest
from streams.settings import Settings

Unit = Literal["fault", "seconds", "records", "processes", "sources", "bits"]
ALL: Final = "*"  # of a probe: nothing of its kind could be measured
LONGEST_KEY: Final = 400
MINUTE: Final = 60
HOUR: Final = 3600

# Where a bound is no setting, it is here, with its reason.
STILL: Final = 120.0  # seconds without progress: the longest pause of a healthy worker, a rebalance, takes sixty
NO_TICKS: Final = 300.0  # seconds: a live source ticks every five
RESTARTS: Final = 3.0  # processes of a stage that ended in ten minutes: one or two are an upgrade
UNDELIVERED: Final = 900.0  # seconds: the first five attempts at delivery are over by then
LETTER_SHARE: Final = 0.02  # of all records: below that a few broken ones among very many are the world, not a fault
UNEXPIRED: Final = 24.0 * HOUR  # seconds: it is tried once an hour, and every ten minutes after a fault
UNANSWERED: Final = 1800.0  # seconds, and four times the interval of a feed: single failures pass by themselves
ARRIVALS: Final = 32  # arrivals of a source that its habit is learnt from
HABIT_AFTER: Final = 8  # arrivals before which a source has no habit
HABIT_TIMES: Final = 8.0  # median gaps without anything new
FEW_SOURCES: Final = 5  # as many are told one by one; of more, half are one fault


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of thing that can be wrong with Tocsin. It holds when the measured value reaches the bound."""

    name: str
    unit: Unit
    bound: float  # where a probe has none of its own
    for_: int = 0  # seconds it must hold before it rings
    keep: int = 60  # seconds it must be over before the alert ends
    window: int = 0  # seconds that were looked at
    after: int = 2 * MINUTE  # seconds it gets to recover once what explained it is over
    ladder: Mapping[Severity, float] = field(default_factory=lambda: {"warning": 1.0})  # by value / bound

    @property
    def rule(self) -> str:
        """Name of the rule in alert events."""
        return f"tocsin-{self.name}"

    @property
    def hash(self) -> str:
        """16 hex digits of everything the check says."""
        return digest(repr((self.name, self.unit, self.bound, self.for_, self.keep, sorted(self.ladder.items()))))[:16]

    def severity(self, beyond: float) -> Severity:
        """The highest level reached by so many times the bound."""
        reached = [level for level, times in self.ladder.items() if beyond >= times]
        return max(reached or list(self.ladder)[:1], key=("info", "warning", "critical").index)


CRITICAL: Final[Mapping[Severity, float]] = {"critical": 1.0}
GROWING: Final[Mapping[Severity, float]] = {"warning": 1.0, "critical": 4.0}


def checks(settings: Settings) -> dict[str, Check]:
    """Every check by name: the one table."""
    lag, letters = settings.watch_lag_seconds, float(settings.watch_deadletters)
    table = (
        Check("kafka", "fault", 1, for_=30, ladder=CRITICAL),
        Check("triton", "fault", 1, for_=MINUTE, ladder=CRITICAL),
        Check("elasticsearch", "fault", 1, for_=MINUTE),  # alerts go out without it
        Check("worker", "fault", 1, for_=MINUTE, ladder=CRITICAL),  # no process of a stage is a member of its group
        Check("restarts", "processes", RESTARTS, keep=10 * MINUTE, window=10 * MINUTE),
        Check("standstill", "seconds", STILL, ladder=CRITICAL),
        Check("lag", "seconds", lag, for_=MINUTE, keep=2 * MINUTE, ladder=GROWING),
        Check("time", "seconds", NO_TICKS, ladder=CRITICAL),
        Check("deadletters", "records", letters, keep=10 * MINUTE, window=10 * MINUTE, ladder=GROWING),
        Check("outbox", "seconds", UNDELIVERED, ladder=GROWING),
        Check("collect", "fault", 1, for_=MINUTE, ladder=CRITICAL),
        Check("sources", "sources", FEW_SOURCES, for_=MINUTE, ladder=CRITICAL),
        Check("source", "seconds", UNANSWERED, after=HOUR),  # its next time may be that far away
        Check("silent", "seconds", settings.watch_silent_hours * HOUR, after=HOUR),
        Check("quiet", "sources", FEW_SOURCES, for_=MINUTE),
        Check("expiry", "seconds", UNEXPIRED),
        Check("drift", "bits", 0.0, keep=0),  # the drift watch has a patience of its own
        Check("unknown", "fault", 1, for_=5 * MINUTE),
    )
    return {check.name: check for check in table}


class Seconds(float):
    """A fact that is a duration: written in words of the language."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured: `value` None could not be. `facts` fill the sentences; from outside, they are plain text."""

    what: str
    which: str = ""
    value: float | None = None
    bound: float | None = None  # None: the check's
    facts: Mapping[str, str | int | Seconds] = field(default_factory=dict)
    held: bool = False  # its cause is told, or nobody knows: nothing begins and nothing ends
    explained: bool = False  # its cause is told

    @property
    def key(self) -> str:
        """What it is about: `triton`, `lag/enrich`, …"""
        return self.what if self.which in ("", ALL) else plain(f"{self.what}/{self.which}", LONGEST_KEY)


# A kind of probe -> what may be the cause of its being bad; {} stands for what the probe is about.
CAUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "worker": ("kafka",),
    "standstill": ("kafka", "worker/{}"),
    "lag": ("kafka", "worker/{}", "standstill/{}"),
    "deadletters": ("kafka",),
    "time": ("kafka", "collect", "worker/detect", "standstill/detect", "standstill/enrich", "triton"),
    "outbox": ("kafka", "worker/notify"),
    "expiry": ("elasticsearch", "worker/index"),
    "sources": ("collect",),
    "source": ("collect", "sources"),
    "quiet": ("collect", "sources"),
    "silent": ("collect", "sources", "quiet", "source/{}"),
}
WAITS_FOR: Final[Mapping[str, str]] = {"enrich": "triton", "index": "elasticsearch"}


def causes(what: str, which: str) -> set[str]:
    """Keys of what explains that this is bad or cannot be measured."""
    found = {cause.format(which) for cause in CAUSES.get(what, ())}
    if what in ("standstill", "lag") and which in WAITS_FOR:
        found.add(WAITS_FOR[which])
    if what == "unknown":
        about, _, rest = which.partition("/")
        found |= causes(about, rest)
    return found


def holds(probe: Probe, check: Check) -> bool:
    """Whether it is bad."""
    bound = check.bound if probe.bound is None else probe.bound
    return probe.value is not None and probe.value >= bound


def settle(probes: Iterable[Probe], table: Mapping[str, Check]) -> list[Probe]:
    """The probes with what follows from them: what is explained by another is held, what is unknown is a probe too."""
    given = list(probes)
    blind = [Probe("unknown", p.key, 1.0, facts={"what": p.key} | dict(p.facts)) for p in given if p.value is None]
    bad = {p.key for p in given if holds(p, table[p.what])}
    return [_held(p, bad) for p in (*given, *blind)]


def _held(probe: Probe, bad: set[str]) -> Probe:
    explained = bool(causes(probe.what, probe.which) & bad)
    held = probe.held or explained or probe.value is None
    return replace(probe, held=held, explained=explained)


class Stretches:
    """How long each thing has gone on unchanged, as far as it was watched."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, float, bool]] = {}

    def probe(self, check: Check, which: str, marker: object, now: float, **facts: str | int) -> Probe:
        """Seconds for which `marker` has stayed the same; None: it is well. Held as long as nobody can know: what has
        not moved since the watcher began may have stood still for longer."""
        former, since, certain = self._known.get(which, (marker, now, False))
        if marker is None or marker != former:
            since, certain = now, True
        self._known[which] = marker, since, certain
        passed = 0.0 if marker is None else now - since
        return Probe(check.name, which, passed, facts=facts, held=not certain and passed < check.bound)


def letters_bound(check: Check, letters: int, documents: int) -> float:
    """Number of dead letters from which they are an alert: the setting, or a share of all where that is more."""
    return max(check.bound, LETTER_SHARE * (letters + documents))


def source_bound(interval: float) -> float:
    """Seconds without an answer from which a feed with this interval is told."""
    return max(UNANSWERED, 4 * interval)


def usual_gap(arrivals: Sequence[float]) -> float | None:
    """Median seconds between arrivals of a source; None while they are too few to be a habit."""
    if len(arrivals) < HABIT_AFTER:
        return None
    return median(after - before for before, after in pairwise(arrivals))


def silence_bound(check: Check, gap: float) -> float:
    """Seconds without anything new from which a source with this usual gap is silent."""
    return max(check.bound, HABIT_TIMES * gap)


def most_sources(total: int) -> float:
    """Number of bad sources from which they are one fault instead of many: half of them; never, when they are few."""
    return total / 2 if total > FEW_SOURCES else total + 1.0
