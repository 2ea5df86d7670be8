"""Classes and shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opinion.counts import CLASSES, Counts, class_clause, read_counts

NUMBER = st.integers(0, 10**6)


@given(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
def test_every_document_is_in_one_class(negative: int, neutral: int, positive: int, abstained: int, rest: int) -> None:
    """Abstained and unjudged ones are neither neutral nor below the share."""
    unsure = {"negative": abstained // 2, "neutral": 0, "positive": abstained - abstained // 2}
    clear = {"negative": negative, "neutral": neutral, "positive": positive}
    labels = [
        {"key": name, "doc_count": clear[name] + unsure[name], "abstained": {"doc_count": unsure[name]}}
        for name in clear
        if clear[name] + unsure[name]  # of what there is none Elasticsearch makes no bucket
    ]
    found = read_counts({"doc_count": sum(clear.values()) + abstained + rest, "labels": {"buckets": labels}})
    assert (found.negative, found.neutral, found.positive, found.abstained) == (*clear.values(), abstained)
    assert found.documents == sum(getattr(found, name) for name in CLASSES)
    assert (found.unjudged, found.judged) == (rest, negative + neutral + positive)
    share = found.share
    if not found.judged:
        assert share is None
    else:
        assert share is not None
        assert 0 <= share.low <= share.value <= share.high <= 1


def test_the_interval_is_wilson_s() -> None:
    """10 of 100: the 95 % interval of Wilson 1927, as any table has it."""
    share = Counts(100, 100, 10, 60, 30).share
    assert share is not None
    assert (share.low, share.high) == pytest.approx((0.0552, 0.1744), abs=1e-4)


def test_no_index_is_no_documents() -> None:
    """What was never aggregated counts zero."""
    assert read_counts({}) == Counts()


def test_counts_add_up() -> None:
    """Two stretches together."""
    assert Counts(3, 2, 1, 1) + Counts(1, 1, 1) == Counts(4, 3, 2, 1)


def test_a_sentiment_that_the_model_did_not_stand_by_is_no_class() -> None:
    """Each class but abstained asks that the model did not abstain."""
    assert class_clause("abstained") == {"term": {"sentiment.abstained": True}}
    assert {"term": {"sentiment.abstained": False}} in class_clause("neutral")["bool"]["filter"]
