"""Webhooks after the Standard Webhooks specification: receivers out of the settings, signatures, one attempt.

The body is signed with every secret in force, so a receiver can move from the old one to the new one at its own time.
Address and secrets appear in no log line, error or repr: a receiver is known by scheme, host and a short digest.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import aiohttp
from pydantic import SecretStr
from standardwebhooks import Webhook
from yarl import URL

from alerts.delivery.channels.calls import BODY_LIMIT, CONNECT_LIMIT, TLS_PORTS, word
from alerts.delivery.message import CONTENT_TYPE
from alerts.delivery.schedule import Reply
from streams.guard import Network, Refused, check_url, guarded_connector, parse_allow
from streams.records import digest
from streams.settings import Settings, SettingsError
from streams.version import VERSION

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = (24, 64)  # of key material, by the specification
TOLERANCE: Final = 300.0  # seconds a timestamp may lie off; the libraries of the specification agree on it
BODY_PATIENCE: Final = 1.0  # seconds; the status alone decides, the rest is read to keep the connection
HOW_TO: Final = "Make one with: tocsin webhook secret"


class NotAuthentic(ValueError):  # noqa: N818 - reads as what it says
    """A received request was not signed by a holder of the secret, or not now. The message says which."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One webhook endpoint. `id` is its identity in the outbox, `name` what people and logs see."""

    url: URL = field(repr=False)
    secrets: tuple[SecretStr, ...] = field(repr=False)
    id: str
    name: str
    settings: str = field(repr=False)  # digest of address and secrets


def read_receivers(settings: Settings) -> tuple[Receiver, ...]:
    """The receivers in the settings, each once, or SettingsError naming the variable, the fault and the remedy."""
    try:
        allow = parse_allow(settings.webhook_allow)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_WEBHOOK_ALLOW: {error}") from None
    addresses = [part.strip() for part in settings.webhook_urls.split(",") if part.strip()]
    if not addresses:
        return ()
    secrets = read_secrets(settings.webhook_secret)
    found = [_receiver(address, number, secrets, allow) for number, address in enumerate(addresses, 1)]
    return tuple({receiver.id: receiver for receiver in found}.values())  # one address has many spellings


def _receiver(address: str, number: int, secrets: tuple[SecretStr, ...], allow: Sequence[Network]) -> Receiver:
    try:
        url = check_url(address, allow, ports=TLS_PORTS).with_fragment(None)  # no request carries a fragment
    except Refused as error:
        raise SettingsError(f"TOCSIN_WEBHOOK_URLS, address {number}: {error}.{_advice(address)}") from None
    return receiver_of(url, secrets)


def receiver_of(url: URL, secrets: tuple[SecretStr, ...]) -> Receiver:
    """The receiver at a checked address."""
    material = [secret.get_secret_value() for secret in secrets]
    return Receiver(url, secrets, digest(str(url)), shown(url), digest(str(url), *material))


def _advice(address: str) -> str:
    if not address.startswith("http://"):
        return ""
    return " Use https://, or name the receiver's block in TOCSIN_WEBHOOK_ALLOW, e.g. 127.0.0.0/8"


def shown(url: URL) -> str:
    """A receiver's name for people: scheme, host and port, and eight digits that stand for the rest."""
    return f"{url.origin()}#{digest(url.raw_path_qs)[:8]}"[:256]


def read_secrets(value: SecretStr, where: str = "TOCSIN_WEBHOOK_SECRET") -> tuple[SecretStr, ...]:
    """The signing secrets, separated by spaces, newest first. SettingsError when one is missing or malformed."""
    parts = value.get_secret_value().split()
    if not parts:
        raise SettingsError(f"{where} is empty, and notifications are signed. {HOW_TO}")
    for number, part in enumerate(parts, 1):
        fault = secret_fault(part)
        if fault:
            raise SettingsError(f"{where}, secret {number} of {len(parts)} {fault}. {HOW_TO}")
    return tuple(SecretStr(part) for part in parts)


