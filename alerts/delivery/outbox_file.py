"""The outbox as a file: its tables, its lock, and what is done when it is damaged or of another version.

A damaged file, and one that another version wrote, is moved aside, never repaired: Kafka still holds the alerts, what
people did about them, and the receipts.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import structlog

SCHEMA_VERSION: Final = 2
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS receivers (
  id TEXT PRIMARY KEY,
  settings TEXT NOT NULL,          -- digest of address and secrets: a change of either enables the receiver again
  disabled TEXT NOT NULL DEFAULT '',
  trouble BLOB                     -- the alert that says the channel is broken, while it is
);
CREATE TABLE IF NOT EXISTS notifications (
  number INTEGER PRIMARY KEY AUTOINCREMENT, -- in order of telling
  id TEXT NOT NULL UNIQUE,
  receiver TEXT NOT NULL,
  type TEXT NOT NULL,              -- of the channel
  why TEXT NOT NULL,
  events BLOB NOT NULL,            -- ids of the alert events told
  parts BLOB NOT NULL,             -- the very bytes of each request
  done INTEGER NOT NULL DEFAULT 0, -- parts delivered
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'disabled')),
  attempts INTEGER NOT NULL DEFAULT 0, -- of the part whose turn it is
  due REAL NOT NULL,
  outage INTEGER NOT NULL DEFAULT 0, -- the last attempt failed because the receiver was away
  added REAL NOT NULL,
  reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS waiting ON notifications (receiver, due) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS oldest ON notifications (receiver, added) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS ages ON notifications (added);
-- The alerts of what still waits: a notification goes out after all earlier ones of any of its alerts.
CREATE TABLE IF NOT EXISTS queue (
  receiver TEXT NOT NULL, alert TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (receiver, alert, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queued ON queue (number);
-- What the policy remembers; see alerts/delivery/standing.py.
CREATE TABLE IF NOT EXISTS policy (
  kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
-- Records that Kafka has not taken yet.
CREATE TABLE IF NOT EXISTS records (
  number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
  added REAL NOT NULL
);
"""
# A row may go out when no earlier row of any of its alerts still waits.
READY: Final = """
FROM notifications n WHERE receiver = :receiver AND state = 'waiting' AND NOT EXISTS (
  SELECT 1 FROM queue mine JOIN queue earlier ON earlier.receiver = mine.receiver AND earlier.alert = mine.alert
  AND earlier.number < mine.number WHERE mine.number = n.number)
"""
COLUMNS: Final = "id, receiver, type, why, events, parts, done, attempts"
ALL_OF: Final = f"SELECT {COLUMNS} FROM notifications WHERE receiver = :receiver AND state = 'waiting'"  # noqa: S608
INSERT: Final = """
INSERT INTO notifications (id, receiver, type, why, events, parts, due, added, state)
SELECT :id, :receiver, :type, :why, :events, :parts, :now, :now,
  CASE WHEN EXISTS (SELECT 1 FROM receivers r WHERE r.id = :receiver AND r.disabled <> '') THEN 'disabled'
  ELSE 'waiting' END
WHERE true ON CONFLICT (id) DO NOTHING RETURNING number, state
"""
MOVE: Final = "UPDATE notifications SET receiver = :new WHERE receiver = :old AND state = 'waiting' AND type = :type"
MOVE_QUEUE: Final = """
UPDATE queue SET receiver = :new WHERE receiver = :old
AND number IN (SELECT number FROM notifications WHERE receiver = :old AND state = 'waiting' AND type = :type)
"""
WAITING: Final = """
SELECT COUNT(*), MIN(added) FROM notifications
WHERE state = 'waiting' AND receiver IN (SELECT id FROM receivers)
"""
ORPHANS: Final = f"""
SELECT {COLUMNS} FROM notifications
WHERE added < ? AND state = 'waiting' AND receiver NOT IN (SELECT id FROM receivers)
"""  # noqa: S608
PRUNE: Final = """
DELETE FROM notifications WHERE added < ? AND (state <> 'waiting' OR receiver NOT IN (SELECT id FROM receivers))
"""
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

log = structlog.get_logger(__name__)


class OutboxUnavailable(OSError):  # noqa: N818 - reads as what it says
    """The file cannot be written now (disk full, locked by a process, no permission): hold everything and try again."""


class OutboxDamaged(RuntimeError):  # noqa: N818 - reads as what it says
    """The file is no sound database. Opening the outbox again moves it aside."""


class _OtherVersion(Exception):  # noqa: N818 - a finding, handled here
    """The file is sound, and its tables are not ours."""


@contextmanager
def faults() -> Iterator[None]:
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


def open_file(path: Path) -> tuple[sqlite3.Connection, IO[bytes]]:
    """The database and the lock that says it is ours: opened, made when absent, made anew when it cannot be used.

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
        return _open_or_renew(path), lock
    except BaseException:
        lock.close()
        raise


def _open_or_renew(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except OutboxDamaged as error:
        log.error("outbox.damaged", path=str(path), error=str(error), effect="moved aside, rebuilt from Kafka")
        _move_aside(path, "damaged")
    except _OtherVersion:
        log.warning("outbox.other_version", path=str(path), effect="moved aside, rebuilt from Kafka")
        _move_aside(path, "before")
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    with faults():
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
            _check_version(db)
            db.executescript(SCHEMA)
        except BaseException:
            db.close()
            raise
        return db


def _check_version(db: sqlite3.Connection) -> None:
    """A file being rebuilt says version 0, as a new one does: then its tables tell."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    columns = {row[1] for row in db.execute("PRAGMA table_info(notifications)")}
    if version not in (0, SCHEMA_VERSION) or (columns and "parts" not in columns):
        raise _OtherVersion


def _move_aside(path: Path, end: str) -> None:
    """Keep the newest such file for a look at it. Its journal must not meet the new file."""
    path.replace(path.with_name(f"{path.name}.{end}"))
    for journal in ("-wal", "-shm"):
        path.with_name(path.name + journal).unlink(missing_ok=True)
