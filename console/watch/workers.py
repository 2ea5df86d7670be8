"""What the processes say of themselves: event time, notifications that wait, drift, and processes that ended."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from alerts.checks import Check, Probe, Stretches
from console.report.schedule import planned
from console.running import Samples, by_label, look, runs, scrape, values
from console.watch.prober import blind
from streams.drift import read_open
from streams.settings import Settings

AT_ONCE: Final = 8
REPORT: Final = "report"
SOURCES: Final = ("tocsin_source_polls_total", "tocsin_source_items_total")


@dataclass(frozen=True, slots=True)
class Seen:
    """One process: its stage (a guess from what it tells, where it runs elsewhere), and its metrics, None: silent."""

    stage: str
    url: str
    samples: Samples | None
    pid: int = 0  # 0: on another machine


def remote(settings: Settings) -> list[str]:
    """Addresses of metrics on other machines."""
    return [address.strip() for address in settings.watch_metrics.split(",") if address.strip()]


def stage_of(samples: Samples | None) -> str:
    """The stage whose metrics these are; empty when they do not tell."""
    if samples is None:
        return ""
    if any(samples.get(name) for name in SOURCES):
        return "collect"
    return next((labels["stage"] for labels, _ in samples.get("tocsin_lag_records", []) if "stage" in labels), "")


def see(settings: Settings) -> tuple[list[Seen], list[str]]:
    """Every process that is known, asked now, and the stages of those that ended since the last call. Blocks."""
    notes, ended = look(settings)
    known = [(str(note["stage"]), str(note["url"]), int(note["pid"])) for note in notes if note["stage"] != "watch"]
    known += [("", url, 0) for url in remote(settings)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda one: scrape(one[1]), known))
    seen = [
        Seen(stage or stage_of(samples), url, samples, pid)
        for (stage, url, pid), samples in zip(known, answers, strict=True)
    ]
    return seen, ended


class Restarts:
    """Processes that ended and had a successor. What ended for good was taken away, not restarted."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._known: set[tuple[str, int]] | None = None  # None before the first look: what ended then is old
        self._ended: dict[str, deque[float]] = {}  # without a successor
        self._again: dict[str, deque[float]] = {}

    def take(self, running: set[tuple[str, int]], ended: Iterable[str], now: float) -> dict[str, int]:
        """Restarts of each stage within the window, after a look at what runs and at what was found ended."""
        known, self._known = self._known, running
        if known is None:
            return {}
        for times in (*self._ended.values(), *self._again.values()):
            while times and times[0] < now - self._window:
                times.popleft()
        for stage, before, after, found in _by_stage(known, running, ended):
            gone = before - after
            brief = max(0, found - len(gone))  # began and ended between two looks
            left = self._ended.setdefault(stage, deque())
            left.extend([now] * (len(gone) + brief))
            for _ in range(min(len(left), len(after - before) + brief)):
                left.popleft()
                self._again.setdefault(stage, deque()).append(now)
        return {stage: len(times) for stage, times in sorted(self._again.items()) if times}


def _by_stage(
    known: set[tuple[str, int]], running: set[tuple[str, int]], ended: Iterable[str]
) -> Iterator[tuple[str, set[int], set[int], int]]:
    found = Counter(ended)
    for stage in sorted({stage for stage, _ in known | running} | found.keys()):
        before, after = ({pid for one, pid in pids if one == stage} for pids in (known, running))
        yield stage, before, after, found[stage]


class Workers:
    """Looks at the processes. `seen` holds what they said, for whoever looks at the sources."""

    whats: Sequence[str] = ("restarts", "time", "outbox", "expiry", "drift")

    def __init__(self, settings: Settings, table: Mapping[str, Check]) -> None:
        self._settings = settings
        self._table = table
        self._time = Stretches()
        self._restarts = Restarts(table["restarts"].window)
        self._reported = False  # whether `report` was seen at work
        self.seen: list[Seen] = []

    async def look(self, now: datetime) -> list[Probe]:
        """One round."""
        self.seen, ended = await asyncio.to_thread(see, self._settings)
        at = now.timestamp()
        running = {(one.stage, one.pid) for one in self.seen if one.pid}
        again = self._restarts.take(running, (stage for stage in ended if stage != "watch"), at)
        restarts = [Probe("restarts", stage, float(count)) for stage, count in again.items()]
        silent = [
            Probe("unknown", f"metrics/{urlsplit(one.url).netloc}", 1.0, facts={"detail": "does not answer"})
            for one in self.seen
            if one.samples is None
        ]
        found = [*silent, *restarts, *self._reports(), *self._event_time(at), *self._outbox(at), *self._expiry(at)]
        return [*found, *await self._drift()]

    def of(self, stage: str) -> list[Samples]:
        """What the processes of a stage say."""
        return [one.samples for one in self.seen if one.stage == stage and one.samples is not None]

    def collectors(self) -> tuple[list[Samples], int]:
        """What `collect` says, and how many processes of it there are: some may not answer."""
        return self.of("collect"), sum(one.stage == "collect" for one in self.seen)

    def _reports(self) -> list[Probe]:
        """Whether `report` is at work, which is in no group of Kafka. It may run where we cannot see it: it is missed
        only once it was seen, and only where a report is planned."""
        at_work = any(one.stage == REPORT for one in self.seen)
        self._reported = self._reported or at_work
        return [Probe("worker", REPORT, float(not at_work))] if self._reported and planned(self._settings) else []

    def _event_time(self, now: float) -> list[Probe]:
        """A partition whose event time does not move while mentions wait for it."""
        told = self.of("detect")
        if not told:
            return blind(["time"], "no detect tells")
        best: dict[str, tuple[float, float]] = {}
        for samples in told:
            reached = by_label(samples, "tocsin_watermark_timestamp_seconds", "partition")
            for which, waiting in by_label(samples, "tocsin_detect_waiting", "partition").items():
                # The process that got farther has the partition now; what another tells of it is old.
                best[which] = max(best.get(which, (0.0, 0.0)), (reached.get(which, 0.0), waiting))
        check = self._table["time"]
        return [
            self._time.probe(check, which, until if waiting else None, now, waiting=int(waiting))
            for which, (until, waiting) in sorted(best.items())
        ]

    def _outbox(self, now: float) -> list[Probe]:
        told = self.of("notify")
        if not told:
            return blind(["outbox"], "no notify tells")
        rows = int(sum(sum(values(samples, "tocsin_outbox_rows")) for samples in told))
        stored = [at for samples in told for at in values(samples, "tocsin_outbox_oldest_timestamp_seconds") if at]
        age = max(0.0, now - min(stored)) if stored else 0.0
        return [Probe("outbox", value=age, facts={"rows": rows})]

    def _expiry(self, now: float) -> list[Probe]:
        """Since when not all is removed that is past its retention; of several workers one does it, in turn."""
        done = [
            at for samples in self.of("index") for at in values(samples, "tocsin_expired_removed_timestamp_seconds")
        ]
        return [Probe("expiry", value=max(0.0, now - max(done)))] if any(done) else []

    async def _drift(self) -> list[Probe]:
        found = []
        for change in await asyncio.to_thread(read_open, self._settings.state_dir, runs):
            label = change.labels
            model = f"{change.subject.removeprefix('model:')}@{label['version']}"
            which = "/".join((model, label["lang"], label["kind"], label["feature"], label["against"]))
            facts: dict[str, str | int] = {name: label[name] for name in ("kind", "feature", "against")}
            facts |= {"model": model, "language": label["lang"], "texts": change.support}
            found.append(Probe("drift", which, change.observed, min(change.expected, change.observed), facts))
        return found
