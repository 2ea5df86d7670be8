"""`GET /alerts/{id}/timeline`: what the rule of an alert saw over time."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from alerts.watch import KIND as SYSTEM
from console.api.access import Reader
from console.api.context import Context
from console.api.errors import language_of
from console.messages import say
from console.replay.tracing import MOST, Timeline, Why, timeline
from streams.records import AlertEvent

AlertId = Annotated[str, PathParameter(max_length=64, description="The id, or its first characters: at least 6.")]
LONGEST: Final = 14 * 24.0  # hours


class PointOf(BaseModel):
    """What was seen at one minute."""

    at: datetime
    observed: float
    expected: float | None
    low: float | None = Field(description="Interval of an observed share; of a count that of the expectation.")
    high: float | None
    bound: float | None = Field(description="What has to be reached for the rule to hold; see `bound_of`.")
    support: int = Field(description="Units that a model judged, in the window.")
    holds: bool
    beyond: float = Field(description="How many times the bound is reached.")
    why: str


class TimelineOf(BaseModel):
    """What the rule saw, in order of time; at most some 300 points and every step of the alert."""

    rule: str
    subject: str
    name: str
    kind: str
    unit: str
    window_seconds: int
    rings: Literal["above", "below"] = Field(description="A silence rings where little is observed.")
    bound_of: Literal["observed", "low"] = Field(description="What is held against `bound`: of a share its `low`.")
    points: list[PointOf]
    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    note: Literal["", "steps", "differs"] = Field(description="steps: only the alert's own steps; differs: see `said`.")
    why: str
    said: str


def router(context: Context) -> APIRouter:
    """The route."""
    made = APIRouter()

    @made.get("/alerts/{alert}/timeline")
    async def timeline_of(
        caller: Reader,
        alert: AlertId,
        request: Request,
        hours: Annotated[float | None, Query(gt=0, le=LONGEST, description="Shown before it began.")] = None,
    ) -> TimelineOf:
        """The rule of the alert run again, by the engine that decided, over the stored documents about its subject:
        observed against expected, minute by minute. Where documents or the rule are gone, the alert's own steps."""
        now = context.now()
        events = context.board.history(context.board.find(alert), now).events
        lang = language_of(request.headers)
        missing: Why = "system" if events[-1].kind == SYSTEM else "replay" if events[-1].replay else ""
        # Only for what it says when Elasticsearch is away: the thread has a client of its own.
        async with nullcontext() if missing else context.elastic():
            found = await context.long.do(caller.name, lang, _found, context, events, now, hours, missing)
        return _told(found, events, lang)

    return made


def _found(
    context: Context, events: tuple[AlertEvent, ...], now: datetime, hours: float | None, missing: Why
) -> Timeline:
    return asyncio.run(timeline(context.settings, events, now, hours, missing))


def _told(found: Timeline, events: tuple[AlertEvent, ...], lang: str) -> TimelineOf:
    last = next((event for event in events if event.state == "firing"), events[0])
    said = say(f"rules_api.timeline.{found.why or 'exact'}", lang, count=f"{MOST:,}")
    return TimelineOf(
        rule=last.rule,
        subject=last.subject,
        name=last.name,
        kind=last.kind,
        unit=last.unit,
        window_seconds=last.window_seconds,
        rings="below" if last.kind == "silence" else "above",
        bound_of="low" if "share" in last.unit else "observed",
        points=[PointOf.model_validate(point, from_attributes=True) for point in found.points],
        begin=found.begin,
        end=found.end,
        note="steps" if found.steps else "differs" if found.why else "",
        why=found.why,
        said=say("rules_api.timeline.steps", lang, why=said) if found.steps else said,
    )
