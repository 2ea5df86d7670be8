"""The durable outbox: what is to be delivered, what became of it, and receipts not yet written to Kafka.

One SQLite file, every commit synced to disk before it returns. The order of effects is the guarantee:

1. A notification is a row here before its alert is acknowledged to Kafka.
2. Its receiver is called.
3. The outcome and its receipt are stored in one transaction.

A crash after 1 delivers later; a crash between 2 and 3 delivers again under the same id. One process at a time owns
the file (a lock beside it). A damaged file is moved aside, never repaired: Kafka still holds the alerts.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, Literal

import structlog

from alerts.delivery.schedule import Decision

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS receivers (
  id TEXT PRIMARY KEY,
  settings TEXT NOT NULL,          -- digest of address and secrets: a change of either enables the receiver again
  disabled TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS notifications (
  id TEXT PRIMARY KEY,
  receiver TEXT NOT NULL,
  thread TEXT NOT NULL,            -- the alert: its notifications are delivered in order
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,              -- the alert's step: firing, updated, resolved; or notice
  event TEXT NOT NULL,
  body BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'disabled', 'expired')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due REAL NOT NULL,
  outage INTEGER NOT NULL DEFAULT 0, -- the last attempt failed because the receiver was away
  added REAL NOT NULL,
  reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON notifications (receiver, due) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS threads ON notifications (receiver, thread, sequence);
CREATE INDEX IF NOT EXISTS ages ON notifications (added);
CREATE TABLE IF NOT EXISTS receipts (
  number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, value BLOB NOT NULL, added REAL NOT NULL
);
-- Ids of pruned notifications, for ever (60 bytes each): a detector that folds its log anew sends old alerts again.
CREATE TABLE IF NOT EXISTS pruned (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
# A row may go out when no earlier row of its alert still waits.
READY: Final = """
FROM notifications n WHERE receiver = :receiver AND state = 'waiting' AND NOT EXISTS (
  SELECT 1 FROM notifications p WHERE p.receiver = n.receiver AND p.thread = n.thread AND p.state = 'waiting'
  AND p.sequence < n.sequence)
"""
# The end of an alert is news only to a receiver that was told of the alert.
INSERT: Final = """
INSERT INTO notifications (id, receiver, thread, sequence, kind, event, body, due, added, state)
SELECT :id, :receiver, :thread, :sequence, :kind, :event, :body, :now, :now,
  CASE WHEN :settled <> '' THEN :settled
  WHEN EXISTS (SELECT 1 FROM receivers r WHERE r.id = :receiver AND r.disabled <> '') THEN 'disabled'
  ELSE 'waiting' END
WHERE NOT EXISTS (SELECT 1 FROM pruned WHERE id = :id) AND (:kind <> 'resolved'
  OR EXISTS (SELECT 1 FROM notifications t WHERE t.receiver = :receiver AND t.thread = :thread))
ON CONFLICT (id) DO NOTHING
"""
# Rows of an alert that has not ended stay for long: its end must find them.
OVER: Final = """
FROM notifications WHERE added < :before AND (state <> 'waiting'
  AND (kind = 'notice' OR added < :long_before OR EXISTS (SELECT 1 FROM notifications e
    WHERE e.receiver = notifications.receiver AND e.thread = notifications.thread AND e.kind = 'resolved'))
  OR receiver NOT IN (SELECT id FROM receivers))
