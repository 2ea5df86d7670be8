"""Whoever listens to what happens, and what each has not read yet. Nobody waits for a slow one: it is let go, and comes
again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import msgspec

from streams.records import AlertEvent, Operation, RuleChange, Silence

MOST: Final = 64  # listeners at once: each holds a connection
EACH: Final = 32  # of one caller: nobody keeps all others out
BEHIND: Final = 1000  # events that one may have left to read: about 400 KiB
Events = asyncio.Queue[bytes | None]


class Full(RuntimeError):  # noqa: N818 - what happened
    """As many listen as may."""


class Hub:
    """Tells every listener. Its methods belong to one event loop."""

    def __init__(self, most: int = MOST, behind: int = BEHIND, each: int = EACH) -> None:
        self._most = most
        self._behind = behind
        self._each = each
        self._listening: dict[Events, str] = {}  # with the name of the caller
        self._closed = False

    def join(self, caller: str = "") -> Events:
        """Events as they come; None: no more, for the listener was too slow or all is over. Whoever joins leaves in the
        end. Raises Full where as many listen as may, in all or of one caller."""
        if len(self._listening) >= self._most or Counter(self._listening.values())[caller] >= self._each:
            raise Full
        events = Events(self._behind + 1)  # one more: room for the end
        self._listening[events] = caller
        if self._closed:
            self._end(events)
        return events

    def leave(self, events: Events) -> None:
        """Listen no more."""
        self._listening.pop(events, None)

    def tell(self, record: AlertEvent | Operation) -> None:
        """Let all know of a record."""
        if self._listening:
            event = alert_told(record) if isinstance(record, AlertEvent) else operation_told(record)
            for events in list(self._listening):
                self._put(events, event)

    def _put(self, events: Events, event: bytes) -> None:
        if events.qsize() >= self._behind:
            self._end(events)
        else:
            events.put_nowait(event)

    def _end(self, events: Events) -> None:
        self._listening.pop(events, None)
        while not events.empty():  # what it did not read it will ask for when it comes again
            events.get_nowait()
        events.put_nowait(None)

    def close(self) -> None:
        """Let all go, and whoever comes from now on."""
        self._closed = True
        for events in list(self._listening):
            self._end(events)


def alert_told(event: AlertEvent) -> bytes:
    """A step of an alert: enough for one line; the rest is asked for."""
    names = ("alert", "rule", "subject", "name", "severity", "state", "sequence", "at", "demo", "replay")
    return encoded("alert", {name: getattr(event, name) for name in names})


def operation_told(operation: Operation) -> bytes:
    """What somebody did, and with which alert; a silence concerns those that it matches."""
    about = {"alert": getattr(operation, "alert", None), "type": type(operation).__struct_config__.tag}
    if isinstance(operation, RuleChange):
        about["file"] = operation.file
    if isinstance(operation, Silence):
        about["match"] = operation.match
    return encoded("operation", {"id": operation.id} | {name: each for name, each in about.items() if each is not None})


def encoded(event: str, data: dict[str, Any]) -> bytes:
    """One event on the wire. JSON has no line breaks, so no text can begin another."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))
