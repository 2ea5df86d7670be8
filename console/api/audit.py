"""`GET /audit`: what people did, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.api.cursors import cursor_of, read_cursor
from console.api.shapes import MOST
from streams.records import AlertEvent, Opinion


class AuditPage(BaseModel):
    """What people did, the newest first."""

    operations: list[dict[str, Any]] = Field(
        description="Each record as in streams/schemas/feedback.json, with its `id` and `type`: acknowledgement, "
        "escalation, silence, silence_end, mark, missed, withdrawal, rule_change, or correction of a label. What was "
        "done to an alert that is still known has its `rule`, and its `subject` and `name`."
    )
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
    current: bool = Field(description="False while Kafka does not answer: this may be old.")


def router(context: Context) -> APIRouter:
    """The route."""
    made = APIRouter()

    @made.get("/audit")
    async def audit(
        _: Reader,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        cursor: Annotated[str, Query(max_length=256)] = "",
    ) -> AuditPage:
        """Everything that people did within the last 90 days, by whatever way; at most the newest 5,000."""
        place = read_cursor(cursor) if cursor else None
        found = context.known.journal.after(place, limit + 1, context.now())
        shown = [told(id_, record, context.known.board.newest) for id_, record in found[:limit]]
        more = cursor_of(found[limit - 1][1].at, found[limit - 1][0]) if len(found) > limit else None
        return AuditPage(operations=shown, next=more, current=context.feed.current)

    return made


def told(id_: str, record: Opinion, newest: Callable[[str], AlertEvent | None]) -> dict[str, Any]:
    """The record with its identity, and with what the alert is about that it was done to."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    about = newest(found.get("alert", ""))
    named = {} if about is None else {"rule": about.rule, "subject": about.subject, "name": about.name}
    return found | named | {"id": id_}
