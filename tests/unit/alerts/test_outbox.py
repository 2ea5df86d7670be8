"""The durable outbox."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.delivery.outbox import Notification, Outbox, OutboxDamaged, OutboxUnavailable, open_outbox
from alerts.delivery.schedule import Decision

DELIVERED = Decision("delivered", "http 204")
RETRY = Decision("retry", "http 500", 5.0)
REFUSED = Decision("refused", "gave up")
DISABLED = Decision("disabled", "http 410")
DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notify" / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    found = open_outbox(path)
    found.enrol({"r": "1", "s": "1"})
    yield found
    found.close()


def row(
    id_: str, thread: str = "a", sequence: int = 0, receiver: str = "r", kind: str = "firing", body: bytes = b"{}"
) -> Notification:
    return Notification(id_, receiver, thread, sequence, kind, f"{thread}.{sequence}", body)


def ids(found: list[Notification]) -> list[str]:
    return [n.id for n in found]


def test_a_row_is_stored_once(outbox: Outbox) -> None:
    """A redelivered event changes nothing, not even the bytes that were stored first."""
    assert outbox.add([row("1"), row("2", "b")], 100.0) == 2
    assert outbox.add([row("1", body=b"other"), row("1")], 200.0) == 0
    assert [n.body for n in outbox.due("r", 300.0, 10)] == [b"{}", b"{}"]


def test_rows_survive_the_process(path: Path) -> None:
    """What was added is there after the file is opened again, with its attempts and times."""
    first = open_outbox(path)
    first.enrol({"r": "1"})
    first.add([row("1")], 100.0)
    first.record(first.due("r", 100.0, 1)[0], RETRY, False, b"receipt", 100.0)
    first.close()
    second = open_outbox(path)
    assert second.due("r", 104.9, 1) == []
    (again,) = second.due("r", 105.0, 1)
    assert (again.id, again.attempts) == ("1", 1)
    assert [(r.key, r.value) for r in second.receipts()] == [("1", b"receipt")]
    second.close()


@pytest.mark.parametrize("outcome", [DELIVERED, REFUSED])
def test_an_alerts_steps_keep_their_order(outbox: Outbox, outcome: Decision) -> None:
    """A later step waits for the earlier one's success or final refusal; other alerts and receivers do not."""
    steps = [row("1"), row("2", sequence=1, kind="resolved"), row("3", "b"), row("4", sequence=2, receiver="s")]
    outbox.add(steps, 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["1", "3"]
    assert ids(outbox.due("s", 100.0, 10)) == ["4"]
    outbox.record(steps[0], RETRY, True, b"", 100.0)
    assert ids(outbox.due("r", 101.0, 10)) == ["3"]
    assert outbox.next_due("r", {"3"}) == 105.0
    outbox.record(steps[0], outcome, False, b"", 105.0)
    assert ids(outbox.due("r", 105.0, 10)) == ["2", "3"]


def test_due_respects_limit_and_what_is_under_way(outbox: Outbox) -> None:
    """No more than asked for, and nothing that is being delivered."""
    outbox.add([row(str(n), f"t{n}") for n in range(5)], 100.0)
    first = ids(outbox.due("r", 100.0, 2))
    assert len(first) == 2
    rest = ids(outbox.due("r", 100.0, 10, first))
    assert sorted([*first, *rest]) == ["0", "1", "2", "3", "4"]
    assert outbox.next_due("r", [*first, *rest]) is None


def test_the_end_of_an_unknown_alert_is_no_news(outbox: Outbox) -> None:
    """A receiver hears that an alert ended only when it was told of it."""
    assert outbox.add([row("1", sequence=1, kind="resolved")], 100.0) == 0
    assert outbox.add([row("2"), row("3", sequence=1, kind="resolved")], 100.0) == 2
    assert outbox.add([row("4", sequence=1, kind="resolved", receiver="s")], 100.0) == 0


def test_a_success_brings_back_what_an_outage_delayed(outbox: Outbox) -> None:
    """When a receiver is back, rows that failed for its absence are due at once; others keep their time."""
    rows = [row("away", "a"), row("faulty", "b"), row("well", "c"), row("other", "d", receiver="s")]
    outbox.add(rows, 100.0)
    late = Decision("retry", "connect", 3600.0)
    outbox.record(rows[0], late, True, b"", 100.0)
    outbox.record(rows[1], late, False, b"", 100.0)
    outbox.record(rows[3], late, True, b"", 100.0)
    outbox.record(rows[2], DELIVERED, False, b"", 200.0)
    assert ids(outbox.due("r", 200.0, 10)) == ["away"]
    assert outbox.due("s", 200.0, 10) == []


def test_gone_disables_until_the_settings_change(outbox: Outbox) -> None:
    """After 410 nothing waits for a receiver and nothing new does; a change of its settings enables it again."""
    outbox.add([row("1"), row("2", "b"), row("3", receiver="s")], 100.0)
    outbox.record(row("1"), DISABLED, False, b"", 100.0)
    assert outbox.disabled() == {"r": "http 410"}
    outbox.add([row("4", "c")], 101.0)
    assert (outbox.due("r", 102.0, 10), ids(outbox.due("s", 102.0, 10))) == ([], ["3"])
    outbox.enrol({"r": "1", "s": "1"})
    assert outbox.disabled() == {"r": "http 410"}
    outbox.enrol({"r": "2", "s": "1"})
    outbox.add([row("5", "d")], 103.0)
    assert (outbox.disabled(), ids(outbox.due("r", 104.0, 10))) == ({}, ["5"])


@pytest.mark.parametrize(("decision", "state"), [(RETRY, "disabled"), (DELIVERED, "delivered")])
def test_an_attempt_under_way_cannot_revive_a_disabled_row(outbox: Outbox, decision: Decision, state: str) -> None:
    """An attempt that ends after the receiver said 410 to another one leaves nothing waiting."""
    outbox.add([row("1"), row("2", "b")], 100.0)
    outbox.record(row("1"), DISABLED, False, b"", 100.0)
    outbox.record(row("2", "b"), decision, False, b"", 100.0)
    assert outbox.waiting() == 0
    assert outbox._db.execute("SELECT state FROM notifications WHERE id = '2'").fetchone() == (state,)


def test_settled_rows_are_not_sent(outbox: Outbox) -> None:
    """Rows known to be delivered or too old are kept, so that an end finds its beginning, and never sent."""
    rows = [row("1"), row("2", "b"), row("3", "b", 1, kind="resolved")]
    outbox.add(rows, 100.0, {"1": "delivered", "2": "expired"})
    assert ids(outbox.due("r", 100.0, 10)) == ["3"]


def test_pruning_forgets_what_is_over(outbox: Outbox) -> None:
    """Old settled rows go, rows of an alert that goes on stay, waiting rows stay unless their receiver is gone."""
    over = [row("1"), row("2", sequence=1, kind="resolved")]
    goes_on, waits, lost = row("3", "b"), row("4", "c"), row("5", "d", receiver="s")
    outbox.add([*over, goes_on, waits, lost], 0.0)
    for one in (*over, goes_on):
        outbox.record(one, DELIVERED, False, b"r", 0.0)
    assert outbox.prune(0.0) == 0
    outbox.enrol({"r": "1"})
    assert outbox.prune(8 * DAY) == 3  # both steps of the ended alert, and the row of the receiver that is gone
    assert outbox.receipts() == []
    assert outbox.add([goes_on, waits, row("6", "b", 1, kind="resolved")], 1.0) == 1
    assert outbox.prune(91 * DAY) == 1


def test_what_was_pruned_is_never_sent_again(outbox: Outbox) -> None:
    """A detector that folds its whole log anew sends alerts of long ago once more; nobody is rung for them."""
    over = [row("1"), row("2", sequence=1, kind="resolved")]
    outbox.add(over, 0.0)
    for one in over:
        outbox.record(one, DELIVERED, False, b"r", 0.0)
    assert outbox.prune(8 * DAY) == 2
    assert outbox.add([*over, row("3", "b")], 9 * DAY) == 1
    assert ids(outbox.due("r", 9 * DAY, 10)) == ["3"]


def test_receipts_are_forgotten_in_order(outbox: Outbox) -> None:
    """Receipts come oldest first and are forgotten up to the one that Kafka has."""
    outbox.add([row(str(n), f"t{n}") for n in range(3)], 0.0)
    for n in range(3):
        outbox.record(row(str(n), f"t{n}"), DELIVERED, False, str(n).encode(), 0.0)
    first = outbox.receipts(2)
    assert [r.value for r in first] == [b"0", b"1"]
    outbox.receipts_written(first[-1].number)
    assert [r.value for r in outbox.receipts()] == [b"2"]


def test_a_failed_transaction_leaves_nothing(outbox: Outbox) -> None:
    """When one row of a batch cannot be stored, none is."""
    broken = Notification("2", "r", "a", 1, "firing", "e", None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        outbox.add([row("1"), broken], 100.0)
    assert outbox.add([row("1")], 100.0) == 1


def test_one_process_owns_the_outbox(path: Path, outbox: Outbox) -> None:
    """A second opener is refused for now, and can have the file after the first let go."""
    with pytest.raises(OutboxUnavailable, match="another process"):
        open_outbox(path)
    outbox.close()
    open_outbox(path).close()


def test_an_owner_that_was_killed_lets_go(path: Path) -> None:
    """kill -9 of the owner frees the file and leaves every committed row in it."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from alerts.delivery.outbox import Notification, open_outbox\n"
        "o = open_outbox(Path(sys.argv[1])); o.enrol({'r': '1'})\n"
        "o.add([Notification('1', 'r', 'a', 0, 'firing', 'e', b'{}')], 1.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=Path(__file__).parents[3])
    assert ended.returncode == -9
    after = open_outbox(path)
    assert ids(after.due("r", 1.0, 1)) == ["1"]
    after.close()


def test_a_full_disk_is_told_and_survived(outbox: Outbox) -> None:
    """When the disk is full nothing is stored and the caller is told to wait; with room again it goes on."""
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    large = [row(str(n), f"t{n}", body=b"x" * 10_000) for n in range(20)]
    with pytest.raises(OutboxUnavailable, match="full"):
        outbox.add(large, 100.0)
    assert outbox.waiting() == 0
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    assert outbox.add(large, 100.0) == 20


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"not a database at all, but long enough to be read as a header" * 20,
        lambda data: data[:4096] + os.urandom(len(data) - 4096),
    ],
    ids=["truncated", "replaced", "scrambled"],
)
def test_a_damaged_file_is_moved_aside(path: Path, damage: object) -> None:
    """A damaged file is kept beside a new, empty one, which says that it is not complete."""
    first = open_outbox(path)
    first.add([row(str(n), f"t{n}", body=b"x" * 5000) for n in range(20)], 100.0)
    first.mark_complete()
    first.close()
    data = damage(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(data)
    second = open_outbox(path)
    assert (second.complete, second.waiting()) == (False, 0)
    assert path.with_name("outbox.sqlite.damaged").read_bytes() == data
    second.close()


def test_damage_found_while_running_is_not_hidden(path: Path, outbox: Outbox) -> None:
    """A file that breaks under a running outbox raises, so that the worker restarts and rebuilds it."""
    outbox.add([row(str(n), f"t{n}", body=b"x" * 5000) for n in range(20)], 100.0)
    outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    outbox.close()
    path.write_bytes(path.read_bytes()[:8192])
    again = sqlite3.connect(path, isolation_level=None)
    outbox._db = again
    with pytest.raises((OutboxDamaged, OutboxUnavailable)):
        outbox.add([row(f"n{n}", f"n{n}", body=b"x" * 5000) for n in range(20)], 100.0)
    again.close()


def test_completeness_is_remembered(path: Path) -> None:
    """A new outbox is incomplete until it is said to hold what Kafka holds, and stays complete."""
    first = open_outbox(path)
    assert not first.complete
    first.mark_complete()
    first.close()
    second = open_outbox(path)
    assert second.complete
    second.close()


def test_the_file_is_the_owners_alone(path: Path, outbox: Outbox) -> None:
    """Other users of the machine cannot read the messages."""
    outbox.add([row("1")], 100.0)
    assert path.stat().st_mode & 0o077 == 0
    assert path.with_name("outbox.sqlite-wal").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where no file can be made, the outbox is unavailable, with the place."""
    (tmp_path / "notify").write_text("a file where the folder should be")
    with pytest.raises(OutboxUnavailable, match="notify"):
        open_outbox(tmp_path / "notify" / "outbox.sqlite")


def test_every_commit_is_synced(outbox: Outbox) -> None:
    """The write-ahead log is on and every commit waits for the disk."""
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
