"""The enrich stage: which texts are judged for one item, and what the records say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.client import BadText
from models.labels import HEADS, RISKS, SENTIMENTS, TOPICS
from models.text import TARGET
from models.verdict import Unjudged, Verdict
from streams.document import TOWARDS, Pipeline
from streams.enrich import Enrich
from streams.entities import Gazetteer
from streams.kafka import Message, Outgoing
from streams.records import DeadLetter, Document, Mention, RawItem, Signal, decode, encode
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COMPANIES = [f"Firm{letter * 3}" for letter in "ABCDEF"]
WATCHLIST = "".join(f"- {{id: {name.lower()}, name: {name}, aliases: [{name}]}}\n" for name in COMPANIES)


def verdict(negative: float) -> Verdict:
    """Of this negativity, about nothing else."""
    heads = {head: dict.fromkeys(labels, 0.0) for head, labels in HEADS.items()}
    heads["sentiment"] = dict(zip(SENTIMENTS, (negative, 0.0, 1 - negative), strict=True))
    heads["topic"][TOPICS[5]] = heads["risk"][RISKS[3]] = 1.0
    return Verdict("opinion-x", "1-y", **heads, abstained=False)


class Judge:
    """Calls a text negative when the company asked about falls, or whatever falls when none is asked about."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def score(self, text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
        """Scripted by the words of the text."""
        self.read.append(text)
        if "poison" in text:
            raise BadText("no")
        if lang != "en":
            return Unjudged("no_model")
        asked = f"{TARGET} falls" if TARGET in text else "falls"
        return verdict(0.123456 if asked not in text else 0.9)


@pytest.fixture
def stage(tmp_path: Path) -> tuple[Enrich, Judge]:
    """Enrich with six invented companies and a scripted judge."""
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text(WATCHLIST, encoding="utf-8")
    settings, judge = Settings(watchlist=watchlist), Judge()
    pipeline = Pipeline(settings, Gazetteer.load(watchlist), b"k" * 32, "1")
    scorer: Any = judge
    return Enrich(settings, pipeline, scorer, None, lambda: NOW), judge  # type: ignore[arg-type]  # nothing is sent


async def records(stage: Enrich, text: str, **changes: Any) -> tuple[Outgoing, ...]:
    """What one chat message becomes."""
    item = RawItem(source="s", native_id="1", kind="chat", text=text, collected_at=NOW, **changes)
    [done] = await stage.prepare([Message("chat.raw", 0, 7, None, encode(item), 0.0)])
    return done.records


async def test_an_archive_is_kept_from_when_it_was_taken_in(stage: tuple[Enrich, Judge]) -> None:
    """Kafka's time of the raw record begins its retention, so that judging it again ends at the same moment."""
    enrich, _ = stage
    old = NOW - timedelta(days=3000)
    item = RawItem(source="s", native_id="1", kind="chat", text="x", collected_at=old, published_at=old,
                   collected_how="archive", retention_days=10)  # fmt: skip
    at = NOW - timedelta(days=2)
    [done] = await enrich.prepare([Message("chat.raw", 0, 7, None, encode(item), at.timestamp())])
    assert decode(done.records[0].value, Document).expires_at == at + timedelta(days=10)


async def test_each_of_several_companies_gets_its_own_sentiment(stage: tuple[Enrich, Judge]) -> None:
    """Its mention carries the verdict on it; the document carries the overall one, and the topic's mention too."""
    enrich, judge = stage
    document, *mentions = await records(enrich, "FirmAAA falls as FirmBBB wins the order")
    found = decode(document.value, Document)
    assert sorted(judge.read) == sorted(
        [
            "FirmAAA falls as FirmBBB wins the order",
            "◆ falls as FirmBBB wins the order",
            "FirmAAA falls as ◆ wins the order",
        ]
    )
    assert {e.id: e.sentiment and e.sentiment["negative"] for e in found.entities} == {
        "firmaaa": 0.9,
        "firmbbb": 0.1235,
    }
    signals = [decode(each.value, Signal) for each in mentions]
    assert {s.subject: s.sentiment["negative"] for s in signals if isinstance(s, Mention) and s.sentiment} == {
        "entity:firmaaa": 0.9, "entity:firmbbb": 0.1235, f"topic:{TOPICS[5]}": 0.9
    }  # fmt: skip
    assert {s.risk for s in signals if isinstance(s, Mention)} == {RISKS[3]}


async def test_a_single_company_is_judged_with_its_text(stage: tuple[Enrich, Judge]) -> None:
    """One company, one judgement."""
    enrich, judge = stage
    document, mention, _ = await records(enrich, "FirmAAA falls again today")
    assert judge.read == ["FirmAAA falls again today"]
    assert decode(document.value, Document).entities[0].sentiment is None
    assert decode(mention.value, Signal).sentiment["negative"] == 0.9


async def test_a_list_of_companies_costs_a_bounded_number_of_judgements(stage: tuple[Enrich, Judge]) -> None:
    """Digests name dozens: the most relevant are judged for themselves."""
    enrich, judge = stage
    document, *_ = await records(enrich, " and ".join(COMPANIES) + " are on the list today")
    assert len(judge.read) == 1 + TOWARDS
    found = decode(document.value, Document)
    assert sum(entity.sentiment is not None for entity in found.entities) == TOWARDS < len(found.entities)


async def test_text_without_a_model_stays_unjudged(stage: tuple[Enrich, Judge]) -> None:
    """No company of it is judged either."""
    enrich, judge = stage
    document, *mentions = await records(enrich, "FirmAAA und FirmBBB sind heute nach der Sitzung gefallen", lang="de")
    found = decode(document.value, Document)
    assert (found.judgement, found.unjudged) == (None, "no_model")
    assert all(decode(each.value, Signal).sentiment is None for each in mentions)
    assert len(judge.read) == 1


async def test_a_text_that_the_model_refuses_is_a_dead_letter(stage: tuple[Enrich, Judge]) -> None:
    """With its reason."""
    [letter] = await records(stage[0], "poison for the model")
    assert decode(letter.value, DeadLetter).reason == "model_refused"
