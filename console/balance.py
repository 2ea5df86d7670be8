"""`tocsin balance`: received = indexed + duplicates + rejected + expired, or the difference by name."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Final

import typer
from aiokafka.errors import KafkaError
from elasticsearch import ApiError, TransportError

from console.exits import told
from console.messages import say
from console.progress import Tell, told_on_terminal
from streams.balance import Difference, Result, recount
from streams.endpoints import resolve
from streams.kafka import TopicMissing
from streams.log import configure
from streams.settings import load

EVERY: Final = 500  # things read between two words about it
DIFFERENCES: Final = ("missing", "unexpected", "doubled", "unread")


def balance_lines(result: Result, lang: str | None = None) -> list[str]:
    """The equation, what lies behind it, and what is wrong."""
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(result.rejected.items()))
    rejected = sum(result.rejected.values())
    lines = [
        say(
            "balance.equation", lang, received=result.received, indexed=result.indexed,
            duplicates=result.duplicates, rejected=f"{rejected} ({reasons})" if reasons else "0",
            expired=result.expired,
        ),
        say("balance.behind", lang, unjudged=result.unjudged, retried=result.retried, ticks=result.ticks),
    ]  # fmt: skip
    for name in DIFFERENCES:
        difference: Difference = getattr(result, name)
        if difference.count:
            first = ", ".join(difference.first)
            lines.append(say(f"balance.{name}", lang, count=difference.count, first=first))
    lines.append(say("balance.ok" if result.ok else "balance.differs", lang))
    return lines


def balance(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Count again, from Kafka and Elasticsearch, what became of every item; exit code 1 when it does not add up."""
    with told(unavailable=(TopicMissing,), away=(ApiError, TransportError, KafkaError, OSError), key="balance.away"):
        settings = load()
        configure(settings, "balance")
        endpoints = resolve(settings, "kafka", "elasticsearch")
        with told_on_terminal() as tell:
            result = asyncio.run(recount(settings, endpoints, lambda read: _tell(tell, read)))
    typer.echo(json.dumps(result.as_dict(), ensure_ascii=False) if as_json else "\n".join(balance_lines(result)))
    raise typer.Exit(0 if result.ok else 1)


def _tell(tell: Tell, read: int) -> None:
    if read % EVERY == 0:
        tell(read, None, say("balance.counting", read=f"{read:,}"))


def register(app: typer.Typer) -> None:
    """Add the command `balance`."""
    app.command()(balance)
