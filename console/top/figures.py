"""What `tocsin top` shows, worked out of two looks at the metrics. Pure: times and samples are arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from console.running import Samples, by_label, values

MIB: Final = 1_048_576
REQUEST: Final = "tocsin_score_request_seconds"


@dataclass(frozen=True, slots=True)
class Look:
    """The metrics of one process at one time. `samples` None: it did not answer."""

    stage: str
    pid: int
    at: float  # seconds of a clock that only goes forward
    samples: Samples | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One process. Rates are None until it has been looked at twice."""

    stage: str
    pid: int
    answers: bool
    per_second: float | None = None
    rejected: int = 0
    memory_mib: int = 0
    last_delivery_age: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Requests to Triton between two looks; times None where there was none."""

    per_second: float
    mean: float | None
    p95: float | None  # within the bucket it falls into, by straight line: as Prometheus' histogram_quantile
    failed: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a source has handed in since its collector started."""

    name: str
    items: int
    age: float | None  # seconds since it last answered


@dataclass(frozen=True, slots=True)
class Alerts:
    """Open alerts. `firing` by severity; `system`: those about Tocsin itself, not counted there."""

    firing: Mapping[str, int]
    pending: int
    system: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One moment. None: not known, and `problems` says why."""

    at: datetime
    documents_per_second: float | None
    stages: tuple[Stage, ...]
    lag: Mapping[str, int] | None
    triton: Latency | None
    alerts: Alerts | None
    letters: int | None
    sources: tuple[Source, ...]
    engines: Mapping[str, str]
    problems: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """For programs; the time as the API writes it."""
        return asdict(self) | {"at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}"}


def stage(before: Look | None, look: Look, now: float) -> Stage:
    """One process, by its last two looks. `now`: seconds since 1970."""
    if look.samples is None:
        return Stage(look.stage, look.pid, answers=False)
    last = max(values(look.samples, "tocsin_last_delivery_timestamp_seconds"), default=0.0)
    return Stage(
        look.stage,
        look.pid,
        answers=True,
        per_second=rate(before, look, "tocsin_records_total"),
        rejected=int(sum(values(look.samples, "tocsin_rejects_total"))),
        memory_mib=round(sum(values(look.samples, "process_resident_memory_bytes")) / MIB),
        last_delivery_age=round(max(0.0, now - last), 1) if last else None,
    )


def rate(before: Look | None, look: Look, name: str, **labels: str) -> float | None:
    """How much of a counter, where its labels are these, came in a second between the looks; None before there are
    two of the same process."""
    if before is None or before.samples is None or look.samples is None or look.at <= before.at:
        return None
    grown = _counted(look.samples, name, labels) - _counted(before.samples, name, labels)
    return round(max(0.0, grown) / (look.at - before.at), 1)


def _counted(samples: Samples, name: str, wanted: Mapping[str, str]) -> float:
    return sum(value for labels, value in samples.get(name, []) if wanted.items() <= labels.items())


def latency(pairs: Sequence[tuple[Look | None, Look]]) -> Latency | None:
    """Requests of all processes to Triton between their looks; None before one has been looked at twice."""
    known = [(before, look) for before, look in pairs if rate(before, look, f"{REQUEST}_count") is not None]
    if not known:
        return None
    count = total = failed = 0.0
    seconds = 0.0
    buckets: dict[float, float] = {}
    for before, look in known:
        assert before is not None  # noqa: S101 - `rate` is known
        first, second = before.samples or {}, look.samples or {}
        seconds = max(seconds, look.at - before.at)
        count += _grown(first, second, f"{REQUEST}_count")
        total += _grown(first, second, f"{REQUEST}_sum")
        failed += _failed(second) - _failed(first)
        earlier = by_label(first, f"{REQUEST}_bucket", "le")
        for bound, number in by_label(second, f"{REQUEST}_bucket", "le").items():
            buckets[float(bound)] = buckets.get(float(bound), 0.0) + number - earlier.get(bound, 0.0)
    mean = round(total / count, 4) if count > 0 else None
    return Latency(round(max(0.0, count) / seconds, 1), mean, quantile(buckets, 0.95), max(0, int(failed)))


def _grown(before: Samples, after: Samples, name: str) -> float:
    return sum(values(after, name)) - sum(values(before, name))


def _failed(samples: Samples) -> float:
    outcomes = by_label(samples, "tocsin_score_requests_total", "outcome")
    return sum(number for outcome, number in outcomes.items() if outcome != "answered")


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The value below which `share` of the observations lie; `buckets`: observations up to each bound.

    Straight line within the bucket; the last finite bound where it lies beyond it; None without observations.
    """
    bounds = sorted(buckets)
    whole = buckets[bounds[-1]] if bounds else 0.0
    if whole <= 0:
        return None
    below, low = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= share * whole:
            if bound == float("inf"):
                return round(low, 4)
            inside = buckets[bound] - below
            part = (share * whole - below) / inside if inside > 0 else 1.0
            return round(low + (bound - low) * part, 4)
        below, low = buckets[bound], bound
    return round(low, 4)


def sources(looks: Sequence[Look], now: float) -> tuple[Source, ...]:
    """The sources of all collectors, those that have been away longest first."""
    items: dict[str, float] = {}
    seen: dict[str, float] = {}
    for look in looks:
        samples = look.samples or {}
        for labels, number in samples.get("tocsin_source_items_total", []):
            items[labels.get("source", "")] = items.get(labels.get("source", ""), 0.0) + number
        for name, at in by_label(samples, "tocsin_source_last_success_timestamp_seconds", "source").items():
            seen[name] = max(seen.get(name, 0.0), at)
    found = [
        Source(name, int(items.get(name, 0)), round(now - seen[name], 1) if seen.get(name) else None)
        for name in sorted({*items, *seen})
    ]
    return tuple(sorted(found, key=lambda each: -(each.age or 0.0)))
