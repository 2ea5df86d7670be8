"""Signed links: GET says what would be done, POST does it. Who holds the link needs no token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from alerts import matchers, operations
from alerts.board import Board, NotOne
from alerts.entries import Entry
from alerts.links import Link, LinkRefused, read_link
from console.api import page
from console.api.desk import Conflict, Desk, KafkaAway
from console.api.errors import language_of
from console.messages import say
from streams.records import Operation
from streams.settings import Settings

SILENCE: Final = timedelta(hours=1)
FORM: Final = "application/x-www-form-urlencoded"
STATUSES: Final = {"malformed": 404, "forged": 403, "expired": 410, "unknown": 404}

log = structlog.get_logger(__name__)


def operation_of(link: Link, entry: Entry, note: str, at: datetime) -> Operation:
    """What the link does. A silence covers the rule on this subject, so that the next episode is quiet too."""
    author, key = link.receiver[: operations.AUTHOR_LIMIT], link.id
    if link.action == "acknowledge":
        return operations.acknowledge(link.alert, author=author, at=at, reason=note, key=key)
    if link.action == "silence":
        match = {"rule": (entry.event.rule,), "subject": (entry.event.subject,)}
        if any(value.endswith(matchers.ANY) for values in match.values() for value in values):
            match = {"alert": (link.alert,)}  # a source may be called `*`: its name must not silence every other one
        return operations.silence(
            match, author=author, at=at, lasting=SILENCE, reason=note or "by signed link", key=key
        )
    return operations.mark(link.alert, False, author=author, at=at, reason=note, key=key)


class Acts:
    """The two routes of `/act/{token}`."""

    def __init__(self, settings: Settings, board: Board, desk: Desk, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._board = board
        self._desk = desk
        self._now = now

    def router(self) -> APIRouter:
        """The routes; pages for people, so not in the OpenAPI description."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/act/{token}", self.ask, methods=["GET", "HEAD"], response_model=None)
        router.add_api_route("/act/{token}", self.act, methods=["POST"], response_model=None)
        return router

    async def ask(self, token: str, request: Request) -> HTMLResponse:
        """Say what the link would do, and do nothing."""
        lang = language_of(request.headers)
        found = self._read(token, lang)
        if isinstance(found, HTMLResponse):
            return found
        link, entry = found
        before = self._board.operation(operation_of(link, entry, "", self._now()).id)
        if before is not None:
            return page.done(link, before.author, before.at, False, lang)
        return page.question(link, entry, lang)

    async def act(self, token: str, request: Request) -> HTMLResponse:
        """Do it, once."""
        lang = language_of(request.headers)
        found = self._read(token, lang)
        if isinstance(found, HTMLResponse):
            return found
        link, entry = found
        wanted = operation_of(link, entry, await _note(request), self._now())
        before = self._board.operation(wanted.id)
        if before is not None:
            return page.done(link, before.author, before.at, False, lang)
        try:
            stands, new = await self._desk.do(wanted)
        except Conflict:  # the same link twice at once, with two notes: the first one counts
            stands, new = self._board.operation(wanted.id) or wanted, False
        except KafkaAway:
            return page.told(say("api.page.away.title", lang), [say("api.page.away.asks", lang)], lang, 503)
        return page.done(link, stands.author, stands.at, new, lang)

    def _read(self, token: str, lang: str) -> tuple[Link, Entry] | HTMLResponse:
        """What a link would do to which alert; a page at once for one that is refused, or that only shows."""
        link = read_link(self._settings, token, self._now())
        if isinstance(link, LinkRefused):
            return self._refuse(link.reason, lang)
        try:
            entry = self._board.history(link.alert, self._now()).entry
        except NotOne:
            return self._refuse("unknown", lang)
        return page.alert(entry, lang) if link.action == "show" else (link, entry)

    def _refuse(self, reason: str, lang: str) -> HTMLResponse:
        log.info("api.refused", code=f"link_{reason}", path="/act/...")
        lines = [say(f"api.page.refused.{reason}", lang)]
        return page.told(say("api.page.refused.title", lang), lines, lang, STATUSES[reason])


async def _note(request: Request) -> str:
    """What the person wrote beside the button, if it came as a form."""
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return ""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=8)
    except (ValueError, UnicodeDecodeError):
        return ""
    return fields.get("note", [""])[0][: page.NOTE_LIMIT]
