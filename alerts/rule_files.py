"""Rule files: read, checked, and every fault told with file, line and what was probably meant.

A rule file is YAML (the 1.2 core: `NO` and `ON` are tickers, not booleans) with `rules:` and, if wanted, `include:` of
further files beside it or of shipped presets. A file with any fault is refused as a whole: half of the rules a desk
relies on is worse than a start that fails loudly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.rule_checks import choices_at, contradictions
from alerts.rules import KINDS, LEAVES, OF_RULE, OF_SCOPE, Duration, Rule, Scope
from alerts.yaml_lines import Lines, YamlFault, read_yaml
from alerts.yaml_structs import Fault, FileRefused, suggest

SHIPPED: Final = Path(__file__).parent / "rules"
PRESETS: Final = SHIPPED / "presets"
PRESET: Final = "preset:"
TEST_END: Final = "_test.yaml"


class RuleError(FileRefused):
    """Rules cannot be used. `faults` lists everything that is wrong."""

    def __init__(self, faults: Sequence[Fault], files: Collection[Path] = ()) -> None:
        """`files`: those that were read, or should have been; a change of one of them may mend it."""
        super().__init__(faults)
        self.files = frozenset(files)


def load_rules(*paths: Path) -> tuple[Rule, ...]:
    """The rules in the files and what they include, or in the folders' `*.yaml` except `*_test.yaml`, in that order;
    disabled ones too. RuleError otherwise."""
    return read_rules(*paths)[0]


def read_rules(*paths: Path) -> tuple[tuple[Rule, ...], frozenset[Path]]:
    """The same, and every file that was read for it."""
    reader = _Reader()
    for path in paths:
        reader.read(path)
    return reader.result(), frozenset(reader.seen)


def parse_rules(text: str, file: str = "<rules>") -> tuple[Rule, ...]:
    """The rules in one text; RuleError with every fault otherwise."""
    reader = _Reader()
    reader.take(text, Path(file))
    return reader.result()


def in_force(rules: Sequence[Rule], lists: Mapping[str, Collection[str]]) -> tuple[Rule, ...]:
    """The enabled rules, with the companies of their lists in place of the lists' names.

    `lists`: ids of companies by name of the list, from the watchlist. RuleError for a list that is not there.
    """
    found: list[Rule] = []
    faults: list[Fault] = []
    for rule in rules:
        named = rule.scope.lists if rule.scope.subject != "list" else rule.scope.ids
        missing = [name for name in named if name not in lists]
        for name in missing:
            message = f"rule {rule.name}: the watchlist has no list {name!r}; give companies `lists: [{name}]` there"
            faults.append(Fault(*rule.place, message, suggest(name, lists)))
        if rule.enabled and not missing:
            found.append(_resolved(rule, lists))
    if faults:
        raise RuleError(faults)
    return tuple(found)


def _resolved(rule: Rule, lists: Mapping[str, Collection[str]]) -> Rule:
    if not rule.scope.lists:
        return rule
    ids = {*rule.scope.ids, *(id_ for name in rule.scope.lists for id_ in lists[name])}
    found = replace(rule, scope=replace(rule.scope, ids=tuple(sorted(ids)), lists=()))
    found.__dict__["placed"] = rule.place
    found.__dict__["hash"] = rule.hash  # of the rule as written: one company more on a list ends no alert of another
    return found


class _Reader:
    """Reads each file once and collects rules and faults."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._faults: list[Fault] = []
        self._named: dict[str, str] = {}
        self.seen: set[Path] = set()

    def result(self) -> tuple[Rule, ...]:
        if self._faults:
            raise RuleError(self._faults, self.seen)
        return tuple(self._rules)

    def read(self, path: Path, origin: tuple[str, int] = ("", 1)) -> None:
        if path.is_dir():
            found = sorted(p for p in path.glob("*.yaml") if not p.name.endswith(TEST_END))
            if not found:
                self._fault(str(path), 1, "the folder holds no rule file (*.yaml)")
            for inner in found:
                self.read(inner)
            return
        if path.resolve() in self.seen:
            return
        self.seen.add(path.resolve())
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            file, line = origin if origin[0] else (str(path), 1)
            said = f"{path.name}: " if origin[0] else ""
            self._fault(file, line, f"{said}cannot be read: {getattr(error, 'strerror', None) or error}")
            return
        self.take(text, path)

    def take(self, text: str, path: Path) -> None:
        """The rules of one text, and of what it includes before them."""
        file = str(path)
        try:
            data, lines = read_yaml(text)
        except YamlFault as fault:
            self._fault(file, fault.line, str(fault))
            return
        included = data.get("include", []) if isinstance(data, dict) else []
        entries = data.get("rules", [] if included else None) if isinstance(data, dict) else None
        if not isinstance(entries, list) or not (entries or included):
            near = "rules" if isinstance(data, dict) and suggest("rules", map(str, data)) else ""
            self._fault(file, 1, "expected `rules:` with a list of rules", near)
            return
        self._faults.extend(_unknown(data, {"rules", "include"}, "$", file, lines))
        self._include(included, path, lines)
        for index, entry in enumerate(entries):
            self._add(entry, f"$.rules[{index}]", file, lines)

    def _include(self, names: Any, path: Path, lines: Lines) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._fault(str(path), lines.at("$.include"), "include: expected a list of file names or preset:NAME")
            return
        for index, name in enumerate(names):
            line = lines.at(f"$.include[{index}]")
            preset = name.removeprefix(PRESET)
            if preset == name:
                self.read(path.parent / name, (str(path), line))
            elif preset in presets():
                self.read(PRESETS / f"{preset}.yaml")
            else:
                said = f"include: no preset {preset!r}; there are: {', '.join(presets())}"
                self._fault(str(path), line, said, suggest(preset, presets()))

    def _add(self, entry: Any, path: str, file: str, lines: Lines) -> None:
        entry = _inherited(entry)
        wrong = list(_wrong(entry, path, file, lines, KINDS))
        if not wrong:
            rule = msgspec.convert(entry, Rule, dec_hook=_read)
            rule.__dict__["placed"] = file, lines.at(f"{path}.scope")
            wrong = [
                Fault(file, lines.at(f"{path}.{field}"), f"{field}: {said}" if "." in field else said, meant)
                for field, said, meant in contradictions(rule)
            ]
            if "scope" not in entry:
                wrong.insert(0, Fault(file, lines.at(path), "the rule has no scope, e.g. scope: {subject: entity}"))
            self._name(rule, file, lines.at(path))
        self._faults.extend(wrong)

    def _name(self, rule: Rule, file: str, line: int) -> None:
        if rule.name in self._named:
            self._fault(file, line, f"a rule named {rule.name} exists already, at {self._named[rule.name]}")
        self._named.setdefault(rule.name, f"{file}:{line}")
        self._rules.append(rule)

    def _fault(self, file: str, line: int, message: str, meant: str = "") -> None:
        self._faults.append(Fault(file, line, message, meant))


