"""Elasticsearch as doctor sees it: version, health, write blocks, templates, disk, and its clock beside ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from elasticsearch import ApiError, AsyncElasticsearch, NotFoundError, TransportError

from console.findings import Check, Told
from console.messages import say
from console.watch.engines import blocked
from streams.clock import now
from streams.elastic import KINDS, client, pattern, prefix, shape
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings

OLDEST: Final = (8, 19)
PATIENCE: Final = 3.0  # seconds for one answer
FULL: Final = 0.85  # of the disk: from here on Elasticsearch places no new shards, by its own default
LEAST_MIB: Final = 1024  # free on a disk, below which it is told whatever the share
SKEW: Final = 2.0  # seconds: windows of minutes do not mind less
MIB: Final = 1_048_576
Asking = Callable[[AsyncElasticsearch, Settings], Awaitable[str]]


async def version(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """One that the client and the templates are made for."""
    del settings
    nodes = (await elastic.nodes.info(filter_path="nodes.*.version"))["nodes"].values()
    found = min((each["version"] for each in nodes), key=_numbers)
    if _numbers(found) < OLDEST:
        raise Told("es_old", found=found, wanted=".".join(map(str, OLDEST)))
    return str(found)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("-")[0].split(".")[:2])


async def health(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """The health of our indices, and whether a full disk made one read-only."""
    if said := await blocked(elastic, settings):
        raise Told("es_blocked", index=said.rpartition(": ")[2])
    names = [pattern(settings, kind) for kind in KINDS]
    found = await elastic.cluster.health(index=names, level="indices", expand_wildcards="open")
    if found["status"] == "red":
        index = next((name for name, each in found["indices"].items() if each["status"] == "red"), "?")
        raise Told("es_red", index=index)
    return say("doctor.found.health", status=found["status"], count=len(found["indices"]))


async def templates(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """The templates that workers install are there, with this version's fields."""
    try:
        answer = await elastic.indices.get_index_template(name=f"tocsin-{prefix(settings)}*")
    except NotFoundError:  # a new Elasticsearch has none whose name fits
        raise Told("templates_none", True) from None
    held: Mapping[str, Any] = {each["name"]: each["index_template"]["template"] for each in answer["index_templates"]}
    for kind in KINDS:
        name = f"tocsin-{prefix(settings)}{kind}"
        if name not in held:
            raise Told("template_none", True, name=name)
        if held[name].get("mappings") != shape(kind)["mappings"]:
            raise Told("template_other", True, name=name)
    return say("doctor.found.templates", count=len(KINDS))


async def disk(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """Room on the disks of its nodes, for those that tell."""
    del settings
    nodes = (await elastic.nodes.stats(metric="fs", filter_path="nodes.*.fs.total"))["nodes"].values()
    disks = [each["fs"]["total"] for each in nodes if each.get("fs")]
    if not disks:
        raise Told("es_no_disk", None)
    tight = min(disks, key=lambda each: each["available_in_bytes"])
    free, whole = tight["available_in_bytes"] // MIB, tight["total_in_bytes"] // MIB
    if free < LEAST_MIB or (1 - free / whole > FULL and free < 10 * LEAST_MIB):
        raise Told("es_disk", True, free=free, share=f"{1 - free / whole:.0%}")
    return say("doctor.found.free", free=f"{free:,}")


async def clock(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """This machine's clock beside that of Elasticsearch's nodes, to half of the time the answer took."""
    del settings
    asked = now()
    nodes = (await elastic.nodes.stats(metric="fs", filter_path="nodes.*.timestamp"))["nodes"].values()
    return apart([each["timestamp"] / 1000 for each in nodes], asked, now())


def apart(theirs: list[float], asked: datetime, answered: datetime) -> str:
    """How far the clocks are apart at least, given that the answer was made in between."""
    begin, end = asked.timestamp(), answered.timestamp()
    most = max((max(begin - at, at - end, 0.0) for at in theirs), default=0.0)
    if most > SKEW:
        raise Told("clock", seconds=f"{most:.1f}", most=f"{SKEW:g}")
    return say("doctor.found.clock", seconds=f"{max(most, end - begin):.2f}")


ASKED: Final[Mapping[str, Asking]] = {
    "es_version": version,
    "es_health": health,
    "es_templates": templates,
    "es_disk": disk,
    "clock": clock,
}


def checks(settings: Settings) -> dict[str, Check]:
    """Each as a check of its own: one that fails hides no other."""
    return {name: partial(_ask, asking, settings) for name, asking in ASKED.items()}


def _ask(asking: Asking, settings: Settings) -> str:
    try:
        url = resolve(settings, "elasticsearch").elasticsearch
    except EnginesDown:
        raise Told("no_engine", None, engine="Elasticsearch") from None

    async def once() -> str:
        elastic = client(settings, url)
        try:
            return await asking(elastic.options(request_timeout=PATIENCE), settings)
        finally:
            await elastic.close()

    try:
        return asyncio.run(once())
    except ApiError as error:
        raise Told("es_refused", None, status=error.status_code) from None
    except TransportError as error:
        raise Told("away", None, engine="Elasticsearch", error=type(error).__name__) from None
