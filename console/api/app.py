"""The application: the page for people at /, routes under /api/v1 for it and for programs with a token, /act for people
with a signed link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Response
from starlette.types import Receive, Scope, Send

from alerts import matchers, operations
from alerts.evaluation.annotated import annotated
from alerts.evaluation.badges import Shelf
from console.api import (
    audit,
    documents,
    errors,
    health,
    me,
    models,
    names,
    opinion,
    replays,
    rules,
    shapes,
    sources,
    stream,
    timeline,
    whatif,
)
from console.api.access import Operator, Reader
from console.api.acts import Acts
from console.api.context import Context
from console.api.desk import Desk, Records
from console.api.errors import ApiError
from console.api.feed import Feed
from console.api.guard import PREFIX, Guard
from console.api.known import Known
from console.api.tokens import callers
from console.api.web import Web
from streams.hosts import known_names
from streams.records import Operation, Severity
from streams.settings import Settings
from streams.version import VERSION

KEY_LIMIT: Final = 128
SOON: Final = {"Retry-After": "1"}  # reading what there is takes seconds
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": shapes.Refusal} for status in (400, 401, 403, 404, 409, 413, 415, 421, 429, 503)
}
AREAS: Final[tuple[Callable[[Context], APIRouter], ...]] = (
    me.router,
    stream.router,
    audit.router,
    opinion.router,
    names.router,
    documents.router,
    sources.router,
    health.router,
    rules.router,
    whatif.router,
    timeline.router,
    replays.router,
    models.router,
)  # the routes of the console's views
AlertId = Annotated[str, Path(max_length=64, description="The id, or its first characters: at least 6.")]
Key = Annotated[
    str, Header(alias="Idempotency-Key", max_length=KEY_LIMIT, description="The same key does the same only once.")
]


class Api:
    """The routes. `feed` keeps what is known up to date; `now` is the clock."""

    def __init__(
        self, settings: Settings, known: Known, feed: Feed, records: Records, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._known = known
        self._board = known.board
        self._feed = feed
        self._desk = Desk(known, records)
        self._now = now
        self._badge_of = Shelf(settings).best
        self.context = Context(settings, known, feed, self._desk, now, self._badge_of)

    def app(self) -> FastAPI:
        """The application without its guard."""
        app = FastAPI(
            title="Tocsin", version=VERSION, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
            redirect_slashes=False,
        )  # fmt: skip
        errors.register(app)
        app.add_api_route("/healthz", self.health, include_in_schema=False)
        app.include_router(Web().router())
        for path, method, route in (
            ("/alerts", "GET", self.alerts),
            ("/alerts/{alert}", "GET", self.alert),
            ("/alerts/{alert}/acknowledge", "POST", self.acknowledge),
            ("/alerts/{alert}/escalate", "POST", self.escalate),
            ("/alerts/{alert}/mark", "POST", self.mark),
            ("/silences", "GET", self.silences),
            ("/silences", "POST", self.silence),
            ("/silences/{silence}", "DELETE", self.end_silence),
            ("/rules/precision", "GET", self.precision),
            ("/truth", "GET", self.truth),
            ("/truth", "POST", self.add_missed),
            ("/truth/{event}", "DELETE", self.withdraw),
        ):
            app.add_api_route(
                PREFIX + path, route, methods=[method], responses=REFUSALS, dependencies=[Depends(self._read)]
            )
        for area in AREAS:
            app.include_router(
                area(self.context), prefix=PREFIX, responses=REFUSALS, dependencies=[Depends(self._read)]
            )
        app.include_router(
            Acts(self._settings, self._board, self._desk, self._now).router(), dependencies=[Depends(self._read)]
        )
        return app

    def _read(self) -> None:
        if not self._feed.ready.is_set():
            raise ApiError(503, "starting", SOON)

    async def health(self) -> dict[str, str]:
        """The process answers; `current` once it knows all there is."""
        return {"status": "current" if self._feed.current else "behind"}

    async def alerts(
        self,
        _: Reader,
        state: Annotated[shapes.Standing, Query()] = "open",
        rule: Annotated[str, Query(max_length=256)] = "",
        severity: Annotated[Severity | Literal[""], Query()] = "",
        subject: Annotated[str, Query(max_length=512, description="Id with its kind, as entity:BRW.")] = "",
        since: Annotated[str, Query(max_length=40, description="Those that went on after this time or day.")] = "",
        until: Annotated[str, Query(max_length=40, description="Those that began before this time or day.")] = "",
        limit: Annotated[int, Query(ge=1, le=shapes.MOST)] = 50,
        cursor: Annotated[str, Query(max_length=256)] = "",
    ) -> shapes.AlertPage:
        """Alerts, the newest first."""
        wanted = shapes.Wanted.of(state, subject, since, until)
        entries = self._board.entries(self._now(), everything=state != "open", rule=rule, severity=severity)
        found = [entry for entry in entries if wanted.takes(entry)]
        return shapes.page(found, cursor, limit, self._feed.current, self._badge_of)

    async def alert(self, _: Reader, alert: AlertId) -> shapes.AlertHistory:
        """One alert: every step of its life, what people did about it, who was told and what they answered."""
        found = self._board.history(self._board.find(alert), self._now())
        receipts = self._known.receipts.of(found.entry.event.alert)
        return shapes.history(found, self._feed.current, self._badge_of, receipts)

    async def silences(self, _: Reader) -> shapes.SilenceList:
        """Silences in force."""
        found = [shapes.operation(each) for each in self._board.silences(self._now())]
        return shapes.SilenceList(silences=found, current=self._feed.current)

    async def precision(self, _: Reader) -> shapes.PrecisionList:
        """How often each rule was right, by people's marks of the last 90 days."""
        found = self._board.precisions(self._now())
        rules = [shapes.precision(rule, found[rule]) for rule in sorted(found)]
        return shapes.PrecisionList(rules=rules, current=self._feed.current)

    async def acknowledge(
        self, caller: Operator, alert: AlertId, body: shapes.AcknowledgeRequest, response: Response, key: Key = ""
    ) -> shapes.Done:
        """Take an alert in hand: no repeats and no escalation until it grows more severe."""
        lasting = operations.parse_lasting(body.lasting) if body.lasting else None
        found = operations.acknowledge(
            self._board.find(alert), author=caller.name, at=self._now(), reason=body.reason, lasting=lasting, key=key
        )
        return await self._do(found, response)

    async def escalate(
        self, caller: Operator, alert: AlertId, body: shapes.EscalateRequest, response: Response, key: Key = ""
    ) -> shapes.Done:
        """Let further people know of an alert that rings, now: the receivers of its routes' `escalate`, else all whom
        it concerns, again. Its receipts say what became of it."""
        found = self._board.find(alert)
        if not self._board.history(found, self._now()).entry.rings:
            raise ApiError(409, "not_ringing")
        asked = operations.escalate(found, author=caller.name, at=self._now(), reason=body.reason, key=key)
        return await self._do(asked, response)

    async def mark(
        self, caller: Operator, alert: AlertId, body: shapes.MarkRequest, response: Response, key: Key = ""
    ) -> shapes.Done:
        """Say whether an alert was worth ringing."""
        found = operations.mark(
            self._board.find(alert), body.right, author=caller.name, at=self._now(), reason=body.reason, key=key
        )
        return await self._do(found, response)

    async def silence(
        self, caller: Operator, body: shapes.SilenceRequest, response: Response, key: Key = ""
    ) -> shapes.Done:
        """Tell nobody of alerts that match, for a while."""
        found = operations.silence(
            matchers.checked_match(body.match),
            author=caller.name,
            at=self._now(),
            lasting=operations.parse_lasting(body.lasting),
            reason=body.reason,
            key=key,
        )
        return await self._do(found, response)

    async def end_silence(self, caller: Operator, silence: AlertId, response: Response) -> shapes.Done:
        """End a silence before its time. Ending it again changes nothing."""
        found = operations.end_silence(self._board.find_silence(silence), author=caller.name, at=self._now())
        before = self._board.operation(found.id)
        return await self._do(before or found, response)

    async def truth(self, _: Reader) -> shapes.TruthList:
        """What people know to have happened: by their marks of alerts, and what they added, within the last 90 days."""
        found = annotated(self._board, self._now())
        return shapes.truth(found, self._board.missed(), self._feed.current)

    async def add_missed(
        self, caller: Operator, body: shapes.MissedRequest, response: Response, key: Key = ""
    ) -> shapes.Done:
        """Add an event that no alert told of, or a control that must not ring."""
        onset, day = operations.parse_moment(body.onset)
        found = operations.missed(
            body.subject,
            onset,
            author=caller.name,
            at=self._now(),
            note=body.note,
            end=operations.parse_end(body.end) if body.end else None,
            kind=body.kind,
            risk=body.risk,
            name=body.name,
            day_only=day,
            key=key,
        )
        return await self._do(found, response)

    async def withdraw(self, caller: Operator, event: AlertId, response: Response) -> shapes.Done:
        """Take an added event back. Doing it again changes nothing."""
        found = operations.withdraw(self._board.find_missed(event), author=caller.name, at=self._now())
        before = self._board.operation(found.id)
        return await self._do(before or found, response)

    async def _do(self, operation: Operation, response: Response) -> shapes.Done:
        stands, new = await self._desk.do(operation)
        response.status_code = 201 if new else 200
        return shapes.Done(operation=shapes.operation(stands), new=new)


@dataclass(frozen=True, slots=True)
class Application:
    """All of it, as a server takes it: `end` when the server begins to end, `close` when it has."""

    guard: Guard
    context: Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.guard(scope, receive, send)

    def end(self) -> None:
        """Let go of those who listen: a server that ends waits for its answers, and theirs have no end."""
        self.context.known.hub.close()

    async def close(self) -> None:
        """Let go of connections."""
        await self.context.close()


def build(
    settings: Settings,
    known: Known,
    feed: Feed,
    records: Records,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Application:
    """The application behind its guard. Raises SettingsError."""
    public = urlsplit(settings.public_url).hostname or ""
    names = known_names(settings.api_host, ",".join((settings.api_hosts, public)))
    api = Api(settings, known, feed, records, now)
    guard = Guard(
        api.app(),
        names=names,
        bound=settings.api_host,
        callers=callers(settings),
        rate=settings.api_rate,
        monotonic=monotonic,
    )
    return Application(guard, api.context)
