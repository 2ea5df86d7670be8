"""An invented archive with its truth: sixty days of twelve companies that do not exist, made anew from one seed.

Ordinary days, crises of different shapes, and what should ring nothing: one text shared by many, good news, ads. Every
headline is put together from the phrases below, and every judgement is drawn, not made by a model: calm texts look
negative one time in nine, and bad news neutral one time in seven, as models err.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from alerts.evaluation.truth import Labelled, Truth, TruthEvent
from streams.records import Mention, Signature, digest

SEED: Final = 6
BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAYS: Final = 60
QUIET: Final = 10  # days before the first crisis: a baseline needs a week
MODELS: Final = {"en": "invented-en@1", "zh": "invented-zh@1"}
COMPANIES: Final = {
    "halden": ("Halden Corp", "en"), "corvane": ("Corvane", "en"), "brightmoor": ("Brightmoor Bank", "en"),
    "tessaly": ("Tessaly Air", "en"), "ostrey": ("Ostrey Foods", "en"), "marlwick": ("Marlwick Energy", "en"),
    "lanchuan": ("澜川银行", "zh"), "beixiu": ("北岫重工", "zh"), "qingli": ("青栎药业", "zh"),
    "xingche": ("星澈科技", "zh"), "yuanheng": ("远蘅地产", "zh"), "bailu": ("白鹭乳业", "zh"),
}  # fmt: skip
CALM: Final = {
    "en": ("{name} opens a site in {place}", "{name} names a head of {place}", "{name} to speak at a fair in {place}",
           "What {name} said about {place}"),
    "zh": ("{name}在{place}开设新网点", "{name}任命{place}负责人", "{name}将参加{place}展会", "{name}谈{place}市场"),
}  # fmt: skip
GOOD: Final = {
    "en": ("{name} wins an order from {place}", "{name} beats its plan in {place}"),
    "zh": ("{name}中标{place}项目", "{name}{place}业绩超出预期"),
}
BAD: Final = {
    "en": ("{name} under inquiry in {place}", "Customers in {place} cannot reach {name}", "{name} accused in {place}",
           "{name} halts payments in {place}", "{name} recalls goods sold in {place}"),
    "zh": ("{name}在{place}被调查", "{place}客户无法联系{name}", "{name}被指在{place}造假", "{name}{place}暂停兑付",
           "{name}召回{place}售出产品"),
}  # fmt: skip
PLACES: Final = {
    "en": "the north,the south,the east,the west,the harbour,the hills,the valley,the capital".split(","),
    "zh": "北区,南区,东区,西区,港区,山区,谷地,都城".split(","),
}
RISKS: Final = ("regulatory_action", "outage", "litigation", "default_liquidity", "product_safety")  # of BAD, in order
HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 8, 7, 8, 9, 9, 8, 7, 5, 4, 3, 3, 2, 1)  # weights of hours of a day


@dataclass(frozen=True, slots=True)
class Shape:
    """How a crisis, or what only looks like one, runs: so many texts within so many hours, by so many voices."""

    kind: str
    texts: int
    hours: float
    voices: int
    bad: float = 1.0  # part that is bad news
    copies: int = 1  # of each text


CRISES: Final = (
    Shape("it breaks at once", 18, 3, 12),
    Shape("it spreads through the day", 30, 14, 20),
    Shape("a few papers have it", 6, 4, 5),
    Shape("among much other news", 30, 5, 20, bad=0.5),
    Shape("a smouldering complaint", 16, 40, 9),
)
CONTROLS: Final = (
    Shape("one bad text shared by many", 1, 5, 60, copies=60),
    Shape("a surge of good news", 26, 4, 18, bad=0.05),
    Shape("an ad from few accounts", 1, 2, 4, bad=0.0, copies=90),
)


class Archive:
    """Mentions in order of collection, and what is known to have happened. The same seed, the same bytes."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self._numbers = count()
        self.events: list[TruthEvent] = []
        found = [mention for id_ in COMPANIES for mention in self._company(id_)]
        self.mentions = sorted(found, key=lambda each: (each.collected_at, each.document))

    @property
    def truth(self) -> Truth:
        """The events, with whom they are complete for."""
        subjects = tuple(f"entity:{id_}" for id_ in COMPANIES)
        labelled = Labelled(subjects=subjects, begin=BEGIN, end=BEGIN + timedelta(days=DAYS))
        events = tuple(sorted(self.events, key=lambda event: (event.onset, event.subject)))
        return Truth(events=events, labelled=labelled, note="Invented.")

    def _company(self, id_: str) -> Iterator[Mention]:
        pace = self._random.choice((3.0, 5.0, 8.0, 14.0))
        for day in range(DAYS):
            for _ in range(self._many(pace)):
                hour = self._random.choices(range(24), HOURS)[0]
                at = BEGIN + timedelta(days=day, hours=hour, seconds=self._random.randrange(3600))
                yield self._mention(id_, at, bad=self._random.random() < 0.06, voice=f"v{self._random.randrange(400)}")
        for shape, negative in self._plan():
            yield from self._happens(id_, shape, negative=negative)

    def _plan(self) -> list[tuple[Shape, bool]]:
        crises = [(shape, True) for shape in self._random.sample(CRISES, 3)]
        return crises + [(shape, False) for shape in self._random.sample(CONTROLS, 2)]

    def _happens(self, id_: str, shape: Shape, *, negative: bool) -> Iterator[Mention]:
        onset = self._free(id_)
        self.events.append(
            TruthEvent(
                subject=f"entity:{id_}",
                onset=onset,
                end=onset + timedelta(hours=shape.hours + 12),
                kind="negative" if negative else "control",
                note=shape.kind,
                name=COMPANIES[id_][0],
                lang=COMPANIES[id_][1],
            )
        )
        for _ in range(shape.texts):
            text = self._text(id_, bad=self._random.random() < shape.bad)
            for _ in range(shape.copies):
                at = onset + timedelta(hours=shape.hours * self._random.random() ** 1.5)
                voice = f"{id_}-{onset:%d}-{self._random.randrange(shape.voices)}"
                yield self._told(id_, at, text, voice)

    def _free(self, id_: str) -> datetime:
        """A moment in a working day of this company on which, and around which, nothing else happens to it."""
        while True:
            day = self._random.randrange(QUIET, DAYS - 4)
            at = BEGIN + timedelta(days=day, hours=self._random.randrange(7, 17), minutes=self._random.randrange(60))
            taken = (event.onset for event in self.events if event.subject == f"entity:{id_}")
            if all(abs(at - onset) > timedelta(days=4) for onset in taken):
                return at

    def _mention(self, id_: str, at: datetime, *, bad: bool, voice: str) -> Mention:
        return self._told(id_, at, self._text(id_, bad=bad), voice)

    def _text(self, id_: str, *, bad: bool) -> tuple[str, str, bool]:
        """Headline, kind of risk event, and whether it is bad."""
        name, lang = COMPANIES[id_]
        phrases = BAD[lang] if bad else (CALM[lang] + GOOD[lang])
        at = self._random.randrange(len(phrases))
        headline = phrases[at].format(name=name, place=self._random.choice(PLACES[lang]))
        return f"{headline} ({next(self._numbers)})", RISKS[at] if bad else "none", bad

    def _told(self, id_: str, at: datetime, text: tuple[str, str, bool], voice: str) -> Mention:
        headline, risk, bad = text
        name, lang = COMPANIES[id_]
        wrong = self._random.random() < (1 / 7 if bad else 1 / 9)
        negative = self._random.uniform(*((0.55, 0.98) if bad != wrong else (0.02, 0.45)))
        number = next(self._numbers)
        return Mention(
            subject=f"entity:{id_}",
            name=name,
            document=digest("invented", str(number)),
            channel="archive/0",
            offset=number,
            source=f"paper-{digest(voice)[0]}",
            kind=self._random.choice(("news", "chat")),
            author=voice,
            lang=lang,
            url="",
            headline=headline,
            collected_at=at,
            published_at=at,
            stale="fresh",
            relevance=self._random.choice((0.9, 0.9, 0.7, 0.4)),
            signature=Signature(copy_key=digest(headline)),
            sentiment={"negative": negative, "neutral": round(1 - negative, 9), "positive": 0.0},
            topic="general_news",
            topic_confidence=0.9,
            risk=risk,
            risk_confidence=0.8,
            model=MODELS[lang],
            item=digest("item", str(number)),
        )

    def _many(self, mean: float) -> int:
        """A Poisson number, by the times between arrivals."""
        at, found = self._random.expovariate(mean), 0
        while at < 1:
            at, found = at + self._random.expovariate(mean), found + 1
        return found