def secret_fault(secret: str) -> str:
    """What is wrong with a signing secret, without a character of it; empty when nothing is."""
    if not secret.startswith(PREFIX):
        return f"does not start with {PREFIX}"
    try:
        text = secret[len(PREFIX) :]
        size = len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        return f"is not base64 after {PREFIX}"
    least, most = SECRET_BYTES
    return "" if least <= size <= most else f"holds {size} bytes instead of {least} to {most}"


def sign(secrets: Sequence[SecretStr], id_: str, body: bytes, at: datetime) -> dict[str, str]:
    """The three headers of the specification for one attempt at `at`, one signature per secret."""
    text = body.decode("utf-8")
    signatures = [Webhook(secret.get_secret_value()).sign(id_, at.astimezone(UTC), text) for secret in secrets]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    secrets: Sequence[SecretStr],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: float | None = TOLERANCE,
) -> str:
    """The `webhook-id` of a request that a holder of one of the secrets signed at most `tolerance` seconds from now.

    Raises NotAuthentic. A receiver must pass the body's very bytes, and remember the ids it has acted upon.
    """
    given = {name.lower(): value for name, value in headers.items()}
    missing = [n for n in HEADERS if not given.get(n)]
    if missing:
        raise NotAuthentic(f"no header {', '.join(missing)}")
    if not "".join(given[n] for n in HEADERS).isascii():
        raise NotAuthentic("a webhook header holds other characters than ASCII")
    stamp = given["webhook-timestamp"]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise NotAuthentic("webhook-timestamp is not a number of seconds")
    if tolerance is not None and abs(now.timestamp() - int(stamp)) > tolerance:
        raise NotAuthentic(f"webhook-timestamp lies more than {tolerance:g} s from now")
    try:
        expected = sign(secrets, given["webhook-id"], body, datetime.fromtimestamp(int(stamp), UTC))
    except UnicodeDecodeError:
        raise NotAuthentic("the body is not UTF-8") from None
    ours = [signature.encode() for signature in expected["webhook-signature"].split(" ")]
    theirs = [signature.encode() for signature in given["webhook-signature"].split(" ")]
    if not any(hmac.compare_digest(a, b) for a in ours for b in theirs):
        raise NotAuthentic("no signature matches: another secret, or the body is not what was sent")
    return given["webhook-id"]


class Webhooks:
    """Calls receivers. Each has connections of its own, so that a hung one holds up nobody else."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.webhook_timeout
        self._allow = parse_allow(settings.webhook_allow)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def post(self, receiver: Receiver, id_: str, body: bytes, at: datetime) -> Reply:
        """One attempt, signed for the moment `at`. What the network does is a Reply too; only bugs raise."""
        headers = sign(receiver.secrets, id_, body, at)
        try:
            async with self._session(receiver).post(
                receiver.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                reply = Reply(response.status, retry_after=response.headers.get("Retry-After", "")[:64])
                await _discard(response)
                return reply
        except TimeoutError:
            return Reply(None, "timeout")
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return Reply(None, word(error))

    def _session(self, receiver: Receiver) -> aiohttp.ClientSession:
        session = self._sessions.get(receiver.id)
        if session is None:
            # Plain http goes to the blocks of the allow list only, whatever its name resolves to.
            connector = guarded_connector(self._allow, public=receiver.url.scheme == "https", ports=TLS_PORTS)
            session = self._sessions[receiver.id] = aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(CONNECT_LIMIT, self._timeout)),
                headers={"Content-Type": CONTENT_TYPE, "User-Agent": f"tocsin/{VERSION}"},
            )
        return session


async def _discard(response: aiohttp.ClientResponse) -> None:
    """Read a short, prompt body so that the connection can be used again; anything else closes it."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(BODY_PATIENCE):
            left = BODY_LIMIT
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
