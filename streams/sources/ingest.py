"""Files into the raw topics: everything checked, in order of collection time, with ticks, resumable.

Effects of one step, in the order that is the guarantee: items durable; ticks that promise them; cursor saved. A run
that is killed starts again at the cursor and repeats at most one step, whose ids make it duplicates.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from msgspec.structs import replace

from streams import clock as wall
from streams import deadletter, metrics
from streams.kafka import Outgoing
from streams.records import Reject
from streams.retention import NEVER, expiry
from streams.settings import Settings
from streams.sources import cursor
from streams.sources.files import Format, Index, Input, Rejected, open_input, run_key, scan
from streams.sources.mapping import Columns, record_key, sealed
from streams.sources.ticks import Sink, ticks
from streams.topics import RAW

STAGE: Final = "ingest"
STEP_ITEMS: Final = 500
STEP_BYTES: Final = 2 * 1024 * 1024
SCAN_ROWS: Final = 2000
FIRST_LINES: Final = 5  # places of each reason named in the summary
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read. `speed` (event seconds per second) matters with pace `event` only."""

    columns: Columns = field(default_factory=Columns)
    form: Format | None = None
    encoding: str = "utf-8"
    pace: Literal["full", "event"] = "full"
    speed: float = 1.0
    from_start: bool = False
    settle: float = 0.0  # event seconds after the last item in which, it is promised, nothing more happened
    told: datetime | None = None  # time that sources have promised already: what is older rings no rule any more


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the ingest sees it; tests bring their own."""

    now: Callable[[], datetime] = wall.now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class Tally:
    """Rows rejected for one reason, the first few by place."""

    count: int = 0
    first: list[str] = field(default_factory=list)  # "file:line: message"


@dataclass(slots=True)
class Summary:
    """What became of every row: read = sent + resumed + rejected when it is done."""

    read: int = 0
    accepted: int = 0
    sent: int = 0
    resumed: int = 0  # sent by an earlier run that was interrupted
    late: int = 0  # of those sent, older than what was promised before: indexed, but never rung for
    expired: int = 0  # of those sent, past their retention: never indexed
    rejected: dict[str, Tally] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)  # columns that no field took
    first: datetime | None = None  # event time of the first and the last item
    last: datetime | None = None
    event_time: datetime | None = None  # how far it has got
    seconds: float = 0.0

    @property
    def rejections(self) -> int:
        """Rows rejected for any reason."""
        return sum(tally.count for tally in self.rejected.values())

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {
            "read": self.read,
            "sent": self.sent,
            "resumed": self.resumed,
            "late": self.late,
            "expired": self.expired,
            "rejected": self.rejections,
            "reasons": {r: {"count": t.count, "first": t.first} for r, t in sorted(self.rejected.items())},
            "ignored_columns": self.unused,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class Step:
    """Entries taken for one write."""

    end: int
    records: list[Outgoing] = field(default_factory=list)
    items: int = 0
    expired: int = 0
    rejected: list[tuple[Input, Rejected]] = field(default_factory=list)


def file_letter(opened: Input, one: Rejected, at: datetime) -> Outgoing:
    """The dead letter of a row: origin `file:<name>`, offset the line number."""
    row = one.row
    dead = deadletter.letter(STAGE, f"file:{opened.name}"[:256], 0, row.line, row.data, one.reject, at)
    if not row.whole:
        dead = replace(dead, size=row.size, truncated=True)
    return deadletter.send(dead)


class Run:
    """One ingest of opened files."""

    def __init__(
        self, inputs: Sequence[Input], options: Options, sink: Sink, settings: Settings, clock: Clock,
        progress: Callable[[Summary], None] | None,
    ) -> None:  # fmt: skip
        self._inputs = inputs
        self._options = options
        self._sink = sink
        self._settings = settings
        self._clock = clock
        self._progress = progress or (lambda _: None)
        self._index = Index()
        self._order: Sequence[int] = ()
        self._ticked: datetime | None = None
        self.summary = Summary()
        key = run_key(inputs, settings.namespace, settings.kafka_bootstrap)
        self._cursor: Path | None = settings.state_dir / "ingest" / f"{key}.json" if key else None

    async def check(self) -> None:
        """Read all rows once: bad ones become dead letters, good ones are put in order."""
        steps = scan(self._inputs, self._index, self._clock.now(), SCAN_ROWS)
        while True:
            rejected = await asyncio.to_thread(next, steps, None)
            if rejected is None:
                break
            await self._bury([(self._inputs[one.file], one) for one in rejected])
            self.summary.accepted = len(self._index)
            self.summary.read = self.summary.accepted + self.summary.rejections
            self._progress(self.summary)
        self._order = await asyncio.to_thread(self._index.order)
        self.summary.unused = sorted(set().union(*(opened.unused for opened in self._inputs)))
        if len(self._order):
            self.summary.first = self._time(0)
            self.summary.last = self._time(len(self._order) - 1)

    async def send(self) -> None:
        """Write all items from the cursor on, with ticks."""
        position = self.summary.resumed = self._resume()
        total = len(self._order)
        self.summary.late = self._late(position)
        began = self._clock.monotonic()
        while position < total:
            due = self._due(began)
            step = await asyncio.to_thread(self._take, position, due)
            await self._sink.send_all(step.records)
            await self._bury(step.rejected)
            self._count(step)
            position = step.end
            await self._promise(position, due)
            if self._cursor and step.items:
                await asyncio.to_thread(cursor.save, self._cursor, {"position": position, "total": total})
            self._progress(self.summary)
            if due is not None and position < total:
                ahead = (self._time(position) - due).total_seconds() / self._options.speed
                await self._clock.sleep(min(1.0, max(0.0, ahead)))
        if self._cursor:
            cursor.forget(self._cursor)

    def _resume(self) -> int:
        if self._cursor is None or self._options.from_start:
            return 0
        saved = cursor.load(self._cursor)
        position = saved.get("position")
        usable = isinstance(position, int) and saved.get("total") == len(self._order)
        return min(max(0, position), len(self._order)) if usable and isinstance(position, int) else 0

    def _late(self, position: int) -> int:
        """How many items from `position` on the detector will count as late."""
        if self._options.told is None or not len(self._order):
            return 0
        passed = self._options.told - timedelta(seconds=self._settings.allowed_lateness)
        return max(0, self._index.until(passed) - position)

    def _time(self, position: int) -> datetime:
        return self._index.at(self._order[position])

    def _due(self, began: float) -> datetime | None:
        """Event time that has come, with pace `event`; None: everything."""
        if self._options.pace == "full":
            return None
        passed = (self._clock.monotonic() - began) * self._options.speed
        first = self._time(self.summary.resumed)
        return first + min(timedelta(seconds=passed), self._time(-1) - first)

    def _take(self, position: int, due: datetime | None) -> Step:
        step = Step(position)
        size = 0
        now = self._clock.now()
        while step.end < len(self._order) and step.items < STEP_ITEMS and size < STEP_BYTES:
            if due is not None and self._time(step.end) > due:
                break
            file, offset, length, line = self._index.place(self._order[step.end])
            step.end += 1
            row = self._inputs[file].read(offset, length, line)
            try:
                item = self._inputs[file].item(row, now)
                value = sealed(item, self._settings.record_limit)
            except Reject as reject:  # too large as a record, or the file was changed meanwhile
                step.rejected.append((self._inputs[file], Rejected(file, row, reject)))
                continue
            step.records.append(Outgoing(RAW[item.kind], value, key=record_key(item)))
            step.items += 1
            step.expired += (expiry(item, now) or NEVER) <= now
            size += len(value)
        return step

    async def _promise(self, position: int, due: datetime | None) -> None:
        """Tick: nothing collected up to this time is still to come.

        Never the time of an item not yet written, and never one that has not come: it would make everything late that
        other sources write until then.
        """
        if position == len(self._order):
            at = self._time(position - 1) + timedelta(seconds=self._options.settle)
        elif position == 0:
            return
        else:
            at = min(due or self._time(position - 1), self._time(position) - _INSTANT)
        at = min(at, self._clock.now())
        if self._ticked is None or at > self._ticked:
            await self._sink.send_all(ticks(self._settings, at, STAGE))
            self._ticked = self.summary.event_time = at

    def _count(self, step: Step) -> None:
        self.summary.sent += step.items
        self.summary.expired += step.expired
        metrics.SOURCE_ITEMS.labels("file", "sent").inc(step.items)

    async def _bury(self, rejected: Sequence[tuple[Input, Rejected]]) -> None:
        if not rejected:
            return
        now = self._clock.now()
        await self._sink.send_all([file_letter(opened, one, now) for opened, one in rejected])
        for opened, one in rejected:
            tally = self.summary.rejected.setdefault(one.reject.reason, Tally())
            tally.count += 1
            if len(tally.first) < FIRST_LINES:
                tally.first.append(f"{opened.name}:{one.row.line}: {one.reject}"[:300])
            metrics.REJECTS.labels(STAGE, one.reject.reason).inc()
        metrics.SOURCE_ITEMS.labels("file", "rejected").inc(len(rejected))


async def ingest(
    paths: Sequence[str], options: Options, sink: Sink, settings: Settings, *, stdin: BinaryIO | None = None,
    clock: Clock | None = None, progress: Callable[[Summary], None] | None = None,
) -> Summary:  # fmt: skip
    """Read files (`-`: `stdin`) into the raw topics and return what became of every row.

    Bad rows become dead letters and never stop it. Raises InputError or MappingError before anything is sent when a
    file as a whole cannot be read. `progress` is called now and then with the summary so far.
    """
    clock = clock or Clock()
    began = clock.monotonic()
    inputs: list[Input] = []
    try:
        for path in paths:
            inputs.append(await asyncio.to_thread(_open, path, options, settings, stdin))
        run = Run(inputs, options, sink, settings, clock, progress)
        await run.check()
        await run.send()
    finally:
        for opened in inputs:
            opened.close()
    run.summary.seconds = clock.monotonic() - began
    return run.summary


def _open(path: str, options: Options, settings: Settings, stdin: BinaryIO | None) -> Input:
    return open_input(
        path,
        options.columns,
        limit=settings.record_limit,
        spool=settings.state_dir / "spool",
        form=options.form,
        encoding=options.encoding,
        stdin=stdin,
    )
