"""What the API takes and gives, as OpenAPI describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.delivery.message import measured_data
from alerts.entries import Entry, History
from alerts.evaluation.badge import BadgeOf, no_badge
from alerts.evaluation.truth import Truth
from alerts.operations import parse_end, parse_moment
from alerts.precision import Precision
from console.api.cursors import cursor_of, read_cursor
from streams.records import AlertEvent, MissedEvent, Operation, Receipt

MOST: Final = 200  # alerts on a page
Text = Annotated[str, StringConstraints(max_length=1000)]
Lasting = Annotated[str, StringConstraints(max_length=24)]
Moment = Annotated[str, StringConstraints(max_length=40)]
Standing = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts a list shows, beyond what the board itself picks."""

    state: Standing = "all"
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, state: Standing, subject: str, since: str, until: str) -> Wanted:
        """As a caller says it: times with their zone, or days of UTC. Raises OperationRefused."""
        begin = parse_moment(since)[0] if since else None
        return cls(state, subject, begin, parse_end(until) if until else None)

    def takes(self, entry: Entry) -> bool:
        """Whether the alert is wanted: an open one goes on, a closed one did until its last step."""
        event = entry.event
        if (self.state == "closed" and entry.open) or (self.subject and event.subject != self.subject):
            return False
        begun = self.until is None or event.since < self.until
        return begun and (self.since is None or entry.open or event.at >= self.since)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AcknowledgeRequest(_Request):
    """Take an alert in hand."""

    reason: Text = ""
    lasting: Lasting = Field("", alias="for", description="30m, 2h, 1d; empty: until it ends or grows more severe.")


class EscalateRequest(_Request):
    """Let further people know of an alert now."""

    reason: Text = Field("", description="Why; those who are told read it.")


class MarkRequest(_Request):
    """Say afterwards whether it was worth ringing."""

    right: bool
    reason: Text = ""


class SilenceRequest(_Request):
    """Tell nobody of alerts that match, for a while."""

    match: dict[str, list[str]] = Field(
        description="rule, severity, subject, name, kind, alert or label.NAME -> values; all must hold.",
        examples=[{"subject": ["entity:BRW"], "severity": ["info", "warning"]}],
    )
    lasting: Lasting = Field(alias="for", description="30m, 2h, 1d; at most 30 days.")
    reason: Text


class MissedRequest(_Request):
    """Something that happened and that no alert told of, or, as a control, something that must not ring."""

    subject: Annotated[str, StringConstraints(max_length=256)] = Field(
        description="Id with its kind.", examples=["entity:BRW"]
    )
    onset: Moment = Field(description="When it began or became known: a time with its zone, or a day of UTC.")
    end: Moment = Field("", description="The same; empty: as long after the onset as the matching says.")
    kind: Literal["negative", "control"] = "negative"
    note: Text = Field(description="What happened, in a sentence.")
    risk: Annotated[str, StringConstraints(max_length=64)] = Field("", description="Kind of risk event.")
    name: Annotated[str, StringConstraints(max_length=256)] = Field("", description="Of the subject, for people.")


class ErrorBody(BaseModel):
    """What went wrong, and what to do."""

    code: str
    message: str
    fix: str


class Refusal(BaseModel):
    """The form of every error."""

    error: ErrorBody


class AlertPage(BaseModel):
    """Alerts, the newest first."""

    alerts: list[dict[str, Any]] = Field(
        description="The newest event of each (streams/schemas/alert.json), with `status`: open, steps, acknowledged, "
        "silences, right, wrong, worst (figures of its worst step); and "
        "`measured`: how good its rule was on history, null where nobody measured it."
    )
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
    current: bool = Field(description="False while Kafka does not answer: this may be old.")


class AlertHistory(BaseModel):
    """One alert from its beginning."""

    alert: dict[str, Any]
    events: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    receipts: list[dict[str, Any]] = Field(
        description="What channels answered when they were told of it (streams/schemas/receipt.json), the newest 200 "
        "in the order in which they came."
    )
    current: bool


class SilenceList(BaseModel):
    """Silences in force."""

    silences: list[dict[str, Any]]
    current: bool


