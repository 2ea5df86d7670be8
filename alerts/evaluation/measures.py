"""The figures of a rule: what `matching.judge` found, counted. Pure, and fast enough for hundreds of variants."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from msgspec.structs import replace

from alerts.evaluation import bootstrap, timeliness
from alerts.evaluation.bootstrap import Draws
from alerts.evaluation.matching import Judged
from alerts.evaluation.result import Episode, EventOf, Interval, Measure, Outcome
from alerts.moments import EPOCH

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
UNKNOWN: Final = "unknown"
GROUPS: Final = ("subject", "topic", "risk", "lang")
FALSE: Final = ("false", "control")


def measure(judged: Judged, rounds: int = 0, seed: int = 7) -> Measure:
    """All figures of one rule. `rounds`: draws of the bootstrap; 0: no intervals. The same seed, the same intervals.

    What cannot be computed is None: precision where nothing rang, recall without events, a rate without subject-days.
    F1 is 2 found / (2 found + false + missed), 0 where nothing was found. Delays are of events whose onset is known to
    the second. Percentiles are interpolated linearly.
    """
    sample = _Sample(judged.episodes, judged.outcomes, judged.ground.events, judged.subject_days)
    return sample.measure(rounds, seed)


def groups(judged: Judged, rounds: int = 0, seed: int = 7) -> dict[str, dict[str, Measure]]:
    """The same by subject, topic, kind of risk and language: of every value that an event or an alert has.

    An alert that belongs to an event counts where the event does, else where its own documents say. Subject-days are
    those of the whole, but of a subject its own.
    """
    return {name: _by(judged, name, rounds, seed) for name in GROUPS}


def _by(judged: Judged, name: str, rounds: int, seed: int) -> dict[str, Measure]:
    events = judged.ground.events
    alerts: dict[str, list[Episode]] = defaultdict(list)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for episode in judged.episodes:
        told = episode if episode.event is None else events[episode.event]
        alerts[getattr(told, name) or UNKNOWN].append(episode)
    for outcome in judged.outcomes:
        outcomes[getattr(events[outcome.event], name) or UNKNOWN].append(outcome)
    found: dict[str, Measure] = {}
    for value in sorted({*alerts, *outcomes}):
        days = judged.subject_days
        if name == "subject":
            days = judged.ground.days if value in judged.subjects else 0.0
        found[value] = _Sample(alerts[value], outcomes[value], events, days).measure(rounds, seed)
    return found


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some alerts, some events, and the days they are of."""

    episodes: Sequence[Episode]
    outcomes: Sequence[Outcome]
    events: Sequence[EventOf]
    subject_days: float

    def measure(self, rounds: int, seed: int) -> Measure:
        verdicts = Counter(episode.judged for episode in self.episodes)
        negative = [each for each in self.outcomes if self.events[each.event].kind == "negative"]
        controls = [each for each in self.outcomes if self.events[each.event].kind == "control"]
        hits = [each for each in negative if each.found]
        found, false = len(hits), verdicts["false"] + verdicts["control"]
        delays = [each.delay_s for each in hits if each.delay_s is not None]
        public = [each.public_delay_s for each in hits if each.public_delay_s is not None]
        credit = self._credit(negative)
        plain = Measure(
            alerts=len(self.episodes),
            true=found,
            repeats=verdicts["repeat"],
            false=false,
            excluded=verdicts["excluded"],
            events=len(negative),
            found=found,
            controls=len(controls),
            controls_fired=sum(each.found for each in controls),
            subject_days=self.subject_days,
            precision=_share(found, found + false),
            recall=_share(found, len(negative)),
            f1=_share(2 * found, found + false + len(negative)) if negative else None,
            false_per_subject_day=_share(false, self.subject_days),
            delay_median_s=percentile(delays, 50),
            delay_p90_s=percentile(delays, 90),
            public_delay_median_s=percentile(public, 50),
            public_delay_p90_s=percentile(public, 90),
            score=credit.score(timeliness.STANDARD),
            score_low_false=credit.score(timeliness.LOW_FALSE),
            score_low_miss=credit.score(timeliness.LOW_MISS),
        )
        return self._with_intervals(plain, delays, rounds, seed) if rounds else plain

    def _credit(self, negative: Sequence[Outcome]) -> timeliness.Credit:
        events = [self.events[each.event] for each in negative]
        found = {place: each.at for place, each in enumerate(negative) if each.at is not None}
        return timeliness.credit(events, found, (each for each in self.episodes if each.judged in FALSE))

    def _with_intervals(self, plain: Measure, delays: Sequence[float], rounds: int, seed: int) -> Measure:
        rng = np.random.default_rng(seed)
        weeks = Counter((each.subject, (each.at - EPOCH) // WEEK) for each in self.episodes if each.judged in FALSE)
        cells = round(self.subject_days * DAY / WEEK)
        wrong = bootstrap.false_draws(sorted(weeks.values()), cells, rounds, rng)
        right = bootstrap.found_draws(plain.found, plain.events, rounds, rng)
        return _filled(plain, right, wrong, bootstrap.median_interval(delays, rounds, rng))


def _filled(plain: Measure, right: Draws, wrong: Draws, delay: Interval | None) -> Measure:
    """The figures with their intervals, from draws of how many events were found and how many alerts were wrong."""
    found, events = plain.found, plain.events
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0: such a draw has no precision, and is left out
        precision, recall = right / (right + wrong), right / np.float64(events)
    return replace(
        plain,
        precision_interval=bootstrap.share_interval(precision, found, found + plain.false),
        recall_interval=bootstrap.share_interval(recall, found, events),
        f1_interval=bootstrap.interval(2 * right / (right + wrong + events)) if found else None,
        false_interval=bootstrap.rate_interval(wrong, plain.false, plain.subject_days),
        delay_interval=delay,
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def percentile(values: Sequence[float], at: float) -> float | None:
    """The value below which so many of a hundred lie, interpolated linearly; None of nothing."""
    return float(np.percentile(values, at)) if values else None
