"""How much is usually said about a subject of a kind nobody has watched yet: the prior of its level.

Pooled offline, once, from public streams, and committed as numbers: a prior learnt while running would make a subject's
alerts depend on the other subjects of its partition. `python -m alerts.prior --stream FILE…` prints the constants anew.

Method: empirical Bayes with a Gamma prior of Poisson rates, whose marginal is the negative binomial (Robbins 1956;
DuMouchel 1999, "Bayesian data mining in large frequency tables"), fitted by maximum likelihood to the counts of all
subjects of a kind.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LIST: Final = 10  # subjects of a pretended watchlist, to pool levels of lists
FEWEST: Final = 5  # subjects of a kind: fewer say nothing about how they differ


@dataclass(frozen=True, slots=True)
class Prior:
    """Belief in a level before there is data, worth `shape` stories seen in so many `hours`."""

    shape: float
    hours: float

    def of_share(self, share: float) -> Prior:
        """The prior of a part of the stories: as long a look, so many fewer stories."""
        return Prior(self.shape * share, self.hours)

    def after(self, hours: float) -> Prior:
        """This prior with at most half the weight of the history, so that a busy subject is believed on its first day.

        A power prior (Ibrahim and Chen 2000): the mean stays, the weight goes.
        """
        weight = min(1.0, max(hours, 1.0) / (2.0 * self.hours))
        return Prior(self.shape * weight, self.hours * weight)


# Measured with the command above on StockNet 2014 (84 US tickers), a Weibo hot-search archive 2020-2023 (81 companies),
# 43 news feeds 2025-2026, headlines of CNBC and The Guardian 2017-2020, a stock forum and a chat forum. Streams differ
# by more than a hundredfold, so the priors are weak on purpose.
PRIORS: Final = {
    "entity": Prior(0.36, 9.7),  # 166 subjects, 0.9 stories a day
    "topic": Prior(0.43, 2.1),  # 140: the seven streams with the topics of en_topic20 (14,046 labelled rows)
    "source": Prior(0.20, 0.3),  # 48 sources, 14.2 stories a day
    "list": Prior(0.95, 5.1),  # 16 pretended lists of ten companies, 4.4 stories a day
    "market": Prior(0.58, 0.1),  # 7 whole streams, 97.6 stories a day
}


def prior_of(subject: str) -> Prior:
    """The prior of a subject by its kind, the part of its name before the colon."""
    return PRIORS.get(subject.partition(":")[0], PRIORS["entity"])


def fit(counts: Sequence[tuple[int, float]]) -> Prior:
    """The Gamma prior that makes these (stories, hours) of several subjects likeliest."""

    def best_hours(log_shape: float) -> float:
        return _highest(lambda x: _likelihood(counts, math.exp(log_shape), math.exp(x)), -8.0, 14.0)

    log_shape = _highest(lambda x: _likelihood(counts, math.exp(x), math.exp(best_hours(x))), -4.0, 4.0)
    return Prior(math.exp(log_shape), math.exp(best_hours(log_shape)))


def _likelihood(counts: Sequence[tuple[int, float]], shape: float, rate: float) -> float:
    """Log-likelihood of the negative-binomial marginal, without what does not depend on the prior."""
    head = shape * math.log(rate) - math.lgamma(shape)
    return sum(head + math.lgamma(shape + count) - (shape + count) * math.log(rate + hours) for count, hours in counts)


def _highest(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one peak is highest (golden section)."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if of(left) > of(right) else (left, high)
    return (low + high) / 2.0


def levels(rows: Iterable[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """(stories, hours) of every subject of a stream by kind: entity, source, list and market.

    Rows with the same subject, day and words are one story; the hours are those of all days on which there are rows.
    """
    seen: set[tuple[str, str, str]] = set()
    entities: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    days, whole = set(), 0
    for row in rows:
        day = str(row.get("collected") or row.get("created_at") or "")[:10]
        entity, source = str(row.get("entity") or ""), str(row.get("source") or "")
        words = " ".join(w for w in str(row["text"]).split() if w != "RT" and not w.startswith(("http", "@")))
        days.add(day)
        for key, names in ((f"e {entity}", entities), (f"s {source}", sources)):
            if (key, day, words) not in seen:
                seen.add((key, day, words))
                names[key[2:]] += 1
        if ("", day, words) not in seen:
            seen.add(("", day, words))
            whole += 1
    hours = 24.0 * len(days - {""})
    ranked = sorted(count for name, count in entities.items() if name)
    steps = range(len(ranked) // LIST)
    return {
        "entity": [(count, hours) for count in ranked],
        "source": [(count, hours) for name, count in sorted(sources.items()) if name],
        "list": [(sum(ranked[step :: len(steps)][:LIST]), hours) for step in steps],
        "market": [(whole, hours)],
    }


def topics(rows: Iterable[dict[str, Any]], market: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """(stories, hours) of each topic, had streams of these sizes the shares of topics of labelled rows."""
    shares = Counter(str(row["label"]) for row in rows)
    return [
        (round(whole * share / shares.total()), hours) for whole, hours in market for _, share in sorted(shares.items())
    ]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def main() -> None:
    """Print the prior of each kind of subject, fitted to the streams named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m alerts.prior", description="Pooled priors from public streams.")
    parser.add_argument("--stream", type=Path, nargs="+", required=True, help="JSONL: text, created_at, entity, source")
    parser.add_argument("--topics", type=Path, help="labelled JSONL: how often each topic is spoken of")
    given = parser.parse_args()
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for path in given.stream:
        for kind, counts in levels(_rows(path)).items():
            found[kind] += counts
    if given.topics:
        found["topic"] = topics(_rows(given.topics), found["market"])
    for kind, counts in found.items():
        if len(counts) < FEWEST:
            continue
        prior = fit(counts)
        said = f"{len(counts)} subjects, {24 * prior.shape / prior.hours:.1f} stories a day"
        print(f'"{kind}": Prior({prior.shape:.2f}, {prior.hours:.1f}),  # {said}')  # noqa: T201 - a tool for the terminal


if __name__ == "__main__":
    main()
