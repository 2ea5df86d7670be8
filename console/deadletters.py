"""`tocsin deadletters list | retry`: what could not be accepted, where, why; and once more."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError

from console.exits import WRONG_INPUT, told
from console.messages import say
from streams import clock
from streams.deadletter import send
from streams.endpoints import resolve
from streams.kafka import Producer, TopicMissing, read_topic
from streams.letters import Letters, NotRetryable, Place, mark, original
from streams.log import clean, configure
from streams.records import DeadLetter, Reject, decode
from streams.settings import Settings, load
from streams.sources.ticks import Sink
from streams.topics import DEADLETTERS

TOGETHER: Final = 200  # letters sent again in one go

app = typer.Typer(help="What could not be accepted: list it, send it again.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Only letters with this reason.")]
Stage = Annotated[str, typer.Option(help="Only letters of this stage.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@dataclass(slots=True)
class Retry:
    """What became of the letters that were to be sent again."""

    sent: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # (id, why)
    unknown: list[str] = field(default_factory=list)  # ids without an open letter


async def read_letters(settings: Settings, bootstrap: str) -> Letters:
    """All letters of the topic, newest state of each."""
    letters = Letters()
    async for message in read_topic(settings, bootstrap, DEADLETTERS):
        try:
            letters.fold(decode(message.value, DeadLetter), message.offset)
        except Reject:
            continue  # not written by us; the dead letters have no dead letters
    return letters


def as_dict(place: Place) -> dict[str, Any]:
    """An open letter as plain data, without its bytes."""
    letter = place.letter
    names = ("id", "stage", "topic", "partition", "offset", "reason", "message", "size", "truncated", "retries")
    return {name: getattr(letter, name) for name in names} | {"at": letter.at.isoformat()}


def list_lines(places: list[Place], limit: int, lang: str | None = None) -> list[str]:
    """Open letters for people: the newest `limit`, then how many of each reason there are."""
    lines = [_line(place.letter) for place in places[-limit:]]
    if len(places) > limit:
        lines.insert(0, say("deadletters.older", lang, count=len(places) - limit))
    counts = Counter(place.letter.reason for place in places)
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
    key = "deadletters.open" if places else "deadletters.none"
    return [*lines, say(key, lang, count=len(places), reasons=told)]


def _line(letter: DeadLetter) -> str:
    return f"{letter.at:%Y-%m-%d %H:%M:%S}  {clean(letter.id)}  {letter.reason}: {clean(letter.message)}"


async def retry_letters(
    settings: Settings, bootstrap: str, sink: Sink, places: Iterable[Place], wanted: frozenset[str]
) -> Retry:
    """Send the letters' records to their origins again, then mark them. A crash between the two repeats a record.

    Effects in order: the original bytes are durable at their origin; the mark is durable in the dead letters.
    """
    by_offset = {place.offset: place.letter.id for place in places}
    outcome = Retry(unknown=sorted(wanted - set(by_offset.values())))
    batch: list[DeadLetter] = []
    if by_offset:
        async for message in read_topic(settings, bootstrap, DEADLETTERS, start=min(by_offset)):
            if message.offset in by_offset:
                batch.append(decode(message.value, DeadLetter))
            if len(batch) >= TOGETHER:
                await _send_again(settings, sink, batch, outcome)
                batch = []
    await _send_again(settings, sink, batch, outcome)
    return outcome


async def _send_again(settings: Settings, sink: Sink, letters: list[DeadLetter], outcome: Retry) -> None:
    records, sent = [], []
    for letter in letters:
        try:
            records.append(original(letter, settings))
            sent.append(letter)
        except NotRetryable as refused:
            outcome.refused.append((letter.id, str(refused)))
    await sink.send_all(records)
    await sink.send_all([send(mark(letter, clock.now())) for letter in sent])
    outcome.sent += len(sent)


def retry_lines(outcome: Retry, lang: str | None = None) -> list[str]:
    """What became of a retry, for people."""
    lines = [say("deadletters.sent", lang, count=outcome.sent)]
    lines += [say("deadletters.refused", lang, id=clean(name), why=clean(why)) for name, why in outcome.refused[:50]]
    if len(outcome.refused) > 50:
        lines.append(say("deadletters.refused_more", lang, count=len(outcome.refused) - 50))
    lines += [say("deadletters.unknown", lang, id=clean(name)) for name in outcome.unknown]
    return lines


@contextmanager
def _kafka() -> Iterator[tuple[Settings, str]]:
    """Settings and Kafka's address; what goes wrong becomes words and an exit code."""
    with told(unavailable=(TopicMissing,), away=(KafkaError, OSError), key="deadletters.away"):
        settings = load()
        configure(settings, "deadletters")
        yield settings, resolve(settings, "kafka").kafka


@app.command("list")
def list_open(
    reason: Reason = "",
    stage: Stage = "",
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Open dead letters: where each came from and why it was refused."""
    with _kafka() as (settings, bootstrap):
        letters = asyncio.run(read_letters(settings, bootstrap))
    places = list(letters.open(reason=reason, stage=stage))
    if as_json:
        lines = [json.dumps(as_dict(place), ensure_ascii=False) for place in places[-limit:]]
    else:
        lines = list_lines(places, limit)
    for line in lines:
        typer.echo(line)


@app.command()
def retry(
    reason: Reason = "",
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only the letter with this id; repeat it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All open letters.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send records to where they came from again, after their cause was mended. Rows of files are only explained."""
    if not (reason or ids or everything):
        typer.echo(say("deadletters.which"), err=True)
        raise typer.Exit(WRONG_INPUT)
    with _kafka() as (settings, bootstrap):
        outcome = asyncio.run(_retry(settings, bootstrap, reason, frozenset(ids or [])))
    if as_json:
        refused = [{"id": name, "why": why} for name, why in outcome.refused]
        told_of = {"sent": outcome.sent, "refused": refused, "unknown": outcome.unknown}
        typer.echo(json.dumps(told_of, ensure_ascii=False))
    else:
        typer.echo("\n".join(retry_lines(outcome)))
    raise typer.Exit(1 if outcome.refused or outcome.unknown else 0)


async def _retry(settings: Settings, bootstrap: str, reason: str, ids: frozenset[str]) -> Retry:
    letters = await read_letters(settings, bootstrap)
    producer = Producer(settings, bootstrap)
    try:
        return await retry_letters(settings, bootstrap, producer, letters.open(reason=reason, ids=ids), ids)
    finally:
        await producer.stop()


def register(main: typer.Typer) -> None:
    """Add the commands `deadletters list` and `deadletters retry`."""
    main.add_typer(app, name="deadletters")
