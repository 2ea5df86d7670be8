"""Which alerts are meant: matchers by field and value, all of which must hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rapidfuzz import process

from alerts.refused import Fault, OperationRefused, whole
from alerts.rules import LEVELS
from streams.plain import plain
from streams.records import AlertEvent

VALUE_LIMIT: Final = 256
MATCHERS_LIMIT: Final = 16
VALUES_LIMIT: Final = 100
FIELDS: Final = ("rule", "severity", "subject", "name", "kind", "alert")
ANY: Final = "*"  # at the end of a value: whatever follows
LABEL: Final = "labels."  # labels.desk=risk; label.desk=risk is the same


def parse_match(parts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Matchers as people write them: `rule=surge`, `severity=warning,critical`, `label.desk=risk`; all must hold.

    Raises OperationRefused naming the part, and the field that was probably meant.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        name, equals, text = (piece.strip() for piece in part.partition("="))
        values = tuple(dict.fromkeys(value for value in (v.strip() for v in text.split(",")) if value))
        if not equals or not values or name in found:
            raise OperationRefused("bad_match", part=plain(part, 100))
        found[name] = values
    return checked_match(found)


def checked_match(match: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The matchers, or OperationRefused: an unknown field or a value that no alert can have would silence nothing."""
    if not match:
        raise OperationRefused("no_match", fields=fields())
    found = {_canonical(name): tuple(values) for name, values in match.items()}
    if len(found) < len(match):  # label.desk beside labels.desk: one would be lost, and more be silenced than was meant
        raise OperationRefused("bad_match", part=plain(" ".join(sorted(match)), 100))
    if len(found) > MATCHERS_LIMIT or any(len(values) > VALUES_LIMIT for values in found.values()):
        raise OperationRefused("too_long", limit=str(VALUES_LIMIT))
    for name, values in found.items():
        _check_matcher(name, values)
    return found


def _canonical(name: str) -> str:
    return LABEL + name.removeprefix("label.") if name.startswith("label.") else name


def _check_matcher(name: str, values: tuple[str, ...]) -> None:
    if name not in FIELDS and not (name.startswith(LABEL) and len(name) > len(LABEL)):
        near = process.extractOne(name, FIELDS, score_cutoff=60)
        reason: Fault = "meant_field" if near else "unknown_field"
        raise OperationRefused(reason, field=plain(name, 60), fields=fields(), meant=near[0] if near else "")
    if not values or any(not value or len(value) > VALUE_LIMIT or value != whole(value) for value in (*values, name)):
        raise OperationRefused("bad_match", part=whole(plain(f"{name}={','.join(values)}", 100)))
    for value in values:
        if name == "severity" and value not in LEVELS:
            raise OperationRefused("bad_severity", value=plain(value, 60), known=", ".join(LEVELS))
        if name == "subject" and ":" not in value and not value.endswith(ANY):
            raise OperationRefused("bad_subject", value=plain(value, 60))


def matches(match: Mapping[str, tuple[str, ...]], event: AlertEvent) -> bool:
    """Whether every matcher holds for the alert: its field, or label, is one of the values, or begins as one that ends
    in `*` does."""
    return all(_one_of(_value(event, name), values) for name, values in match.items())


def _one_of(found: str | None, values: Iterable[str]) -> bool:
    if found is None:
        return False
    return any(found.startswith(v[:-1]) if v.endswith(ANY) else found == v for v in values)


def _value(event: AlertEvent, name: str) -> str | None:
    if name.startswith(LABEL):
        return event.labels.get(name.removeprefix(LABEL))
    return getattr(event, name) if name in FIELDS else None


def fields() -> str:
    """The names of all fields."""
    return ", ".join((*FIELDS, f"{LABEL}NAME"))
