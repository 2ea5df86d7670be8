"""One pass of a replay: every record to the engine, to its log, and to whoever else watches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from msgspec.structs import replace

from alerts.evaluation.observed import Observed
from alerts.replay.apart import Apart
from alerts.replay.log import AlertLog
from alerts.replay.playback import Playback
from streams.records import AlertEvent, Mention, Signal


@dataclass(slots=True)
class Fold:
    """The rules with their log; beside them, over the same records, variants of them with a log of their own."""

    playback: Playback
    log: AlertLog
    observed: Observed
    variants: Apart | None = None
    variants_log: AlertLog | None = None
    subjects: Collection[str] = field(default_factory=frozenset)  # only these; empty: all

    def mention(self, mention: Mention) -> list[AlertEvent]:
        """Take in the next mention of an archive; the events it leads to. Raises OutOfOrder."""
        if self.subjects and mention.subject not in self.subjects:
            return []
        self.observed.see(mention)
        if self.variants is not None:
            self._beside(self.variants.mention(mention))
        return self._log(self.playback.mention(mention))

    def signal(self, partition: int, signal: Signal) -> list[AlertEvent]:
        """Take in the next record of a log with its own ticks."""
        if isinstance(signal, Mention):
            if self.subjects and signal.subject not in self.subjects:
                return []
            self.observed.see(signal)
        if self.variants is not None:
            self._beside(self.variants.signal(signal, partition))
        return self._log(self.playback.signal(signal, partition))

    def finish(self, settle: float) -> list[AlertEvent]:
        """The events of the end, and of `settle` seconds without anything after it."""
        if self.variants is not None:
            self._beside(self.variants.finish(settle))
        return self._log(self.playback.finish(settle))

    def _log(self, events: list[AlertEvent]) -> list[AlertEvent]:
        for event in events:
            self.log.write(event)
        return events

    def _beside(self, events: list[AlertEvent]) -> None:
        assert self.variants_log is not None  # noqa: S101 - they come together
        for event in events:
            if event.state == "firing":  # a point of a curve asks when it rang, and nothing else
                self.variants_log.write(replace(event, evidence=(), annotations={}, counterfactual=None, conditions=()))
