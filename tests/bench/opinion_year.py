"""Invented mentions in the amount and mixture of StockNet's year of tweets, made anew from one seed: nothing is stored.

Subjects are 85 busy companies (the first of them has a tenth of all), rare ones that come and go within months, and
topics. One text in eight is a copy of another of its day and one in eight nearly one. A twelfth of what is said is
negative; on one day in ten something happens to a company, and of it most is. No text says anything: the engine
reads signatures, judgements and times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final

from streams.records import Mention, Signature, digest

BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
PLACES, LARGEST = 64, 65_535  # of a MinHash
RISKS: Final = ("fraud", "litigation", "outage", "downgrade", "data_breach")
TOPICS: Final = ("stock_commentary", "product_news", "mergers", "legal", "earnings", "personnel", "debt", "markets")
SPOKEN_OF: Final = (65, 11, 5, 4, 4, 4, 4, 3)  # weights of topics
HOURS: Final = (1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 8, 9, 8, 8, 7, 6, 5, 4, 3, 2)  # weights of hours of a day
INCIDENTS: Final = 0.1  # a day
LIFE: Final = 91  # days after which other rare subjects come up


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is said. The defaults are those of StockNet's year: 47,000 documents, 155,000 mentions."""

    days: int = 365
    documents: float = 129.0  # a day
    busy: int = 85
    rare: int = 500  # in a year, a quarter of them at a time
    rare_share: float = 0.15  # of the mentions of companies
    companies: float = 2.3  # a document names on average, beside its topic
    seed: int = 7


def days(amount: Amount) -> Iterator[list[Mention]]:
    """The mentions of each day, in order of collection."""
    rng = random.Random(f"opinion {amount.seed}")
    for day in range(amount.days):
        texts: list[tuple[int, ...]] = []
        said: list[tuple[int, int | None]] = [
            (_second(rng), None) for _ in range(round(amount.documents * rng.uniform(0.6, 1.3)))
        ]
        if rng.random() < INCIDENTS:
            said += _incident(amount, rng)
        yield [
            mention
            for number, (second, struck) in enumerate(sorted(said, key=itemgetter(0)))
            for mention in _document(
                amount, rng, day, number, BEGIN + timedelta(days=day, seconds=second), struck, texts
            )
        ]


def _incident(amount: Amount, rng: random.Random) -> list[tuple[int, int | None]]:
    """What is said within some hours of a company that something bad has happened to."""
    begin, struck = rng.randrange(20 * 3600), rng.randrange(amount.busy)
    waits = (begin + int(rng.expovariate(1 / 5000)) for _ in range(rng.randrange(6, 40)))
    return [(min(second, 86_399), struck) for second in waits]


def _second(rng: random.Random) -> int:
    return rng.choices(range(24), HOURS)[0] * 3600 + rng.randrange(3600)


def _document(
    amount: Amount, rng: random.Random, day: int, number: int, at: datetime, struck: int | None,
    texts: list[tuple[int, ...]],
) -> Iterator[Mention]:  # fmt: skip
    """The mentions of one document: its companies and its topic."""
    named = {_company(amount, rng, day) for _ in range(1 + round(rng.expovariate(1 / (amount.companies - 1))))}
    if struck is not None:
        named = {struck}
    minhash = _signature(rng, texts)
    sad = rng.random() < (0.08 if struck is None else 0.8)
    negative = round(rng.uniform(0.6, 0.98) if sad else rng.uniform(0.01, 0.3), 4)
    topic, sure = rng.choices(TOPICS, SPOKEN_OF)[0], round(rng.uniform(0.4, 0.99), 4)
    document, author = digest(str(amount.seed), str(day), str(number)), f"p_{rng.randrange(9000):016x}"
    subjects = [(f"entity:{_ticker(name)}", f"Company {name}") for name in sorted(named)] + [(f"topic:{topic}", topic)]
    for subject, name in subjects:
        yield Mention(
            subject=subject, name=name, document=document, channel="archive/0", offset=0, source="invented",
            kind="chat", author=author, lang="en", url="", headline=f"Document {number} of day {day} about {name}",
            collected_at=at, published_at=at, stale="fresh", relevance=0.9 if rng.random() < 0.8 else 0.3,
            signature=Signature(copy_key=digest(str(minhash)), minhash=minhash, algorithm="invented"),
            sentiment={"negative": negative, "neutral": round(0.99 - negative, 4), "positive": 0.01}, topic=topic,
            topic_confidence=sure, risk=rng.choice(RISKS) if sad else "none", risk_confidence=0.9,
            model="invented-en@1", item=digest("item", document),
        )  # fmt: skip


def _company(amount: Amount, rng: random.Random, day: int) -> int:
    """Busy companies by number from 0 on, the first the busiest; rare ones of this quarter behind them."""
    if rng.random() < amount.rare_share:
        batch = max(1, amount.rare * LIFE // 365)
        return amount.busy + day // LIFE * batch + rng.randrange(batch)
    return int(3 * ((amount.busy + 3) / 3) ** rng.random()) - 3  # the weight of each falls with its rank


def _ticker(number: int) -> str:
    return "".join(chr(ord("A") + number // 26**place % 26) for place in range(4))


def _signature(rng: random.Random, texts: list[tuple[int, ...]]) -> tuple[int, ...]:
    """A text of its own, a copy, or nearly one: a tenth of the places are others."""
    kind = rng.random()
    if texts and kind < 0.125:
        return rng.choice(texts)
    if texts and kind < 0.25:
        near = list(rng.choice(texts))
        for place in rng.sample(range(PLACES), PLACES // 10):
            near[place] = rng.randrange(LARGEST)
        return tuple(near)
    texts.append(tuple(rng.randrange(LARGEST) for _ in range(PLACES)))
    return texts[-1]
