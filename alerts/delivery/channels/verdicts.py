"""What a chat robot's answer means: these platforms say HTTP 200 and refuse in the body.

An answer that cannot be read is a refusal, never a success. The words of the platform are shown cut, without control
characters and without our secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from alerts.delivery.channels.calls import Answer, explained
from alerts.delivery.channels.layout import clean
from alerts.delivery.schedule import Reply
from streams.records import Answer as Said

SKEW: Final = 300.0  # seconds between our clock and the platform's from which a signature is refused for its time
SAID_LIMIT: Final = 160  # characters of the platform's own words
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24,}")  # whatever looks like a token is not repeated


@dataclass(frozen=True, slots=True)
class Verdict:
    """One meaning of one code. With `words` it is meant only where the platform's text holds one of them."""

    answer: Said
    meaning: str
    fix: str
    final: bool = False
    pause: float = 0.0
    words: tuple[str, ...] = ()
    clock: bool = False  # a wrong clock of ours has the same code, and passes


@dataclass(frozen=True, slots=True)
class Codes:
    """How one platform answers: the fields of its code and its words, and what the codes mean."""

    platform: str
    fields: tuple[str, ...]
    text: tuple[str, ...]
    table: Mapping[int, Sequence[Verdict]]
    reference: str  # where unknown codes are explained


UNREADABLE: Final = (
    "{platform} gave no readable answer",
    "Check that the address is the robot's own, and that no proxy or login page answers in its place",
)
WRONG_CLOCK: Final = (
    "the clock of this machine is {seconds:.0f} s off, and the signature is refused for its time",
    "Set this machine's clock, e.g. with chrony or systemd-timesyncd",
)


def read(answer: Answer | Reply, codes: Codes, at: datetime, secrets: Sequence[str] = ()) -> Reply:
    """The reply that a platform's answer amounts to."""
    if isinstance(answer, Reply):
        return explained(answer)
    body = _body(answer.body)
    code = next((body[name] for name in codes.fields if isinstance(body.get(name), int)), None)
    if code is None or (code == 0 and not 200 <= answer.status < 300):
        return _unreadable(answer, codes)
    if code == 0:
        return Reply(answer.status, answer="accepted", code="0")
    words = next((text for name in codes.text if isinstance(text := body.get(name), str)), "")
    verdict = _verdict(codes, code, words)
    skew = _skew(answer.date, at)
    meaning, fix, final = verdict.meaning, verdict.fix, verdict.final
    if verdict.clock and abs(skew) > SKEW:
        meaning, fix, final = WRONG_CLOCK[0].format(seconds=abs(skew)), WRONG_CLOCK[1], False
    repeated = shown(words, secrets)
    return Reply(
        answer.status,
        retry_after=answer.retry_after,
        answer=verdict.answer,
        code=str(code),
        meaning=f"{meaning} ({repeated})" if repeated else meaning,
        fix=fix,
        pause=verdict.pause,
        final=final,
    )


def _body(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if not isinstance(v, bool)} if isinstance(found, dict) else {}


def _unreadable(answer: Answer, codes: Codes) -> Reply:
    if not 200 <= answer.status < 300:
        return explained(Reply(answer.status, retry_after=answer.retry_after))
    meaning = UNREADABLE[0].format(platform=codes.platform)
    return Reply(answer.status, answer="refused", code="unreadable", meaning=meaning, fix=UNREADABLE[1])


def _verdict(codes: Codes, code: int, words: str) -> Verdict:
    for verdict in codes.table.get(code, ()):
        if not verdict.words or any(word in words.lower() for word in verdict.words):
            return verdict
    return Verdict("refused", f"{codes.platform} refused it", f"Look up code {code} in {codes.reference}")


def _skew(date: str, at: datetime) -> float:
    """Seconds by which our clock is ahead of the platform's; 0 when it does not say."""
    try:
        return at.timestamp() - parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def shown(words: str, secrets: Sequence[str]) -> str:
    """Words from outside for a receipt: short, one line, without our secrets or anything that looks like a token."""
    for secret in secrets:
        if secret:
            words = words.replace(secret, "…")
    return TOKEN.sub("…", clean(words)).strip()[:SAID_LIMIT]
