"""What is wrong with a rule whose values are right one by one. Pure; told with field, fault and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from alerts.rules import LEVELS, Coordination, Deviation, Duration, Leaf, Rule, Share, Shift, Silence, Spike, Surge
from alerts.sayings import Saying, saying
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

Contradiction = tuple[str, Saying, str]


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
        yield "name", saying("no_name"), ""
    composed = rule.leaves != (rule,)
    if composed and rule.window.seconds:
        yield "window", saying("composed_window"), ""
    for index, leaf in enumerate(rule.leaves):
        for field, fault, meant in _of_leaf(leaf):
            yield f"conditions[{index}].{field}" if composed else field, fault, meant
        for field, fault, meant in _of_words(leaf) if composed and leaf.scope != rule.scope else ():
            yield f"conditions[{index}].{field}", fault, meant
    if 1.0 not in rule.ladder.values():
        yield "severity", saying("first_level"), ""
    if sorted(rule.ladder, key=LEVELS.index) != sorted(rule.ladder, key=lambda level: (rule.ladder[level], level)):
        yield "severity", saying("level_order"), ""
    for label in RESERVED_LABELS & rule.labels.keys():
        yield "labels", saying("own_label", label=label), ""
    for name, text in rule.annotations.items():
        for word in unknown(text):
            known = ", ".join(FIELDS)
            yield f"annotations.{name}", saying("unknown_place", word=word, known=known), suggest(word, FIELDS)
    yield from _of_scope(rule)


def _of_leaf(leaf: Leaf) -> Iterator[Contradiction]:
    shortest = SHORTEST_SHIFT if isinstance(leaf, Shift) else MINUTE
    if not shortest <= leaf.window.seconds <= LONGEST_WINDOW:
        yield "window", _between("between", shortest, LONGEST_WINDOW, leaf.window), ""
    if isinstance(leaf, Surge):
        yield from _of_lengths(leaf)
    if isinstance(leaf, Share) and leaf.at_least is None and leaf.over_baseline is None:
        yield "type", saying("share_of_what"), ""
    if isinstance(leaf, STORIES_ONLY) and leaf.count != "stories":
        yield "count", saying("stories_only", type=leaf.type), ""
    if isinstance(leaf, Spike | Deviation):
        yield from _of_reference(leaf)
    memory = getattr(leaf, "memory", None)
    if memory is not None and not leaf.window.seconds < memory.seconds <= LONGEST_MEMORY:
        yield "memory", saying("memory", most=Duration(LONGEST_MEMORY), got=memory), ""


def _between(code: str, least: int, most: int, got: Duration) -> Saying:
    return saying(code, least=Duration(least), most=Duration(most), got=got)


def _of_lengths(leaf: Surge) -> Iterator[Contradiction]:
    for index, length in enumerate(leaf.also):
        if not MINUTE <= length.seconds <= LONGEST_WINDOW:
            yield f"also[{index}]", _between("between", MINUTE, LONGEST_WINDOW, length), ""
        if length in (leaf.window, *leaf.also[:index]):
            yield f"also[{index}]", saying("length_twice", length=length), ""


def _of_reference(leaf: Spike | Deviation) -> Iterator[Contradiction]:
    length = leaf.before if isinstance(leaf, Spike) else leaf.reference.seconds
    shortest = MINUTE if isinstance(leaf, Spike) else HOUR + leaf.window.seconds * (not leaf.apart)
    if not shortest <= length <= LONGEST_REFERENCE:
        yield "reference", _between("reference_between", shortest, LONGEST_REFERENCE, leaf.reference), ""
    if isinstance(leaf, Deviation) and length % HOUR:
        yield "reference", saying("reference_hours", got=leaf.reference), ""
    if isinstance(leaf, Spike) and length != leaf.window.seconds and leaf.count in ("authors", "sources"):
        yield "reference", saying("reference_length", count=leaf.count), ""


def _of_words(rule: Rule) -> Iterator[Contradiction]:
    scope = rule.scope
    known = {"topics": TOPICS, "risks": RISKS} | ({"ids": TOPICS} if scope.subject == "topic" else {})
    for field, words in known.items():
        for index, name in enumerate(getattr(scope, field)):
            if name not in words:
                code = "unknown_risk" if words is RISKS else "unknown_topic"
                yield f"scope.{field}[{index}]", saying(code, word=name), suggest(name, words)


def _of_scope(rule: Rule) -> Iterator[Contradiction]:
    scope = rule.scope
    yield from _of_words(rule)
    for index, keyword in enumerate(scope.keywords):
        if not keyword.strip():
            yield f"scope.keywords[{index}]", saying("blank_keyword"), ""
    for index, name in enumerate(scope.ids):
        if name.startswith(PREFIXES):
            yield f"scope.ids[{index}]", saying("id_prefix", id=name.partition(":")[2]), ""
    if scope.lists and scope.subject != "entity":
        yield "scope.lists", saying("lists_entity"), ""
    if scope.subject == "list" and not scope.ids:
        yield "scope.ids", saying("list_ids"), ""
    if scope.subject == "market" and scope.ids:
        yield "scope.ids", saying("market_ids"), ""
