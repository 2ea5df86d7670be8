"""What a panel counts: one condition, written as Kibana's query language and as Elasticsearch's.

Both are made of the same value, so what the lint and the preview ask Elasticsearch is what Kibana will ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Value = str | bool


@dataclass(frozen=True, slots=True)
class Is:
    """A field has this value."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """A field has any value."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    of: Filter


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the conditions holds."""

    of: tuple[Filter, ...]


Filter = Is | Exists | Not | All


def kql(condition: Filter | None) -> str:
    """The condition in Kibana's query language; empty for none. Strings are in double quotes, never in single ones."""
    match condition:
        case None:
            return ""
        case Is(field, bool() as value):
            return f"{field}: {'true' if value else 'false'}"
        case Is(field, value):
            return f'{field}: "{_quoted(str(value))}"'
        case Exists(field):
            return f"{field}: *"
        case Not(inner):
            return f"not {_bracketed(inner)}"
        case All(parts):
            return " and ".join(_bracketed(part) for part in parts)


def _bracketed(condition: Filter) -> str:
    text = kql(condition)
    return text if isinstance(condition, Is | Exists) else f"({text})"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def query(condition: Filter) -> dict[str, Any]:
    """The condition as a query of Elasticsearch."""
    match condition:
        case Is(field, value):
            return {"term": {field: value}}
        case Exists(field):
            return {"exists": {"field": field}}
        case Not(inner):
            return {"bool": {"must_not": [query(inner)]}}
        case All(parts):
            return {"bool": {"filter": [query(part) for part in parts]}}


def fields(condition: Filter | None) -> Iterator[tuple[str, Value | None]]:
    """Every field that the condition asks for, with the value it is compared to."""
    match condition:
        case None:
            return
        case Is(field, value):
            yield field, value
        case Exists(field):
            yield field, None
        case Not(inner):
            yield from fields(inner)
        case All(parts):
            for part in parts:
                yield from fields(part)
