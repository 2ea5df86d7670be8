"""What a shell may offer for a word: ids of alerts, names of rules. Within a moment, and without a word on failure."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final

from streams.records import AlertEvent
from streams.settings import Settings

SECONDS: Final = 2.0  # longer is a bad time to wait at a prompt
STEPS: Final = 2000  # of alerts, the newest
SHOWN: Final = 8  # characters of an id, as lists show it
Offers = list[tuple[str, str]]  # each word with what a shell may show beside it


def alert_ids(incomplete: str) -> Offers:
    """Ids of alerts that begin like this, the newest first, with severity and name; without a beginning the open ones,
    or all where none is open."""

    def read() -> Offers:
        from streams.endpoints import resolve
        from streams.settings import load

        settings = load()
        newest = asyncio.run(_newest(settings, resolve(settings, "kafka").kafka))
        still = [event for event in newest.values() if event.state != "resolved"]
        shown = newest.values() if incomplete or not still else still
        return [(event.alert[:SHOWN], f"{event.severity} {event.name}") for event in reversed(list(shown))]

    return [offer for offer in bounded(read) if offer[0].startswith(incomplete)]


async def _newest(settings: Settings, bootstrap: str) -> dict[str, AlertEvent]:
    """The newest step of each of the last alerts, by id."""
    from streams.kafka import read_topic
    from streams.records import Reject, decode
    from streams.topics import ALERTS

    found: dict[str, AlertEvent] = {}
    async for message in read_topic(settings, bootstrap, ALERTS, last=STEPS):
        try:
            event: AlertEvent = decode(message.value, AlertEvent)
        except Reject:
            continue  # not of our making
        found.pop(event.alert, None)  # newest last
        found[event.alert] = event
    return found


def rule_names(incomplete: str) -> Offers:
    """Names of the rules in use and of presets that begin like this."""

    def read() -> Offers:
        from alerts.rule_files import PRESETS, SHIPPED, load_rules, presets
        from streams.settings import load

        files = [load().rules or SHIPPED, *(PRESETS / f"{name}.yaml" for name in presets())]
        return [(rule.name, " ".join(rule.about.split())[:80]) for file in files for rule in load_rules(file)]

    return [offer for offer in dict.fromkeys(bounded(read)) if offer[0].startswith(incomplete)]


def bounded(read: Callable[[], Offers], seconds: float = SECONDS) -> Offers:
    """What `read` finds in time; nothing when it fails or is late. Its thread ends with the process."""
    found: Offers = []
    logging.disable(logging.CRITICAL)  # a log line would stand in the middle of the prompt

    def run() -> None:
        try:
            found.extend(read())
        except Exception:  # noqa: BLE001 - whatever is wrong: the shell has nothing to offer, and says nothing
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)
