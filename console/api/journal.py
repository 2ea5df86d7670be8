"""Everything that people did, the newest first: the audit log. It is made of the records themselves, so nothing that
was done through command, page, link or program is missing from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from streams.records import Feedback, Operation, Opinion, digest, encode

KEEP: Final = timedelta(days=90)
MOST: Final = 5000  # about 5 MB
Place = tuple[datetime, str]  # when, and the identity of the record


class Journal:
    """A fold: the records may come in any order and any number of times. Of two with one id the earlier counts."""

    def __init__(self, keep: timedelta = KEEP, most: int = MOST) -> None:
        self._keep = keep
        self._most = most
        self._done: dict[str, Opinion] = {}

    def take(self, record: Opinion) -> None:
        """Keep it, and let go of the oldest when they are too many."""
        id_ = identity(record)
        known = self._done.get(id_)
        if known is None or (record.at, encode(record)) < (known.at, encode(known)):
            self._done[id_] = record
        if len(self._done) >= self._most + self._most // 10 + 1:
            self._done = dict(self._ordered()[: self._most])

    def after(self, place: Place | None, limit: int, now: datetime) -> list[tuple[str, Opinion]]:
        """At most `limit` records that come after this place, newest first, with their ids."""
        oldest = now - self._keep
        found = (
            (id_, each)
            for id_, each in self._ordered()[: self._most]
            if each.at >= oldest and (place is None or (each.at, id_) < place)
        )
        return list(islice(found, limit))

    def _ordered(self) -> list[tuple[str, Opinion]]:
        return sorted(self._done.items(), key=lambda pair: (pair[1].at, pair[0]), reverse=True)


def identity(record: Opinion) -> str:
    """The record's id; a correction of a label has none of its own."""
    if isinstance(record, Feedback):
        return digest("correction", record.document, record.head, record.label, record.author, record.at.isoformat())
    done: Operation = record
    return done.id
