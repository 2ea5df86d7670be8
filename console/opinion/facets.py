"""What the documents found could be narrowed to: the values of each facet with their numbers. Pure.

The numbers of a facet heed everything chosen but the facet itself, so that one can see what the other values hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from console.opinion.asking import buckets
from console.opinion.counts import CLASSES, class_clause
from console.opinion.filters import FIELDS, Filter, facet_clause
from console.opinion.names import plain_name
from streams.settings import Settings

FACETS: Final[Mapping[str, int]] = {  # values shown of each
    "sentiment": len(CLASSES), "topic": 25, "risk": 25, "source": 20, "lang": 10, "kind": 5, "stale": 3, "subject": 15,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One value and how many documents have it. `name`: for people."""

    value: str
    name: str
    count: int


def faceting(chosen: Filter, settings: Settings) -> dict[str, Any]:
    """The aggregations that `read_facets` reads, over documents that hold the words and lie within the span."""
    return {name: _faceting(name, most, chosen, settings) for name, most in FACETS.items()}


def _faceting(name: str, most: int, chosen: Filter, settings: Settings) -> dict[str, Any]:
    if name == "sentiment":
        counted: dict[str, Any] = {"filters": {"filters": {each: class_clause(each) for each in CLASSES}}}
    else:
        field = FIELDS["entity" if name == "subject" else name]
        counted = {"terms": {"field": field, "size": most, "shard_size": 500}}
    others = [facet_clause(each, values, settings) for each, values in chosen.facets.items() if each != name]
    return {"filter": {"bool": {"filter": others}}, "aggs": {"values": counted}}


def read_facets(found: Mapping[str, Any]) -> dict[str, list[Value]]:
    """The values of each facet, most documents first; classes in their order. A company is still called by its id."""
    facets: dict[str, list[Value]] = {}
    for name in FACETS:
        each = found.get(name, {})
        if name == "sentiment":
            classes = each.get("values", {}).get("buckets", {})
            facets[name] = [
                Value(c, c, int(classes[c]["doc_count"])) for c in CLASSES if c in classes and classes[c]["doc_count"]
            ]
        else:
            listed = buckets(each, "values")
            facets[name] = [Value(b["key"], plain_name(name, b["key"]), int(b["doc_count"])) for b in listed]
    return facets


def called(facets: Mapping[str, list[Value]], names: Mapping[str, str]) -> dict[str, list[Value]]:
    """The facets with subjects as such, and with the names of companies."""
    subjects = [replace(each, value=f"entity:{each.value}", name=names[each.value]) for each in facets["subject"]]
    return {**facets, "subject": subjects}
