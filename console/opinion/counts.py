"""Documents counted by what the model made of each. Pure.

Every document is in exactly one class. One of which the model said that its likeliest sentiment is more likely wrong
than right is `abstained`, one that no model judged is `unjudged`: neither is neutral, and neither stands below the
share. The sentiment is the document's: the index cannot tell which of several companies a sentiment was towards
(its lists of companies are flat), while the detector takes that towards the company where it was judged, and counts as
negative what reaches a rule's confidence, whether the model abstained or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from alerts.shares import wilson
from models.labels import SENTIMENTS

Class = Literal["negative", "neutral", "positive", "abstained", "unjudged"]
CLASSES: Final[tuple[Class, ...]] = get_args(Class)
ONE_SIDED: Final = 0.975  # two bounds of which make the interval of 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """A share with Wilson's interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """So many documents; `judged` are those with a sentiment: negative, neutral and positive ones together."""

    documents: int = 0
    judged: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    abstained: int = 0
    unjudged: int = 0

    @property
    def share(self) -> Share | None:
        """The negative ones among the judged; None where nothing was judged."""
        if not self.judged:
            return None
        low, high = wilson(self.negative, self.judged, ONE_SIDED)
        value = self.negative / self.judged
        return Share(value, min(low, value), max(high, value))  # rounding may put a bound of 0 a hair above it

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        mine, theirs = ({name: getattr(each, name) for name in Counts.__slots__} for each in (self, other))
        return replace(self, **{name: mine[name] + theirs[name] for name in mine})


def class_clause(name: str) -> dict[str, Any]:
    """The documents of one class."""
    if name == "unjudged":
        return {"term": {"judged": False}}
    abstained = {"term": {"sentiment.abstained": name == "abstained"}}
    if name == "abstained":
        return abstained
    return {"bool": {"filter": [{"term": {"sentiment.label": name}}, abstained]}}


def counting() -> dict[str, Any]:
    """The aggregations that `read_counts` reads; the unjudged are what is left.

    Each document is looked at once: one filter for each class made Elasticsearch take two to three times as long. What
    is indexed with a label says whether the model abstained, too (`streams.index`).
    """
    abstained = {"filter": {"term": {"sentiment.abstained": True}}}
    return {
        "labels": {"terms": {"field": "sentiment.label", "size": len(SENTIMENTS)}, "aggs": {"abstained": abstained}}
    }


def read_counts(bucket: Mapping[str, Any]) -> Counts:
    """The counts of one bucket with the aggregations of `counting`; none for a bucket that was not made."""
    documents = int(bucket.get("doc_count", 0))
    clear, abstained = dict.fromkeys(SENTIMENTS, 0), 0
    for label in bucket.get("labels", {}).get("buckets", ()):
        unsure = int(label["abstained"]["doc_count"])
        clear[label["key"]] = int(label["doc_count"]) - unsure
        abstained += unsure
    judged = sum(clear.values())
    return Counts(documents, judged, **clear, abstained=abstained, unjudged=documents - judged - abstained)
