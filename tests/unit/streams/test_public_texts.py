"""The text stages on public data: languages told, companies found, market texts left unmasked."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from models.data import data_folder
from streams.entities import Gazetteer
from streams.language import detect
from streams.pii import mask

pytestmark = pytest.mark.data


def rows(name: str) -> list[dict[str, Any]]:
    path: Path = data_folder() / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("labelled/en_sent.dev.jsonl", "en"),
        ("labelled/en_topic20.dev.jsonl", "en"),
        ("streams/stocknet.jsonl", "en"),
        ("labelled/zh_sent3_forum.dev.jsonl", "zh"),
        ("labelled/zh_sent2_headline.dev.jsonl", "zh"),
        ("labelled/zh_eventtype21.dev.jsonl", "zh"),
        ("labelled/zh_topic15_multi.dev.jsonl", "zh"),
    ],
)
def test_the_language_of_financial_texts_is_told(name: str, language: str) -> None:
    """At least 99 of 100 texts get their language without a hint, tweets of few words included."""
    texts = [row["text"] for row in rows(name) if row["lang"] == language][:10_000]
    assert sum(detect(text) == language for text in texts) >= 0.99 * len(texts)


def test_the_companies_of_tweets_are_found() -> None:
    """The company a tweet was collected for is among those found, in at least 98 of 100."""
    gazetteer = Gazetteer.load()
    sample = random.Random(5).sample(rows("streams/stocknet.jsonl"), 5_000)
    missed = Counter(
        row["entity"]
        for row in sample
        if gazetteer.lookup(row["entity"]) not in {entity.id for entity in gazetteer.find("", row["text"])}
    )
    assert missed.total() <= 0.02 * len(sample), missed.most_common(5)


@pytest.mark.parametrize("name", ["streams/guba_000831.jsonl", "labelled/zh_topic15_multi.dev.jsonl"])
def test_market_texts_hold_hardly_any_personal_data(name: str) -> None:
    """Thousands of texts full of prices, codes and dates are left as they are."""
    texts = [row["text"] for row in rows(name)]
    masked = [text for text in texts if mask(text)[1]]
    assert len(masked) <= 0.001 * len(texts)
