"""A rule in plain sentences, made from its fields: what it looks at, when it rings, what keeps it quiet, how it ends.

Every number in a sentence is a field of the rule or follows from fields alone. What a user chose (ids, sources, lists)
is shown without control characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.rulebook import FOLLOWED
from alerts.rules import Any_, Coordination, Leaf, Rule, Scope, Share, Silence
from console.messages import say
from console.rule_conditions import condition, history, of_negative, reached
from console.rule_phrases import amount, joined, label, language_name, names, number, percent, steps, word

SECTIONS: Final = ("looks_at", "begins", "quiet", "severity", "ends", "needs")


def sentences(rule: Rule) -> dict[str, list[str]]:
    """What the rule does, in the user's language, by section."""
    found = {
        "looks_at": [*_subjects(rule.scope), *_only(rule.scope), _stale(rule)],
        "begins": list(_begins(rule)),
        "quiet": list(_quiet(rule)),
        "severity": list(_severities(rule)),
        "ends": list(_ends(rule)),
        "needs": list(_needs(rule)) or [word("needs.nothing")],
    }
    return {section: found[section] for section in SECTIONS}


def _subjects(scope: Scope) -> Iterator[str]:
    if scope.lists:
        yield word("subject.of_lists", ids=names(scope.lists))
    if scope.ids:
        yield word(f"subject.{scope.subject}_ids", ids=names(scope.ids))
    elif not scope.lists:
        yield word(f"subject.{scope.subject}")


def _only(scope: Scope, outer: Scope | None = None) -> Iterator[str]:
    """How the scope is narrowed, where `outer` is not narrowed the same way already."""
    before = outer or Scope(subject=scope.subject)
    sure = percent(scope.min_confidence)
    if scope.risks != before.risks:
        yield word("only.risks", risks=joined([label("risk", name) for name in scope.risks]), sure=sure)
    if scope.topics != before.topics:
        yield word("only.topics", topics=joined([label("topic", name) for name in scope.topics]), sure=sure)
    if scope.keywords != before.keywords:
        yield word("only.keywords", keywords=names(scope.keywords))
    if scope.sources != before.sources:
        yield word("only.sources", sources=names(scope.sources))
    if scope.languages != before.languages:
        yield word("only.languages", languages=joined([language_name(code) for code in scope.languages]))
    if scope.kind not in ("any", before.kind):
        yield word(f"only.{scope.kind}")
    if scope.min_relevance != before.min_relevance:
        yield word("only.relevance", relevance=number(scope.min_relevance))


def _stale(rule: Rule) -> str:
    left = all(leaf.ignore_stale for leaf in rule.leaves)
    return word("stale.left" if left else "stale.counted")


def _begins(rule: Rule) -> Iterator[str]:
    if _composed(rule):
        yield word(f"begins.{rule.type}")
        for position, leaf in enumerate(rule.leaves, start=1):
            said = [condition(leaf), *_only(leaf.scope, rule.scope), *_gates(leaf, "gate")]
            yield word("begins.condition", number=position, sentence=word("gap").join(said))
    else:
        yield condition(rule.leaves[0])
    if any(of_negative(leaf) for leaf in rule.leaves):
        for at in sorted({leaf.negative_at for leaf in rule.leaves}):
            yield word("negative_at", at=number(at))
    if any(isinstance(leaf, Share) and leaf.corrected for leaf in rule.leaves):
        yield word("begins.corrected")


def _gates(leaf: Leaf, said: str) -> Iterator[str]:
    """What one window must have beside its condition. A silence has nothing that could be counted."""
    if isinstance(leaf, Silence):
        return
    if leaf.min_sources > 1:
        yield word(f"{said}.sources", count=leaf.min_sources)
    if leaf.min_authors > 1:
        unsigned = said == "quiet" and getattr(leaf, "unsigned_news", "source") == "story"
        yield word("quiet.voices" if unsigned else f"{said}.authors", count=leaf.min_authors)
    if leaf.min_share:
        yield word(f"{said}.share", share=percent(leaf.min_share))
    if leaf.min_support > 1:
        yield word(f"{said}.support", amount=amount("judged", leaf.count, leaf.min_support))


def _quiet(rule: Rule) -> Iterator[str]:
    if not _composed(rule):
        yield from _gates(rule.leaves[0], "quiet")
    if any(isinstance(leaf, Coordination) for leaf in rule.leaves):
        yield word("quiet.shared")
    elif all(leaf.count == "stories" and not isinstance(leaf, Silence) for leaf in rule.leaves):
        yield word("quiet.copies")
    if rule.for_.seconds:
        yield word("quiet.held", time=rule.for_)
    silent = any(isinstance(leaf, Silence) for leaf in rule.leaves)
    yield word("quiet.rare" if silent else "quiet.fresh")


def _severities(rule: Rule) -> Iterator[str]:
    found = steps(rule)
    if len(found) == 1:
        yield word("severity.one", level=say(f"alerts.severity.{found[0][0]}"))
        return
    for name, at in found:
        level = say(f"alerts.severity.{name}")
        able = list(_figures(rule, at))
        if not able or (len(able) < len(rule.leaves) and not isinstance(rule, Any_)):
            yield word("severity.never", level=level)
        else:
            joint = word("or" if isinstance(rule, Any_) else "and")
            yield word("severity.step", level=level, reached=joint.join(able))
    if _composed(rule):
        yield word(f"severity.{rule.type}")


def _figures(rule: Rule, at: float) -> Iterator[str]:
    """The figure of each condition that can be so far beyond its bound."""
    for position, leaf in enumerate(rule.leaves, start=1):
        figure = reached(leaf, at)
        if figure:
            yield word("severity.of", reached=figure, number=position) if _composed(rule) else figure


def _ends(rule: Rule) -> Iterator[str]:
    if rule.keep_firing_for.seconds:
        yield word("ends.after", time=rule.keep_firing_for)
    else:
        yield word("ends.at_once")
    if rule.clear_at < 1.0:
        yield word("ends.clear", share=percent(rule.clear_at))
    yield word("ends.changed")


def _needs(rule: Rule) -> Iterator[str]:
    scope = rule.scope
    lists = scope.ids if scope.subject == "list" else scope.lists
    if lists:
        yield word("needs.lists", lists=names(lists))
    if scope.subject in FOLLOWED:
        yield word("needs.follow", subject=scope.subject)
    if any(of_negative(leaf) for leaf in rule.leaves):
        yield word("needs.model")
    if any(
        leaf.scope.risks or leaf.scope.topics or getattr(leaf, "what", "source") != "source" for leaf in rule.leaves
    ):
        yield word("needs.risk")
    for leaf in rule.leaves:
        yield from history(leaf)


def _composed(rule: Rule) -> bool:
    return rule.leaves != (rule,)
