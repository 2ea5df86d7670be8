"""An invented evaluation, of any size: companies, rules and headlines that never were."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from alerts.evaluation.result import (
    AtRate,
    Day,
    Episode,
    Evaluation,
    EventOf,
    Interval,
    Matching,
    Measure,
    Outcome,
    Point,
    RuleResult,
    Told,
)

BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
END: Final = datetime(2024, 12, 31, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
NAMES: Final = (
    "Halden Corp,Vintra Foods,Ostmark Bank,Selby Motors,Kestrel Air,明远证券,Corvane,海陆食品,Tarn Energy".split(",")
)
RULES: Final = (
    "negative-surge,fixed-count,mean-and-deviations,last-hour,spike,share-of-negatives,keywords,level-shift".split(",")
)
HEADLINES: Final = (
    "Halden Corp shares plunge on fraud probe",
    "Vintra Foods recalls infant formula",
    "明远证券涉嫌违规被立案调查",
)


def told(rng: random.Random, at: datetime, headline: str = "") -> Told:
    """A document."""
    return Told(
        at=at, headline=headline or rng.choice(HEADLINES), source="newswire", url="https://example.org/a?b=1&c=2",
        negative=round(rng.random(), 2),
    )  # fmt: skip


def measure(rng: random.Random, events: int, controls: int, **more: Any) -> dict[str, Any]:
    """Figures of a rule; nothing that could not be computed from so few events."""
    found, false = rng.randint(0, events), rng.randint(0, 40)
    none = not events
    spread = Interval(low=0.2, high=0.8)
    return {
        "alerts": found + false, "true": found, "repeats": 1, "false": false, "excluded": 0, "events": events,
        "found": found, "controls": controls, "controls_fired": min(controls, 1), "subject_days": 3000.0,
        "precision": found / (found + false) if found + false else None, "recall": None if none else found / events,
        "f1": None if none else 0.4, "false_per_subject_day": false / 3000, "delay_median_s": None if none else 7_500.0,
        "delay_p90_s": None if none else 60_000.0, "public_delay_median_s": None if none else 3_000.0,
        "public_delay_p90_s": None if none else 9_000.0, "score": None if none else 0.31,
        "score_low_false": None if none else 0.22, "score_low_miss": None if none else 0.35,
        "precision_interval": None if none else spread, "recall_interval": None if none else spread,
        "f1_interval": None if none else spread, "false_interval": Interval(low=0.0009, high=0.0031),
    } | more  # fmt: skip


def event(rng: random.Random, n: int, kind: Literal["negative", "control"], text: str) -> EventOf:
    """A truth event in the year."""
    onset = BEGIN + timedelta(days=rng.randint(5, 350), seconds=rng.randint(0, 86_399))
    which = rng.randrange(len(NAMES))
    return EventOf(
        subject=f"entity:S{which}", name=text or NAMES[which], onset=onset, begin=onset - 2 * HOUR,
        end=onset + 24 * HOUR, kind=kind, note=text or "Q2 loss", day_only=n % 4 == 0, documents=rng.randint(8, 90),
        first_public=onset + HOUR,
        told=tuple(told(rng, onset + HOUR, text) for _ in range(3)), topic="legal", risk="fraud_accounting", lang="en",
    )  # fmt: skip


def rule(rng: random.Random, name: str, events: tuple[EventOf, ...], text: str) -> RuleResult:
    """A rule with its curve, its alerts and what it made of each event."""
    negative = [e for e in events if e.kind == "negative"]
    outcomes = []
    episodes = []
    for index, one in enumerate(events):
        found = rng.random() < 0.5
        delay = None if one.day_only else float(rng.randint(-3_000, 70_000))
        at = one.begin + HOUR * 3
        outcomes.append(
            Outcome(event=index, found=found, at=at if found else None, delay_s=delay, public_delay_s=900.0)
        )
        if found:
            verdict: Any = "true" if one.kind == "negative" else "control"
            episodes.append(episode(rng, name, one.subject, one.name, at, verdict, text))
    for _ in range(20):
        which = rng.randrange(len(NAMES))
        at = BEGIN + timedelta(days=rng.randint(1, 360), hours=rng.randint(0, 23))
        wrong: Any = rng.choice(("false", "false", "false", "repeat", "excluded"))
        episodes.append(episode(rng, name, f"entity:S{which}", NAMES[which], at, wrong, text))
    figures = measure(rng, len(negative), len(events) - len(negative))
    rates = [0.0] + [0.0004 * 2.2**n for n in range(7)]
    curve = tuple(
        Point(
            value=0.001 * (n + 1), recall=min(1.0, 0.1 * n + rng.random() * 0.2) if negative else None,
            precision=max(0.05, 0.9 - 0.1 * n) if negative else None, false_per_subject_day=r, delay_median_s=5000.0,
            controls_fired=n // 3, alerts=n * 9, found=n,
        )
        for n, r in enumerate(rates)
    )  # fmt: skip
    at_rates = [(limit, 0.002 if limit > 0.002 else None) for limit in (0.0015, 0.005, 0.015)]
    best: dict[str, Any] = {
        "recall": 0.55,
        "false_per_subject_day": 0.0014,
        "delay_median_s": 5400.0,
        "controls_fired": 1,
    }
    none: dict[str, Any] = dict.fromkeys(best)
    return RuleResult(
        **figures, hash="3f2a9c81d0b7e4", type="surge", knob="p", curve=curve, episodes=tuple(episodes),
        outcomes=tuple(outcomes),
        by={
            "topic": {"legal": Measure(**measure(rng, 4, 0)), text or "earnings": Measure(**measure(rng, 0, 0))},
            "risk": {"fraud_accounting": Measure(**measure(rng, 4, 1))}, "lang": {"en": Measure(**measure(rng, 3, 0))},
        },
        at_false_rates=tuple(AtRate(limit=a, value=v, **(best if v else none)) for a, v in at_rates),
        at_alerts_a_week=tuple(AtRate(limit=float(n), value=0.001 * n, **best) for n in (1, 3, 10, 30)),
    )  # fmt: skip


def episode(
    rng: random.Random, name: str, subject: str, company: str, at: datetime, verdict: Any, text: str
) -> Episode:
    """An alert."""
    return Episode(
        alert=f"{rng.getrandbits(128):032x}", rule=name, subject=subject, name=text or company, at=at,
        until=at + 5 * HOUR, severity="warning", beyond=round(1 + rng.random() * 4, 2),
        observed=float(rng.randint(5, 40)), expected=3.2, judged=verdict, lang="en", topic="legal", risk="rumour",
        documents=tuple(told(rng, at - HOUR, text) for _ in range(2)),
    )  # fmt: skip


def days(rng: random.Random) -> tuple[Day, ...]:
    """A year of counts, most of them small."""
    found = []
    for n in range((END - BEGIN).days):
        mentions = int(rng.expovariate(1 / 8)) * (8 if rng.random() < 0.02 else 1)
        judged = int(mentions * 0.95)
        negative = sum(rng.random() < 0.2 for _ in range(judged))
        found.append(
            Day(day=f"{BEGIN + timedelta(days=n):%Y-%m-%d}", mentions=mentions, judged=judged, negative=negative)
        )
    return tuple(found)


def evaluation(rules: int = 2, events: int = 8, controls: int = 3, text: str = "", seed: int = 1) -> Evaluation:
    """An evaluation of so many rules over so many events; `text` in the place of everything that comes from outside."""
    rng = random.Random(seed)
    truth = tuple(event(rng, n, "negative" if n < events else "control", text) for n in range(events + controls))
    names = (RULES * (rules // len(RULES) + 1))[:rules]
    return Evaluation(
        code="0.1.0 (0123456789ab)", made_at=END, sources=(text or "archive.jsonl", "prices"),
        models={text or "opinion-en@1": 40_000, "opinion-zh@1": 900}, begin=BEGIN, end=END, mentions=40_900,
        subjects=len(NAMES), subject_days=3294.0, labelled=text or "every subject of the prices, in 2024",
        matching=Matching(), events=truth,
        rules={name if n < len(RULES) else f"{name}-{n}": rule(rng, name, truth, text) for n, name in enumerate(names)},
        timelines={f"entity:S{n}": days(rng) for n in range(len(NAMES))},
        caveats=(text or "Few messages: most events have fewer than 50 documents.", "No human labelled single texts."),
    )  # fmt: skip


def empty() -> Evaluation:
    """Nothing was replayed."""
    return msgspec.structs.replace(
        evaluation(0, 0, 0), sources=(), models={}, mentions=0, subjects=0, subject_days=0.0, labelled="", timelines={},
        caveats=(),
    )  # fmt: skip
