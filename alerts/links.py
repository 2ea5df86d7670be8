"""Signed links: one action on one alert for one receiver until one moment, and nothing else.

HMAC-SHA256 (RFC 2104) over all of it, with a key that is derived for this purpose alone. Who holds the link may do what
it says, once: a link is a credential and belongs into no log. The page behind it asks before it acts, so that the link
previews of chat tools do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from alerts.delivery.channel import Action
from streams.keys import kept_key
from streams.records import digest
from streams.settings import Settings, SettingsError

FILE: Final = "link.key"
VALID: Final = timedelta(days=7)
LEAST_SECRET: Final = 24
LONGEST_TOKEN: Final = 2048
PURPOSE: Final = b"tocsin action link v1"
PATH: Final = "/act/"
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link permits. `id` is the same whenever this link is used: doing it twice is one record."""

    action: Action
    alert: str
    receiver: str  # name of the channel it was sent through
    expires: datetime

    @property
    def id(self) -> str:
        """Identity of this permission."""
        return digest("link", self.action, self.alert, self.receiver, self.expires.isoformat())


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """Why a token permits nothing."""

    reason: Literal["malformed", "forged", "expired"]


class _Payload(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    action: Action
    alert: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    receiver: Annotated[str, Meta(min_length=1, max_length=512)]
    expires: int  # seconds since 1970


def links_for(settings: Settings, alert: str, receiver: str, now: datetime) -> dict[Action, str]:
    """An address for each action on the alert, as this receiver may use it; none without TOCSIN_PUBLIC_URL.

    The same arguments give the same addresses, so a message renders to the same bytes again. Raises SettingsError.
    """
    base = settings.public_url.rstrip("/")
    if not base:
        return {}
    key, expires = _key(settings), int((now + VALID).timestamp())
    return {
        action: base + PATH + _sign(key, msgspec.json.encode(_Payload(action, alert, receiver, expires)))
        for action in ACTIONS
    }


def read_link(settings: Settings, token: str, now: datetime) -> Link | LinkRefused:
    """What the token permits at `now`, or why it permits nothing. Nothing in it is read before its signature holds."""
    payload, dot, signature = token.partition(".")
    if not dot or len(token) > LONGEST_TOKEN or not token.isascii():
        return LinkRefused("malformed")
    if not hmac.compare_digest(signature, _mac(_key(settings), payload.encode())):
        return LinkRefused("forged")
    try:
        said = msgspec.json.decode(_unfold(payload), type=_Payload)
        expires = datetime.fromtimestamp(said.expires, UTC)
    except (ValueError, OverflowError, OSError):  # signed by another version of ours
        return LinkRefused("malformed")
    if now >= expires:
        return LinkRefused("expired")
    return Link(said.action, said.alert, said.receiver, expires)


def _sign(key: bytes, payload: bytes) -> str:
    text = _fold(payload)
    return f"{text}.{_mac(key, text.encode())}"


def _mac(key: bytes, text: bytes) -> str:
    return _fold(hmac.new(key, text, hashlib.sha256).digest())


def _fold(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unfold(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _key(settings: Settings) -> bytes:
    """The key of this purpose: nothing signed for another one fits here."""
    return _derived(settings.link_secret.get_secret_value(), settings.state_dir / FILE, settings.namespace)


@lru_cache(maxsize=8)
def _derived(given: str, path: Path, namespace: str) -> bytes:
    if given and len(given) < LEAST_SECRET:
        raise SettingsError(f"TOCSIN_LINK_SECRET: at least {LEAST_SECRET} characters; make one: openssl rand -hex 32")
    secret = given or kept_key(path)
    return hmac.new(secret.encode(), PURPOSE + b"\0" + namespace.encode(), hashlib.sha256).digest()
