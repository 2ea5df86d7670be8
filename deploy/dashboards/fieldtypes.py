"""The fields of the indices and their types, as streams/mappings.json has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from deploy.dashboards.naming import MAPPING
from deploy.dashboards.spec import ViewName
from streams.elastic import shape

# `_index` is Elasticsearch's own; what a replay fills has one field more than its live like.
META: Final = {"_index": "keyword"}
NUMBERS: Final = frozenset({"integer", "long", "float", "half_float", "double"})


@cache
def types(view: ViewName) -> Mapping[str, str]:
    """Type of each field that can be counted or compared, by its dotted name."""
    extra = {"replay": "boolean"} if view == "replayed" else {}
    return dict(_flat("", shape(MAPPING[view])["mappings"]["properties"])) | META | extra


def _flat(prefix: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, body in properties.items():
        if "properties" in body:
            yield from _flat(f"{prefix}{name}.", body["properties"])
        elif body.get("doc_values", True):
            yield f"{prefix}{name}", str(body["type"])


def lens_type(view: ViewName, field: str) -> str:
    """What Lens calls the type of a field."""
    found = types(view).get(field, "keyword")
    return "number" if found in NUMBERS else found if found in ("date", "boolean") else "string"
