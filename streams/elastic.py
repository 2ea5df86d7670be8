"""Elasticsearch outside the pipeline: the client with its credentials, index names and templates."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from streams.settings import Settings

# Only what every Elasticsearch has: the standard tokenizer cuts Chinese into characters, which phrases find again.
ANALYSIS: Final = {"analyzer": {"tocsin": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}}}
# Set, because the default stops refreshing an index nobody searched for thirty seconds.
REFRESH: Final = "1s"
COPIES: Final = "0-1"  # one copy of each shard where there is a second node for it, none on a single one
KINDS: Final = ("documents", "alerts")
LONG_AGO: Final = timedelta(days=366)
CLOCKS_APART: Final = timedelta(days=1)

# How an index of documents ends: its month, or `old`.
DOCUMENTS_END: Final = r"documents-(?:old|\d{4}\.\d{2})"
# Indices of replays: how their names begin, the names of replays, and the key in `_meta` that says they are one's.
REPLAY: Final = "replay"
REPLAY_NAME: Final = r"[a-z0-9][a-z0-9-]{0,31}"
REPLAY_MARK: Final = "tocsin_replay"


def client(settings: Settings, url: str) -> AsyncElasticsearch:
    """A client for `url`. Certificates are always verified; retries are left to the caller, who knows what failed."""
    options: dict[str, Any] = {"request_timeout": 30, "retry_on_timeout": False, "max_retries": 0}
    key = settings.elasticsearch_api_key.get_secret_value()
    if key:
        options["api_key"] = key
    if settings.elasticsearch_ca_file:
        options["ca_certs"] = str(settings.elasticsearch_ca_file)
    return AsyncElasticsearch(url, **options)


def prefix(settings: Settings) -> str:
    """What stands before every index name: nothing, or the namespace."""
    return f"{settings.namespace}-" if settings.namespace else ""


def documents_index(settings: Settings, published_at: datetime | None, collected_at: datetime) -> str:
    """Index of a document: its month by the time it was published, or collected where that is unknown or implausible.

    The same item sent again has the same publication time, hence the same index, where its id makes it one document.
    What is older than a year shares one index, so that wrong dates cannot make an index for every month since 1990.
    """
    at = published_at if published_at is not None and published_at <= collected_at + CLOCKS_APART else collected_at
    month = f"{at:%Y.%m}" if collected_at - at < LONG_AGO else "old"
    return f"{prefix(settings)}documents-{month}"


def alerts_index(settings: Settings, at: datetime) -> str:
    """Index of an alert event at `at`: one a year."""
    return f"{prefix(settings)}alerts-{at:%Y}"


def pattern(settings: Settings, kind: str) -> str:
    """Pattern of all indices of one kind (`documents` or `alerts`)."""
    return f"{prefix(settings)}{kind}-*"


def shape(kind: str) -> dict[str, Any]:
    """Settings and strict mappings of an index of one kind (`documents` or `alerts`); a new object each time."""
    mappings = json.loads(files("streams").joinpath("mappings.json").read_text(encoding="utf-8"))
    return {
        "settings": {
            "index": {"number_of_shards": 1, "auto_expand_replicas": COPIES, "refresh_interval": REFRESH},
            "analysis": ANALYSIS,
        },
        "mappings": mappings[kind],
    }


async def put_templates(elastic: AsyncElasticsearch, settings: Settings) -> None:
    """Install the index templates: strict mappings, one place, the same on every start."""
    for kind in KINDS:
        template = shape(kind)
        await elastic.indices.put_index_template(
            name=f"tocsin-{prefix(settings)}{kind}",
            index_patterns=[pattern(settings, kind)],
            priority=500,
            template=template,
        )
        # Indices made by an earlier version learn the fields that came later; a field is never changed.
        await elastic.indices.put_mapping(
            index=pattern(settings, kind), properties=template["mappings"]["properties"], allow_no_indices=True
        )