class RulePrecision(BaseModel):
    """How often a rule was right, by people's marks of the last 90 days; the interval is Wilson's, 95 %."""

    rule: str
    right: int
    wrong: int
    share: float | None
    low: float
    high: float


class PrecisionList(BaseModel):
    """Each rule that has alerts."""

    rules: list[RulePrecision]
    current: bool


class TruthList(BaseModel):
    """What people know to have happened, in order of onset."""

    events: list[dict[str, Any]] = Field(
        description="As in a truth file: subject, onset, end, kind (negative: must ring; control: must not), note, "
        "risk; source: who says so."
    )
    missed: list[dict[str, Any]] = Field(description="Those of them that were added by hand, with the ids they have.")
    current: bool


class Done(BaseModel):
    """The record of an operation as it stands in Kafka."""

    operation: dict[str, Any]
    new: bool = Field(description="False: the same was done before, and nothing was written.")


FIGURES: Final = (
    "sequence", "at", "severity", "observed", "expected", "low", "high", "window_seconds", "support", "documents",
    "stories", "sources", "authors", "beyond",
)  # fmt: skip


def alert(entry: Entry, badge_of: BadgeOf = no_badge) -> dict[str, Any]:
    """An alert as it stands: its newest event, what people did about it, and what was measured of its rule."""
    badge = badge_of(entry.event.rule_hash)
    status = {
        "open": entry.open,
        "steps": entry.steps,
        "acknowledged": None if entry.acknowledged is None else operation(entry.acknowledged),
        "silences": [silence.id for silence in entry.silences],
        "right": entry.right,
        "wrong": entry.wrong,
        "worst": None
        if entry.worst is None
        else msgspec.to_builtins({name: getattr(entry.worst, name) for name in FIGURES}),
    }
    return event(entry.event) | {"status": status, "measured": None if badge is None else measured_data(badge)}


def event(of: AlertEvent) -> dict[str, Any]:
    """An alert event; an address that is not http(s) is left out, so that nothing a page links to runs there."""
    found: dict[str, Any] = msgspec.to_builtins(of)
    for each in found["evidence"]:
        if not each["url"].startswith(("https://", "http://")):
            each["url"] = ""
    return found


def operation(of: Operation) -> dict[str, Any]:
    """An operation with its type."""
    found: dict[str, Any] = msgspec.to_builtins(of)
    return found


def receipt(of: Receipt) -> dict[str, Any]:
    """What a channel answered."""
    found: dict[str, Any] = msgspec.to_builtins(of)
    return found


def history(of: History, current: bool, badge_of: BadgeOf = no_badge, receipts: Sequence[Receipt] = ()) -> AlertHistory:
    """One alert with its events, operations and receipts."""
    return AlertHistory(
        alert=alert(of.entry, badge_of),
        events=[event(each) for each in of.events],
        operations=[operation(each) for each in of.operations],
        receipts=[receipt(each) for each in receipts],
        current=current,
    )


def precision(rule: str, of: Precision) -> RulePrecision:
    """The figures of one rule."""
    return RulePrecision(rule=rule, right=of.right, wrong=of.wrong, share=of.share, low=of.low, high=of.high)


def truth(of: Truth, missed: Sequence[MissedEvent], current: bool) -> TruthList:
    """What people know, and what they added."""
    return TruthList(
        events=[msgspec.to_builtins(each) for each in of.events],
        missed=[operation(each) for each in missed],
        current=current,
    )


def page(entries: Sequence[Entry], cursor: str, limit: int, current: bool, badge_of: BadgeOf = no_badge) -> AlertPage:
    """Entries after the cursor, newest `since` first: an alert never moves, so no page repeats or skips one."""
    ordered = sorted(entries, key=_place, reverse=True)
    if cursor:
        after = read_cursor(cursor)
        ordered = [entry for entry in ordered if _place(entry) < after]
    shown = ordered[:limit]
    more = cursor_of(*_place(shown[-1])) if len(ordered) > limit else None
    return AlertPage(alerts=[alert(entry, badge_of) for entry in shown], next=more, current=current)


def _place(entry: Entry) -> tuple[datetime, str]:
    return entry.event.since, entry.event.alert
