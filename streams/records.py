"""Every value that crosses Kafka: strict, typed, versioned, JSON on the wire.

`decode()` never guesses: unknown fields, wrong types, broken UTF-8 and impossible dates raise `Reject`, which carries
the reason code that the dead letter will show. The JSON Schemas in `streams/schemas/` are made from these types.
Times are RFC 3339 strings in UTC on the wire and aware datetimes here.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar, overload

import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION: Final = 1
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)  # older than any electronic newswire archive we replay
LONGEST_RETENTION: Final = 36_500  # days
FUTURE_SLACK: Final = timedelta(days=1)  # time zones and sloppy clocks; more than that is a wrong date

Id = Annotated[str, Meta(min_length=1, max_length=512)]
Short = Annotated[str, Meta(max_length=256)]
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
Time = Annotated[datetime, Meta(tz=True)]
Known = Literal["stated", "feed", "inferred", "unknown"]
Kind = Literal["news", "chat"]


class Reject(ValueError):  # noqa: N818 - a value with a reason, not a fault of the program
    """Input that cannot be accepted. `reason` is a stable code, the message says what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """Common to all records: immutable, unknown fields refused, times must state their zone."""


class RawItem(Record, frozen=True, kw_only=True, tag_field="type", tag="item"):
    """What a source hands in, untouched. `(source, native_id, revision)` identifies it."""

    v: Literal[1] = SCHEMA_VERSION
    source: Annotated[str, Meta(min_length=1, max_length=128)]
    native_id: Id  # the source's own id, or a canonical URL
    revision: Short = ""  # empty: derived from the content, so an edited text is a new revision
    kind: Kind
    title: str = ""
    text: str = ""
    url: Annotated[str, Meta(max_length=2048)] = ""
    author: Short = ""
    lang: Annotated[str, Meta(max_length=16)] = ""  # what the source says; empty: detect
    published_at: Time | None = None
    published_how: Known = "unknown"
    collected_at: Time
    collected_how: Literal["clock", "archive"] = "clock"  # archive: no collection time known, the published one used
    may_store_body: bool = True
    may_train: bool = False
    retention_days: Annotated[int, Meta(ge=1, le=LONGEST_RETENTION)] = 365
    demo: bool = False


class RawTick(Record, frozen=True, kw_only=True, tag_field="type", tag="tick"):
    """A source's promise: everything collected up to `at` has been written before this record, in this partition."""

    v: Literal[1] = SCHEMA_VERSION
    at: Time
    source: Annotated[str, Meta(min_length=1, max_length=128)]


class Entity(Record, frozen=True, kw_only=True):
    """A company found in a document, with the reason for the match."""

    id: Id
    name: str
    relevance: Unit
    where: Literal["title", "lead", "body"]
    matched: Short  # the words that matched
    count: Annotated[int, Meta(ge=1)]
    sentiment: dict[str, Unit] | None = None  # towards this company, judged where a document names several


class Judgement(Record, frozen=True, kw_only=True):
    """What one model said: probabilities by label, in the order of `models.labels`."""

    model: Short
    version: Short
    sentiment: dict[str, Unit]
    topic: dict[str, Unit]
    risk: dict[str, Unit]
    abstained: bool = False  # the likeliest sentiment is more likely wrong than right


class Signature(Record, frozen=True, kw_only=True):
    """How a text is recognised again: exact after cleaning (`copy_key`) and nearly (`minhash`)."""

    copy_key: Annotated[str, Meta(min_length=32, max_length=32)]
    minhash: tuple[int, ...] = ()
    algorithm: Short = ""  # of the MinHash; signatures of different algorithms are never compared


