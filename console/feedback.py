"""`tocsin feedback add`: what a label of a document should be, kept in Kafka for training and review."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError
from elasticsearch import ApiError, AsyncElasticsearch, TransportError
from rapidfuzz import process

from console.exits import told
from console.messages import say
from models.labels import HEADS
from streams import clock
from streams import elastic as es
from streams.endpoints import Endpoints, resolve
from streams.kafka import Outgoing, Producer, TopicMissing, ensure_topics
from streams.log import configure
from streams.pii import pseudonym
from streams.plain import plain
from streams.pseudonyms import pseudonym_key
from streams.records import Feedback, encode
from streams.settings import Settings, load
from streams.topics import FEEDBACK

PAGE: Final = 500  # documents asked for in one request
FIELDS: Final = (
    "title",
    "text",
    "lang",
    "source",
    "may_train",
    "expires_at",
    "sentiment.label",
    "topic.label",
    "risk.label",
    "model",
)

app = typer.Typer(help="What people say about the labels of documents.", no_args_is_help=True)


class FeedbackRefused(ValueError):  # noqa: N818 - what happened
    """This cannot be taken as feedback; the message says why and what to do."""


class NoDocument(FeedbackRefused):
    """The index holds no document of this id."""


@contextmanager
def engines() -> Iterator[tuple[Settings, Endpoints]]:
    """Settings and the addresses of Kafka and Elasticsearch; what goes wrong becomes words and an exit code."""
    with told(
        refused=(FeedbackRefused,), unavailable=(TopicMissing,),
        away=(ApiError, TransportError, KafkaError, OSError), key="balance.away",
    ):  # fmt: skip
        settings = load()
        configure(settings, "feedback")
        yield settings, resolve(settings, "kafka", "elasticsearch")


async def read_documents(elastic: AsyncElasticsearch, settings: Settings, ids: Sequence[str]) -> dict[str, Any]:
    """What the index holds of these documents, by id; one that it does not hold is left out."""
    found: dict[str, Any] = {}
    for at in range(0, len(ids), PAGE):
        wanted = list(ids[at : at + PAGE])
        answer = await elastic.search(
            index=es.pattern(settings, "documents"),
            allow_no_indices=True,
            ignore_unavailable=True,
            allow_partial_search_results=False,  # a document that a shard keeps back is not one that is gone
            size=len(wanted) * 2,  # one id may lie in two indices
            query={"ids": {"values": wanted}},
            source_includes=list(FIELDS),
        )
        found |= {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}
    return found


def check_labels(given: dict[str, str]) -> None:
    """Raise FeedbackRefused unless there is a label, and each is one of its head."""
    if not given:
        raise FeedbackRefused(say("feedback.nothing", heads=", ".join(f"--{head}" for head in HEADS)))
    for head, label in given.items():
        if label not in HEADS[head]:
            close = process.extractOne(label, HEADS[head], score_cutoff=60)
            key = "feedback.meant" if close else "feedback.label"
            labels = ", ".join(HEADS[head])
            raise FeedbackRefused(say(key, label=label, head=head, labels=labels, meant=close[0] if close else ""))


def corrections(
    document: str, source: dict[str, Any], given: dict[str, str], author: str, note: str, at: datetime
) -> list[Feedback]:
    """One record for each head, with what the model had said."""
    model = source.get("model", {})
    return [
        Feedback(
            document=document,
            head=head,  # type: ignore[arg-type]  # checked: a key of HEADS
            label=label,
            judged=source.get(head, {}).get("label", ""),
            author=author,
            at=at,
            note=plain(note, 1000),
            model=model.get("name", ""),
            version=model.get("version", ""),
        )
        for head, label in given.items()
    ]


async def said(
    elastic: AsyncElasticsearch, settings: Settings, document: str, given: dict[str, str], by: str, note: str,
    at: datetime,
) -> list[Feedback]:  # fmt: skip
    """The records of what somebody says of a document; `by` becomes a pseudonym. Raises NoDocument."""
    found = await read_documents(elastic, settings, [document])
    if document not in found:
        raise NoDocument(say("feedback.no_document", document=document))
    return corrections(document, found[document], given, pseudonym(by, pseudonym_key(settings)), note, at)


def outgoing(record: Feedback) -> Outgoing:
    """As it goes to Kafka: all about one document stays in order."""
    return Outgoing(FEEDBACK, encode(record), key=record.document.encode())


async def write(
    settings: Settings, at: Endpoints, document: str, given: dict[str, str], by: str, note: str
) -> list[Feedback]:
    """The records, durable in Kafka. Raises NoDocument."""
    elastic = es.client(settings, at.elasticsearch)
    try:
        found = await said(elastic, settings, document, given, by, note, clock.now())
    finally:
        await elastic.close()
    await ensure_topics(settings, at.kafka)  # an older installation has no such topic yet
    producer = Producer(settings, at.kafka)
    try:
        await producer.send_all([outgoing(each) for each in found])
    finally:
        await producer.stop()
    return found


def user() -> str:
    """Who runs this, as the machine knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for it
        return "unknown"


@app.callback()
def area() -> None:
    """Keeps `add` a command of its own."""


@app.command()
def add(
    document: Annotated[str, typer.Argument(help="Id of the document, as Elasticsearch and alerts show it.")],
    sentiment: Annotated[str, typer.Option(help="What its sentiment should be.")] = "",
    topic: Annotated[str, typer.Option(help="What its topic should be.")] = "",
    risk: Annotated[str, typer.Option(help="What its kind of risk should be.")] = "",
    note: Annotated[str, typer.Option(help="Why; for whoever reviews it.")] = "",
    author: Annotated[str, typer.Option(help="Who says so, kept as a pseudonym; default: this machine's user.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Say what a document's labels should be; a label as it was judged confirms it."""
    given = {head: label for head, label in (("sentiment", sentiment), ("topic", topic), ("risk", risk)) if label}
    with engines() as (settings, at):
        check_labels(given)
        found = asyncio.run(write(settings, at, document.strip().lower(), given, author or user(), note))
    for each in found:
        if as_json:
            typer.echo(encode(each))
            continue
        key = "feedback.confirmed" if each.label == each.judged else "feedback.corrected"
        typer.echo(say(key, head=each.head, label=each.label, judged=plain(each.judged) or "-"))


def register(main: typer.Typer) -> None:
    """Add the commands of `feedback`."""
    main.add_typer(app, name="feedback")
