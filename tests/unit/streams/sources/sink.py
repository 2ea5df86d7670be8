"""A producer that keeps what it is given, and a clock that is told what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from streams.kafka import Outgoing
from streams.records import DeadLetter, Raw, RawItem, RawTick, decode
from streams.sources.ingest import Clock
from streams.topics import DEADLETTERS, RAW

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Lost(Exception):  # noqa: N818 - an event of the test, not an error
    """The process was killed here."""


class FakeSink:
    """Collects Outgoing records; with `fail_after`, dies when that many have been taken."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.sent: list[Outgoing] = []
        self.calls: list[list[Outgoing]] = []
        self._fail_after = fail_after

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        if self._fail_after is not None and len(self.sent) + len(records) > self._fail_after:
            raise Lost
        self.calls.append(list(records))
        self.sent.extend(records)

    @property
    def raw(self) -> list[RawItem | RawTick]:
        return [decode(r.value, Raw) for r in self.sent if r.topic in RAW.values()]

    @property
    def items(self) -> list[RawItem]:
        return [r for r in self.raw if isinstance(r, RawItem)]

    @property
    def tick_times(self) -> list[datetime]:
        """Times promised in the first partition of news.raw."""
        mine = [r for r in self.sent if r.topic is RAW["news"] and r.partition == 0]
        return [record.at for r in mine if isinstance(record := decode(r.value, Raw), RawTick)]

    @property
    def letters(self) -> list[DeadLetter]:
        return [decode(r.value, DeadLetter) for r in self.sent if r.topic is DEADLETTERS]


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.001)

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOW + timedelta(seconds=self.seconds), monotonic=lambda: self.seconds, sleep=self.sleep
        )
