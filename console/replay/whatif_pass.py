"""One pass of stored documents, oldest first, to the rules as they are and as they would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from msgspec.structs import replace

from alerts.evaluation.evaluate import evaluate
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Matching
from alerts.replay.apart import Apart
from alerts.replay.playback import ARCHIVE
from alerts.rules import Rule
from alerts.shares import Rates
from console.replay.choices import NOTHING, following
from console.replay.otherwise import Otherwise, otherwise
from console.replay.side_by_side import joined, parted
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.records import AlertEvent, Document
from streams.settings import Settings
from streams.version import VERSION

Rules = tuple[Rule, ...]


class Pass:
    """The documents since `begin` count; those before are history. `whole`: rules that are the same are played, too."""

    def __init__(
        self,
        settings: Settings,
        sets: tuple[Rules, Rules],
        differ: Set[str],
        begin: datetime,
        rates: Mapping[str, Rates],
        *,
        whole: bool,
    ) -> None:
        self.sets, self.differ, self.begin = sets, differ, begin
        self.whole = whole
        self.read = self.documents = 0
        self.earliest: datetime | None = None
        self._newest = begin
        self._both = joined(sets)
        self._looking = [rule for rules in sets for rule in rules if rule.name in differ]
        self._heeded: dict[str, bool] = {}
        follows = following(settings, [*sets[0], *sets[1]])
        self._pipeline = Pipeline(follows, Gazetteer.load(settings.watchlist), b"unused", VERSION)
        # All rules, for they decide together how long copies are recognised; subjects nobody asks about cost nothing.
        self._playback = Apart(self._both.rules, lateness=settings.allowed_lateness, rates=rates)
        self._observed = Observed(NOTHING, Matching())
        self._events: list[AlertEvent] = []

    def document(self, document: Document) -> None:
        """Let the rules see a document, none older than those before it."""
        at = document.collected_at
        self.earliest = self.earliest or at
        self._newest = max(self._newest, at)
        for mention in self._pipeline.mentions(document, ARCHIVE, self.read):
            if self.whole or self._heeds(mention.subject):
                if at >= self.begin:
                    self._observed.see(mention)
                self._hear(self._playback.mention(mention))
        self.read += 1
        self.documents += at >= self.begin

    def otherwise(self, end: datetime) -> Otherwise:
        """What differs. Time goes on to `end` without further documents."""
        self._hear(self._playback.finish(max(0.0, (end - self._newest).total_seconds())))
        if not self._observed.mentions:
            return Otherwise()
        found = evaluate(
            self._events, self._both.rules, NOTHING, self._observed, matching=self._observed.matching, sources=(),
            code=VERSION, made_at=end, bootstrap=0,
        )  # fmt: skip
        before, after = parted(found, self._both, self.sets)
        return otherwise(before, after, self.differ, self.begin)

    def _heeds(self, subject: str) -> bool:
        known = self._heeded.get(subject)
        if known is None:
            known = self._heeded[subject] = any(rule.covers(subject) for rule in self._looking)
        return known

    def _hear(self, events: Sequence[AlertEvent]) -> None:
        self._events += [replace(event, annotations={}, counterfactual=None, conditions=()) for event in events]
