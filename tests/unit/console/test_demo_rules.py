"""The demo's rule over the demo's day, judged by a model that sometimes errs: who rings, who does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.engine import Engine
from alerts.rule_files import load_rules
from console.demo.compose import Line, clock, compose
from console.demo.contents import manifest
from console.demo.texts import companies
from streams.records import AlertEvent, Mention, Tick, document_id
from streams.signature import sign

DAY = date(2026, 1, 15)
CHANNEL = "chat.raw/0"


def sentiment(line: Line, random: Random, recall: float) -> dict[str, float] | None:
    """What an imperfect English model says of a text whose mood is known."""
    if line.item is None or line.item.lang != "en":
        return None
    right = random.random() < recall
    mood = (line.mood or "neutral") if right else "neutral"
    return {label: 0.9 if label == mood else 0.05 for label in ("negative", "neutral", "positive")}


def signals(recall: float) -> Iterator[Mention | Tick]:
    """The day as the detector reads it: a mention for each text about a company, and a tick after each minute."""
    random = Random(1)
    ticked = clock(DAY, "06:00")
    for offset, line in enumerate(compose(DAY)):
        while line.at > ticked + timedelta(minutes=1):
            ticked += timedelta(minutes=1)
            yield Tick(channel=CHANNEL, offset=offset, at=ticked)
        item = line.item
        if item is None or not line.company:
            continue
        stale = item.published_at is not None and line.at - item.published_at > timedelta(days=1)
        yield Mention(
            subject=f"entity:{companies()[line.company].id}",
            name=companies()[line.company].name,
            document=document_id(item.source, item.native_id, ""),
            channel=CHANNEL,
            offset=offset,
            source=item.source,
            kind=item.kind,
            author=item.author,
            lang=item.lang,
            url=item.url,
            headline=(item.title or item.text)[:200],
            collected_at=item.collected_at,
            published_at=item.published_at,
            stale="stale" if stale else "fresh",
            relevance=1.0,
            signature=sign(f"{item.title}\n{item.text}", item.lang),
            sentiment=sentiment(line, random, recall),
            topic="",
            demo=True,
        )
    yield Tick(channel=CHANNEL, offset=10**6, at=clock(DAY, "22:30"))


def alerts(recall: float, **changes: Any) -> list[AlertEvent]:
    """What the rule, with some of its fields changed, says over the whole day."""
    rules = [replace(rule, **changes) for rule in load_rules(Path(str(files("console.demo") / "rules.yaml")))]
    engine = Engine(rules, lateness=5.0, channels=[CHANNEL])
    return [event for n, signal in enumerate(signals(recall)) for event in engine.feed(signal, n)]


@pytest.mark.parametrize("recall", [0.65, 0.8, 1.0])
def test_crises_ring_and_nothing_else(recall: float) -> None:
    """Each crisis rings once, in time, and ends the same day, even when the model misses a third of the texts."""
    events = alerts(recall)
    stated = manifest()["must_ring"]
    firing = {e.subject.removeprefix("entity:demo-"): e for e in events if e.state == "firing"}
    assert sorted(firing) == sorted(stated)
    assert sum(e.state == "firing" for e in events) == len(stated)
    for key, expected in stated.items():
        assert clock(DAY, expected["begins"]) < firing[key].at <= clock(DAY, expected["rings_by"])
        (end,) = [e for e in events if e.state == "resolved" and e.alert == firing[key].alert]
        assert end.at < clock(DAY, "22:00")


@pytest.mark.parametrize(
    ("company", "changes"),
    [
        ("jorvanta", {"count": "documents"}),  # copies of one text would count as voices
        ("ulvermere", {"ignore_stale": False, "min_authors": 1}),  # old news would count as new
    ],
)
def test_silence_has_its_reason(company: str, changes: dict[str, Any]) -> None:
    """What must not ring is loud enough to ring under a rule without the safeguard that keeps it silent."""
    rang = {e.subject.removeprefix("entity:demo-") for e in alerts(1.0, **changes) if e.state == "firing"}
    assert company in rang
