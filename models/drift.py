"""Whether texts still look like those the model was measured on, and like those of the days before. Pure, no clock.

The served network takes token ids and gives probabilities; its embedding is not to be had, so a shift of the embedding
cannot be watched. Watched instead are eight histograms, for each language and kind of text: what the model says
(sentiment, confidence, abstention, topic, risk) and what it reads (length, unknown pieces, word pieces). Each window is
compared with the rows the model was measured on (`reference`) and with a slow baseline of its own windows (`own`).

A feature has drifted when its distribution differs much and surely: Jensen-Shannon divergence (Lin 1991, "Divergence
measures based on the Shannon entropy") of at least `Limits.large` bits, and a likelihood-ratio test of homogeneity
(Wilks 1938) below `Limits.alpha`, which is shared among all comparisons of a window. Of windows of independent texts
fewer than one in a hundred rings for nothing (simulated against a reference of 2,000 texts: 1 of 400 by the test alone,
0 by both conditions); a fifth of 500 texts moved to one rare label is nearly always found, a tenth seldom. Copies of a
text are counted once. Real news differs from any reference and from day to day: an alarm says that the texts changed
and the measured quality may not hold, not that the model is wrong.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from models.features import FEATURES, Observation
from models.labels import HEADS
from models.reference import Reference

RARE: Final = 0.01  # bins with a smaller share are counted together: the test needs some texts in each
COPIES: Final = 10_000  # texts that are remembered, so that a copy is not counted again

Against = Literal["reference", "own"]
Counts = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a window ends and what counts as drift."""

    window: timedelta = timedelta(days=1)  # a whole day: mornings differ from evenings, and that is no drift
    support: int = 500  # texts that a window has at least; until then it stays open
    large: float = 0.05  # bits; for small shifts a population stability index of 0.25, by custom a major shift
    small: float = 0.025  # bits; below, a drift is over
    alpha: float = 0.01 / (2 * len(FEATURES))  # of one comparison: all of a window together 0.01
    learn: float = 0.1  # weight of a new window in the own baseline
    relearn: float = 0.03  # the same for a feature that drifts: what stays becomes normal after about a month
    windows: int = 3  # that the own baseline needs before it is compared with


def pooled(counts: Sequence[float], other: Sequence[float]) -> tuple[list[float], list[float]]:
    """Both histograms with the bins that are rare in `other` made one."""
    total = sum(other) or 1.0
    kept = [at for at, value in enumerate(other) if value / total >= RARE]
    rest = [at for at in range(len(other)) if at not in kept]
    return (
        [counts[at] for at in kept] + [sum(counts[at] for at in rest)],
        [other[at] for at in kept] + [sum(other[at] for at in rest)],
    )


def divergence(counts: Sequence[float], other: Sequence[float]) -> float:
    """Jensen-Shannon divergence of two histograms, in bits: 0 the same, 1 nothing in common."""
    here, there = sum(counts) or 1.0, sum(other) or 1.0
    pairs = [(a / here, b / there) for a, b in zip(counts, other, strict=True)]
    terms = (p * math.log2(2 * p / (p + q)) for a, b in pairs for p, q in ((a, b), (b, a)) if p > 0)
    return max(0.0, sum(terms) / 2)


def p_value(counts: Sequence[float], other: Sequence[float]) -> float:
    """How likely two samples of one distribution differ at least so much, by the likelihood ratio."""
    here, there = sum(counts), sum(other)
    statistic, bins = 0.0, 0
    for a, b in zip(counts, other, strict=True):
        if a + b <= 0:
            continue
        bins += 1
        share = (a + b) / (here + there)
        statistic += sum(2 * n * math.log(n / (total * share)) for n, total in ((a, here), (b, there)) if n > 0)
    return _chi_square_tail(statistic, bins - 1)


