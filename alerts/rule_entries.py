"""One entry of a rule file as plain data: what keeps it from being a rule, told with file, line and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from alerts.rule_checks import choices_at
from alerts.rules import KINDS, LEAVES, OF_RULE, OF_SCOPE, Duration, Rule, Scope
from alerts.sayings import saying
from alerts.value_sayings import of_value
from alerts.yaml_lines import Lines
from alerts.yaml_structs import Fault, suggest


def inherited(entry: Any) -> Any:
    """The rule with its scope handed down to its conditions, where they say nothing else."""
    if not isinstance(entry, dict) or not isinstance(entry.get("conditions"), list):
        return entry
    scope = entry.get("scope")
    if not isinstance(scope, dict):
        return entry
    inner = [
        {**each, "scope": {**scope, **each["scope"]} if isinstance(each.get("scope"), dict) else scope}
        if isinstance(each, dict) and isinstance(each.get("scope", {}), dict)
        else each
        for each in entry["conditions"]
    ]
    return {**entry, "conditions": inner}


def wrong_entry(entry: Any, path: str, file: str, lines: Lines, kinds: Mapping[str, type[Struct]]) -> Iterator[Fault]:
    """What keeps `entry` from being a rule: unknown kind, unknown fields, then the first value of a wrong type."""
    if not isinstance(entry, dict):
        yield Fault(file, lines.at(path), saying("not_a_rule"))
        return
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        known = ", ".join(kinds)
        said = saying("no_type", known=known) if kind is None else saying("unknown_type", word=kind, known=known)
        yield Fault(file, lines.at(f"{path}.type"), said, suggest(str(kind), kinds))
        return
    unknown = list(unknown_fields(entry, set(_fields(kinds[kind])) | {"type"}, path, file, lines))
    if isinstance(entry.get("scope"), dict):
        unknown += unknown_fields(entry["scope"], set(_fields(Scope)), f"{path}.scope", file, lines)
    inner = entry.get("conditions")
    for index, each in enumerate(inner if isinstance(inner, list) else ()):
        place = f"{path}.conditions[{index}]"
        unknown += _misplaced(each, entry, place, file, lines) or wrong_entry(each, place, file, lines, LEAVES)
    yield from unknown or _ill_typed(entry, path, file, lines, kinds is KINDS)


def _misplaced(each: Any, entry: Any, place: str, file: str, lines: Lines) -> list[Fault]:
    """Fields of a condition that belong to its rule."""
    if not isinstance(each, dict):
        return []
    found = [Fault(file, lines.at(f"{place}.{name}"), saying("of_rule", word=name)) for name in each if name in OF_RULE]
    inside, outside = each.get("scope"), entry.get("scope")
    if not isinstance(inside, dict) or not isinstance(outside, dict):
        return found
    if inside.get("subject") != outside.get("subject"):
        found.append(Fault(file, lines.at(f"{place}.scope"), saying("same_subject")))
    for name in OF_SCOPE:
        if inside.get(name) != outside.get(name):
            said = replace(saying("same_subjects"), about=f"scope.{name}")
            found.append(Fault(file, lines.at(f"{place}.scope.{name}"), said))
    return found


def _ill_typed(entry: Any, path: str, file: str, lines: Lines, whole: bool) -> Iterator[Fault]:
    if not whole:
        return  # the rule around it is converted as a whole
    try:
        as_rule(entry)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        inner = re.search(r"\$[^`]*", where)
        place = path + (inner.group()[1:] if inner else "")
        value = re.search(r"[Ii]nvalid (?:enum )?value '(.*)'", message)
        choices = choices_at(place)
        said = replace(of_value(message, choices), about=place.rsplit(".", 1)[-1] if place != path else "")
        yield Fault(file, lines.at(place), said, suggest(value.group(1), choices) if value else "")


def unknown_fields(data: Mapping[str, Any], known: set[str], path: str, file: str, lines: Lines) -> Iterator[Fault]:
    """Fields that there are not."""
    for key in data:
        if key not in known:
            yield Fault(file, lines.at(f"{path}.{key}"), saying("unknown_field", word=key), suggest(str(key), known))


def as_rule(entry: Any) -> Rule:
    """The rule; raises msgspec.ValidationError for the first value of a wrong type."""
    found: Rule = msgspec.convert(entry, Rule, dec_hook=_read)
    return found


def _fields(kind: type[Struct]) -> list[str]:
    return [f.encode_name for f in msgspec.structs.fields(kind)]


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)
