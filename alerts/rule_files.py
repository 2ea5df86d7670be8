"""Rule files: read, checked, and every fault told with file, line and what was probably meant.

A rule file is YAML (the 1.2 core: `NO` and `ON` are tickers, not booleans). A file with any fault is refused as a
whole: half of the rules a desk relies on is worse than a start that fails loudly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from rapidfuzz import process

from alerts.rules import KINDS, LEVELS, Duration, Rule, Scope, Share, Surge
from alerts.yaml_lines import Lines, YamlFault, read_yaml
from models.labels import TOPICS
from streams.settings import SettingsError

SHIPPED: Final = Path(__file__).parent / "rules"
MINUTE: Final = 60
LONGEST_WINDOW: Final = 7 * 86_400  # what a window holds stays in memory; longer trends belong to the index
RESERVED_LABELS: Final = frozenset({"baseline"})  # set by the engine itself


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One thing wrong with a rule file."""

    file: str
    line: int
    message: str
    meant: str = ""

    def __str__(self) -> str:
        hint = f"; did you mean {self.meant!r}?" if self.meant else ""
        return f"{self.file}:{self.line}: {self.message}{hint}"


class RuleError(SettingsError):
    """Rules cannot be used. `faults` lists everything that is wrong."""

    def __init__(self, faults: Sequence[RuleFault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def load_rules(*paths: Path) -> tuple[Rule, ...]:
    """The rules in the files, or in the folders' `*.yaml` except `*_test.yaml`, in that order; RuleError otherwise."""
    faults: list[RuleFault] = []
    texts: list[tuple[str, str]] = []
    for path in _files(paths, faults):
        try:
            texts.append((path.read_text(encoding="utf-8"), str(path)))
        except (OSError, UnicodeDecodeError) as error:
            faults.append(RuleFault(str(path), 1, f"cannot be read: {getattr(error, 'strerror', None) or error}"))
    return _collect(texts, faults)


def parse_rules(text: str, file: str = "<rules>") -> tuple[Rule, ...]:
    """The rules in one text; RuleError with every fault otherwise."""
    return _collect([(text, file)], [])


def _collect(texts: Iterable[tuple[str, str]], faults: list[RuleFault]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    seen: dict[str, str] = {}
    for text, file in texts:
        for rule, line in _parse(text, file, faults):
            if rule.name in seen:
                faults.append(RuleFault(file, line, f"a rule named {rule.name} exists already, at {seen[rule.name]}"))
            seen.setdefault(rule.name, f"{file}:{line}")
            rules.append(rule)
    if faults:
        raise RuleError(faults)
    return tuple(rules)


def _files(paths: Sequence[Path], faults: list[RuleFault]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(p for p in path.glob("*.yaml") if not p.name.endswith("_test.yaml"))
        if not found:
            faults.append(RuleFault(str(path), 1, "the folder holds no rule file (*.yaml)"))
        yield from found


def _parse(text: str, file: str, faults: list[RuleFault]) -> list[tuple[Rule, int]]:
    try:
        data, lines = read_yaml(text)
    except YamlFault as fault:
        faults.append(RuleFault(file, fault.line, str(fault)))
        return []
    entries = data.get("rules") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        faults.append(RuleFault(file, 1, "expected `rules:` with a list of rules", _near("rules", data)))
        return []
    faults.extend(_unknown(data, {"rules"}, "$", file, lines))
    found: list[tuple[Rule, int]] = []
    for index, entry in enumerate(entries):
        path = f"$.rules[{index}]"
        wrong = list(_wrong(entry, path, file, lines))
        if not wrong:
            rule = msgspec.convert(entry, Rule, dec_hook=_read)
            wrong = [
                RuleFault(file, lines.at(f"{path}.{field}"), m, meant) for field, m, meant in _contradictions(rule)
            ]
            found.append((rule, lines.at(path)))
        faults.extend(wrong)
    return found


def _wrong(entry: Any, path: str, file: str, lines: Lines) -> Iterator[RuleFault]:
    """What keeps `entry` from being a rule: unknown kind, unknown fields, then the first value of a wrong type."""
    if not isinstance(entry, dict):
        yield RuleFault(file, lines.at(path), "expected a rule: a mapping with name, type, scope, window …")
        return
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        said = "the rule has no type" if kind is None else f"unknown type {kind!r}"
        message = f"{said}; there are: {', '.join(KINDS)}"
        yield RuleFault(file, lines.at(f"{path}.type"), message, _suggest(str(kind), KINDS))
        return
    unknown = list(_unknown(entry, set(_fields(KINDS[kind])) | {"type"}, path, file, lines))
    if isinstance(entry.get("scope"), dict):
        unknown += _unknown(entry["scope"], set(_fields(Scope)), f"{path}.scope", file, lines)
    if unknown:
        yield from unknown
        return
    try:
        msgspec.convert(entry, Rule, dec_hook=_read)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        inner = re.search(r"\$[^`]*", where)
        place = path + (inner.group()[1:] if inner else "")
        value = re.search(r"[Ii]nvalid (?:enum )?value '(.*)'", message)
        choices = _choices(place)
        meant = _suggest(value.group(1), choices) if value else ""
        told = f"{message}; there are: {', '.join(choices)}" if value and choices else message
        if "Expected `str`, got" in told:
            told += "; write it in quotes"
        field = place.rsplit(".", 1)[-1] if place != path else ""
        yield RuleFault(file, lines.at(place), f"{field}: {told}" if field else told, meant)


def _unknown(data: Mapping[str, Any], known: set[str], path: str, file: str, lines: Lines) -> Iterator[RuleFault]:
    for key in data:
        if key not in known:
            yield RuleFault(file, lines.at(f"{path}.{key}"), f"unknown field {key!r}", _suggest(str(key), known))


def _fields(kind: type[Struct]) -> list[str]:
    return [f.encode_name for f in msgspec.structs.fields(kind)]


def _choices(place: str) -> tuple[str, ...]:
    """The values allowed at a place of a rule, for the fields that take one of a few."""
    field = re.sub(r"\[.*\]$", "", place.rsplit(".", 1)[-1])
    return {
        "count": ("stories", "documents", "authors"),
        "subject": ("entity", "topic"),
        "kind": ("any", "news", "chat"),
        "severity": LEVELS,
        "of": ("negative", "all"),
    }.get(field, ())


def _contradictions(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Field, fault and suggestion for values that are right one by one and wrong together."""
    if not MINUTE <= rule.window.seconds <= LONGEST_WINDOW:
        yield "window", f"expected between 1m and {Duration(LONGEST_WINDOW)}, got {rule.window}", ""
    if isinstance(rule.severity, dict) and 1.0 not in rule.severity.values():
        yield "severity", "one level must begin at 1, where the rule starts to ring", ""
    for label in RESERVED_LABELS & rule.labels.keys():
        yield "labels", f"the label {label!r} is set by the detector itself", ""
    if isinstance(rule, Share) and rule.at_least is None and rule.over_baseline is None:
        yield "type", "a share rule needs at_least, over_baseline or both", ""
    if isinstance(rule, Surge) and rule.count != "stories":
        yield "count", "a surge counts stories: its baseline does", ""
    if rule.scope.subject == "topic":
        for index, name in enumerate(rule.scope.ids):
            if name not in TOPICS:
                yield f"scope.ids[{index}]", f"unknown topic {name!r}", _suggest(name, TOPICS)
    for index, name in enumerate(rule.scope.ids):
        if name.startswith(("entity:", "topic:")):
            yield f"scope.ids[{index}]", f"write the id without its prefix: {name.partition(':')[2]}", ""


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)


def _suggest(word: str, known: Iterable[str]) -> str:
    best = process.extractOne(word, sorted(known), score_cutoff=60)
    return str(best[0]) if best else ""


def _near(word: str, data: Any) -> str:
    return word if isinstance(data, dict) and _suggest(word, map(str, data)) else ""
