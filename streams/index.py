"""The index stage: documents and alert events in, Elasticsearch bulk out, one outcome per item.

Ids and versions are deterministic, so writing an item again changes nothing. What Elasticsearch refuses for good goes
to the dead letters; what it cannot take now is tried again for ever, alone, without the items that were taken. What is
past its retention is not written: reading an old log again brings nothing back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from elastic_transport import ConnectionError as ElasticConnectionError
from elastic_transport import ConnectionTimeout, SerializationError, TlsError
from elasticsearch import ApiError, AsyncElasticsearch, AuthenticationException
from msgspec.structs import replace

from models.labels import SENTIMENTS
from streams import metrics
from streams.deadletter import Breaker, dead_letter
from streams.elastic import alerts_index, documents_index, put_templates
from streams.kafka import FIRST_PAUSE, LONGEST_PAUSE, Message, Outgoing, Producer
from streams.records import LONGEST_RETENTION, AlertEvent, Document, Reject, check_time, decode
from streams.retention import kept_until, taken
from streams.settings import Settings, SettingsError
from streams.topics import ALERTS

STAGE: Final = "index"
BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})  # worth another try
TOO_LARGE: Final = 413
WRONG_ITEM: Final = "action_request_validation_exception"  # 400 to a whole request, for one item in it
CONFLICT: Final = 409  # this version is there already: a duplicate or a redelivery

# Fields of a document that are stored under their own name and unchanged.
AS_IS: Final = (
    *("id", "origin", "source", "native_id", "revision", "kind", "title", "text", "truncated", "url", "author"),
    *("lang", "published_at", "published_how", "collected_at", "collected_how", "entities", "unjudged", "stale"),
    *("may_train", "retention_days", "code", "gazetteer", "demo"),
)

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


class IndexRefused(SettingsError):  # noqa: N818 - reads as what it says
    """Elasticsearch refuses our credentials or our requests as such: no retry helps."""


@dataclass(frozen=True, slots=True)
class Action:
    """One bulk item: its origin, and the two lines of the bulk body."""

    message: Message
    head: bytes
    body: bytes


def document_source(document: Document, now: datetime) -> dict[str, Any]:
    """A document as Elasticsearch stores it: flat where people search and chart, without the signature's numbers."""
    source: dict[str, Any] = {name: getattr(document, name) for name in AS_IS}
    source |= {
        "@timestamp": document.collected_at,
        "indexed_at": now,
        "expires_at": kept_until(document, now),
        "judged": document.judgement is not None,
        "masked": [{"kind": kind, "count": count} for kind, count in document.masked.items()],
        "copy_key": document.signature.copy_key,
        "minhash_algorithm": document.signature.algorithm,
    }
    judged = document.judgement
    if judged is not None:
        topic, risk = (max(head, key=head.__getitem__) for head in (judged.topic, judged.risk))
        label = max(SENTIMENTS, key=judged.sentiment.__getitem__)
        source |= {
            "sentiment": {"label": label, "abstained": judged.abstained} | judged.sentiment,
            "topic": {"label": topic, "confidence": judged.topic[topic]},
            "risk": {"label": risk, "confidence": judged.risk[risk]},
            "model": {"name": judged.model, "version": judged.version},
        }
    return source


def alert_source(event: AlertEvent, now: datetime) -> dict[str, Any]:
    """An alert event as Elasticsearch stores it."""
    source = {f: getattr(event, f) for f in event.__struct_fields__ if f not in ("v", "at")}
    pairs = {
        name: [{"key": key, "value": value} for key, value in getattr(event, name).items()]
        for name in ("labels", "annotations", "ladder", "risks")  # names chosen by users must not become fields
    }
    return source | {"@timestamp": event.at, "indexed_at": now} | pairs


def document_version(document: Document) -> int:
    """External version: a later model's judgement replaces an earlier one, the same one written again does not.

    Models are numbered: `2-0a1b2c3d` is number 2, whatever its checksum says.
    """
    if document.judgement is None:
        return 1
    number = re.match("[0-9]{1,9}", document.judgement.version)
    return 2 + int(number[0]) if number else 2


def check_document(document: Document, now: datetime) -> None:
    """Raise Reject for what the types allow and the index cannot hold: impossible times and retentions, judgements
    without labels."""
    check_time(document.collected_at, now, "collected_at")
    if document.published_at is not None:
        check_time(document.published_at, now, "published_at")
    judged = document.judgement
    sentiments = [entity.sentiment for entity in document.entities if entity.sentiment is not None]
    if judged is not None:
        sentiments.append(judged.sentiment)
    if not 1 <= document.retention_days <= LONGEST_RETENTION:
        raise Reject("bad_schema", f"a retention has 1 to {LONGEST_RETENTION} days")
    if judged is not None and not (judged.topic and judged.risk):
        raise Reject("bad_schema", "a judgement gives a topic and a kind of risk")
    if any(each.keys() != set(SENTIMENTS) for each in sentiments):
        raise Reject("bad_schema", f"a sentiment gives each of {', '.join(SENTIMENTS)}")


