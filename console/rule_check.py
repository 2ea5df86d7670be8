"""What a text of rules means before it is saved: its faults with their places, its rules, and what of them is new.

The text comes from outside: it is bounded, follows no way out of the folder, and nothing of it is carried out. A fault
is what would keep the detector from taking the rules; a warning is what would keep a rule from ever ringing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from rapidfuzz import fuzz, process

from alerts.rule_files import RuleError, in_force, load_rules, read_instead
from alerts.rulebook import check_followed
from alerts.rules import Rule
from alerts.yaml_structs import Fault
from console.messages import language, say
from console.rule_store import root_of
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_lists, read_watchlist
from streams.plain import plain
from streams.settings import Settings, SettingsError

MOST: Final = 100  # faults that are told
WORDS: Final = 300  # characters of one
SURE: Final = 70  # of 100: below that a company is not taken for another
Changed = Literal["new", "same", "changed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `rules` are those in force with the text in its place; empty with any fault."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()
    rules: tuple[Rule, ...] = ()
    own: tuple[Rule, ...] = ()  # those of the text itself, disabled ones too
    changed: dict[str, Changed] | None = None  # of the text's own rules
    gone: tuple[str, ...] = ()  # rules that the file has now, and not with this text


def check(settings: Settings, text: str, file: Path | None) -> Checked:
    """The text as it would be in `file` (None: alone). Lists and kinds of subject are looked up in the settings."""
    root = root_of(settings) if file else None
    try:
        found = read_instead(text, file, root)
        ready = in_force(found, read_lists(settings.watchlist))
        check_followed(ready, settings)
    except RuleError as error:
        return Checked(tuple(told(error.faults, text, file, root)))
    except SettingsError as error:  # the watchlist
        return Checked((Fault(str(file or ""), 1, plain(str(error), WORDS)),))
    own = tuple(rule for rule in found if rule.place[0] == str(file or "<rules>"))
    before = _before(settings)
    changed = {rule.name: _changed(rule, before.get(rule.name)) for rule in own}
    names = {rule.name for rule in found}
    gone = sorted(name for name, rule in before.items() if name not in names and rule.place[0] == str(file))
    warnings = [
        Fault(*rule.place, stranger(rule, id_, meant), meant, _line(text, rule.place[1]).find(id_) + 1)
        for rule, id_, meant in strangers(own, settings.watchlist)
    ]
    return Checked((), tuple(told(warnings, text, file, root)), ready, own, changed, tuple(gone))


def told(faults: Sequence[Fault], text: str, file: Path | None, root: Path | None) -> Iterator[Fault]:
    """The faults as they are shown: bounded, without paths of this machine, those of the text with their columns."""
    folder = f"{root if root is None or root.is_dir() else root.parent}/"
    for fault in faults[:MOST]:
        own = fault.file == str(file or "<rules>")
        line = _line(text, fault.line) if own else ""
        message = plain(fault.said(language()).replace(folder, ""), WORDS)
        name = "" if own else fault.file.removeprefix(folder)
        yield Fault(name, fault.line, message, plain(fault.meant, WORDS), fault.column or _column(line, fault))


def strangers(rules: Sequence[Rule], watchlist: Path | None) -> Iterator[tuple[Rule, str, str]]:
    """Companies that rules name and nobody links, so that they would never ring: rule, id, and what was meant."""
    asked = [(rule, id_) for rule in rules if rule.scope.subject == "entity" for id_ in rule.scope.ids]
    if not asked:
        return
    known = _known(watchlist, watchlist.stat().st_mtime_ns if watchlist else 0)
    for rule, id_ in islice(((rule, id_) for rule, id_ in asked if id_ not in known), MOST):
        best = process.extractOne(id_, sorted(known), scorer=fuzz.ratio, score_cutoff=SURE)
        yield rule, id_, str(best[0]) if best else ""


@lru_cache(maxsize=2)
def _known(watchlist: Path | None, _changed_at: int) -> frozenset[str]:
    """Ids of all companies that are linked."""
    own = read_watchlist(watchlist) if watchlist else ()
    return frozenset(company.id for company in (*read_companies(), *own))


def stranger(rule: Rule, id_: str, meant: str) -> str:
    """What is said of a company that nobody links."""
    return say("rules.meant" if meant else "rules.stranger", name=rule.name, id=plain(id_, 64), meant=meant)


def _before(settings: Settings) -> dict[str, Rule]:
    """The rules that the files have now; none where they have faults."""
    try:
        return {rule.name: rule for rule in load_rules(root_of(settings))}
    except RuleError:
        return {}


def _changed(rule: Rule, before: Rule | None) -> Changed:
    return "new" if before is None else "same" if before.hash == rule.hash else "changed"


def _line(text: str, number: int) -> str:
    return next(iter(text.splitlines()[number - 1 : number]), "")


def _column(line: str, fault: Fault) -> int:
    """Where in its line the word stands that a fault is about; 0 where it names none of the line."""
    quoted = re.search(r"'([^']+)'", fault.message)
    field = re.match(r"[\w.]+(?=:)", fault.message)
    words = [quoted.group(1)] if quoted else []
    words += [re.sub(r"\[\d+\]", "", field.group()).rsplit(".", 1)[-1]] if field else []
    return next((line.find(word) + 1 for word in words if word in line), 0)
