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
    """The aggregations that `read_counts` reads; the unjudged are what is left."""
    return {name: {"filter": class_clause(name)} for name in CLASSES if name != "unjudged"}


def read_counts(bucket: Mapping[str, Any]) -> Counts:
    """The counts of one bucket with the aggregations of `counting`; none for a bucket that was not made."""
    documents = int(bucket.get("doc_count", 0))
    negative, neutral, positive, abstained = (
        int(bucket.get(name, {}).get("doc_count", 0)) for name in CLASSES if name != "unjudged"
    )
    judged = negative + neutral + positive
    return Counts(documents, judged, negative, neutral, positive, abstained, documents - judged - abstained)