"""
LONGEST_ALERT: Final = 90 * 86_400.0  # seconds after which the rows of an alert without an end go too
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Settled = Literal["delivered", "refused", "disabled", "expired"]
NOTHING: Final[Mapping[str, Settled]] = MappingProxyType({})

log = structlog.get_logger(__name__)


class OutboxUnavailable(OSError):  # noqa: N818 - reads as what it says
    """The file cannot be written now (disk full, locked by a process, no permission): hold everything and try again."""


class OutboxDamaged(RuntimeError):  # noqa: N818 - reads as what it says
    """The file is no sound database. Opening the outbox again moves it aside."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one receiver. `id` is its identity everywhere, `body` the very bytes sent at each attempt."""

    id: str
    receiver: str
    thread: str
    sequence: int
    kind: str
    event: str
    body: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receipt that Kafka has not taken yet."""

    number: int
    key: str
    value: bytes


@contextmanager
def _faults() -> Iterator[None]:
    """Turns SQLite's errors into the two that callers can act upon."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in DAMAGED:
            raise OutboxDamaged(f"the outbox file is damaged: {error}") from None
        if isinstance(error, sqlite3.OperationalError):
            raise OutboxUnavailable(f"the outbox cannot be used: {error}") from None
        raise


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
        with _faults():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with _faults():
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

    def add(self, notifications: Iterable[Notification], now: float, settled: Mapping[str, Settled] = NOTHING) -> int:
        """Store what is not known yet, all or nothing; returns how many rows are new.

        Ids in `settled` (too old, or delivered before the file was lost) are stored as such.
        """
        with self._transaction() as db:
            before = db.total_changes
            db.executemany(INSERT, [{**asdict(n), "now": now, "settled": settled.get(n.id, "")} for n in notifications])
            return db.total_changes - before

    def due(self, receiver: str, now: float, limit: int, busy: Collection[str] = ()) -> list[Notification]:
        """At most `limit` notifications whose turn has come, the longest due first, without those in `busy`."""
        rows = self._all(
            f"SELECT id, receiver, thread, sequence, kind, event, body, attempts {READY} AND due <= :now "
            "ORDER BY due, thread, sequence LIMIT :limit",
            receiver=receiver,
            now=now,
            limit=limit + len(busy),
        )
        return [Notification(*row) for row in rows if row[0] not in busy][:limit]

    def next_due(self, receiver: str, busy: Collection[str] = ()) -> float | None:
        """When the next attempt is due, in seconds since 1970; None when nothing waits but what is in `busy`."""
        rows = self._all(f"SELECT id, due {READY} ORDER BY due LIMIT :limit", receiver=receiver, limit=len(busy) + 1)
        return next((float(due) for id_, due in rows if id_ not in busy), None)

    def record(self, done: Notification, decision: Decision, outage: bool, receipt: bytes, now: float) -> None:
        """Store the outcome of an attempt together with its receipt.

        A success brings forward what failed only because the receiver was away; `disabled` ends all that waits for it,
        and an attempt still under way then can only be noted as delivered.
        """
        state = "waiting" if decision.outcome == "retry" else decision.outcome
        with self._transaction() as db:
            db.execute(
                "UPDATE notifications SET state = ?, attempts = attempts + 1, due = ?, outage = ?, reason = ? "
                "WHERE id = ? AND (state = 'waiting' OR ? = 'delivered')",
                (state, now + decision.pause, outage, decision.reason, done.id, state),
            )
            db.execute("INSERT INTO receipts (key, value, added) VALUES (?, ?, ?)", (done.id, receipt, now))
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

    def waiting(self) -> int:
        """How many notifications wait for a delivery."""
        return int(self._all("SELECT COUNT(*) FROM notifications WHERE state = 'waiting'")[0][0])

    def receipts(self, limit: int = 100) -> list[Waiting]:
        """The oldest receipts that Kafka has not taken."""
        rows = self._all("SELECT number, key, value FROM receipts ORDER BY number LIMIT :limit", limit=limit)
        return [Waiting(*row) for row in rows]

    def receipts_written(self, up_to: int) -> None:
        """Forget the receipts up to this number: Kafka has them."""
        with self._transaction() as db:
            db.execute("DELETE FROM receipts WHERE number <= ?", (up_to,))

    def prune(self, before: float) -> int:
        """Remove what was added before that time and is settled, or waits for a receiver that is not enrolled any
        more; returns how many notifications went. None of them is ever taken in again."""
        times = {"before": before, "long_before": before - LONGEST_ALERT}
        with self._transaction() as db:
            db.execute(f"INSERT OR IGNORE INTO pruned SELECT id {OVER}", times)
            gone = db.execute(f"DELETE {OVER}", times).rowcount
            db.execute("DELETE FROM receipts WHERE added < ?", (before,))
            return gone


def open_outbox(path: Path) -> Outbox:
    """Open the outbox, create it when absent, move it aside and start anew when it is damaged.

    Raises OutboxUnavailable while another process owns it or the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("ab")
    except OSError as error:
        raise OutboxUnavailable(f"cannot write beside {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutboxUnavailable(f"another process uses {path}") from None
        try:
            db = _connect(path)
        except OutboxDamaged as error:
            log.error("outbox.damaged", path=str(path), error=str(error), effect="moved aside, rebuilt from Kafka")
            _move_aside(path)
            db = _connect(path)
    except BaseException:
        lock.close()
        raise
    return Outbox(db, lock)


def _connect(path: Path) -> sqlite3.Connection:
    with _faults():
        try:
            path.touch(mode=0o600)  # it holds headlines: not for other users of the machine
        except OSError as error:
            raise OutboxUnavailable(f"cannot write {path}: {error.strerror}") from None
        db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise OutboxDamaged(str(verdict))
            db.executescript(SCHEMA)
        except BaseException:
            db.close()
            raise
        return db


def _move_aside(path: Path) -> None:
    """Keep the newest damaged file for a look at it. Its journal must not meet the new file."""
    path.replace(path.with_name(f"{path.name}.damaged"))
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
