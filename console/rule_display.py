"""Rules as a terminal shows them, and as JSON. What a user chose is plain text: no markup, no control characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from alerts.evaluation.badges import Badges
from alerts.rule_files import PRESET, PRESETS, read_rules
from alerts.rules import Rule, Scope
from alerts.yaml_lines import read_yaml
from console import rule_badges
from console.messages import say
from console.rule_phrases import joined, label, language_name, names, number, steps, word
from console.rule_words import sentences
from streams.plain import plain

COLUMNS: Final = ("name", "type", "scope", "window", "severity")
WHOLE: Final = ("name", "type", "window", "severity")  # never broken in two


@dataclass(frozen=True, slots=True)
class Place:
    """A rule and where it stands: a file, or `preset:NAME`."""

    rule: Rule
    file: str


def placed(paths: Sequence[Path]) -> list[Place]:
    """The rules of the files and of what they include. Raises RuleError with every fault."""
    found, files = read_rules(*paths)
    where = {name: _file(path) for path in files for name in _named(path)}
    return [Place(rule, where.get(rule.name, "")) for rule in found]


def _named(path: Path) -> list[str]:
    data, _ = read_yaml(path.read_text(encoding="utf-8"))
    return [str(entry["name"]) for entry in data.get("rules", ())]


def _file(path: Path) -> str:
    """The file as a rule file would include it, or as seen from here."""
    if path.parent == PRESETS.resolve():
        return PRESET + path.stem
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def tables(found: Sequence[Place], badges: Badges) -> Iterator[Table]:
    """A table for each file, a line for each rule; below its name what was measured of it."""
    for file, places in groupby(found, key=lambda place: place.file):
        title = Text(plain(file), style="bold")
        made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for column in COLUMNS:
            made.add_column(say(f"rules.list.{column}"), overflow="fold", no_wrap=column in WHOLE)
        for place in places:
            rule = place.rule
            kind = rule.type if rule.enabled else f"{rule.type}\n{say('rules.list.off')}"
            cells = [_cell(cell, rule.enabled) for cell in (kind, brief(rule.scope), window(rule), ladder(rule))]
            made.add_row(_named_cell(rule, badges), *cells)
        yield made


def _named_cell(rule: Rule, badges: Badges) -> Text:
    """In the same column, since six of them are more than a terminal holds."""
    made = _cell(rule.name, rule.enabled)
    measured = rule_badges.cell(rule, badges)
    return made.append(f"\n{measured}", style="dim") if measured else made


def _cell(text: str, enabled: bool) -> Text:
    return Text("\n".join(map(plain, text.splitlines())), style="" if enabled else "dim")


def explanation(place: Place, badges: Badges) -> Text:
    """The rule in sentences, section by section, a line each."""
    rule = place.rule
    made = Text(word("heading" if rule.enabled else "heading_off", name=rule.name, type=rule.type), style="bold")
    made.append(f"\n{plain(place.file)}  {rule.hash}", style="dim")
    if rule.about:
        made.append(f"\n{plain(rule.about)}", style="not bold")
    for section, said in sentences(rule).items():
        made.append(f"\n{word(f'section.{section}')}")
        for sentence in said:
            made.append(f"\n  {sentence}", style="not bold")
    for sentence in rule_badges.said(rule, badges):
        made.append(f"\n{plain(sentence)}", style="not bold")
    return made


def summary(place: Place, badges: Badges) -> dict[str, Any]:
    """What a list says about a rule, as plain data."""
    rule = place.rule
    return {
        "name": rule.name, "type": rule.type, "enabled": rule.enabled, "scope": brief(rule.scope),
        "windows": [str(look.window) for look in rule.looks], "severity": dict(steps(rule)),
        "labels": rule.labels, "hash": rule.hash, "file": place.file,
    } | rule_badges.data(rule, badges)  # fmt: skip


def full(place: Place, badges: Badges) -> dict[str, Any]:
    """The same with the rule's own words and its sentences."""
    return summary(place, badges) | {"about": place.rule.about, "sentences": sentences(place.rule)}


def brief(scope: Scope) -> str:
    """What a scope takes, in a few words for a table."""
    subject = say(f"rules.brief.{scope.subject}")
    what = subject
    if scope.lists:
        what = say("rules.brief.lists", lists=names(scope.lists))
    elif scope.ids:
        what = say("rules.brief.ids", subject=subject, ids=names(scope.ids))
    narrowed = [language_name(code) for code in scope.languages]
    narrowed += [say(f"rules.brief.{scope.kind}")] if scope.kind != "any" else []
    narrowed += [say("rules.brief.keywords", keywords=names(scope.keywords))] if scope.keywords else []
    narrowed += [label("risk", name) for name in scope.risks] + [label("topic", name) for name in scope.topics]
    return say("rules.brief.narrowed", what=what, narrowed=joined(narrowed)) if narrowed else what


def ladder(rule: Rule) -> str:
    """The severities, a line each, with the multiple of the bound from which each is reached."""
    return "\n".join(f"{say(f'alerts.severity.{level}')} {number(at)}" for level, at in steps(rule))


def window(rule: Rule) -> str:
    """The windows, each once."""
    return ", ".join(dict.fromkeys(str(look.window) for look in rule.looks))
