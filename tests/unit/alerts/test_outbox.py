"""The durable outbox."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.delivery.outbox import Notification, Outbox, OutboxDamaged, OutboxUnavailable, open_outbox
from alerts.delivery.outbox_file import WAITING
from alerts.delivery.schedule import Decision
from alerts.delivery.standing import Row
from streams.kafka import Outgoing
from streams.topics import ALERTS, RECEIPTS

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


def row(id_: str, *alerts: str, receiver: str = "r", parts: tuple[bytes, ...] = (b"{}",)) -> Notification:
    """A notification of a step of each of these alerts."""
    return Notification(id=id_, receiver=receiver, events=tuple(f"{a}.0" for a in alerts or ("a",)), parts=parts)


def receipt(text: str) -> Outgoing:
    return Outgoing(RECEIPTS, text.encode(), key=b"1")


def ids(found: list[Notification]) -> list[str]:
    return [n.id for n in found]


def test_a_row_is_stored_once(outbox: Outbox) -> None:
    """A redelivered event changes nothing, not even the bytes that were stored first."""
    assert outbox.store([row("1"), row("2", "b")], [], 100.0) == 2
    assert outbox.store([row("1", parts=(b"other",)), row("1")], [], 200.0) == 0
    assert [n.parts[0] for n in outbox.due("r", 300.0, 10)] == [b"{}", b"{}"]


def test_rows_survive_the_process(path: Path) -> None:
    """What was added is there after the file is opened again, with its attempts and times."""
    first = open_outbox(path)
    first.enrol({"r": "1"})
    first.store([row("1")], [], 100.0)
    first.record(first.due("r", 100.0, 1)[0], RETRY, False, [receipt("done")], 100.0)
    first.close()
    second = open_outbox(path)
    assert second.due("r", 104.9, 1) == []
    (again,) = second.due("r", 105.0, 1)
    assert (again.id, again.attempts) == ("1", 1)
    assert [w.record for w in second.records()] == [receipt("done")]
    second.close()


@pytest.mark.parametrize("outcome", [DELIVERED, REFUSED])
def test_an_alerts_steps_keep_their_order(outbox: Outbox, outcome: Decision) -> None:
    """A later step waits for the earlier one's success or final refusal; other alerts and receivers do not."""
    steps = [row("1"), row("2"), row("3", "b"), row("4", receiver="s")]
    outbox.store(steps, [], 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["1", "3"]
    assert ids(outbox.due("s", 100.0, 10)) == ["4"]
    outbox.record(steps[0], RETRY, True, [], 100.0)
    assert ids(outbox.due("r", 101.0, 10)) == ["3"]
    assert outbox.next_due("r", {"3"}) == 105.0
    outbox.record(steps[0], outcome, False, [], 105.0)
    assert ids(outbox.due("r", 105.0, 10)) == ["2", "3"]


def test_due_respects_limit_and_what_is_under_way(outbox: Outbox) -> None:
    """No more than asked for, and nothing that is being delivered."""
    outbox.store([row(str(n), f"t{n}") for n in range(5)], [], 100.0)
    first = ids(outbox.due("r", 100.0, 2))
    assert len(first) == 2
    rest = ids(outbox.due("r", 100.0, 10, first))
    assert sorted([*first, *rest]) == ["0", "1", "2", "3", "4"]
    assert outbox.next_due("r", [*first, *rest]) is None


def test_a_group_waits_for_each_of_its_alerts(outbox: Outbox) -> None:
    """A message of several alerts goes out after all earlier ones of any of them, and holds back what comes later."""
    rows = [row("1", "a"), row("2", "b"), row("3", "a", "b"), row("4", "b"), row("5", "c")]
    outbox.store(rows, [], 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["1", "2", "5"]
    outbox.record(rows[0], DELIVERED, False, [], 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["2", "5"]
    outbox.record(rows[1], REFUSED, False, [], 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["3", "5"]
    outbox.record(rows[2], DELIVERED, False, [], 100.0)
    assert ids(outbox.due("r", 100.0, 10)) == ["4", "5"]


def test_parts_are_delivered_one_after_the_other(outbox: Outbox) -> None:
    """A part that was delivered is not due again; each has its own count of attempts."""
    outbox.store([row("1", parts=(b"x", b"y")), row("2")], [], 100.0)
    (first,) = outbox.due("r", 100.0, 10)
    outbox.record(first, RETRY, False, [], 100.0)
    (again,) = outbox.due("r", 105.0, 10)
    assert (again.done, again.attempts) == (0, 1)
    outbox.record(again, DELIVERED, False, [], 105.0)
    (second,) = outbox.due("r", 105.0, 10)
    assert (second.id, second.done, second.attempts, second.parts) == ("1", 1, 0, (b"x", b"y"))
    outbox.record(second, DELIVERED, False, [], 105.0)
    assert ids(outbox.due("r", 105.0, 10)) == ["2"]


def test_what_the_policy_remembers_is_stored_with_the_notifications(outbox: Outbox, path: Path) -> None:
    """Rows are replaced and removed in the transaction of the notifications, all or nothing."""
    outbox.store([row("1")], [Row("alert", "a", b"1"), Row("seen", "a", b"2")], 100.0)
    outbox.store([], [Row("alert", "a", None), Row("seen", "a", b"3"), Row("seen", "b", b"4")], 101.0)
    with pytest.raises(sqlite3.IntegrityError):
        outbox.store([row("2")], [Row("seen", None, b"5")], 102.0)  # type: ignore[arg-type]
    outbox.close()
    again = open_outbox(path)
    assert again.remembered() == [Row("seen", "a", b"3"), Row("seen", "b", b"4")]
    assert again.waiting() == (1, 100.0)
    again.close()


def test_trouble_is_remembered_until_a_success(outbox: Outbox) -> None:
    """The alert about a channel is there after a restart, and the records that tell of it are in order."""
    outbox.store([row("1")], [], 100.0)
    said = Outgoing(ALERTS, b"firing", key=b"alert")
    outbox.record(row("1"), RETRY, True, [receipt("no"), said], 100.0, b"firing")
    assert outbox.troubles() == {"r": b"firing"}
    outbox.enrol({"r": "2", "s": "1"})
    assert outbox.troubles() == {"r": b"firing"}
    assert [w.record for w in outbox.records()] == [receipt("no"), said]
    outbox.record(row("1"), DELIVERED, False, [], 101.0)
    assert outbox.troubles() == {}


def test_a_success_brings_back_what_an_outage_delayed(outbox: Outbox) -> None:
    """When a receiver is back, rows that failed for its absence are due at once; others keep their time."""
    rows = [row("away", "a"), row("faulty", "b"), row("well", "c"), row("other", "d", receiver="s")]
    outbox.store(rows, [], 100.0)
    late = Decision("retry", "connect", 3600.0)
    outbox.record(rows[0], late, True, [], 100.0)
    outbox.record(rows[1], late, False, [], 100.0)
    outbox.record(rows[3], late, True, [], 100.0)
    outbox.record(rows[2], DELIVERED, False, [], 200.0)
    assert ids(outbox.due("r", 200.0, 10)) == ["away"]
    assert outbox.due("s", 200.0, 10) == []


def test_gone_disables_until_the_settings_change(outbox: Outbox) -> None:
    """After 410 nothing waits for a receiver and nothing new does; a change of its settings enables it again."""
    outbox.store([row("1"), row("2", "b"), row("3", receiver="s")], [], 100.0)
    outbox.record(row("1"), DISABLED, False, [], 100.0)
    assert outbox.disabled() == {"r": "http 410"}
    outbox.store([row("4", "c")], [], 101.0)
    assert (outbox.due("r", 102.0, 10), ids(outbox.due("s", 102.0, 10))) == ([], ["3"])
    outbox.enrol({"r": "1", "s": "1"})
    assert outbox.disabled() == {"r": "http 410"}
    outbox.enrol({"r": "2", "s": "1"})
    outbox.store([row("5", "d")], [], 103.0)
    assert (outbox.disabled(), ids(outbox.due("r", 104.0, 10))) == ({}, ["5"])


@pytest.mark.parametrize(("decision", "state"), [(RETRY, "disabled"), (DELIVERED, "delivered")])
def test_an_attempt_under_way_cannot_revive_a_disabled_row(outbox: Outbox, decision: Decision, state: str) -> None:
    """An attempt that ends after the receiver said 410 to another one leaves nothing waiting."""
    outbox.store([row("1"), row("2", "b")], [], 100.0)
    outbox.record(row("1"), DISABLED, False, [], 100.0)
    outbox.record(row("2", "b"), decision, False, [], 100.0)
    assert outbox.waiting()[0] == 0
    assert outbox._db.execute("SELECT state FROM notifications WHERE id = '2'").fetchone() == (state,)


def test_pruning_forgets_what_is_over(outbox: Outbox) -> None:
    """Old settled rows go, waiting rows stay unless their receiver is gone, and then they leave a record; what the
    policy remembers stays."""
    over, waits, lost = row("1"), row("2", "c"), row("3", "d", receiver="s")
    outbox.store([over, waits, lost], [Row("seen", "a", b"1")], 0.0)
    outbox.record(over, DELIVERED, False, [receipt("r")], 0.0)

    def letters(orphans: Sequence[Notification]) -> list[Outgoing]:
        return [receipt(f"lost {orphan.id}") for orphan in orphans]

    assert outbox.prune(0.0, 0.0, letters) == 0
    outbox.enrol({"r": "1"})
    assert outbox.prune(8 * DAY, 8 * DAY, letters) == 2
    assert [w.record for w in outbox.records()] == [receipt("lost 3")]
    assert ids(outbox.due("r", 0.0, 10)) == ["2"]
    assert outbox.remembered() == [Row("seen", "a", b"1")]


def test_records_are_forgotten_in_order(outbox: Outbox) -> None:
    """Records come oldest first and are forgotten up to the one that Kafka has."""
    outbox.store([row(str(n), f"t{n}") for n in range(3)], [], 0.0)
    for n in range(3):
        outbox.record(row(str(n), f"t{n}"), DELIVERED, False, [receipt(str(n))], 0.0)
    first = outbox.records(2)
    assert [w.record for w in first] == [receipt("0"), receipt("1")]
    outbox.records_written(first[-1].number)
    assert [w.record for w in outbox.records()] == [receipt("2")]


def test_a_failed_transaction_leaves_nothing(outbox: Outbox) -> None:
    """When one row of a batch cannot be stored, none is."""
    broken = Notification(id=None, receiver="r", events=("a.1",), parts=(b"",))  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        outbox.store([row("1"), broken], [], 100.0)
    assert outbox.store([row("1")], [], 100.0) == 1


@pytest.mark.parametrize("complete", [0, 1])
def test_the_file_of_another_version_is_moved_aside(path: Path, complete: int) -> None:
    """What an earlier version wrote, even half rebuilt, is kept beside a new file that says it is not complete."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE notifications (id TEXT PRIMARY KEY, body BLOB, receiver TEXT, due REAL, state TEXT)")
    db.execute(f"PRAGMA user_version = {complete}")
    db.close()
    found = open_outbox(path)
    assert (found.complete, found.store([row("1")], [], 0.0)) == (False, 1)
    assert path.with_name("outbox.sqlite.before").exists()
    found.close()


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
        "o.store([Notification(id='1', receiver='r', events=('a.0',), parts=(b'{}',))], [], 1.0)\n"
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
    large = [row(str(n), f"t{n}", parts=(b"x" * 10_000,)) for n in range(20)]
    with pytest.raises(OutboxUnavailable, match="full"):
        outbox.store(large, [], 100.0)
    assert outbox.waiting()[0] == 0
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    assert outbox.store(large, [], 100.0) == 20


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
    first.store([row(str(n), f"t{n}", parts=(b"x" * 5000,)) for n in range(20)], [], 100.0)
    first.mark_complete()
    first.close()
    data = damage(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(data)
    second = open_outbox(path)
    assert (second.complete, second.waiting()[0]) == (False, 0)
    assert path.with_name("outbox.sqlite.damaged").read_bytes() == data
    second.close()


def test_damage_found_while_running_is_not_hidden(path: Path, outbox: Outbox) -> None:
    """A file that breaks under a running outbox raises, so that the worker restarts and rebuilds it."""
    outbox.store([row(str(n), f"t{n}", parts=(b"x" * 5000,)) for n in range(20)], [], 100.0)
    outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    outbox.close()
    path.write_bytes(path.read_bytes()[:8192])
    again = sqlite3.connect(path, isolation_level=None)
    outbox._db = again
    with pytest.raises((OutboxDamaged, OutboxUnavailable)):
        outbox.store([row(f"n{n}", f"n{n}", parts=(b"x" * 5000,)) for n in range(20)], [], 100.0)
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
    outbox.store([row("1")], [], 100.0)
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


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([DELIVERED, RETRY, REFUSED, DISABLED]), st.booleans())))
def test_no_fate_of_one_receiver_touches_another(fates: list[tuple[int, Decision, bool]]) -> None:
    """Whatever happens to one receiver's notifications, all of the other's are due as they were."""
    with TemporaryDirectory() as folder:
        outbox = open_outbox(Path(folder) / "outbox.sqlite")
        outbox.enrol({"r": "1", "s": "1"})
        rows = [row(f"{name}{n}", f"a{n % 3}", f"b{n % 2}", receiver=name) for n in range(6) for name in "rs"]
        outbox.store(rows, [], 100.0)
        before = ids(outbox.due("s", 100.0, 10))
        for number, decision, outage in fates:
            outbox.record(rows[2 * number], decision, outage, [], 100.0)
        assert ids(outbox.due("s", 100.0, 10)) == before
        assert "s" not in outbox.disabled()
        outbox.close()


def test_a_clock_that_is_set_back_leaves_nothing_waiting(outbox: Outbox) -> None:
    """What was added in the future is due; what waits for its next attempt goes on waiting."""
    outbox.store([row("1")], [], 100.0)
    outbox.record(outbox.due("r", 100.0, 1)[0], RETRY, False, [], 100.0)
    outbox.store([row("2", "b")], [], 30_000.0)
    outbox.set_back(101.0)
    assert ids(outbox.due("r", 101.0, 10)) == ["2"]
    assert ids(outbox.due("r", 105.0, 10)) == ["2", "1"]


def test_how_much_waits_is_told_from_an_index(outbox: Outbox) -> None:
    """It is asked after every attempt: no long queue may be sorted or searched for it."""
    assert "INDEX oldest" in str(outbox._db.execute(f"EXPLAIN QUERY PLAN {WAITING}").fetchall())


def test_what_waits_for_nobody_is_no_trouble(outbox: Outbox) -> None:
    """A receiver that was taken out of the settings leaves no queue that the watch would ring for."""
    outbox.store([row("1"), row("2", "b", receiver="s")], [], 100.0)
    assert outbox.waiting() == (2, 100.0)
    outbox.enrol({"r": "1"})
    assert outbox.waiting() == (1, 100.0)
    outbox.enrol({})
    assert outbox.waiting() == (0, None)
