"""Rule files: read, checked, and every fault told with file, line and what was probably meant.

A rule file is YAML (the 1.2 core: `NO` and `ON` are tickers, not booleans) with `rules:` and, if wanted, `include:` of
further files beside it or of shipped presets. A file with any fault is refused as a whole: half of the rules a desk
relies on is worse than a start that fails loudly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace as replaced
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from alerts.rule_checks import contradictions
from alerts.rule_entries import as_rule, inherited, unknown_fields, wrong_entry
from alerts.rules import KINDS, Rule
from alerts.sayings import Saying, saying
from alerts.yaml_lines import LARGEST, Lines, YamlFault, read_yaml
from alerts.yaml_structs import Fault, FileRefused, suggest

SHIPPED: Final = Path(__file__).parent / "rules"
PRESETS: Final = SHIPPED / "presets"
PRESET: Final = "preset:"
TEST_END: Final = "_test.yaml"
TEXT_LIMIT: Final = 65_536  # characters of a text that comes from outside …
TEXT_NODES: Final = 20_000  # … and its values, anchors followed: more than so long a text of rules can mean


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


def read_instead(text: str, file: Path | None = None, root: Path | None = None) -> tuple[Rule, ...]:
    """The rules that there would be were this text from outside written into `file`: those of `root`, which is the file
    or its folder; without both those of the text alone. RuleError otherwise.

    The text is bounded, and includes nothing but presets and what lies in the folder: who may ask what a text means
    must not learn what other files hold.
    """
    reader = _Reader({file.resolve(): text} if file else {})
    if file is None or root is None:
        alone = Path("<rules>")  # in no folder: there is nothing beside it
        reader.take_foreign(text, alone, alone)
    else:
        reader.read(root)
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
            faults.append(Fault(*rule.place, saying("no_list", rule=rule.name, name=name), suggest(name, lists)))
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
    """Reads each file once and collects rules and faults. `instead`: texts from outside, in place of what files say."""

    def __init__(self, instead: Mapping[Path, str] = MappingProxyType({})) -> None:
        self._instead = instead
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
            new = {each for each in self._instead if each.parent == path.resolve()}
            known = {p.resolve(): p for p in path.glob("*.yaml") if not p.name.endswith(TEST_END)}
            found = sorted({each: known.get(each, path / each.name) for each in {*known, *new}}.values())
            if not found:
                self._fault(str(path), 1, saying("folder_empty"))
            for inner in found:
                self.read(inner)
            return
        if path.resolve() in self.seen:
            return
        self.seen.add(path.resolve())
        if path.resolve() in self._instead:
            self.take_foreign(self._instead[path.resolve()], path, path.parent)
            return
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if origin[0]:
                self._fault(*origin, saying("unreadable_beside", name=path.name, reason=reason))
            else:
                self._fault(str(path), 1, saying("unreadable", reason=reason))
            return
        self.take(text, path)

    def take_foreign(self, text: str, path: Path, within: Path) -> None:
        """The rules of a text from outside: no larger than one may be, and with no way out of the folder `within`."""
        self.take(text, path, (TEXT_LIMIT, TEXT_NODES), within)

    def take(self, text: str, path: Path, limits: tuple[int, int] = (LARGEST, 0), within: Path | None = None) -> None:
        """The rules of one text, and of what it includes before them; from `within` alone where that is given."""
        file = str(path)
        try:
            data, lines = read_yaml(text, *limits)
        except YamlFault as fault:
            self._faults.append(Fault(file, fault.line, fault.told, column=fault.column))
            return
        included = data.get("include", []) if isinstance(data, dict) else []
        entries = data.get("rules", [] if included else None) if isinstance(data, dict) else None
        if not isinstance(entries, list) or not (entries or included):
            near = "rules" if isinstance(data, dict) and suggest("rules", map(str, data)) else ""
            self._fault(file, 1, saying("no_rules"), near)
            return
        self._faults.extend(unknown_fields(data, {"rules", "include"}, "$", file, lines))
        self._include(included, path, lines, within)
        for index, entry in enumerate(entries):
            self._add(entry, f"$.rules[{index}]", file, lines)

    def _include(self, names: Any, path: Path, lines: Lines, within: Path | None) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._fault(str(path), lines.at("$.include"), saying("include_list"))
            return
        for index, name in enumerate(names):
            line = lines.at(f"$.include[{index}]")
            preset = name.removeprefix(PRESET)
            if preset == name and within is not None and not _lies_in(within, path.parent / name):
                self._fault(str(path), line, saying("include_name"))
            elif preset == name:
                self.read(path.parent / name, (str(path), line))
            elif preset in presets():
                self.read(PRESETS / f"{preset}.yaml")
            else:
                said = saying("include_preset", name=preset, known=", ".join(presets()))
                self._fault(str(path), line, said, suggest(preset, presets()))

    def _add(self, entry: Any, path: str, file: str, lines: Lines) -> None:
        entry = inherited(entry)
        wrong = list(wrong_entry(entry, path, file, lines, KINDS))
        if not wrong:
            rule = as_rule(entry)
            rule.__dict__["placed"] = file, lines.at(f"{path}.scope")
            wrong = [
                Fault(file, lines.at(f"{path}.{field}"), replaced(said, about=field) if "." in field else said, meant)
                for field, said, meant in contradictions(rule)
            ]
            if "scope" not in entry:
                wrong.insert(0, Fault(file, lines.at(path), saying("no_scope")))
            self._name(rule, file, lines.at(path))
        self._faults.extend(wrong)

    def _name(self, rule: Rule, file: str, line: int) -> None:
        if rule.name in self._named:
            self._fault(file, line, saying("name_twice", name=rule.name, place=self._named[rule.name]))
        self._named.setdefault(rule.name, f"{file}:{line}")
        self._rules.append(rule)

    def _fault(self, file: str, line: int, told: Saying, meant: str = "") -> None:
        self._faults.append(Fault(file, line, told, meant))


def _lies_in(folder: Path, file: Path) -> bool:
    """Whether a file is directly in a folder, whatever its name or a link says."""
    try:
        return file.suffix == ".yaml" and file.resolve().parent == folder.resolve() and not file.is_symlink()
    except (OSError, ValueError):
        return False


def presets() -> tuple[str, ...]:
    """Names of the shipped presets."""
    return tuple(sorted(p.stem for p in PRESETS.glob("*.yaml") if not p.name.endswith(TEST_END)))
