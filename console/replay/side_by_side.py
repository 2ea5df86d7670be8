"""Two rule sets over one source in one pass, each with a result of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec.structs import replace as changed

from alerts.evaluation.result import Evaluation
from alerts.rules import Rule
from console.replay.choices import Choices
from console.replay.command import conducted
from console.replay.session import Outputs, Session
from streams.settings import Settings

KEPT: Final = 56  # characters of a rule's name where two rules of one name are told apart


@dataclass(frozen=True, slots=True)
class Joined:
    """The rules of both sets, each once. `names`: of each set, what its rules are called among them."""

    rules: tuple[Rule, ...]
    names: tuple[Mapping[str, str], Mapping[str, str]]


def joined(sets: tuple[Sequence[Rule], Sequence[Rule]]) -> Joined:
    """Both sets in one engine: a rule that is the same in both runs once, two of one name run under names of their
    own. A subject's alerts depend on no other rule, so that each rings as it would alone."""
    by_name = [{rule.name: rule for rule in rules} for rules in sets]
    found: dict[str, Rule] = {}
    names: list[dict[str, str]] = [{}, {}]
    for at, rules in enumerate(by_name):
        other = by_name[1 - at]
        for name, rule in rules.items():
            alone = name not in other or other[name].hash == rule.hash
            names[at][name] = used = name if alone else f"{name[:KEPT]}--{at + 1}"
            found[used] = rule if alone else changed(rule, name=used)
    return Joined(tuple(found.values()), (names[0], names[1]))


def parted(evaluation: Evaluation, both: Joined, sets: tuple[Sequence[Rule], Sequence[Rule]]) -> list[Evaluation]:
    """The result of each set, its rules under their own names and with their own hashes."""
    found: list[Evaluation] = []
    for names, rules in zip(both.names, sets, strict=True):
        hashes = {rule.name: rule.hash for rule in rules}
        results = {
            name: changed(
                evaluation.rules[used],
                hash=hashes[name],
                episodes=tuple(changed(episode, rule=name) for episode in evaluation.rules[used].episodes),
            )
            for name, used in names.items()
        }
        found.append(changed(evaluation, rules=results))
    return found


def replayed(choices: Choices, sets: tuple[Sequence[Rule], Sequence[Rule]], settings: Settings) -> list[Evaluation]:
    """The results of both sets. Raises what `Session.conduct` raises; Ctrl-C ends the program with a sentence."""
    both = joined(sets)
    session = Session(replace(choices, rules=both.rules), Outputs(), settings, sys.stdin.buffer)
    return parted(conducted(session).evaluation, both, sets)
