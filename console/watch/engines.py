"""Triton and Elasticsearch, asked as `tocsin up` asks them; and whether a full disk made indices read-only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from elasticsearch import ApiError, AsyncElasticsearch, TransportError

from alerts.checks import Probe
from console.watch.prober import blind
from deploy.elastic import Elasticsearch
from deploy.engine import Engine
from deploy.triton import Triton
from streams.elastic import client, pattern
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings


class Engines:
    """Looks at the two engines that are not Kafka."""

    whats: Sequence[str] = ("triton", "elasticsearch")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._triton = Triton(settings)
        self._elastic = Elasticsearch(settings)

    async def look(self, now: datetime) -> list[Probe]:
        """One probe each; unknown where no address is known."""
        del now  # asked for as every prober is
        found = await asyncio.gather(self._ask(self._triton), self._ask(self._elastic))
        return [probe for probes in found for probe in probes]

    async def _ask(self, engine: Engine) -> list[Probe]:
        try:
            address = str(getattr(resolve(self._settings, engine.name), engine.name))
        except EnginesDown:
            return blind([engine.name], "no address")
        # In a thread with a loop of its own: the probe of Triton blocks.
        answer = await asyncio.to_thread(lambda: asyncio.run(engine.probe(address)))
        if not answer and engine is self._elastic:
            answer = await self._blocked(address)
        return [Probe(engine.name, value=1.0 if answer else 0.0, facts={"detail": _short(answer)})]

    async def _blocked(self, url: str) -> str:
        elastic = client(self._settings, url)
        try:
            return await blocked(elastic, self._settings)
        except (ApiError, TransportError) as error:
            return type(error).__name__
        finally:
            await elastic.close()


def _short(answer: str) -> str:
    """What gRPC says of a closed port names every address it tried: nobody reads that on a telephone."""
    return "no connection" if answer.startswith("failed to connect") else answer


async def blocked(elastic: AsyncElasticsearch, settings: Settings) -> str:
    """The first of our indices that Elasticsearch made read-only because its disk is full; empty when there is none."""
    answer = await elastic.options(request_timeout=5).indices.get_settings(
        index=[pattern(settings, "documents"), pattern(settings, "alerts")],
        name="index.blocks.*",
        flat_settings=True,
        allow_no_indices=True,
        ignore_unavailable=True,
    )
    for name, held in sorted(answer.items()):
        if held.get("settings", {}).get("index.blocks.read_only_allow_delete") == "true":
            return f"read-only since its disk is full: {name}"
    return ""
