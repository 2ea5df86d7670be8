"""What was measured of one rule on one history, as lists, messages and programs are given it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from alerts.evaluation.result import Interval
from streams.records import Short, Time


class Badge(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule on one history. Shares of 1, durations in seconds, intervals of 95 %."""

    rule: Short
    hash: Short
    data: Short  # the history, for people
    truth: Short = ""
    begin: Time
    end: Time
    events: Annotated[int, Meta(ge=1)]
    alerts: int
    subject_days: float
    precision: float | None
    precision_interval: Interval | None = None
    recall: float | None
    recall_interval: Interval | None = None
    false_per_subject_day: float | None
    delay_median_s: float | None
    controls: int = 0
    controls_fired: int = 0
    made_at: Time
    code: Short  # version of Tocsin, with the commit where it is known


BadgeOf = Callable[[str], Badge | None]  # of the rule with this hash


def no_badge(hash_: str) -> Badge | None:  # noqa: ARG001 - it is a `BadgeOf`
    """For messages about rules that nobody measured."""
    return None


def as_data(badge: Badge) -> dict[str, Any]:
    """The badge as JSON says it."""
    found: dict[str, Any] = msgspec.to_builtins(badge)
    return found
