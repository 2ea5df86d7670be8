"""The audit log: everything that people did, page by page; and who was told, within limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import operations
from console.api.cursors import cursor_of, read_cursor
from console.api.errors import ApiError
from console.api.journal import Journal, identity
from console.api.receipts import Receipts
from streams.records import Feedback, Opinion, Receipt, digest
from tests.ringing import ALERT, START
from tests.unit.console.api.serving import NOW, READ, serving

SECOND = timedelta(seconds=1)
LABEL = Feedback(document="d" * 32, head="topic", label="legal", judged="", author="p", at=START)


def change(number: int) -> Opinion:
    at = START + number * SECOND
    return operations.rule_change("desk.yaml", was=str(number), now=str(number + 1), author="li", at=at)


async def test_all_that_was_done_is_listed_newest_first(tmp_path: Path) -> None:
    """By this API, and by others whose records came with the log; every page goes on where the last ended."""
    async with serving(tmp_path) as api:
        for record in (change(0), LABEL, change(1), change(1)):
            api.known.take(record, NOW)
        await api.ask("POST", f"/alerts/{ALERT}/acknowledge", json={"reason": "mine"})
        await api.ask("POST", f"/alerts/{ALERT}/mark", json={"right": True})
        seen: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            status, page = await api.ask("GET", "/audit", READ, params={"limit": 2, "cursor": cursor})
            assert status == 200
            seen += page["operations"]
            cursor = page["next"]
        told = api.known.board.newest(ALERT)
        assert told is not None
        assert api.known.board.newest("of nobody") is None
        wrong = await api.ask("GET", "/audit", params={"cursor": "x"})
        unknown = await api.ask("GET", "/audit", "no-token-of-ours-whatever-it-is")
    kinds = [each["type"] for each in seen]
    assert set(kinds[:2]) == {"acknowledgement", "mark"}
    assert {(each["rule"], each["subject"], each["name"]) for each in seen[:2]} == {
        (told.rule, told.subject, told.name)
    }
    assert kinds[2] == "rule_change"
    assert set(kinds[3:]) == {"rule_change", "correction"}
    assert (seen[2]["file"], seen[2]["was"], seen[2]["now"], seen[2]["author"]) == ("desk.yaml", "1", "2", "li")
    assert len({each["id"] for each in seen}) == len(seen) == 5
    assert [each["at"] for each in seen] == sorted((each["at"] for each in seen), reverse=True)
    assert (wrong[0], wrong[1]["error"]["code"], unknown[0]) == (400, "bad_cursor", 401)


@given(st.lists(st.integers(0, 40), max_size=120), st.integers(1, 7))
def test_pages_hold_each_record_once_whatever_order_they_came_in(numbers: list[int], limit: int) -> None:
    """Redelivered records are one; beyond the limit the oldest are gone."""
    journal = Journal(most=20)
    for number in numbers:
        journal.take(change(number))
    seen: list[str] = []
    place = None
    while found := journal.after(place, limit, NOW):
        seen += [id_ for id_, _ in found]
        place = (found[-1][1].at, found[-1][0])
    newest = sorted(set(numbers), reverse=True)[:20]
    assert seen == [identity(change(number)) for number in newest]
    assert len(journal._done) <= 22


def test_what_is_older_than_ninety_days_is_not_told() -> None:
    """As alerts that are over, it is forgotten."""
    journal = Journal()
    journal.take(change(0))
    assert journal.after(None, 10, START + timedelta(days=90))
    assert journal.after(None, 10, START + timedelta(days=91)) == []


def test_of_two_with_one_id_the_earlier_counts() -> None:
    """What was repeated happened when it happened first, whichever comes first."""
    first, later = (operations.mark(ALERT, True, author="li", at=START + n * SECOND, key="k") for n in (0, 1))
    for order in ((first, later), (later, first)):
        journal = Journal()
        for record in order:
            journal.take(record)
        assert journal.after(None, 10, NOW) == [(first.id, first)]


def told(number: int, *alerts: str) -> Receipt:
    events = tuple(f"{alert}.{number}" for alert in alerts)
    return Receipt(
        notification="n", event=events[0], receiver="desk", attempt=number + 1, at=START, outcome="delivered",
        status=204, reason="", events=events,
    )  # fmt: skip


def test_receipts_are_kept_with_each_alert_within_limits() -> None:
    """The newest of each; of alerts those of which somebody was told last."""
    a, b, c = (digest(name) for name in "abc")
    found = Receipts(each=3, everything=7)
    for number in range(5):
        found.take(told(number, a, b))
    assert [each.attempt for each in found.of(a)] == [3, 4, 5]
    assert found.of(a) == found.of(b)
    found.take(told(9, a))
    found.take(told(0, c))
    assert found.of(c)
    found.take(told(1, c))
    assert found.of(b) == ()
    assert (len(found.of(a)), len(found.of(c))) == (3, 2)


@given(st.datetimes(timezones=st.just(UTC)), st.text(max_size=40))
def test_a_cursor_is_read_as_it_was_made(at: datetime, name: str) -> None:
    """Whatever the moment and the name."""
    assert read_cursor(cursor_of(at, name)) == (at, name)


@given(st.text(max_size=60))
def test_no_other_text_is_a_cursor(text: str) -> None:
    """It is refused, never guessed."""
    with pytest.raises(ApiError) as caught:
        read_cursor(text)
    assert caught.value.code == "bad_cursor"
