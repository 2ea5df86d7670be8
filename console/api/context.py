"""What the routes of every area share: settings, what is known, the way to write, the way to Elasticsearch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from elastic_transport import TransportError
from elasticsearch import ApiError as Refused
from elasticsearch import AsyncElasticsearch, UnsupportedProductError

from alerts.board import Board
from alerts.evaluation.badge import BadgeOf
from console.api.desk import Desk
from console.api.errors import AGAIN, ApiError
from console.api.feed import Feed
from console.api.known import Known
from console.api.threads import LongWork
from streams import elastic as es
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings

WAIT: Final = 10.0  # seconds a page waits for Elasticsearch before it is told so


@dataclass(slots=True)
class Context:
    """Built once by the application; `close` it at the end."""

    settings: Settings
    known: Known
    feed: Feed
    desk: Desk
    now: Callable[[], datetime]
    badge_of: BadgeOf
    long: LongWork = field(default_factory=LongWork, init=False)  # threads for what takes seconds
    _elastic: tuple[str, AsyncElasticsearch] | None = field(default=None, init=False)

    @property
    def board(self) -> Board:
        """The alerts and what people did with them."""
        return self.known.board

    @asynccontextmanager
    async def elastic(self) -> AsyncIterator[AsyncElasticsearch]:
        """The client, for `async with`. Raises ApiError 503 `elasticsearch_away` where Elasticsearch does not answer.

        What it refuses (a query that is none) passes through: the caller knows what was asked.
        """
        try:
            yield await self._client(resolve(self.settings, "elasticsearch").elasticsearch)
        except (EnginesDown, TransportError, UnsupportedProductError, OSError):
            raise ApiError(503, "elasticsearch_away", AGAIN) from None
        except Refused as error:
            if error.status_code in (401, 403, 429) or error.status_code >= 500:  # a node that starts, or has no room
                raise ApiError(503, "elasticsearch_away", AGAIN) from None
            raise

    async def _client(self, url: str) -> AsyncElasticsearch:
        """The client of this address; a local Elasticsearch that was started again may have got another."""
        if self._elastic is not None and self._elastic[0] != url:
            await self._forget()
        if self._elastic is None:
            self._elastic = url, es.client(self.settings, url).options(request_timeout=WAIT, max_retries=0)
        return self._elastic[1]

    async def _forget(self) -> None:
        if self._elastic is not None:
            (_, client), self._elastic = self._elastic, None
            await client.close()

    async def close(self) -> None:
        """Let go of Elasticsearch and of threads."""
        self.long.close()
        await self._forget()
