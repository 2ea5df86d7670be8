"""What a replay reads from: files, a Kafka range, documents in Elasticsearch. Each source is told the same way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from alerts.evaluation.result import Note
from streams.records import Document, Mention, RawItem, Signal

FIRST: Final = 5  # places of each fault that are told
COLUMNS: Final = 20  # unused ones that are told


class SourceError(ValueError):
    """A source cannot be read at all; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one sort, in order of `collected_at`; signals in the order of their log.

    Only one of the four is filled. `position` is where to continue after this batch, in the source's own words.
    """

    mentions: Sequence[Mention] = ()
    documents: Sequence[Document] = ()
    raw: Sequence[RawItem] = ()
    signals: Sequence[tuple[int, Signal]] = ()  # (partition, mention or tick): a log with its own ticks
    position: str = ""


@dataclass(slots=True)
class Faults:
    """Rows that could not be read for one reason, the first few by place."""

    count: int = 0
    first: list[str] = field(default_factory=list)  # "file:line: what is wrong", for people


@dataclass(slots=True)
class Notes:
    """What a source says beside its records, filled while it is read."""

    total: int = 0  # records there are; 0 while nobody knows
    read: int = 0  # records given out, by this run and those it continues
    day_only: int = 0  # records whose time is known to the day
    faults: dict[str, Faults] = field(default_factory=dict)  # by reason
    unused: list[str] = field(default_factory=list)  # columns that no field took, the first of them
    titles: int = 0  # documents that were judged again by their titles alone: their bodies were not to be kept
    caveats: list[Note] = field(default_factory=list)  # for the result: what this source cannot show

    def fault(self, reason: str, place: str) -> None:
        """Count a row that could not be read."""
        known = self.faults.setdefault(reason, Faults())
        known.count += 1
        if len(known.first) < FIRST:
            known.first.append(place)


class Source(Protocol):
    """Where the past is read from. It is read in bounded memory, and a record that cannot be read stops nothing.

    Read again it gives the same records in the same order.
    """

    name: str  # for people and the result
    channels: Collection[str]  # of signals: raw partitions that must all have ticked; ("archive/0",) for all others
    notes: Notes

    def items(self, position: str = "") -> AsyncIterator[Batch]:
        """All records after `position`, in order of collection. Raises SourceError when it cannot be read."""
