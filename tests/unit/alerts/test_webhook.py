"""Receivers out of the settings, signatures, and one attempt against real HTTP servers on loopback."""

from __future__ import annotations

import base64
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from alerts.delivery.schedule import Reply
from alerts.delivery.webhook import (
    NotAuthentic,
    Webhooks,
    read_receivers,
    read_secrets,
    secret_fault,
    sign,
    verify,
)
from streams.settings import SettingsError
from tests.ringing import OLD_SECRET, SECRET, SHORT, START, holds_still, one_receiver, receiving, settings

SECRETS = (SecretStr(SECRET),)
# The reference vector that the libraries of the specification are tested with.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_AT = datetime.fromtimestamp(1614265330, UTC)
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
DATE = "Mon, 02 Mar 2026 09:30:07 GMT"


def test_signatures_agree_with_the_reference() -> None:
    """The specification's own vector comes out, whatever zone the time is given in."""
    for at in (VECTOR_AT, VECTOR_AT.astimezone(tz=None)):
        assert sign([SecretStr(VECTOR_SECRET)], VECTOR_ID, VECTOR_BODY, at) == {
            "webhook-id": VECTOR_ID,
            "webhook-timestamp": "1614265330",
            "webhook-signature": VECTOR_SIGNATURE,
        }


def test_the_reference_library_accepts_what_we_sign() -> None:
    """A receiver with the specification's library and either secret accepts a delivery, in any language."""
    body = '{"text":"严重"}'.encode()
    headers = sign([SecretStr(SECRET), SecretStr(OLD_SECRET)], "msg_1", body, datetime.now(UTC))
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(body, headers) == {"text": "严重"}


def test_each_of_two_secrets_verifies() -> None:
    """While a secret is changed, receivers with the old and with the new one both accept."""
    headers = sign([SecretStr(SECRET), SecretStr(OLD_SECRET)], "msg_1", b"{}", START)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD_SECRET):
        assert verify([SecretStr(secret)], headers, b"{}", START) == "msg_1"


@pytest.mark.parametrize(
    ("changes", "body", "off", "word"),
    [
        ({}, b'{"a": 2}', 0, "no signature matches"),
        ({"webhook-id": "msg_2"}, b'{"a":1}', 0, "no signature matches"),
        ({"webhook-timestamp": str(int(START.timestamp()) + 1)}, b'{"a":1}', 0, "no signature matches"),
        ({"webhook-signature": "v1,AAAA"}, b'{"a":1}', 0, "no signature matches"),
        ({"webhook-signature": "nonsense v1 ,"}, b'{"a":1}', 0, "no signature matches"),
        ({"webhook-signature": ""}, b'{"a":1}', 0, "no header webhook-signature"),
        ({"webhook-id": ""}, b'{"a":1}', 0, "no header webhook-id"),
        ({"webhook-timestamp": "soon"}, b'{"a":1}', 0, "not a number"),
        ({"webhook-timestamp": "9" * 40}, b'{"a":1}', 0, "not a number"),
        ({"webhook-id": "msg_\udc80"}, b'{"a":1}', 0, "ASCII"),
        ({}, b"\xff", 0, "not UTF-8"),
        ({}, b'{"a":1}', 301, "more than 300 s"),
        ({}, b'{"a":1}', -301, "more than 300 s"),
    ],
)
def test_what_is_not_authentic_is_refused(changes: dict[str, str], body: bytes, off: int, word: str) -> None:
    """A changed body, id or time, a foreign signature, a missing header, an old request: each has its word."""
    headers = sign(SECRETS, "msg_1", b'{"a":1}', START) | changes
    with pytest.raises(NotAuthentic, match=word):
        verify(SECRETS, headers, body, START + timedelta(seconds=off))


