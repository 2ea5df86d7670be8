"""What Kafka knows when the outbox was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.message import notification_id
from alerts.rebuild import already_told, history, told_before
from streams.records import Receipt, encode
from streams.topics import ALERTS, FEEDBACK, RECEIPTS
from tests.ringing import START, Logs
from tests.unit.alerts.desk import escalation, step
from tests.unit.alerts.test_sender import Scripted


def receipt(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "notification": "msg_1", "event": "a.0", "receiver": "desk", "attempt": 1, "at": START, "outcome": "delivered",
        "status": 200, "reason": "http 200",
    }  # fmt: skip
    return encode(Receipt(**(fields | changes)))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (receipt(), {"a.0"}),
        (receipt(outcome="retry"), set()),
        (receipt(outcome="refused"), {"a.0"}),
        (receipt(outcome="disabled"), {"a.0"}),
        (receipt(events=("a.0", "b.3")), {"a.0", "b.3"}),
        (receipt(part=1, parts=2), set()),
        (receipt(part=2, parts=2), {"a.0"}),
        (receipt(receiver="another"), set()),
        (b"{", set()),
    ],
)
async def test_receipts_say_what_was_told(record: bytes, told: set[str]) -> None:
    """All events of a message, when its last part arrived or it was given up; unknown receivers say nothing."""
    logs = Logs()
    logs.append(RECEIPTS, record)
    assert await already_told(logs.read, [Scripted()]) == {
        known: {"id-desk"} for known in (told | {"msg_1"} if told else told)
    }


async def test_a_call_of_a_person_is_known_by_its_notification() -> None:
    """That the step was told before says nothing of whether the call was heeded."""
    call, other = (escalation("a", START, why) for why in ("one", "two"))
    logs = Logs()
    logs.append(RECEIPTS, receipt(notification=notification_id(call.id, "id-desk"), event=f"{call.alert}.0"))
    told = await already_told(logs.read, [Scripted()])
    assert told_before(call, told, ["id-desk", "id-wall"]) == ["id-desk"]
    assert told_before(other, told, ["id-desk", "id-wall"]) == []
    assert told_before(step("a"), told, ["id-desk"]) == {"id-desk"}


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
async def test_history_is_in_order_of_time(alerts: list[int], feedback: list[int]) -> None:
    """Nothing is left out, each topic keeps its order, and what people did comes between the alerts of its time."""
    logs = Logs()
    for topic, moments in ((ALERTS, sorted(alerts)), (FEEDBACK, sorted(feedback))):
        for number, second in enumerate(moments):
            logs.append(topic, f"{topic.name}{number}".encode(), START + timedelta(seconds=second))
    found = [message async for message in history(logs.read)]
    assert len(found) == len(alerts) + len(feedback)
    assert [m.timestamp for m in found] == sorted(m.timestamp for m in found)
    for topic in (ALERTS, FEEDBACK):
        offsets = [m.offset for m in found if m.topic == topic.name]
        assert offsets == sorted(offsets)
