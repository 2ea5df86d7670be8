"""The durable outbox: what is to be delivered, what became of it, what the policy remembers, and records for Kafka.

One SQLite file, every commit synced to disk before it returns. The order of effects is the guarantee:

1. What an alert leads to (notifications, and what the policy remembers) is stored here in one transaction, before the
   alert is acknowledged to Kafka.
2. Its receiver is called, part by part.
3. The outcome of each part and its receipt are stored in one transaction.

A crash after 1 delivers later; a crash between 2 and 3 delivers one part again under the same id. One process at a time
owns the file (a lock beside it).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from alerts.delivery.notification import Notification, packed, unpacked
from alerts.delivery.outbox_file import (
    ALL_OF,
    COLUMNS,
    INSERT,
    MOVE,
    MOVE_QUEUE,
    ORPHANS,
    PRUNE,
    READY,
    SCHEMA_VERSION,
    WAITING,
    OutboxDamaged,
    OutboxUnavailable,
    faults,
    open_file,
)
from alerts.delivery.schedule import Decision
from alerts.delivery.standing import Row
from streams.kafka import Outgoing
from streams.topics import TOPICS

__all__ = ["Notification", "Outbox", "OutboxDamaged", "OutboxUnavailable", "Waiting", "open_outbox"]

AHEAD: Final = 60.0  # seconds; what was added later than that is in the future
_topics: Final = {topic.name: topic for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that Kafka has not taken yet."""

    number: int
    record: Outgoing