def _chi_square_tail(statistic: float, freedom: int) -> float:
    """P(chi-square >= statistic), by the cube-root approximation of Wilson and Hilferty 1931."""
    if freedom < 1 or statistic <= 0:
        return 1.0
    spread = 2 / (9 * freedom)
    return 0.5 * math.erfc(((statistic / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(2 * spread))


class Change(Struct, frozen=True, kw_only=True):
    """A feature began to drift or no longer does. Named as the fields of an alert event, for an alert engine to take.

    `(id)` is the same for the beginning and the end of one drift, and on every repetition over the same texts.
    """

    id: str
    state: Literal["firing", "resolved"]
    reason: str
    subject: str  # "model:<name>"
    at: datetime  # event time at which the window ended
    since: datetime  # of the beginning
    window_seconds: int
    observed: float
    expected: float  # the limit that was crossed
    unit: str
    p_value: float
    support: int  # texts in the window
    labels: dict[str, str]  # version, lang, kind, feature, against


@dataclass(frozen=True, slots=True)
class Comparison:
    """One feature of a window against one other distribution."""

    feature: str
    against: Against
    divergence: float
    p_value: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """A window that ended: its histograms and means, what they were compared with, and which states changed."""

    lang: str
    kind: str
    rows: int
    counts: Mapping[str, Sequence[int]]
    confidence: float  # mean
    unknown: float  # share of all word pieces
    comparisons: tuple[Comparison, ...]
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Window:
    began: datetime
    rows: int = 0
    confidence: float = 0.0
    pieces: int = 0
    unknown: int = 0
    counts: dict[str, list[int]] = field(default_factory=lambda: {name: [0] * bins for name, bins in FEATURES.items()})

    def add(self, seen: Observation) -> None:
        self.rows += 1
        self.confidence += seen.confidence
        self.pieces += seen.pieces
        self.unknown += seen.unknown
        for feature, at in seen.bins.items():
            self.counts[feature][at] += 1


@dataclass(slots=True)
class Baseline:
    """Shares as an exponentially weighted mean of windows, and how many texts such a mean is worth."""

    windows: int = 0
    shares: dict[str, list[float]] = field(default_factory=dict)
    doubt: dict[str, float] = field(default_factory=dict)  # one over the number of texts that the mean is worth

    def learn(self, counts: Counts, rows: int, rates: Mapping[str, float]) -> None:
        """Take in a window, each feature at its rate."""
        for feature, values in counts.items():
            weight = rates[feature] if feature in self.shares else 1.0
            old = self.shares.get(feature, [0.0] * len(values))
            self.shares[feature] = [
                (1 - weight) * share + weight * value / rows for share, value in zip(old, values, strict=True)
            ]
            self.doubt[feature] = (1 - weight) ** 2 * self.doubt.get(feature, 0.0) + weight**2 / rows
        self.windows += 1

    def counts(self, feature: str) -> list[float]:
        """The shares as if counted on as many texts as they are worth."""
        return [share / self.doubt[feature] for share in self.shares[feature]]


class Watch:
    """The windows of one version of a model. Memory does not grow: languages times kinds, and a list of copies."""

    def __init__(self, model: str, version: str, reference: Reference | None, limits: Limits | None = None) -> None:
        self._model, self.version = model, version
        self._reference = reference
        self._limits = limits or Limits()
        self._windows: dict[tuple[str, str], _Window] = {}
        self._own: dict[tuple[str, str], Baseline] = {}
        self._since: dict[tuple[str, str, str, Against], datetime] = {}
        self._copies: OrderedDict[str, None] = OrderedDict()
        self.compared: set[tuple[str, str, str, Against]] = set()  # language, kind, feature, and with what

    def copied(self, key: str) -> bool:
        """Whether the text `key` was seen lately; remembers it."""
        if key in self._copies:
            self._copies.move_to_end(key)
            return True
        self._copies[key] = None
        if len(self._copies) > COPIES:
            self._copies.popitem(last=False)
        return False

    def common(self, lang: str) -> tuple[int, ...]:
        """The word pieces of a language that are counted each for itself."""
        return self._reference.pieces.get(lang, ()) if self._reference else ()

    def rows(self, lang: str, kind: str) -> int:
        """Texts in the open window."""
        window = self._windows.get((lang, kind))
        return window.rows if window else 0

    def see(self, lang: str, kind: str, at: datetime, seen: Observation) -> Closed | None:
        """Count a text of event time `at`; the window before it, when it is the first after that window's end."""
        key, closed = (lang, kind), None
        window = self._windows.get(key)
        if window and window.began - at > self._limits.window:
            return None  # an archive read beside the stream: its day is over
        if window and window.rows >= self._limits.support and at - window.began >= self._limits.window:
            closed, window = self._close(key, window, at), None
        if window is None:
            window = self._windows[key] = _Window(began=at)
        window.add(seen)
        return closed

    def _close(self, key: tuple[str, str], window: _Window, at: datetime) -> Closed:
        own = self._own.setdefault(key, Baseline())
        others: list[tuple[Against, Counts]] = []
        if self._reference and (cell := self._reference.cell(*key)):
            others.append(("reference", cell.counts))
        if own.windows >= self._limits.windows:
            others.append(("own", {feature: own.counts(feature) for feature in FEATURES}))
        comparisons, changes = [], []
        for against, other in others:
            for feature in FEATURES:
                comparison = self._compare(key, feature, against, window.counts[feature], other[feature])
                comparisons.append(comparison)
                self.compared.add((*key, feature, against))
                if change := self._change(key, comparison, window.rows, at):
                    changes.append(change)
        usual = max(self._limits.learn, 1 / (own.windows + 1))
        drifted = {found.feature for found in comparisons if found.drifted and found.against == "own"}
        rates = {feature: self._limits.relearn if feature in drifted else usual for feature in FEATURES}
        own.learn(window.counts, window.rows, rates)
        return Closed(
            *key, window.rows, window.counts, window.confidence / window.rows, window.unknown / max(1, window.pieces),
            tuple(comparisons), tuple(changes),
        )  # fmt: skip

    def _compare(
        self, key: tuple[str, str], feature: str, against: Against, counts: Sequence[float], other: Sequence[float]
    ) -> Comparison:
        here, there = pooled(counts, other)
        bits, chance = divergence(here, there), p_value(here, there)
        before = (*key, feature, against) in self._since
        drifted = chance < self._limits.alpha and bits >= (self._limits.small if before else self._limits.large)
        return Comparison(feature, against, bits, chance, drifted)

    def _change(self, key: tuple[str, str], found: Comparison, rows: int, at: datetime) -> Change | None:
        state = (*key, found.feature, found.against)
        if found.drifted == (state in self._since):
            return None
        since = self._since.setdefault(state, at)
        if not found.drifted:
            del self._since[state]
        labels = {
            "version": self.version, "lang": key[0], "kind": key[1],
            "feature": found.feature, "against": found.against,
        }  # fmt: skip
        return Change(
            id=".".join((self._model, *labels.values(), f"{since:%Y%m%dT%H%M%S}")),
            state="firing" if found.drifted else "resolved",
            reason="differs_much_and_surely" if found.drifted else "alike_again",
            subject=f"model:{self._model}",
            at=at,
            since=since,
            window_seconds=int(self._limits.window.total_seconds()),
            observed=round(found.divergence, 4),
            expected=self._limits.large if found.drifted else self._limits.small,
            unit="bits of Jensen-Shannon divergence",
            p_value=found.p_value,
            support=rows,
            labels=labels,
        )


def label_shares(closed: Closed) -> dict[str, dict[str, float]]:
    """Head -> label -> share of the window's texts."""
    return {
        head: {label: count / closed.rows for label, count in zip(labels, closed.counts[head], strict=True)}
        for head, labels in HEADS.items()
    }
