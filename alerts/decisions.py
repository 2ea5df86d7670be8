"""The answer of a rule about a subject: what it says, and what it may ask about the subject."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from alerts.baseline import Profile
from alerts.shares import Rates

Why = Literal[
    "beyond",  # the condition holds
    "no_data",  # nothing in the window
    "below",  # fewer than the bound
    "few_judged",  # less support than the rule wants
    "few_sources",
    "few_authors",
    "low_share",  # too few of the judged are negative
    "uncertain",  # the share is high, but from too few to be sure
    "no_baseline",  # too little history to call anything unusual
    "usual",  # as many as the baseline explains
    "known",  # nothing that the subject did not have before
    "learning",  # followed too short a time to call anything new
    "many_authors",  # copied by as many people as copies: no coordination
    "not_all",  # a condition of a composed rule does not hold
    "none",  # no condition of a composed rule holds
]
BaselineState = Literal["", "none", "warming", "seasonal"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one condition of a composed rule said."""

    type: str
    holds: bool
    why: Why
    observed: float
    unit: str
    window_seconds: int
    since: int | None = None  # these four as of a decision
    until: int | None = None
    story: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of one rule about one subject at one moment."""

    holds: bool
    why: Why
    amount: int  # units counted: what grows as evidence grows
    observed: float
    unit: str
    support: int  # units judged in the window
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    bound: float | None = None  # what `observed`, for a share its lower bound, had to reach
    beyond: float = 0.0  # how many times the bound is reached; 1 = just reached
    baseline: BaselineState = ""
    corrected: bool = False
    # Which of the counted mentions matter, where not all do: those of a time, of a story, or with a value.
    since: int | None = None
    until: int | None = None  # not included
    story: str = ""
    value: str = ""
    parts: tuple[Part, ...] = ()


class Known(Protocol):
    """What is known of the subject beyond the window."""

    @property
    def rates(self) -> Mapping[str, Rates]:
        """How often each model takes what for negative."""

    @property
    def since(self) -> int | None:
        """When the subject was first mentioned, as far as it is remembered."""

    def profile(self, filter_: str, until: int) -> Profile:
        """The baseline up to a moment, of what a scope's filter lets through."""

    def hourly(self, filter_: str, of: int, first: int, last: int, gone: Collection[str] = ()) -> list[int]:
        """New stories in each of the hours [first, last) since 1970, of what a scope's filter lets through; without
        the stories that are taken for gone."""

    def run(self, key: str) -> tuple[int, int] | None:
        """Since when, without a pause, the subject has had what the key names, and when last."""

    def new(self, prefix: str, since: int) -> list[str]:
        """What keys with this prefix name and the subject has had only from later than `since` on, in order."""


def lead(parts: Sequence[Decision]) -> Decision:
    """Of several decisions the one that says most: a holding one before others, then the furthest beyond its bound."""
    return max(parts, key=lambda part: (part.holds, part.beyond))
