"""The demo's webhook receiver."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks import Webhook

from console.demo.receiver import LARGEST, Delivery, Receiver, new_secret


def signed(secret: str, body: bytes, id_: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    """Headers of a delivery."""
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(id_, at, body.decode("latin-1"))
    return {"webhook-id": id_, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


BODY = json.dumps({"data": {"state": "firing"}}).encode()


async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer."""
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_signed_delivery_is_heard_once() -> None:
    """The same id delivered again is counted and not heard again."""
    heard: list[Delivery] = []
    receiver = Receiver(new_secret(), heard.append)
    url = await receiver.start()
    try:
        assert [await post(url, BODY, signed(receiver.secret, BODY)) for _ in range(2)] == [204, 204]
    finally:
        await receiver.stop()
    assert [d.alert["state"] for d in heard] == ["firing"]
    assert (receiver.repeated, receiver.refused) == (1, 0)


@pytest.mark.parametrize(
    "fault", ["unsigned", "other secret", "changed body", "old", "odd signature", "not utf-8", "not json"]
)
async def test_wrong_delivery_is_refused(fault: str) -> None:
    """Nothing is heard that was not signed with the secret, just now, over these bytes."""
    receiver = Receiver(new_secret())
    url = await receiver.start()
    body = {"not utf-8": b"\xff{", "not json": b"{"}.get(fault, BODY)
    headers = signed(receiver.secret, body)
    if fault == "unsigned":
        headers = {}
    elif fault == "other secret":
        headers = signed(new_secret(), body)
    elif fault == "changed body":
        body = body.replace(b"firing", b"fixing")
    elif fault == "old":
        headers = signed(receiver.secret, body, at=datetime.now(UTC) - timedelta(minutes=6))
    elif fault == "odd signature":
        headers["webhook-signature"] = "v1 nonsense"
    try:
        assert await post(url, body, headers) == 401
    finally:
        await receiver.stop()
    assert not receiver.deliveries
    assert receiver.refused == 1


async def test_huge_body_is_refused() -> None:
    """A body beyond the limit is not read to its end."""
    receiver = Receiver(new_secret())
    url = await receiver.start()
    try:
        assert await post(url, b" " * (LARGEST + 1), {}) == 413
    finally:
        await receiver.stop()


def test_two_secrets_differ() -> None:
    """Every run signs with a secret of its own."""
    assert new_secret() != new_secret()
