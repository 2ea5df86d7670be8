"""Makes reports: reads engines, tells the result in a language, writes it in a format."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import structlog
from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from alerts.evaluation.badges import Shelf
from console.opinion.asking import Incomplete
from console.report.contents import Report
from console.report.gather import gather
from console.report.markdown import markdown
from console.report.page import page
from console.report.pdf import pdf
from console.report.period import Period
from console.report.sheet import Sheet
from streams import elastic as es
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings

Format = Literal["html", "markdown", "pdf", "json"]
ENDINGS: Final[dict[str, Format]] = {".html": "html", ".htm": "html", ".md": "markdown", ".pdf": "pdf", ".json": "json"}
AWAY: Final = (EnginesDown, TransportError, ConnectionTimeout, ApiError, Incomplete, OSError)

log = structlog.get_logger(__name__)


@asynccontextmanager
async def searching(settings: Settings) -> AsyncIterator[AsyncElasticsearch]:
    """A client of Elasticsearch for as long as it is needed. Raises EnginesDown without an address."""
    client = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    try:
        yield client
    finally:
        await client.close()


async def make(settings: Settings, bootstrap: str, period: Period, now: datetime) -> Report:
    """The report of a period. Where Elasticsearch does not answer its part is missing, and the report says so."""
    badge_of = Shelf(settings).best
    try:
        async with searching(settings) as elastic:
            return await gather(settings, bootstrap, elastic, period, now, badge_of)
    except AWAY as error:
        log.warning("report.opinion_missing", error=type(error).__name__)
    return await gather(settings, bootstrap, None, period, now, badge_of)


def zone_of(settings: Settings, name: str) -> ZoneInfo:
    """The zone of that name, or the one that is set. Raises what ZoneInfo raises."""
    return ZoneInfo(name or settings.report_zone)


def written(sheet: Sheet, data: dict[str, Any], form: Format) -> bytes:
    """The report in a format. Raises NoPdf where PDFs cannot be made."""
    if form == "pdf":
        return pdf(sheet)
    if form == "json":
        return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
    return (page(sheet) if form == "html" else markdown(sheet)).encode()
