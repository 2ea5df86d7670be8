"""What a rule's scope lets through of its subject's mentions. Rules with the same scope share one sieve."""

from __future__ import annotations

from functools import lru_cache

from alerts.keywords import pattern
from alerts.rules import Leaf, Scope
from alerts.stories import MILLION, Entry


class Sieve:
    """The conditions of a scope, made ready to be asked of every mention."""

    __slots__ = ("_confidence", "_ignore_stale", "_keywords", "_relevance", "_scope")

    def __init__(self, scope: Scope, ignore_stale: bool) -> None:
        self._scope = scope
        self._ignore_stale = ignore_stale
        self._confidence = round(scope.min_confidence * MILLION)
        self._relevance = round(scope.min_relevance * MILLION)
        self._keywords = pattern(scope.keywords) if scope.keywords else None

    def in_scope(self, entry: Entry) -> bool:
        """Whether the scope takes this mention of its subject, were it not old."""
        scope = self._scope
        return (
            entry.relevance >= self._relevance
            and (scope.kind == "any" or scope.kind == entry.kind)
            and (not scope.sources or entry.source in scope.sources)
            and (not scope.languages or entry.lang in scope.languages)
            and (not scope.topics or (entry.topic in scope.topics and entry.topic_sure >= self._confidence))
            and (not scope.risks or (entry.risk in scope.risks and entry.risk_sure >= self._confidence))
            and (self._keywords is None or self._keywords.search(entry.headline) is not None)
        )

    def wants(self, entry: Entry) -> bool:
        """Whether the rule counts this mention of its subject."""
        return not (entry.stale and self._ignore_stale) and self.in_scope(entry)


@lru_cache(maxsize=1024)
def _sieve(scope: Scope, ignore_stale: bool) -> Sieve:
    return Sieve(scope, ignore_stale)


def sieve_of(rule: Leaf) -> Sieve:
    """The sieve of a rule: the same object for all rules whose scopes are equal."""
    return _sieve(rule.scope, rule.ignore_stale)