class Outbox:
    """An open outbox. Every method that writes returns after the disk has it, or raises OutboxUnavailable."""

    def __init__(self, db: sqlite3.Connection, lock: IO[bytes]) -> None:
        self._db = db
        self._lock = lock

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._db.close()
        self._lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with faults():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with faults():
            return self._db.execute(query, values).fetchall()

    @property
    def complete(self) -> bool:
        """Whether the file holds every alert acknowledged so far; False after a new start or a damaged file."""
        return bool(self._all("PRAGMA user_version")[0][0] == SCHEMA_VERSION)

    def mark_complete(self) -> None:
        """Note that the alerts were read again from Kafka."""
        with self._transaction() as db:
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")

    def enrol(self, receivers: Mapping[str, str]) -> None:
        """Make exactly these receivers known, by id with the digest of their settings.

        A changed digest enables a disabled one again; one that is left out is forgotten.
        """
        with self._transaction() as db:
            known = [id_ for (id_,) in db.execute("SELECT id FROM receivers").fetchall()]
            db.executemany("DELETE FROM receivers WHERE id = ?", [(id_,) for id_ in known if id_ not in receivers])
            db.executemany(
                "INSERT INTO receivers (id, settings) VALUES (?, ?) ON CONFLICT (id) DO UPDATE "
                "SET settings = excluded.settings, disabled = '' WHERE settings <> excluded.settings",
                receivers.items(),
            )

    def disabled(self) -> dict[str, str]:
        """Receivers that asked for no more, by id, with the reason."""
        return dict(self._all("SELECT id, disabled FROM receivers WHERE disabled <> ''"))

    def troubles(self) -> dict[str, bytes]:
        """The alerts that say a channel is broken, while it is, by its id."""
        return dict(self._all("SELECT id, trouble FROM receivers WHERE trouble IS NOT NULL"))

    def change_troubles(self, changed: Mapping[str, bytes | None], records: Sequence[Outgoing], now: float) -> None:
        """Store these alerts about channels, and records about them."""
        with self._transaction() as db:
            given = [(trouble, id_) for id_, trouble in changed.items()]
            db.executemany("UPDATE receivers SET trouble = ? WHERE id = ?", given)
            _keep(db, records, now)

    def remembered(self) -> list[Row]:
        """The rows of the policy."""
        return [Row(*row) for row in self._all("SELECT kind, key, value FROM policy ORDER BY kind, key")]

    def begin_anew(self) -> None:
        """Forget what was told and what waits: both are made again from Kafka. Receivers and records stay."""
        with self._transaction() as db:
            for table in ("policy", "queue", "notifications"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608
            db.execute("PRAGMA user_version = 0")

    def store(
        self, notifications: Iterable[Notification], rows: Sequence[Row], now: float, records: Sequence[Outgoing] = ()
    ) -> int:
        """Store notifications that are not known yet, what the policy remembers, and records about both, all or
        nothing; returns how many notifications are new."""
        added = 0
        with self._transaction() as db:
            for one in notifications:
                values = {"id": one.id, "receiver": one.receiver, "type": one.type, "why": one.why, "now": now}
                blobs = {"events": packed(one.events), "parts": packed(one.parts)}
                for number, state in db.execute(INSERT, values | blobs).fetchall():
                    added += 1
                    queued = [(one.receiver, alert, number) for alert in one.alerts]
                    if state == "waiting":
                        db.executemany("INSERT INTO queue (receiver, alert, number) VALUES (?, ?, ?)", queued)
            _remember(db, rows)
            _keep(db, records, now)
        return added

    def move(self, moved: Mapping[str, tuple[str, str]], rows: Sequence[Row]) -> None:
        """Let what waits for a receiver go to its new address, given with its type: another one speaks another form.
        Together with what the policy says of it."""
        with self._transaction() as db:
            for old, (new, type_) in moved.items():
                values = {"old": old, "new": new, "type": type_}
                db.execute(MOVE_QUEUE, values)
                db.execute(MOVE, values)
            _remember(db, rows)

    def due(self, receiver: str, now: float, limit: int, busy: Collection[str] = ()) -> list[Notification]:
        """At most `limit` notifications whose turn has come, the longest due first, without those in `busy`."""
        rows = self._all(
            f"SELECT {COLUMNS} {READY} AND due <= :now ORDER BY due, number LIMIT :limit",
            receiver=receiver,
            now=now,
            limit=limit + len(busy),
        )
        return [unpacked(row) for row in rows if row[0] not in busy][:limit]

    def next_due(self, receiver: str, busy: Collection[str] = ()) -> float | None:
        """When the next attempt is due, in seconds since 1970; None when nothing waits but what is in `busy`."""
        rows = self._all(f"SELECT id, due {READY} ORDER BY due LIMIT :limit", receiver=receiver, limit=len(busy) + 1)
        return next((float(due) for id_, due in rows if id_ not in busy), None)

    def record(
        self,
        done: Notification,
        decision: Decision,
        outage: bool,
        records: Sequence[Outgoing],
        now: float,
        trouble: bytes | None = None,
    ) -> None:
        """Store the outcome of an attempt at the part whose turn it is, together with the records that tell of it.

        A success brings forward what failed only because the receiver was away; `disabled` ends all that waits for it,
        and an attempt still under way then can only be noted as delivered. `trouble` is the alert about the channel.
        """
        with self._transaction() as db:
            _note(db, done, decision, outage, now)
            _keep(db, records, now)
            db.execute("UPDATE receivers SET trouble = ? WHERE id = ?", (trouble, done.receiver))
            if decision.outcome == "delivered":
                db.execute(
                    "UPDATE notifications SET due = ?, outage = 0 WHERE receiver = ? AND state = 'waiting' AND outage",
                    (now, done.receiver),
                )
            if decision.outcome == "disabled":
                db.execute("UPDATE receivers SET disabled = ? WHERE id = ?", (decision.reason, done.receiver))
                db.execute(
                    "UPDATE notifications SET state = 'disabled', reason = 'receiver disabled' "
                    "WHERE receiver = ? AND state = 'waiting'",
                    (done.receiver,),
                )
                db.execute("DELETE FROM queue WHERE receiver = ?", (done.receiver,))

    def waiting_for(self, receiver: str) -> list[Notification]:
        """Everything that waits for this receiver."""
        rows = self._all(ALL_OF, receiver=receiver)
        return [unpacked(row) for row in rows]

    def waiting(self) -> tuple[int, float | None]:
        """How many notifications wait for a delivery, and since when the oldest does; those of receivers that were
        taken out of the settings are nobody's trouble."""
        count, oldest = self._all(WAITING)[0]
        return int(count), oldest

    def records(self, limit: int = 100) -> list[Waiting]:
        """The oldest records that Kafka has not taken."""
        rows = self._all("SELECT number, topic, key, value FROM records ORDER BY number LIMIT :limit", limit=limit)
        return [
            Waiting(number, Outgoing(_topics[topic], value, key=key.encode())) for number, topic, key, value in rows
        ]

    def records_written(self, up_to: int) -> None:
        """Forget the records up to this number: Kafka has them."""
        with self._transaction() as db:
            db.execute("DELETE FROM records WHERE number <= ?", (up_to,))

    def set_back(self, now: float) -> None:
        """What was added in the future waits for a clock that was wrong: it is due now."""
        with self._transaction() as db:
            late = "UPDATE notifications SET due = :now, added = :now WHERE state = 'waiting' AND added > :now + :ahead"
            db.execute(late, {"now": now, "ahead": AHEAD})

    def prune(self, before: float, now: float, lost: Callable[[Sequence[Notification]], Sequence[Outgoing]]) -> int:
        """Remove what was added before that time and is settled, or waits for a receiver that is not enrolled any
        more; returns how many notifications went. `lost` makes the records about the latter. The policy remembers what
        was told."""
        with self._transaction() as db:
            orphans = [unpacked(row) for row in db.execute(ORPHANS, (before,)).fetchall()]
            _keep(db, lost(orphans), now)
            gone = db.execute(PRUNE, (before,)).rowcount
            db.execute("DELETE FROM queue WHERE number NOT IN (SELECT number FROM notifications)")
            db.execute("DELETE FROM records WHERE added < ?", (before,))
            return gone


def _remember(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    gone = [(row.kind, row.key) for row in rows if row.value is None]
    kept = [(row.kind, row.key, row.value) for row in rows if row.value is not None]
    db.executemany("DELETE FROM policy WHERE kind = ? AND key = ?", gone)
    db.executemany("INSERT OR REPLACE INTO policy (kind, key, value) VALUES (?, ?, ?)", kept)


def _keep(db: sqlite3.Connection, records: Sequence[Outgoing], now: float) -> None:
    written = [(r.topic.name, (r.key or b"").decode(), r.value, now) for r in records]
    db.executemany("INSERT INTO records (topic, key, value, added) VALUES (?, ?, ?, ?)", written)


def _note(db: sqlite3.Connection, done: Notification, decision: Decision, outage: bool, now: float) -> None:
    """The row after an attempt: with parts left it waits for the next one."""
    delivered = decision.outcome == "delivered"
    left = delivered and done.done + 1 < len(done.parts)
    state = "waiting" if decision.outcome == "retry" or left else decision.outcome
    values = {
        "id": done.id,
        "state": state,
        "attempts": 0 if left else done.attempts + 1,
        "done": done.done + delivered,
        "due": now + decision.pause,
        "outage": outage,
        "reason": decision.reason,
    }
    db.execute(
        "UPDATE notifications SET state = :state, attempts = :attempts, done = :done, due = :due, outage = :outage, "
        "reason = :reason WHERE id = :id AND (state = 'waiting' OR :state = 'delivered')",
        values,
    )
    if state != "waiting":
        db.execute("DELETE FROM queue WHERE number = (SELECT number FROM notifications WHERE id = ?)", (done.id,))


def open_outbox(path: Path) -> Outbox:
    """Open the outbox, create it when absent, move it aside and start anew when it is damaged or of another version.

    Raises OutboxUnavailable while another process owns it or the disk refuses.
    """
    return Outbox(*open_file(path))
