"""Whom a step of an alert concerns. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from alerts.delivery.book import Book, Party
from alerts.delivery.routing import SYSTEM, Route, broken_channel, may_hear
from alerts.delivery.standing import Standing
from streams.records import AlertEvent


def concerned(
    book: Book, event: AlertEvent, standing: Standing, now: datetime, told_to: Collection[str]
) -> list[tuple[Party, Route | None]]:
    """The receivers of this step: those the routes name for what rings anew, and whoever knows of the alert."""
    found: dict[str, Route | None] = {}
    if event.state in ("firing", "updated"):
        for route in book.routing.routes_for(event, now):
            for name in route.receivers:
                if name in book.named:
                    found.setdefault(book.named[name].id, route)
        _without_the_broken(book, event, found)
    for id_ in (*standing.receivers, *told_to):
        found.setdefault(id_, None)
    parties = [(book.parties[id_], route) for id_, route in found.items() if id_ in book.parties]
    return [(party, route) for party, route in parties if may_hear(event, demo=party.demo)]


def _without_the_broken(book: Book, event: AlertEvent, found: dict[str, Route | None]) -> None:
    """A broken channel is not told that it is broken; and what Tocsin says of itself finds somebody."""
    broken = book.named.get(broken_channel(event))
    if broken is not None:
        found.pop(broken.id, None)
    if not found and event.kind == SYSTEM:
        others = [party for party in book.parties.values() if party is not broken]
        route = Route(receivers=tuple(party.name for party in others) or ("nobody",))
        found.update({party.id: route for party in others})
