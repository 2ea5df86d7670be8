"""`tocsin expire`: what is past its retention, and its removal now instead of within the hour."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from elasticsearch import ApiError, TransportError

from console.exits import NOT_WELL, WELL, told
from console.messages import say
from streams import clock
from streams import elastic as es
from streams.endpoints import resolve
from streams.expiry import Round, due, remove
from streams.log import configure
from streams.settings import Settings, load


def due_lines(found: dict[str, int], lang: str | None = None) -> list[str]:
    """What would go, by index."""
    lines = [say("expire.index", lang, index=index, count=count) for index, count in sorted(found.items())]
    return [*lines, say("expire.due" if found else "expire.none", lang, count=sum(found.values()))]


def removed_lines(done: Round, lang: str | None = None) -> list[str]:
    """What went, by index, and what did not."""
    lines = [say("expire.index", lang, index=index, count=count) for index, count in sorted(done.removed.items())]
    lines.append(say("expire.removed", lang, count=sum(done.removed.values())))
    lines += [say("expire.failed", lang, index=index, error=why) for index, why in sorted(done.failed.items())]
    return [*lines, say("expire.left", lang)] if done.left else lines


async def _run(settings: Settings, url: str, dry_run: bool) -> tuple[list[str], dict[str, Any], bool]:
    elastic = es.client(settings, url)
    try:
        if dry_run:
            found = await due(elastic, settings, clock.now())
            return due_lines(found), {"due": found}, True
        done = await remove(elastic, settings, clock.now())
        return removed_lines(done), {"removed": done.removed, "failed": done.failed, "left": done.left}, done.complete
    finally:
        await elastic.close()


def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, remove nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Remove documents past their retention from Elasticsearch now; the worker index does it once an hour."""
    with told(away=(ApiError, TransportError, OSError), key="expire.away"):
        settings = load()
        configure(settings, "expire")
        at = resolve(settings, "elasticsearch")
        lines, plain, complete = asyncio.run(_run(settings, at.elasticsearch, dry_run))
    typer.echo(json.dumps(plain, ensure_ascii=False) if as_json else "\n".join(lines))
    raise typer.Exit(WELL if complete else NOT_WELL)


def register(app: typer.Typer) -> None:
    """Add the command `expire`."""
    app.command()(expire)
