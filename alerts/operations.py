"""What people do with alerts: acknowledge, escalate, silence, mark, say what was missed; and what they do with rules.
Built and checked here, whoever asks: command, API or link.

An operation is a record; doing the same again is the same record. Its id comes from `key` where the caller has one (an
Idempotency-Key, a signed link), else from everything it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from msgspec.structs import replace
from rapidfuzz import process

from alerts.rule_checks import PREFIXES
from alerts.rules import LEVELS, Duration
from models.labels import RISKS, TOPICS
from streams.kafka import Outgoing
from streams.plain import plain
from streams.records import (
    EARLIEST,
    Acknowledgement,
    AlertEvent,
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
VALUE_LIMIT: Final = 256
MATCHERS_LIMIT: Final = 16
VALUES_LIMIT: Final = 100
FIELDS: Final = ("rule", "severity", "subject", "name", "kind", "alert")
ANY: Final = "*"  # at the end of a value: whatever follows
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
LABEL: Final = "labels."  # labels.desk=risk; label.desk=risk is the same

Fault = Literal[
    "no_author",
    "no_reason",
    "too_long",
    "no_match",
    "bad_match",
    "unknown_field",
    "meant_field",
    "bad_severity",
    "bad_subject",
    "bad_duration",
    "too_short",
    "too_far",
    "no_note",
    "bad_time",
    "bad_onset",
    "bad_end",
    "bad_risk",
    "unknown_subject",
]


class OperationRefused(ValueError):  # noqa: N818 - what happened
    """This cannot be done. `reason` is a stable code with a sentence in both languages, `values` what it names."""

    def __init__(self, reason: Fault, **values: str) -> None:
        super().__init__(f"{reason}: {values}" if values else reason)
        self.reason: Fault = reason
        self.values = values


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
    return RuleChange(id=id_, file=_whole(plain(file)), was=was, now=now, author=author, at=at, reason=reason)


def silence(
    match: Mapping[str, tuple[str, ...]], *, author: str, at: datetime, lasting: timedelta, reason: str, key: str = ""
) -> Silence:
    """What matches is not told for so long. A reason is required: whoever misses an alert wants to know why."""
    author, reason = _author(author), _text(reason)
    if not reason:
        raise OperationRefused("no_reason")
    if not match:
        raise OperationRefused("no_match", fields=_fields())
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
        raise OperationRefused("unknown_subject", value=plain(_whole(subject), 60))
    if not EARLIEST <= onset <= at:
        raise OperationRefused("bad_onset", value=onset.isoformat())
    if end is not None and end < onset:
        raise OperationRefused("bad_end", value=end.isoformat())
    if risk and risk not in RISKS:
        raise OperationRefused("bad_risk", value=plain(_whole(risk), 60), known=", ".join(RISKS))
    until = "" if end is None else end.isoformat()
    id_ = _id("missed", author, key, subject, kind, onset.isoformat(), until, note, risk)
    return MissedEvent(
        id=id_, subject=subject, name=_whole(plain(name, VALUE_LIMIT)), onset=onset, end=end, day_only=day_only,
        kind=kind, note=note, risk=risk, author=author, at=at,
    )  # fmt: skip


def _is_subject(word: str) -> bool:
    """Whether a subject could have this id."""
    kind, _, name = word.partition(":")
    whole = f"{kind}:" in PREFIXES and bool(name) and word == _whole(plain(word)).strip()
    return whole and (kind != "topic" or name in TOPICS)


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
        raise OperationRefused("bad_time", value=plain(_whole(word), 60)) from None


def parse_end(text: str) -> datetime:
    """The same for an end: a day ends at midnight UTC. Raises OperationRefused."""
    found, day = parse_moment(text)
    try:
        return found + timedelta(days=1) if day else found
    except OverflowError:
        raise OperationRefused("bad_time", value=plain(_whole(text), 60)) from None


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


def parse_match(parts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Matchers as people write them: `rule=surge`, `severity=warning,critical`, `label.desk=risk`; all must hold.

    Raises OperationRefused naming the part, and the field that was probably meant.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        name, equals, text = (piece.strip() for piece in part.partition("="))
        values = tuple(dict.fromkeys(value for value in (v.strip() for v in text.split(",")) if value))
        if not equals or not values or name in found:
            raise OperationRefused("bad_match", part=plain(part, 100))
        found[name] = values
    return checked_match(found)


def checked_match(match: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The matchers, or OperationRefused: an unknown field or a value that no alert can have would silence nothing."""
    if not match:
        raise OperationRefused("no_match", fields=_fields())
    found = {_canonical(name): tuple(values) for name, values in match.items()}
    if len(found) < len(match):  # label.desk beside labels.desk: one would be lost, and more be silenced than was meant
        raise OperationRefused("bad_match", part=plain(" ".join(sorted(match)), 100))
    if len(found) > MATCHERS_LIMIT or any(len(values) > VALUES_LIMIT for values in found.values()):
        raise OperationRefused("too_long", limit=str(VALUES_LIMIT))
    for name, values in found.items():
        _check_matcher(name, values)
    return found


def _canonical(name: str) -> str:
    return LABEL + name.removeprefix("label.") if name.startswith("label.") else name


def _check_matcher(name: str, values: tuple[str, ...]) -> None:
    if name not in FIELDS and not (name.startswith(LABEL) and len(name) > len(LABEL)):
        near = process.extractOne(name, FIELDS, score_cutoff=60)
        reason: Fault = "meant_field" if near else "unknown_field"
        raise OperationRefused(reason, field=plain(name, 60), fields=_fields(), meant=near[0] if near else "")
    if not values or any(not value or len(value) > VALUE_LIMIT or value != _whole(value) for value in (*values, name)):
        raise OperationRefused("bad_match", part=_whole(plain(f"{name}={','.join(values)}", 100)))
    for value in values:
        if name == "severity" and value not in LEVELS:
            raise OperationRefused("bad_severity", value=plain(value, 60), known=", ".join(LEVELS))
        if name == "subject" and ":" not in value and not value.endswith(ANY):
            raise OperationRefused("bad_subject", value=plain(value, 60))


def matches(match: Mapping[str, tuple[str, ...]], event: AlertEvent) -> bool:
    """Whether every matcher holds for the alert: its field, or label, is one of the values, or begins as one that ends
    in `*` does."""
    return all(_one_of(_value(event, name), values) for name, values in match.items())


def _one_of(found: str | None, values: Iterable[str]) -> bool:
    if found is None:
        return False
    return any(found.startswith(v[:-1]) if v.endswith(ANY) else found == v for v in values)


def _value(event: AlertEvent, name: str) -> str | None:
    if name.startswith(LABEL):
        return event.labels.get(name.removeprefix(LABEL))
    return getattr(event, name) if name in FIELDS else None


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
    found = _whole(plain(author)).strip()
    if not found:
        raise OperationRefused("no_author")
    if len(found) > AUTHOR_LIMIT:
        raise OperationRefused("too_long", limit=str(AUTHOR_LIMIT))
    return found


def _text(reason: str) -> str:
    found = _whole(plain(reason)).strip()
    if len(found) > REASON_LIMIT:
        raise OperationRefused("too_long", limit=str(REASON_LIMIT))
    return found


def _whole(text: str) -> str:
    """The text without half characters, which a command line with broken bytes, or JSON, can hold and no record can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _id(kind: str, author: str, key: str, *said: str) -> str:
    """Of one author and one key there is one operation of each kind."""
    return digest(kind, author, "key", key) if key else digest(kind, author, "said", *said)


def _fields() -> str:
    return ", ".join((*FIELDS, f"{LABEL}NAME"))