def test_header_names_have_no_case_and_age_can_be_waived() -> None:
    """HTTP header names match in any case; without a tolerance an old request can be examined."""
    headers = {k.upper(): v for k, v in sign(SECRETS, "msg_1", b"{}", START).items()}
    assert verify(SECRETS, headers, b"{}", START + timedelta(days=9), tolerance=None) == "msg_1"


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        (SECRET, ""),
        (SECRET.rstrip("="), ""),
        ("whsec_" + base64.b64encode(b"x" * 24).decode(), ""),
        ("whsec_" + base64.b64encode(b"x" * 64).decode(), ""),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "23 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "65 bytes"),
        ("whsec_", "0 bytes"),
        ("hunter2-hunter2-hunter2", "does not start with whsec_"),
        ("whsec_not!base64!at!all!but!long!enough!", "not base64"),
        ("whsec_密密密密密密密密密密密密", "not base64"),
    ],
)
def test_secrets_are_checked_without_being_shown(secret: str, fault: str) -> None:
    """A malformed secret is described, never quoted."""
    found = secret_fault(secret)
    assert fault in found
    assert bool(found) is bool(fault)
    assert secret.removeprefix("whsec_")[:8] not in found or not secret.removeprefix("whsec_")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"urls": "http://hooks.example/canary-path", "webhook_allow": ""},
            ("TOCSIN_WEBHOOK_URLS, address 1", "https"),
        ),
        ({"urls": "https://ok.example/,ftp://x.example/canary-path"}, ("TOCSIN_WEBHOOK_URLS, address 2",)),
        ({"urls": "https://u:canary-path@hooks.example/"}, ("TOCSIN_WEBHOOK_URLS", "user name")),
        ({"urls": "https://10.0.0.1/canary-path"}, ("TOCSIN_WEBHOOK_URLS", "10.0.0.1")),
        ({"urls": "https://a.example/", "webhook_secret": SecretStr("")}, ("TOCSIN_WEBHOOK_SECRET", "webhook secret")),
        (
            {"urls": "https://a.example/", "webhook_secret": SecretStr(f"{SECRET} canary-path")},
            ("TOCSIN_WEBHOOK_SECRET, secret 2 of 2", "tocsin webhook secret"),
        ),
        ({"urls": "https://a.example/", "webhook_allow": "10.0.0.0/40"}, ("TOCSIN_WEBHOOK_ALLOW", "10.0.0.0/40")),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, changes: dict[str, Any], words: tuple[str, ...]) -> None:
    """A wrong setting stops the worker at its start with the variable's name and a remedy, and shows no secret."""
    with pytest.raises(SettingsError) as caught:
        read_receivers(settings(tmp_path, changes.pop("urls"), **changes))
    assert all(word in str(caught.value) for word in words)
    assert "canary-path" not in "".join(traceback.format_exception(caught.value))


def test_receivers_are_known_by_host_and_digest(tmp_path: Path) -> None:
    """Names tell receivers apart without their paths; a repeated address counts once; no repr shows a secret."""
    urls = "https://a.example/one?t=canary, https://a.example/two,https://a.example/one?t=canary,"
    one, two = read_receivers(settings(tmp_path, urls))
    assert one.name.startswith("https://a.example#")
    assert one.name != two.name
    assert "canary" not in repr((one, two))
    assert SECRET not in repr((one, two))
    assert read_receivers(settings(tmp_path, "")) == ()
    (moved,) = read_receivers(settings(tmp_path, "https://a.example/two", webhook_secret=SecretStr(OLD_SECRET)))
    assert (moved.id, moved.name) == (two.id, two.name)
    assert moved.settings != two.settings
    assert len(read_secrets(SecretStr(f" {SECRET}  {OLD_SECRET} "))) == 2


@pytest.mark.parametrize(
    "other",
    ["https://A.example/one", "https://a.example:443/one", "https://a.example/x/../one", "https://a.example/one#x"],
)
def test_another_spelling_is_the_same_receiver(tmp_path: Path, other: str) -> None:
    """An address written in two ways is rung once."""
    assert len(read_receivers(settings(tmp_path, f"https://a.example/one,{other}"))) == 1


@pytest.fixture
async def webhooks(tmp_path: Path) -> AsyncIterator[Webhooks]:
    found = Webhooks(settings(tmp_path))
    yield found
    await found.close()


