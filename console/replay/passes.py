"""The same history again and again, each time to other rules: what a search for parameters listens to.

Alerts are kept in memory without their evidence: what counts is when they fired.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from alerts.evaluation.matching import episodes
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Episode
from alerts.replay.apart import Apart
from alerts.rules import Rule
from alerts.shares import Rates
from console.replay.choices import Choices
from console.replay.judging import Judging
from console.replay.source import Source
from streams.records import AlertEvent, Mention, Signal, Tick
from streams.settings import Settings

Heard = dict[str, list[Episode]]  # by rule; rules that stayed silent are in it too
Step = Callable[[datetime], None]  # told how far a pass has got, in event time


class Passes:
    """Plays a source as often as it is asked to."""

    def __init__(
        self, choices: Choices, settings: Settings, source: Source, judging: Judging, rates: Mapping[str, Rates]
    ) -> None:
        self._choices = choices
        self._lateness = settings.allowed_lateness
        self._source = source
        self._judging = judging
        self._rates = rates

    async def whole(self, rules: Sequence[Rule], step: Step) -> tuple[Observed, Heard]:
        """Everything there is; what the rules rang, and what was said about whom. Raises what the source raises."""
        observed = Observed(self._choices.truth, self._choices.matching)
        return observed, await self._play(rules, step, observed, None)

    async def until(self, rules: Sequence[Rule], end: datetime | None, step: Step) -> Heard:
        """The same up to a moment, without following what is said; None: to the end."""
        return await self._play(rules, step, None, end)

    async def _play(self, rules: Sequence[Rule], step: Step, observed: Observed | None, end: datetime | None) -> Heard:
        one = _Pass(self._choices, self._playback(rules), rules, observed, end)
        async for batch in self._source.items():
            if batch.signals:
                for partition, signal in batch.signals:
                    one.signal(signal, partition)
            else:
                _, mentions = await self._judging.judged(batch)
                for mention in mentions:
                    one.mention(mention)
            if one.at is not None:
                step(one.at)
            if one.over and not batch.signals:  # partitions of a log are not in one order of time
                break
            await asyncio.sleep(0)
        return one.finish()

    def _playback(self, rules: Sequence[Rule]) -> Apart:
        return Apart(
            rules, lateness=self._lateness, rates=self._rates, channels=self._source.channels,
            subjects=self._choices.counted,
        )  # fmt: skip


class _Pass:
    """One of them."""

    def __init__(
        self,
        choices: Choices,
        playback: Apart,
        rules: Sequence[Rule],
        observed: Observed | None,
        end: datetime | None,
    ) -> None:
        self._choices = choices
        self._playback = playback
        self._rules = rules
        self._observed = observed
        self._end = end
        self._fired: dict[str, list[AlertEvent]] = defaultdict(list)
        self.at: datetime | None = None  # event time reached
        self.over = False  # something after the end was seen

    def mention(self, mention: Mention) -> None:
        """The next mention of an archive."""
        if self._heeds(mention):
            self._note(self._playback.mention(mention))

    def signal(self, signal: Signal, partition: int) -> None:
        """The next record of a log with its own ticks."""
        if self._within(signal.at) if isinstance(signal, Tick) else self._heeds(signal):
            self._note(self._playback.signal(signal, partition))

    def finish(self) -> Heard:
        """What the rules rang, with what is left."""
        self._note(self._playback.finish(self._choices.settle if self._end is None else 0.0))
        return {rule.name: episodes(self._fired[rule.name]) for rule in self._rules}

    def _heeds(self, mention: Mention) -> bool:
        """Whether it is of the subjects and the time that are asked about."""
        wanted = not self._choices.subjects or mention.subject in self._choices.subjects
        if not wanted or not self._within(mention.collected_at):
            return False
        if self._observed is not None:
            self._observed.see(mention)
        return True

    def _within(self, at: datetime) -> bool:
        if self._end is not None and at > self._end:
            self.over = True
            return False
        self.at = at if self.at is None else max(self.at, at)
        return True

    def _note(self, events: Sequence[AlertEvent]) -> None:
        for event in events:
            if event.state == "firing":
                self._fired[event.rule].append(replace(event, evidence=(), annotations={}, counterfactual=None))