def presets() -> tuple[str, ...]:
    """Names of the shipped presets."""
    return tuple(sorted(p.stem for p in PRESETS.glob("*.yaml") if not p.name.endswith(TEST_END)))


def _inherited(entry: Any) -> Any:
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


def _wrong(entry: Any, path: str, file: str, lines: Lines, kinds: Mapping[str, type[Struct]]) -> Iterator[Fault]:
    """What keeps `entry` from being a rule: unknown kind, unknown fields, then the first value of a wrong type."""
    if not isinstance(entry, dict):
        yield Fault(file, lines.at(path), "expected a rule: a mapping with name, type, scope, window …")
        return
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        said = "the rule has no type" if kind is None else f"unknown type {kind!r}"
        message = f"{said}; there are: {', '.join(kinds)}"
        yield Fault(file, lines.at(f"{path}.type"), message, suggest(str(kind), kinds))
        return
    unknown = list(_unknown(entry, set(_fields(kinds[kind])) | {"type"}, path, file, lines))
    if isinstance(entry.get("scope"), dict):
        unknown += _unknown(entry["scope"], set(_fields(Scope)), f"{path}.scope", file, lines)
    inner = entry.get("conditions")
    for index, each in enumerate(inner if isinstance(inner, list) else ()):
        place = f"{path}.conditions[{index}]"
        unknown += _misplaced(each, entry, place, file, lines) or _wrong(each, place, file, lines, LEAVES)
    yield from unknown or _ill_typed(entry, path, file, lines, kinds is KINDS)


def _misplaced(each: Any, entry: Any, place: str, file: str, lines: Lines) -> list[Fault]:
    """Fields of a condition that belong to its rule."""
    if not isinstance(each, dict):
        return []
    found = [
        Fault(file, lines.at(f"{place}.{name}"), f"{name!r} belongs to the rule, not to a condition of it")
        for name in each
        if name in OF_RULE
    ]
    inside, outside = each.get("scope"), entry.get("scope")
    if not isinstance(inside, dict) or not isinstance(outside, dict):
        return found
    if inside.get("subject") != outside.get("subject"):
        found.append(Fault(file, lines.at(f"{place}.scope"), "a condition looks at the subject of its rule"))
    for name in OF_SCOPE:
        if inside.get(name) != outside.get(name):
            said = f"scope.{name}: a condition looks at the subjects of its rule: write them in the scope of the rule"
            found.append(Fault(file, lines.at(f"{place}.scope.{name}"), said))
    return found


def _ill_typed(entry: Any, path: str, file: str, lines: Lines, whole: bool) -> Iterator[Fault]:
    if not whole:
        return  # the rule around it is converted as a whole
    try:
        msgspec.convert(entry, Rule, dec_hook=_read)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        inner = re.search(r"\$[^`]*", where)
        place = path + (inner.group()[1:] if inner else "")
        value = re.search(r"[Ii]nvalid (?:enum )?value '(.*)'", message)
        choices = choices_at(place)
        meant = suggest(value.group(1), choices) if value else ""
        told = f"{message}; there are: {', '.join(choices)}" if value and choices else message
        if "Expected `str`, got" in told:
            told += "; write it in quotes"
        field = place.rsplit(".", 1)[-1] if place != path else ""
        yield Fault(file, lines.at(place), f"{field}: {told}" if field else told, meant)


def _unknown(data: Mapping[str, Any], known: set[str], path: str, file: str, lines: Lines) -> Iterator[Fault]:
    for key in data:
        if key not in known:
            yield Fault(file, lines.at(f"{path}.{key}"), f"unknown field {key!r}", suggest(str(key), known))


def _fields(kind: type[Struct]) -> list[str]:
    return [f.encode_name for f in msgspec.structs.fields(kind)]


def _read(kind: type, value: Any) -> Any:
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)
