"""What people do with alerts: acknowledge, escalate, silence, mark, say what was missed; and what they do with rules.
Built and checked here, whoever asks: command, API or link.

An operation is a record; doing the same again is the same record. Its id comes from `key` where the caller has one (an
Idempotency-Key, a signed link), else from everything it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from msgspec.structs import replace

from alerts.matchers import VALUE_LIMIT, fields
from alerts.refused import OperationRefused, whole
from alerts.rule_checks import PREFIXES
from alerts.rules import Duration
from models.labels import RISKS, TOPICS
from streams.kafka import Outgoing
from streams.plain import plain
from streams.records import (
    EARLIEST,
    Acknowledgement,
    Escalation,
    Mark,
    MissedEvent,
    Operation,
    RuleChange,
    Silence,
    SilenceEnd,
    Withdrawal,
    digest,
    encode,
)
from streams.topics import FEEDBACK

LONGEST_SILENCE: Final = timedelta(days=30)  # what must stay quiet for longer is a change of the rule
LONGEST_ACKNOWLEDGEMENT: Final = timedelta(days=30)
REASON_LIMIT: Final = 1000
AUTHOR_LIMIT: Final = 128
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def acknowledge(
    alert: str, *, author: str, at: datetime, reason: str = "", lasting: timedelta | None = None, key: str = ""
) -> Acknowledgement:
    """Somebody has the alert in hand. Raises OperationRefused."""
    author, reason = _author(author), _text(reason)
    until = None if lasting is None else at + _within(lasting, LONGEST_ACKNOWLEDGEMENT)
    id_ = _id("acknowledgement", author, key, alert, reason, at.isoformat())
    return Acknowledgement(id=id_, alert=alert, author=author, at=at, reason=reason, until=until)


def escalate(alert: str, *, author: str, at: datetime, reason: str = "", key: str = "") -> Escalation:
    """Further people are to know of the alert now. Raises OperationRefused."""
    author, reason = _author(author), _text(reason)
    id_ = _id("escalation", author, key, alert, reason, at.isoformat())
    return Escalation(id=id_, alert=alert, author=author, at=at, reason=reason)


def rule_change(
    file: str, *, was: str, now: str, author: str, at: datetime, reason: str = "", key: str = ""
) -> RuleChange:
    """The file of rules with this name said `was` (a hash; empty: there was none) and says `now`. Raises
    OperationRefused: ask for it before anything is written."""
    author, reason = _author(author), _text(reason)
    if not file or len(file) > VALUE_LIMIT:
        raise OperationRefused("too_long", limit=str(VALUE_LIMIT))
    id_ = _id("rule_change", author, key, file, was, now, at.isoformat())
    return RuleChange(id=id_, file=whole(plain(file)), was=was, now=now, author=author, at=at, reason=reason)


def silence(
    match: Mapping[str, tuple[str, ...]], *, author: str, at: datetime, lasting: timedelta, reason: str, key: str = ""
) -> Silence:
    """What matches is not told for so long. A reason is required: whoever misses an alert wants to know why."""
    author, reason = _author(author), _text(reason)
    if not reason:
        raise OperationRefused("no_reason")
    if not match:
        raise OperationRefused("no_match", fields=fields())
    until = at + _within(lasting, LONGEST_SILENCE)
    said = sorted(f"{name}={value}" for name, values in match.items() for value in values)
    id_ = _id("silence", author, key, *said, reason, at.isoformat(), until.isoformat())
    return Silence(id=id_, match=dict(match), author=author, at=at, until=until, reason=reason)


def end_silence(silence_id: str, *, author: str, at: datetime, reason: str = "") -> SilenceEnd:
    """The silence is over now. Of one silence there is one end."""
    id_ = digest("silence_end", silence_id)
    return SilenceEnd(id=id_, silence=silence_id, author=_author(author), at=at, reason=_text(reason))


def mark(alert: str, right: bool, *, author: str, at: datetime, reason: str = "", key: str = "") -> Mark:
    """What somebody says of an alert afterwards: it was worth ringing, or it was not."""
    author, reason = _author(author), _text(reason)
    id_ = _id("mark", author, key, alert, str(right), reason, at.isoformat())
    return Mark(id=id_, alert=alert, right=right, author=author, at=at, reason=reason)


def missed(
    subject: str,
    onset: datetime,
    *,
    author: str,
    at: datetime,
    note: str,
    end: datetime | None = None,
    kind: Literal["negative", "control"] = "negative",
    risk: str = "",
    name: str = "",
    day_only: bool = False,
    key: str = "",
) -> MissedEvent:
    """What happened to a subject at `onset` and no alert told of; a control is what must not ring.

    Saying the same again, whenever, is the same record. Raises OperationRefused.
    """
    author, note = _author(author), _text(note)
    if not note:
        raise OperationRefused("no_note")
    if not _is_subject(subject) or len(subject) > VALUE_LIMIT:
        raise OperationRefused("unknown_subject", value=plain(whole(subject), 60))
    if not EARLIEST <= onset <= at:
        raise OperationRefused("bad_onset", value=onset.isoformat())
    if end is not None and end < onset:
        raise OperationRefused("bad_end", value=end.isoformat())
    if risk and risk not in RISKS:
        raise OperationRefused("bad_risk", value=plain(whole(risk), 60), known=", ".join(RISKS))
    until = "" if end is None else end.isoformat()
    id_ = _id("missed", author, key, subject, kind, onset.isoformat(), until, note, risk)
    return MissedEvent(
        id=id_, subject=subject, name=whole(plain(name, VALUE_LIMIT)), onset=onset, end=end, day_only=day_only,
        kind=kind, note=note, risk=risk, author=author, at=at,
    )  # fmt: skip


def _is_subject(word: str) -> bool:
    """Whether a subject could have this id."""
    kind, _, name = word.partition(":")
    clean = f"{kind}:" in PREFIXES and bool(name) and word == whole(plain(word)).strip()
    return clean and (kind != "topic" or name in TOPICS)


def withdraw(event: str, *, author: str, at: datetime, reason: str = "") -> Withdrawal:
    """A missed event that counts no more. Of one event there is one withdrawal."""
    id_ = digest("withdrawal", event)
    return Withdrawal(id=id_, event=event, author=_author(author), at=at, reason=_text(reason))


def parse_moment(text: str) -> tuple[datetime, bool]:
    """A time with its zone, in UTC, or a day of UTC; whether it is a day alone. Raises OperationRefused."""
    word = text.strip()
    day = DAY.fullmatch(word) is not None
    try:
        found = datetime.fromisoformat(f"{word}T00:00:00Z" if day else word)
        if found.tzinfo is None:
            raise ValueError("no zone")
        return found.astimezone(UTC), day
    except (ValueError, OverflowError):
        raise OperationRefused("bad_time", value=plain(whole(word), 60)) from None


def parse_end(text: str) -> datetime:
    """The same for an end: a day ends at midnight UTC. Raises OperationRefused."""
    found, day = parse_moment(text)
    try:
        return found + timedelta(days=1) if day else found
    except OverflowError:
        raise OperationRefused("bad_time", value=plain(whole(text), 60)) from None


_ABOUT: Final = {Silence: "id", SilenceEnd: "silence", MissedEvent: "id", Withdrawal: "event", RuleChange: "file"}


def outgoing(operation: Operation) -> Outgoing:
    """The operation as it goes to its topic: all about one alert, silence, missed event or file of
    rules under one key."""
    about = _ABOUT.get(type(operation), "alert")
    return Outgoing(FEEDBACK, encode(operation), key=str(getattr(operation, about)).encode())


def same(one: Operation, other: Operation) -> bool:
    """Whether two operations of one id ask for the same, whenever each was made."""
    if isinstance(one, Silence) and isinstance(other, Silence):
        return replace(one, at=other.at, until=other.at + (one.until - one.at)) == other
    if isinstance(one, Acknowledgement) and isinstance(other, Acknowledgement):
        until = None if one.until is None else other.at + (one.until - one.at)
        return replace(one, at=other.at, until=until) == other
    return type(one) is type(other) and replace(one, at=other.at) == other


def parse_lasting(text: str) -> timedelta:
    """`30m`, `1h30m`, `2d` as a length of time. Raises OperationRefused."""
    try:
        seconds = Duration.parse(text.strip()).seconds
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        raise OperationRefused("bad_duration", value=plain(text, 60)) from None


def _within(lasting: timedelta, longest: timedelta) -> timedelta:
    if lasting <= timedelta(0):
        raise OperationRefused("too_short")
    if lasting > longest:
        raise OperationRefused("too_far", days=str(longest.days))
    return lasting


def _author(author: str) -> str:
    found = whole(plain(author)).strip()
    if not found:
        raise OperationRefused("no_author")
    if len(found) > AUTHOR_LIMIT:
        raise OperationRefused("too_long", limit=str(AUTHOR_LIMIT))
    return found


def _text(reason: str) -> str:
    found = whole(plain(reason)).strip()
    if len(found) > REASON_LIMIT:
        raise OperationRefused("too_long", limit=str(REASON_LIMIT))
    return found


def _id(kind: str, author: str, key: str, *said: str) -> str:
    """Of one author and one key there is one operation of each kind."""
    return digest(kind, author, "key", key) if key else digest(kind, author, "said", *said)
