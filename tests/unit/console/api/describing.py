"""Requests made of the API's own description: what fits most of the time, and now and then what nobody should send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.ringing import ALERT

STRANGE = (
    "", " ", "0", "-1", "1e999", "NaN", "Infinity", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
    "2026-03-02", "2026-03-02T09:30:00Z", "true", "null", "\x00", "\r\nSet-Cookie: a=b", "../../../../etc/passwd",
    "..%2f..", "%00", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "' OR 1=1 --", "*", "_all", "\\",
    "entity:BRW", "topic:legal", "list:", "market:all", "market:x", "entity:*", "\u202eevil", "\ud7ff\uffff", "𝕏🦊" * 9,
    "停牌", "“", '"', "-", "-\"", "a" * 65, "a" * 301, "a" * 5000, ALERT, ALERT[:6], "0" * 32, "WzEsMl0", "e30",
    "default.yaml", "desk.yaml", ".hidden.yaml", "preset:x", "zh", "18446744073709551616", "-9223372036854775809",
)  # fmt: skip
# What a caller would say, by name of the parameter or field.
USUAL: Mapping[str, tuple[Any, ...]] = {
    "alert": (ALERT, ALERT[:8]),
    "silence": ("ffffffff",),
    "event": ("ffffffff",),
    "document": ("0" * 32,),
    "cursor": ("",),
    "since": ("2026-03-02", "2026-03-02T09:30:00Z"),
    "until": ("2026-03-03",),
    "from": ("2026-03-01T00:00:00Z",),
    "to": ("2026-03-03T00:00:00Z",),
    "onset": ("2026-03-01",),
    "end": ("2026-03-02",),
    "for": ("1h", "2d"),
    "subject": ("entity:BRW", "topic:legal", "source:wire", "market:all", "list:peers"),
    "match": ({"rule": ["rule-1"]}, {"subject": ["entity:*"], "severity": ["info"]}),
    "q": ("pump", "停牌", '"recalls pump" -battery', "“"),
    "topic": ("legal", "earnings"),
    "risk": ("outage", "none"),
    "source": ("wire",),
    "lang": ("en", "zh"),
    "name": ("default.yaml", "desk.yaml"),
    "file": ("default.yaml", "desk.yaml", ""),
    "was": ("",),
    "text": (
        "rules:\n- {name: desk-surge, type: surge, window: 2h, scope: {subject: entity}}\n",
        "include: [preset:newsroom]\n",
        "rules: [{name: a, type: share, window: 1h, at_least: .5, scope: {subject: topic, ids: [legal]}}]\n",
    ),
}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the description."""

    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None


class Described:
    """The description, and values for each route of it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schemas = schema["components"]["schemas"]
        self.routes = [
            Route(
                method.upper(),
                path,
                tuple(told.get("parameters", ())),
                told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"),
            )
            for path, methods in schema["paths"].items()
            for method, told in methods.items()
        ]

    def parameters(self, route: Route) -> Iterator[tuple[str, str, st.SearchStrategy[Any]]]:
        """Name, place and values of each parameter in the address."""
        for each in route.parameters:
            if each["in"] in ("path", "query"):
                yield each["name"], each["in"], self._named(each["name"], each.get("schema", {}), 0)

    def bodies(self, route: Route) -> st.SearchStrategy[Any]:
        """Bodies of the route."""
        return self._named("", route.body or {}, 0)

    def _named(self, name: str, schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
        usual = st.sampled_from(USUAL[name]) if name in USUAL else self._fitting(schema, depth)
        often = [usual] * 6 + [self._fitting(schema, depth)]
        return st.one_of(*often, st.sampled_from(STRANGE), st.integers())

    def _fitting(self, schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return st.one_of(*(self._fitting(each, depth) for each in schema["anyOf"]))
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        kinds: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
            "integer": lambda: st.integers(schema.get("minimum", -5), schema.get("maximum", 400)),
            "number": lambda: st.floats(-1, 400),
            "boolean": st.booleans,
            "array": lambda: st.lists(self._named("", schema.get("items", {}), depth + 1), max_size=3),
            "object": lambda: self._object(schema, depth),
            "null": st.none,
            "string": lambda: st.sampled_from(STRANGE) | st.text(max_size=20),
        }
        return kinds.get(schema.get("type", "string"), st.none)()

    def _object(self, schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
        named = {
            name: self._named(name, each, depth + 1) for name, each in schema.get("properties", {}).items() if depth < 4
        }
        if not named:
            return st.dictionaries(st.sampled_from(STRANGE), st.sampled_from(STRANGE), max_size=3)
        required = {name: each for name, each in named.items() if name in schema.get("required", ())}
        optional = {name: each for name, each in named.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)


def spoken(value: Any) -> list[str]:
    """A value as an address holds it."""
    if isinstance(value, list):
        return [text for each in value for text in spoken(each)]
    return [] if value is None else [value if isinstance(value, str) else json.dumps(value)]
