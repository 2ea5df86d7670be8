"""When somebody asks that further people are told of an alert now: whom that means, and what waits for its alert.

The receivers of `escalate` of the routes that concern the alert; where no route has that, all whom it concerns. Nothing
holds such a call back, neither silence nor inhibition, quiet hours nor flapping: a person asked, knowing the alert. An
acknowledgement stays in force. Of an alert that is over nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from alerts.delivery.book import Book, Party
from alerts.delivery.routing import Route, broken_channel, may_hear
from alerts.delivery.standing import Standing
from streams.records import Escalation

KNOWN: Final = 100  # calls of one alert that are known again; the outbox knows the rest by their ids


def whom(book: Book, standing: Standing, now: datetime) -> list[tuple[Party, Route | None]]:
    """Whom to tell, and by which route; without one they are told where they were told before."""
    routes = {route.hash: route for route in book.routing.routes_for(standing.event, now)}
    for told in standing.receivers.values():
        group = book.groups.get(told.group)
        if group is not None:
            routes.setdefault(book.route(group).hash, book.route(group))
    further = [(name, route) for route in routes.values() if route.escalate for name in route.escalate.to]
    found: dict[str, Route | None] = {}
    for name, by in further or [(name, route) for route in routes.values() for name in route.receivers]:
        if name in book.named:
            found.setdefault(book.named[name].id, by)
    if not further:
        found = dict.fromkeys(standing.receivers) | found
    return list(_allowed(book, standing, found))


def _allowed(book: Book, standing: Standing, found: dict[str, Route | None]) -> Iterable[tuple[Party, Route | None]]:
    event = standing.event
    for id_, route in found.items():
        party = book.parties.get(id_)
        if party is not None and broken_channel(event) != party.name and may_hear(event, demo=party.demo):
            yield party, None if id_ in standing.receivers else route


def note(standing: Standing, asked: Escalation) -> bool:
    """Remember the call; False when it is known. Its routes' own time for further receivers runs no more."""
    if asked.id in standing.asked:
        return False
    standing.asked = [*standing.asked, asked.id][-KNOWN:]
    groups = {told.group for told in standing.receivers.values()} | set(standing.escalate)
    standing.escalated += sorted(groups - set(standing.escalated))
    standing.escalate = {}
    return True


def waiting(book: Book, alert: str) -> list[Escalation]:
    """Take out the calls that waited for this alert, in order."""
    found = [call for _, call in book.calls.items() if call.alert == alert]
    for call in found:
        book.calls.drop(call.id)
    return sorted(found, key=lambda call: (call.at, call.id))