def head(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (200, Reply(200)),
        (204, Reply(204)),
        (500, Reply(500)),
        (410, Reply(410)),
        (head("429 Slow Down\r\nRetry-After: 7"), Reply(429, retry_after="7")),
        (
            head("503 Away\r\nRetry-After: Mon, 02 Mar 2026 09:30:07 GMT"),
            Reply(503, "", "Mon, 02 Mar 2026 09:30:07 GMT"),
        ),
        (head("307 Elsewhere\r\nLocation: http://127.0.0.1:1/"), Reply(307)),
        ("reset", Reply(None, "disconnected")),
        ("hang", Reply(None, "timeout")),
        ("drip", Reply(None, "timeout")),
        ("slow body", Reply(200)),
        (b"nonsense\r\n\r\n", Reply(None, "protocol")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 200_000, Reply(200)),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", Reply(200)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", Reply(None, "protocol")),
    ],
)
async def test_every_answer_is_a_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int | bytes | str, expected: Reply
) -> None:
    """Statuses, silence, resets and nonsense come back as values, within the time limit."""
    monkeypatch.setattr("alerts.delivery.webhook.BODY_PATIENCE", SHORT)
    webhooks = Webhooks(settings(tmp_path, webhook_timeout=SHORT if expected.error == "timeout" else 5.0))
    async with receiving(step) as server:
        reply = await webhooks.post(one_receiver(tmp_path, server.url), "msg_1", b"{}", START)
    await webhooks.close()
    assert reply == expected


async def test_a_delivery_is_signed_and_typed(tmp_path: Path, webhooks: Webhooks) -> None:
    """The receiver gets the exact bytes with id, time of the attempt and a signature that verifies."""
    async with receiving() as server:
        await webhooks.post(one_receiver(tmp_path, server.url), "msg_1", '{"é":1}'.encode(), START)
    (request,) = server.requests
    assert request.body == '{"é":1}'.encode()
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["user-agent"].startswith("tocsin/")
    assert verify(SECRETS, request.headers, request.body, START) == "msg_1"


async def test_no_one_there_is_a_reply_too(tmp_path: Path, webhooks: Webhooks) -> None:
    """A closed port is a fault of the network, not of the program."""
    async with receiving() as server:
        url = server.url
    assert await webhooks.post(one_receiver(tmp_path, url), "m", b"{}", START) == Reply(None, "connect")


async def test_a_redirect_is_not_followed(tmp_path: Path, webhooks: Webhooks) -> None:
    """The place a receiver points to sees no connection."""
    async with receiving() as canary:
        step = head(f"302 Found\r\nLocation: http://127.0.0.1:{canary.port}/")
        async with receiving(step) as server:
            assert await webhooks.post(one_receiver(tmp_path, server.url), "m", b"{}", START) == Reply(302)
        await holds_still(lambda: canary.requests)


async def test_an_address_that_is_not_allowed_is_never_called(tmp_path: Path) -> None:
    """A receiver whose name leads to an address outside the allow list is refused at the socket."""
    async with receiving() as canary:
        receiver = one_receiver(tmp_path, f"http://localhost:{canary.port}/hook")
        guarded = Webhooks(settings(tmp_path, webhook_allow="10.0.0.0/8"))
        assert await guarded.post(receiver, "m", b"{}", START) == Reply(None, "address_refused")
        await guarded.close()
        assert canary.requests == []


async def test_proxies_of_the_environment_are_ignored(
    tmp_path: Path, webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy variable does not divert deliveries."""
    async with receiving() as proxy, receiving() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await webhooks.post(one_receiver(tmp_path, server.url), "m", b"{}", START)).status == 204
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_cookies_are_not_kept(tmp_path: Path, webhooks: Webhooks) -> None:
    """What a receiver sets it does not get back."""
    async with receiving(head("200 OK\r\nSet-Cookie: a=b")) as server:
        receiver = one_receiver(tmp_path, server.url)
        for _ in range(2):
            await webhooks.post(receiver, "m", b"{}", START)
    assert all("cookie" not in request.headers for request in server.requests)
