"""`tocsin models corrections`: what people corrected, reviewed, as rows to train on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from console.exits import WRONG_INPUT
from console.feedback import FeedbackRefused, engines, read_documents
from console.messages import say
from models.feedback import (
    Mark,
    ReviewRefused,
    Text,
    Usable,
    accepted,
    as_jsonl,
    fold,
    review,
    rows,
    usable,
)
from streams import clock
from streams import elastic as es
from streams.document import joined
from streams.endpoints import Endpoints
from streams.kafka import ensure_topics, read_topic
from streams.plain import plain
from streams.records import Feedback, Opinion, Reject, decode
from streams.settings import Settings
from streams.topics import FEEDBACK


async def read_marks(settings: Settings, bootstrap: str) -> tuple[list[Mark], int]:
    """Everything on the topic, in order, and how many records there are not of our making."""
    await ensure_topics(settings, bootstrap)
    marks, unreadable = [], 0
    async for message in read_topic(settings, bootstrap, FEEDBACK):
        try:
            said = decode(message.value, Opinion)
        except Reject:
            unreadable += 1
            continue
        if not isinstance(said, Feedback):
            continue  # of an alert, not of a label
        marks.append(Mark(said.document, said.head, said.label, said.judged, said.author, said.at, said.note))
    return marks, unreadable


def text_of(source: Mapping[str, Any]) -> Text:
    """A document of the index as far as it is learnt from: title and body, as the model read them."""
    words = joined(source.get("title", ""), source.get("text", ""))
    return Text(words, source.get("lang", ""), plain(source.get("source", "")), bool(source.get("may_train")))


def over(source: Mapping[str, Any], now: datetime) -> bool:
    """Whether its retention is over."""
    until = source.get("expires_at")
    return until is not None and datetime.fromisoformat(until) <= now


async def collect(settings: Settings, at: Endpoints) -> tuple[Usable, dict[str, Text], int]:
    """Folded corrections that may be learnt from, the texts of all, and unreadable records."""
    marks, unreadable = await read_marks(settings, at.kafka)
    found = fold(marks)
    elastic = es.client(settings, at.elasticsearch)
    try:
        asked = await read_documents(elastic, settings, sorted({each.document for each in found}))
    finally:
        await elastic.close()
    now = clock.now()  # what is past its retention counts as gone, though the worker index removes it within the hour
    texts = {document: text_of(source) for document, source in asked.items() if not over(source, now)}
    return usable(found, texts), texts, unreadable


def told(found: Usable, unreadable: int) -> list[str]:
    """How many corrections there are, how many contradict each other, and which may not be used and why."""
    contradicted = len({(each.document, each.head) for each in found.corrections if each.contradicted})
    lines = [say("corrections.found", count=len(found.corrections), contradicted=contradicted)]
    refused = found.refused + Counter({"unreadable": unreadable} if unreadable else {})
    return lines + [say(f"corrections.{reason}", count=count) for reason, count in sorted(refused.items())]


def made(found: Usable, texts: Mapping[str, Text], reviewed: Path) -> tuple[str, list[str]]:
    """Training rows of the accepted lines, and what is to be said of them. Raises FeedbackRefused."""
    try:
        wanted = accepted(reviewed.read_text(encoding="utf-8-sig"))
    except ReviewRefused as error:
        raise FeedbackRefused(f"{reviewed}: {error}") from None
    except UnicodeDecodeError:
        raise FeedbackRefused(say("corrections.not_utf8", file=reviewed)) from None
    except OSError as error:
        raise FeedbackRefused(say("corrections.unreadable_file", file=reviewed, error=error.strerror)) from None
    written, gone = rows(found.corrections, texts, wanted)
    lines = [say("corrections.rows", count=len(written))]
    lines += [
        say("corrections.gone", document=plain(each[0]), head=plain(each[1]), label=plain(each[2])) for each in gone
    ]
    return as_jsonl(written), lines


def corrections(
    out: Annotated[Path, typer.Option(help="File to write.")],
    to_review: Annotated[
        bool, typer.Option("--review", help="Write the table in which a person accepts lines.")
    ] = False,
    reviewed: Annotated[Path | None, typer.Option("--accepted", help="That table, filled in: write rows.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Corrections as rows to train on, in two steps: --review writes a table, --accepted TABLE makes rows of it."""
    if to_review == (reviewed is not None):
        typer.echo(say("corrections.which"), err=True)
        raise typer.Exit(WRONG_INPUT)
    with engines() as (settings, at):
        _check_out(out, reviewed)
        found, texts, unreadable = asyncio.run(collect(settings, at))
        lines = told(found, unreadable)
        if reviewed is None:
            content, more = review(found.corrections, texts), [say("corrections.next", file=out)]
        else:
            content, more = made(found, texts, reviewed)
        _write(out, content)
    if as_json:
        refused = dict(found.refused) | ({"unreadable": unreadable} if unreadable else {})
        told_of = {"file": str(out), "corrections": len(found.corrections), "refused": refused}
        typer.echo(json.dumps(told_of, ensure_ascii=False))
        return
    for line in (*lines, *more):
        typer.echo(line)


def _check_out(out: Path, reviewed: Path | None) -> None:
    """Raise FeedbackRefused rather than lose a review: a table that is there already may hold hours of one."""
    if reviewed is None and out.exists():
        raise FeedbackRefused(say("corrections.there", file=out))
    if reviewed is None and out.suffix.casefold() == ".csv":
        raise FeedbackRefused(say("corrections.tabs", file=out))
    if reviewed is not None and out.resolve() == reviewed.resolve():
        raise FeedbackRefused(say("corrections.same_file", file=out))


def _write(path: Path, content: str) -> None:
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(content, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise FeedbackRefused(say("corrections.unwritable", file=path, error=error.strerror)) from None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(corrections)
