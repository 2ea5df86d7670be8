"""When to try again: a pure function of the reply, the number of the attempt, the time, and one random draw.

The pauses follow the schedule that the Standard Webhooks specification suggests, with one more early step, because a
bell that is half a minute late still helps. Altogether a receiver may be away for three days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from streams.records import Answer

MINUTE: Final = 60.0
HOUR: Final = 3600.0
PAUSES: Final = (
    *(0.0, 5.0, 30.0, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)  # seconds before attempt 1, 2, …, counted from the end of the one before
ATTEMPTS: Final = len(PAUSES)
JITTER: Final = 0.2  # a pause grows by up to this share, so that many senders do not return in step
LONGEST_WAIT: Final = 24 * HOUR  # of a Retry-After that we obey
GONE: Final = 410
TOO_MANY: Final = 429
THROTTLING: Final = frozenset({TOO_MANY, 503})  # statuses that may say when to come back
OUTAGES: Final = frozenset({502, 503, 504})  # the receiver is away; says nothing about this message

Outcome = Literal["delivered", "retry", "refused", "disabled"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What one attempt brought: a status, or a word for why there is none (`timeout`, `connect`, `tls` …).

    A channel that reads the platform's answer fills in `answer` and, for a refusal, its code, meaning and remedy.
    """

    status: int | None
    error: str = ""
    retry_after: str = ""
    answer: Answer = ""  # empty: to be told from the status alone
    code: str = ""  # the platform's own code
    meaning: str = ""
    fix: str = ""
    pause: float = 0.0  # seconds to wait at least, where the platform's answer says so
    final: bool = False  # the same message will never be taken: no further attempt

    @property
    def outage(self) -> bool:
        """Whether the receiver was away, so that its return makes another attempt worthwhile at once. One that named
        the moment of its return gets its wish instead."""
        away = self.answer in ("", "timed_out", "unreachable") and (self.status is None or self.status in OUTAGES)
        return away and not self.retry_after

    @property
    def said(self) -> Answer:
        """What the channel said: as it read the answer itself, else by the status alone."""
        if self.answer:
            return self.answer
        if self.status is None:
            return "timed_out" if self.error == "timeout" else "unreachable"
        if 200 <= self.status < 300:
            return "accepted"
        return "throttled" if self.status == TOO_MANY else "refused"

    def __str__(self) -> str:
        told = f"http {self.status}" if self.status is not None else self.error
        return told if not self.code or told.split()[-1:] == [self.code] else f"{told}, code {self.code}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a notification after an attempt; `pause` in seconds, for `retry` alone."""

    outcome: Outcome
    reason: str
    pause: float = 0.0


def pause_before(attempt: int, draw: float) -> float:
    """Seconds before attempt number `attempt` (from 1), jitter included; `draw` lies in [0, 1)."""
    return PAUSES[attempt - 1] * (1 + JITTER * draw)


def wait_asked(header: str, now: datetime) -> float:
    """Seconds that a Retry-After header asks for, from 0 to a day; 0 when it says nothing readable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def decide(reply: Reply, attempt: int, now: datetime, draw: float) -> Decision:
    """The outcome of attempt number `attempt` (from 1).

    Only what the channel accepted is success: by its own words, else by 2xx; a redirect is a failure like others. 410
    disables the receiver; what will never be taken is refused at once. The rest is tried again until the schedule ends,
    never before the moment that a 429 or 503, or the platform's answer, named.
    """
    if reply.said == "accepted":
        return Decision("delivered", str(reply))
    if reply.status == GONE:
        return Decision("disabled", f"{reply}: the receiver asked for no more")
    if reply.final:
        return Decision("refused", f"{reply}: the same message will never be taken")
    if attempt >= ATTEMPTS:
        return Decision("refused", f"gave up after {attempt} attempts: {reply}")
    asked = wait_asked(reply.retry_after, now) if reply.status in THROTTLING else 0.0
    return Decision("retry", str(reply), max(pause_before(attempt + 1, draw), asked, reply.pause))