class Index:
    """`prepare` turns records into bulk items, `deliver` writes them and waits until each has an outcome."""

    def __init__(
        self, settings: Settings, elastic: AsyncElasticsearch, producer: Producer, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._elastic = elastic
        self._producer = producer
        self._clock = clock
        self._alerts = ALERTS.full(settings)
        self._breaker = Breaker()
        self._templates = False

    async def prepare(self, messages: list[Message]) -> tuple[list[Action], list[Outgoing]]:
        """Bulk items of the readable records and dead letters of the others; what is past its retention is neither."""
        metrics.BATCH_RECORDS.labels(STAGE).observe(len(messages))
        actions: list[Action] = []
        dead: list[Outgoing] = []
        now = self._clock()
        for message in messages:
            try:
                action = self._action(message, now)
                if action is not None:
                    actions.append(action)
            except Reject as reject:
                metrics.REJECTS.labels(STAGE, reject.reason).inc()
                dead.append(dead_letter(STAGE, message, reject, now))
        return actions, dead

    def _action(self, message: Message, now: datetime) -> Action | None:
        """The bulk item of a record; None for a document that may be kept no longer, as when an old log is read."""
        if message.topic == self._alerts:
            event = decode(message.value, AlertEvent)
            check_time(event.at, now, "at")
            index, name, version = alerts_index(self._settings, event.at), event.id, 1
            source = alert_source(event, now)
        else:
            document = decode(message.value, Document)
            check_document(document, now)
            until = kept_until(document, taken(message.timestamp, now))
            if until <= now:
                metrics.INDEX_ITEMS.labels("expired").inc()
                metrics.RECORDS.labels(STAGE, "expired").inc()
                return None
            document = replace(document, expires_at=until)
            index = documents_index(self._settings, document.published_at, document.collected_at)
            name, version, source = document.id, document_version(document), document_source(document, now)
        head = {"index": {"_index": index, "_id": name, "version": version, "version_type": "external"}}
        return Action(message, _encoder.encode(head), _encoder.encode(source))

    async def deliver(self, batch: tuple[list[Action], list[Outgoing]]) -> bool:
        """Write the batch; returns when every item was written, was there already, or is a dead letter."""
        actions, dead = batch
        rejected = len(dead)
        pause = FIRST_PAUSE
        left: Sequence[Action] = actions
        while left:
            left, refused = await self._write(left)
            dead.extend(refused)
            if left:
                metrics.INDEX_ITEMS.labels("retried").inc(len(left))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        await self._producer.send_all(dead)
        self._account(actions, len(dead), rejected)
        return True

    async def _write(self, actions: Sequence[Action]) -> tuple[list[Action], list[Outgoing]]:
        """One bulk request: what must be tried again, and what was refused for good."""
        try:
            if not self._templates:
                await put_templates(self._elastic, self._settings)
                self._templates = True
            lines: list[Any] = [line for a in actions for line in (a.head, a.body)]
            with metrics.INDEX_BULK_SECONDS.time():
                answer = await self._elastic.bulk(
                    operations=lines, filter_path="errors,items.*.status,items.*.error.type,items.*.error.reason"
                )
        except (TlsError, AuthenticationException) as error:
            raise IndexRefused(f"Elasticsearch refuses us ({type(error).__name__}): check the API key and CA") from None
        except (ElasticConnectionError, ConnectionTimeout, SerializationError) as error:
            log.warning("index.waiting", error=type(error).__name__, items=len(actions))
            return list(actions), []
        except ApiError as error:
            if error.status_code == TOO_LARGE or error.error == WRONG_ITEM:
                return await self._write_halves(actions, error)
            if error.status_code not in BUSY and "block" not in str(error.error):
                raise IndexRefused(f"Elasticsearch refuses the request ({error.status_code} {error.error})") from None
            log.warning("index.waiting", status=error.status_code, error=str(error.error), items=len(actions))
            return list(actions), []
        return self._outcomes(actions, answer["items"])

    async def _write_halves(self, actions: Sequence[Action], error: ApiError) -> tuple[list[Action], list[Outgoing]]:
        """The request as a whole was too large, or one item made it invalid: halves, until that item is alone."""
        if len(actions) == 1:
            large = error.status_code == TOO_LARGE
            reason = "larger than Elasticsearch takes in one request" if large else f"{error.error}: an id is too long"
            return [], [self._refuse(actions[0], reason)]
        half = len(actions) // 2
        again, refused = await self._write(actions[:half])
        more, others = await self._write(actions[half:])
        return again + more, refused + others

    def _outcomes(self, actions: Sequence[Action], items: Sequence[Any]) -> tuple[list[Action], list[Outgoing]]:
        again: list[Action] = []
        refused: list[Outgoing] = []
        for action, item in zip(actions, items, strict=True):
            outcome = item["index"]
            status = int(outcome["status"])
            error = outcome.get("error", {})
            if status < 300:
                metrics.INDEX_ITEMS.labels("written").inc()
            elif status == CONFLICT:
                metrics.INDEX_ITEMS.labels("unchanged").inc()
            elif status in BUSY or "cluster_block" in error.get("type", ""):
                again.append(action)
            elif status in (401, 403):
                raise IndexRefused(f"Elasticsearch forbids writing ({error.get('type', status)}): check the role")
            else:
                refused.append(self._refuse(action, f"{error.get('type', status)}: {error.get('reason', '')}"))
        return again, refused

    def _refuse(self, action: Action, why: str) -> Outgoing:
        """The dead letter of an item that Elasticsearch will never take."""
        metrics.INDEX_ITEMS.labels("rejected").inc()
        metrics.REJECTS.labels(STAGE, "index_refused").inc()
        return dead_letter(STAGE, action.message, Reject("index_refused", why), self._clock())

    def _account(self, actions: Sequence[Action], dead: int, undecodable: int) -> None:
        now = self._clock().timestamp()
        accepted = len(actions) - (dead - undecodable)
        metrics.RECORDS.labels(STAGE, "accepted").inc(accepted)
        metrics.RECORDS.labels(STAGE, "rejected").inc(dead)
        for action in actions:
            metrics.LATENCY.labels(STAGE).observe(max(0.0, now - action.message.timestamp))
        metrics.LAST_DELIVERY.labels(STAGE).set(now)
        self._breaker.count(accepted, dead)
