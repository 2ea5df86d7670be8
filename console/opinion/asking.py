"""One way to ask Elasticsearch about documents: this namespace's only, and nothing missing without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from console.messages import say
from streams.elastic import pattern
from streams.settings import Settings

TIME: Final = "8s"  # a search gets; less than whoever asks waits
USED: Final = "timed_out,_shards.failed,hits,aggregations"


class Incomplete(RuntimeError):  # noqa: N818 - what happened
    """A part of the documents did not answer in time."""


@dataclass(slots=True)
class Missing:
    """Handed in by whoever can say that an answer is partial; without it an answer is whole or a fault is raised."""

    any: bool = False


async def ask(
    elastic: AsyncElasticsearch, settings: Settings, body: Mapping[str, Any], missing: Missing | None = None
) -> Mapping[str, Any]:
    """The answer to one search. An index that does not exist yet holds nothing.

    Raises what the client raises, and Incomplete where a part is missing and nobody could say so.
    """
    answer = await elastic.search(
        index=pattern(settings, "documents"),
        body=dict(body),
        allow_no_indices=True,
        ignore_unavailable=True,
        allow_partial_search_results=missing is not None,
        filter_path=USED,
        timeout=TIME,
    )
    if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
        if missing is None:
            raise Incomplete(say("opinion.incomplete"))
        missing.any = True
    found: Mapping[str, Any] = answer.body
    return found


def buckets(answer: Mapping[str, Any], *path: str) -> Sequence[Mapping[str, Any]]:
    """The buckets of an aggregation; none where there was no index to aggregate."""
    found: Any = answer.get("aggregations", answer)
    for name in path:
        found = found.get(name, {})
    listed: Sequence[Mapping[str, Any]] = found.get("buckets", [])
    return listed
