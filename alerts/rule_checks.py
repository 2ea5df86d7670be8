"""What is wrong with a rule whose values are right one by one. Pure; told with field, fault and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from alerts.rules import LEVELS, Coordination, Deviation, Duration, Leaf, Rule, Share, Shift, Silence, Spike, Surge
from alerts.templates import FIELDS, unknown
from alerts.yaml_structs import suggest
from models.labels import RISKS, TOPICS

MINUTE: Final = 60
HOUR: Final = 3600
LONGEST_WINDOW: Final = 7 * 86_400  # what a window holds stays in memory; longer trends belong to the index
SHORTEST_SHIFT: Final = 6 * 3600  # a sum over hours needs some
LONGEST_REFERENCE: Final = 28 * 86_400  # of documents, which stay in memory as well
LONGEST_MEMORY: Final = 400 * 86_400
RESERVED_LABELS: Final = frozenset({"baseline"})  # set by the engine itself
STORIES_ONLY: Final = (Surge, Shift, Silence, Coordination)
PREFIXES: Final = ("entity:", "topic:", "source:", "list:", "market:")

Contradiction = tuple[str, str, str]


def choices_at(place: str) -> tuple[str, ...]:
    """The values allowed at a place of a rule, for the fields that take one of a few."""
    field = re.sub(r"\[.*\]$", "", place.rsplit(".", 1)[-1])
    return {
        "count": ("stories", "documents", "authors", "sources"),
        "subject": ("entity", "topic", "source", "list", "market"),
        "kind": ("any", "news", "chat"),
        "severity": LEVELS,
        "of": ("negative", "all"),
        "what": ("risk", "topic", "source"),
    }.get(field, ())


def contradictions(rule: Rule) -> Iterator[Contradiction]:
    """Field, fault and suggestion for values that are wrong together."""
    if not rule.name:
        yield "name", "a rule needs a name", ""
    composed = rule.leaves != (rule,)
    if composed and rule.window.seconds:
        yield "window", "a composed rule has no window: each of its conditions has", ""
    for index, leaf in enumerate(rule.leaves):
        for field, fault, meant in _of_leaf(leaf):
            yield f"conditions[{index}].{field}" if composed else field, fault, meant
        for field, fault, meant in _of_words(leaf) if composed and leaf.scope != rule.scope else ():
            yield f"conditions[{index}].{field}", fault, meant
    if 1.0 not in rule.ladder.values():
        yield "severity", "one level must begin at 1, where the rule starts to ring", ""
    if sorted(rule.ladder, key=LEVELS.index) != sorted(rule.ladder, key=lambda level: (rule.ladder[level], level)):
        yield "severity", "a higher level must begin further beyond the bound", ""
    for label in RESERVED_LABELS & rule.labels.keys():
        yield "labels", f"the label {label!r} is set by the detector itself", ""
    for name, text in rule.annotations.items():
        for word in unknown(text):
            known = f"unknown field {{{word}}}; there are: {', '.join(FIELDS)}"
            yield f"annotations.{name}", known, suggest(word, FIELDS)
    yield from _of_scope(rule)


def _of_leaf(leaf: Leaf) -> Iterator[Contradiction]:
    shortest = SHORTEST_SHIFT if isinstance(leaf, Shift) else MINUTE
    if not shortest <= leaf.window.seconds <= LONGEST_WINDOW:
        limits = f"{Duration(shortest)} and {Duration(LONGEST_WINDOW)}"
        yield "window", f"expected between {limits}, got {leaf.window}", ""
    if isinstance(leaf, Surge):
        yield from _of_lengths(leaf)
    if isinstance(leaf, Share) and leaf.at_least is None and leaf.over_baseline is None:
        yield "type", "a share rule needs at_least, over_baseline or both", ""
    if isinstance(leaf, STORIES_ONLY) and leaf.count != "stories":
        yield "count", f"a {leaf.type} counts stories: its baseline does", ""
    if isinstance(leaf, Spike | Deviation):
        yield from _of_reference(leaf)
    memory = getattr(leaf, "memory", None)
    if memory is not None and not leaf.window.seconds < memory.seconds <= LONGEST_MEMORY:
        yield "memory", f"expected more than the window and at most {Duration(LONGEST_MEMORY)}, got {memory}", ""


def _of_lengths(leaf: Surge) -> Iterator[Contradiction]:
    for index, length in enumerate(leaf.also):
        if not MINUTE <= length.seconds <= LONGEST_WINDOW:
            limits = f"{Duration(MINUTE)} and {Duration(LONGEST_WINDOW)}"
            yield f"also[{index}]", f"expected between {limits}, got {length}", ""
        if length in (leaf.window, *leaf.also[:index]):
            yield f"also[{index}]", f"{length} is a length of the window already", ""


def _of_reference(leaf: Spike | Deviation) -> Iterator[Contradiction]:
    length = leaf.before if isinstance(leaf, Spike) else leaf.reference.seconds
    shortest = MINUTE if isinstance(leaf, Spike) else HOUR + leaf.window.seconds * (not leaf.apart)
    if not shortest <= length <= LONGEST_REFERENCE:
        limits = f"{Duration(shortest)} and {Duration(LONGEST_REFERENCE)}"
        yield "reference", f"the reference must be between {limits}, got {leaf.reference}", ""
    if isinstance(leaf, Deviation) and length % HOUR:
        yield "reference", f"the reference must be whole hours, got {leaf.reference}: counts are taken by the hour", ""
    if isinstance(leaf, Spike) and length != leaf.window.seconds and leaf.count in ("authors", "sources"):
        said = f"distinct {leaf.count} do not grow with time: give the reference the length of the window, or count"
        yield "reference", f"{said} documents or stories", ""


def _of_words(rule: Rule) -> Iterator[Contradiction]:
    scope = rule.scope
    known = {"topics": TOPICS, "risks": RISKS} | ({"ids": TOPICS} if scope.subject == "topic" else {})
    for field, words in known.items():
        for index, name in enumerate(getattr(scope, field)):
            if name not in words:
                what = "kind of risk event" if words is RISKS else "topic"
                yield f"scope.{field}[{index}]", f"unknown {what} {name!r}", suggest(name, words)


def _of_scope(rule: Rule) -> Iterator[Contradiction]:
    scope = rule.scope
    yield from _of_words(rule)
    for index, keyword in enumerate(scope.keywords):
        if not keyword.strip():
            yield f"scope.keywords[{index}]", "a keyword needs a letter: a blank one would be found everywhere", ""
    for index, name in enumerate(scope.ids):
        if name.startswith(PREFIXES):
            yield f"scope.ids[{index}]", f"write the id without its prefix: {name.partition(':')[2]}", ""
    if scope.lists and scope.subject != "entity":
        yield (
            "scope.lists",
            "lists choose companies, so they need subject: entity; for a list as one write its name in ids",
            "",
        )
    if scope.subject == "list" and not scope.ids:
        yield "scope.ids", "name the lists of the watchlist that are followed as one", ""
    if scope.subject == "market" and scope.ids:
        yield "scope.ids", "the market is everything: narrow it with topics, risks, sources, languages or kind", ""