class Document(Record, frozen=True, kw_only=True):
    """An item cleaned, masked, identified and judged: what is indexed and what replay reads."""

    v: Literal[1] = SCHEMA_VERSION
    id: Annotated[str, Meta(min_length=32, max_length=32)]
    origin: Short  # "topic/partition@offset" of the raw record
    source: Short
    native_id: Id
    revision: Short
    kind: Kind
    title: str
    text: str  # empty when the source forbids storing bodies
    truncated: bool = False
    url: str
    author: Short  # keyed pseudonym, never a name
    lang: Short
    published_at: Time | None
    published_how: Known
    collected_at: Time
    collected_how: Literal["clock", "archive"]
    masked: dict[str, int]  # how many of which kind of personal data were masked
    signature: Signature
    entities: tuple[Entity, ...]
    judgement: Judgement | None  # None: no model for this language; counted as unjudged, never guessed
    unjudged: Short = ""  # the reason, when there is no judgement
    stale: Literal["fresh", "stale", "unknown"]
    may_train: bool
    retention_days: int
    code: Short  # version of Tocsin that made it
    gazetteer: Short  # version of the names that were looked up
    demo: bool = False
    expires_at: Time | None = None  # when it may be kept no longer; None in records older than this field


class Mention(Record, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """One document about one subject: the contract between enrich and detect."""

    v: Literal[1] = SCHEMA_VERSION
    subject: Id  # "entity:<id>" or "topic:<name>"
    name: str  # for people
    document: Annotated[str, Meta(min_length=32, max_length=32)]
    channel: Short  # "topic/partition" of the raw record
    offset: Annotated[int, Meta(ge=0)]  # of the raw record
    source: Short
    kind: Kind
    author: Short
    lang: Short
    url: str
    headline: Annotated[str, Meta(max_length=200)]  # masked; of a body only where the source permits storing it
    collected_at: Time
    published_at: Time | None
    stale: Literal["fresh", "stale", "unknown"]
    relevance: Unit
    signature: Signature
    sentiment: dict[str, Unit] | None
    topic: Short  # the likeliest topic; empty when unjudged
    topic_confidence: Unit = 0.0
    risk: Short = ""  # the likeliest kind of risk event, `none` included; empty when unjudged
    risk_confidence: Unit = 0.0
    model: Short = ""
    demo: bool = False
    item: Short = ""  # the same for all revisions of one item of its source; empty in records older than this field


class Tick(Record, frozen=True, kw_only=True, tag_field="type", tag="tick"):
    """Forwarded into every partition of `mentions`: the channel holds nothing older than `at` any more."""

    v: Literal[1] = SCHEMA_VERSION
    channel: Short
    offset: Annotated[int, Meta(ge=0)]
    at: Time


class Evidence(Record, frozen=True, kw_only=True):
    """One story behind an alert: a representative document and how many say the same."""

    document: str
    headline: str
    url: str
    source: Short
    collected_at: Time
    negative: Unit
    copies: Annotated[int, Meta(ge=1)]  # documents in this story
    authors: Annotated[int, Meta(ge=1)]
    sources: Annotated[int, Meta(ge=0)] = 0  # distinct ones in this story; 0 in records older than this field
    share: Unit = 0.0  # of the excess (observed less expected) that this story makes
    first_seen: Time | None = None
    last_seen: Time | None = None
    risk: Short = ""  # likeliest kind of risk event of the document
    highlights: tuple[tuple[int, int], ...] = ()  # [start, end) of words in `headline` worth a look


class Condition(Record, frozen=True, kw_only=True):
    """What one part of a composed rule said."""

    type: Short
    holds: bool
    why: Short
    observed: float
    unit: Short
    window_seconds: int


class Counterfactual(Record, frozen=True, kw_only=True):
    """The fewest of the told stories without which the rule would not hold, told most first."""

    stops: bool  # False: it would hold even without all stories shown
    documents: tuple[str, ...]  # those that stand for the stories taken away, as in `evidence`
    observed: float  # without them


State = Literal["pending", "firing", "updated", "amended", "resolved"]
Severity = Literal["info", "warning", "critical"]


class AlertEvent(Record, frozen=True, kw_only=True):
    """One step in the life of one alert. `(alert, sequence)` identifies it, the same on every redelivery and replay."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id  # f"{alert}.{sequence}"
    alert: Annotated[str, Meta(min_length=32, max_length=32)]  # deterministic: rule, subject, start of the episode
    sequence: Annotated[int, Meta(ge=0)]
    state: State
    reason: str  # why this step was taken, from the engine
    rule: Short
    rule_hash: Short
    severity: Severity
    subject: Id
    name: str
    at: Time  # event time of this step
    since: Time  # event time at which the condition first held
    window_seconds: int
    observed: float
    expected: float | None
    low: float | None  # interval of the observed value, or of the expectation for surges
    high: float | None
    unit: Short  # what observed and expected count, e.g. "negative stories", "negative share"
    p_value: float | None
    support: int  # stories judged in the window
    documents: int
    stories: int
    sources: int
    authors: int
    evidence: tuple[Evidence, ...]
    models: tuple[Short, ...]
    labels: dict[str, str]
    demo: bool = False
    replay: bool = False  # history through the engine: never for a live channel
    kind: Short = ""  # type of the rule; "system" for Tocsin's own
    annotations: dict[str, str] = {}  # the rule's sentences, filled in
    bound: float | None = None  # what `observed` (for a share its lower bound) had to reach
    beyond: float = 0.0  # how many times the bound is reached: decides the severity
    ladder: dict[str, float] = {}  # severities by `beyond`, as the rule has them
    stale: int = 0  # documents in the window that were old when collected; left out unless the rule takes them
    unknown_dates: int = 0  # documents in the window without a trustworthy publication time
    unjudged: int = 0  # documents in the window that no model judged
    risks: dict[str, int] = {}  # counted documents by likeliest kind of risk event
    conditions: tuple[Condition, ...] = ()  # of a composed rule
    counterfactual: Counterfactual | None = None
    corrected: bool = False  # the share was corrected by the model's confusion matrix


class Heartbeat(Record, frozen=True, kw_only=True):
    """The watcher lives, and its records reach the notifier: what the outside dead-man's switch waits for."""

    v: Literal[1] = SCHEMA_VERSION
    at: Time
    open: Annotated[int, Meta(ge=0)]  # alerts about Tocsin itself that are firing


Answer = Literal["", "accepted", "refused", "throttled", "timed_out", "unreachable"]


class Receipt(Record, frozen=True, kw_only=True):
    """What a channel answered to one attempt to deliver one notification."""

    v: Literal[1] = SCHEMA_VERSION
    notification: Id
    event: Id
    receiver: Short  # without secrets: scheme and host only
    attempt: Annotated[int, Meta(ge=1)]
    at: Time
    outcome: Literal["delivered", "retry", "refused", "disabled"]  # what becomes of the notification
    status: int | None
    reason: Short
    channel: Short = ""  # its type: webhook, dingtalk, email …
    answer: Answer = ""  # what the channel said to this attempt; empty in records older than this field
    code: Short = ""  # the channel's own code for it
    meaning: Annotated[str, Meta(max_length=500)] = ""  # what the code means
    fix: Annotated[str, Meta(max_length=500)] = ""  # what to do about it
    part: Annotated[int, Meta(ge=1)] = 1  # of a message that had to be split
    parts: Annotated[int, Meta(ge=1)] = 1
    events: tuple[Id, ...] = ()  # all alert events in the notification; empty: only `event`


class Feedback(Record, frozen=True, kw_only=True, tag_field="type", tag="correction"):
    """What a person says one label of a document should be; the same label as judged confirms it.

    Of one author, document and head the latest counts. `model` and `version` are those whose judgement was looked at.
    """

    v: Literal[1] = SCHEMA_VERSION
    document: Annotated[str, Meta(min_length=32, max_length=32)]
    head: Literal["sentiment", "topic", "risk"]
    label: Annotated[str, Meta(min_length=1, max_length=64)]  # of models.labels
    judged: Short  # what the model had said; empty: it was unjudged
    author: Short  # keyed pseudonym, never a name
    at: Time
    note: Annotated[str, Meta(max_length=1000)] = ""
    model: Short = ""
    version: Short = ""


Person = Annotated[str, Meta(min_length=1, max_length=128)]
Reason = Annotated[str, Meta(max_length=1000)]


class Acknowledgement(Record, frozen=True, kw_only=True, tag_field="type", tag="acknowledgement"):
    """Somebody has taken an alert in hand: no repeats and no escalation, until it grows more severe or `until`."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    alert: Annotated[str, Meta(min_length=32, max_length=32)]
    author: Person
    at: Time
    reason: Reason = ""
    until: Time | None = None


class Silence(Record, frozen=True, kw_only=True, tag_field="type", tag="silence"):
    """Alerts that match are not told between `at` and `until`; they go on living, and are counted."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    match: Annotated[dict[str, tuple[str, ...]], Meta(min_length=1)]  # field or label -> values, any of them
    author: Person
    at: Time
    until: Time
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class SilenceEnd(Record, frozen=True, kw_only=True, tag_field="type", tag="silence_end"):
    """A silence is over before its time."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    silence: Id
    author: Person
    at: Time
    reason: Reason = ""


class Mark(Record, frozen=True, kw_only=True, tag_field="type", tag="mark"):
    """What somebody says of an alert afterwards. Of one author and alert the latest counts."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    alert: Annotated[str, Meta(min_length=32, max_length=32)]
    right: bool
    author: Person
    at: Time
    reason: Reason = ""


class MissedEvent(Record, frozen=True, kw_only=True, tag_field="type", tag="missed"):
    """Something that happened to a subject and that no alert told of; or, as a control, what must not ring."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    subject: Id  # "entity:AAPL"
    name: Short = ""  # of the subject, for people
    onset: Time  # when it began, or when the public could first know
    end: Time | None = None
    day_only: bool = False  # the onset is known to the day
    kind: Literal["negative", "control"] = "negative"
    note: Annotated[str, Meta(min_length=1, max_length=1000)]
    risk: Short = ""  # kind of risk event, of models.labels
    author: Person
    at: Time


class Withdrawal(Record, frozen=True, kw_only=True, tag_field="type", tag="withdrawal"):
    """Whoever added a missed event was wrong: it counts no more. Of one event there is one withdrawal."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    event: Id  # of the MissedEvent
    author: Person
    at: Time
    reason: Reason = ""


class Escalation(Record, frozen=True, kw_only=True, tag_field="type", tag="escalation"):
    """Somebody wants further people to know of an alert now, without waiting for the time of its route."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    alert: Annotated[str, Meta(min_length=32, max_length=32)]
    author: Person
    at: Time
    reason: Reason = ""


class RuleChange(Record, frozen=True, kw_only=True, tag_field="type", tag="rule_change"):
    """A file of rules was written: what it said before and says now, by its hash."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id
    file: Annotated[str, Meta(min_length=1, max_length=256)]  # its name, without a folder
    was: Short = ""  # empty: there was none
    now: Annotated[str, Meta(min_length=1, max_length=256)]
    author: Person
    at: Time
    reason: Reason = ""


OfAlerts = Acknowledgement | Escalation | Silence | SilenceEnd | Mark
Operation = OfAlerts | MissedEvent | Withdrawal | RuleChange


class Piece(Record, frozen=True, kw_only=True):
    """A piece of a line of a report: text, never markup."""

    text: str
    style: Literal["", "bold", "mark"] = ""
    href: Annotated[str, Meta(max_length=2048)] = ""  # http, https or empty


Paragraph = tuple[tuple[Piece, ...], ...]  # lines that belong together


class Edition(Record, frozen=True, kw_only=True):
    """A report in one language: short for a chat, longer for a letter, whole as a file."""

    title: str
    brief: tuple[Paragraph, ...]
    letter: tuple[Paragraph, ...]
    file_name: Short
    file_type: Literal["application/pdf", "text/html"]
    file: bytes  # base64 on the wire


class Bulletin(Record, frozen=True, kw_only=True):
    """A report as it is sent: made once, told by `notify` once to each of its receivers."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id  # "report:daily:2026-11-28.0"; the number counts how often it was sent again on purpose
    kind: Literal["daily", "weekly"]
    day: Annotated[str, Meta(min_length=10, max_length=10)]  # the last one it covers
    at: Time  # when it was made
    receivers: Annotated[tuple[Short, ...], Meta(min_length=1)]
    editions: dict[Literal["en", "zh"], Edition]
    data: dict[str, Any]  # the same for programs, short enough for one webhook
    link: Annotated[str, Meta(max_length=2048)] = ""  # to the console
    demo: bool = False


class DeadLetter(Record, frozen=True, kw_only=True):
    """What failed, where, why and how often. `value` is base64 of the original bytes, cut at a limit."""

    v: Literal[1] = SCHEMA_VERSION
    id: Id  # f"{stage}:{topic}/{partition}@{offset}"
    stage: Short
    topic: Short  # of the origin: a Kafka topic, or "file:<name>" / "push" at the doors
    partition: int
    offset: int  # line number for files
    reason: Short  # stable code
    message: Annotated[str, Meta(max_length=1000)]
    at: Time
    retries: Annotated[int, Meta(ge=0)] = 0
    key: str | None = None  # base64
    value: str | None = None  # base64
    size: int = 0
    truncated: bool = False
    sha256: Short = ""
    code: Short = ""


R = TypeVar("R")
Raw = RawItem | RawTick
Signal = Mention | Tick
Opinion = Feedback | Operation  # what people say: topic `feedback`

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(record: Struct) -> bytes:
    """Bytes on the wire. Raises Reject when a text holds a lone surrogate, which no UTF-8 can carry."""
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError as error:
        raise Reject("bad_unicode", f"text holds a lone surrogate at {error.start}") from None


@overload
def decode(data: bytes | None, kind: type[R]) -> R: ...
@overload
def decode(data: bytes | None, kind: Any) -> Any: ...
def decode(data: bytes | None, kind: Any) -> Any:
    """The record in `data`, or Reject with a reason: empty, bad_utf8, bad_json, bad_schema, bad_time."""
    if not data:
        raise Reject("empty", "the record has no value")
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        record = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise Reject("bad_schema", str(error)) from None
    except UnicodeDecodeError as error:
        raise Reject("bad_utf8", f"not UTF-8: {error.reason} within a text") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Reject("bad_json", str(error)) from None
    return record


def check_time(at: datetime, now: datetime, field: str) -> datetime:
    """`at` in UTC. Reject `bad_time` when it has no zone or lies before 1990 or more than a day ahead of `now`."""
    if at.tzinfo is None:
        raise Reject("bad_time", f"{field} has no time zone: write 2026-01-31T09:30:00Z or +08:00")
    try:
        at = at.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset that leaves the calendar
        raise Reject("bad_time", f"{field} lies outside the calendar") from None
    if at < EARLIEST:
        raise Reject("bad_time", f"{field} {at:%Y-%m-%d} lies before {EARLIEST:%Y}: is it in the right unit?")
    if at > now + FUTURE_SLACK:
        raise Reject("bad_time", f"{field} {at:%Y-%m-%d} lies in the future")
    return at


def content_revision(title: str, text: str) -> str:
    """Revision of an item whose source names none: 16 hex digits of its content."""
    return digest(title, text)[:16]


def document_id(source: str, native_id: str, revision: str) -> str:
    """Identity of a document: 32 hex digits of source, native id and revision."""
    return digest(source, native_id, revision)


def digest(*parts: str) -> str:
    """32 hex digits (BLAKE2b-128) of the parts, each length-prefixed so that no two lists collide."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()
