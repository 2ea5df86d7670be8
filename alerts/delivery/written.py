"""Messages in the form of their channels: what is stored, and from then on sent as it is.

No message stops the others: one that a channel cannot put into words is written without the texts that came from
outside; alerts that fail even so are left out of it and become a dead letter.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec
import structlog

from alerts.delivery.accounts import letters
from alerts.delivery.channel import Action, Channel, Message
from alerts.delivery.notification import Notification
from alerts.delivery.telling import Dispatch
from alerts.evaluation.badge import Badge, BadgeOf, no_badge
from streams.kafka import Outgoing
from streams.records import AlertEvent

UNWRITABLE: Final = "it cannot be put into the channel's form; see the log for delivery.unwritable"

Links = Callable[[str, str, datetime], Mapping[Action, str]]  # of an alert, for a receiver, from now on
Written = tuple[list[Notification], list[Outgoing]]  # what is to be sent, and dead letters

log = structlog.get_logger(__name__)


def no_links(alert: str, receiver: str, now: datetime) -> Mapping[Action, str]:  # noqa: ARG001 - it is a `Links`
    """For messages without buttons."""
    return {}


def write_all(
    dispatches: Iterable[Dispatch],
    channels: Mapping[str, Channel],
    links: Links,
    namespace: str,
    disabled: Mapping[str, str],
    badge_of: BadgeOf = no_badge,
) -> Written:
    """All of them. What goes to a receiver that asked for no more is a dead letter: it is stored, and never sent."""
    made, lost = list[Notification](), list[Outgoing]()
    for dispatch in dispatches:
        channel = channels[dispatch.receiver]
        rows, failed = write(channel, dispatch.message, links, namespace, badge_of)
        made += rows
        lost += failed
        if channel.id in disabled:
            lost += letters(channel, rows, disabled[channel.id], dispatch.message.at)
    return made, lost


def write(channel: Channel, message: Message, links: Links, namespace: str, badge_of: BadgeOf = no_badge) -> Written:
    """The message as this channel sends it, with links where they can be made and what was measured of its rules."""
    linked, badges = _linked(channel, message, links), badges_for(message.events, badge_of)
    message = replace(message, namespace=namespace, links=linked, badges=badges)
    parts = _parts(channel, message)
    if parts:
        return [_row(channel, message, parts)], []
    several = message.events if len(message.events) > 1 else ()
    well = tuple(event for event in several if _parts(channel, replace(message, events=(event,))))
    rest = replace(message, events=well) if well else None
    parts = _parts(channel, rest) if rest is not None else ()
    if rest is None or not parts:
        return [], letters(channel, [_row(channel, message, ())], UNWRITABLE, message.at)
    out = replace(message, id=f"{message.id}_rest", events=tuple(e for e in message.events if e not in well))
    return [_row(channel, rest, parts)], letters(channel, [_row(channel, out, ())], UNWRITABLE, message.at)


def badges_for(events: Iterable[AlertEvent], badge_of: BadgeOf) -> dict[str, Badge]:
    """What was measured of the rules of these alerts, by their hashes."""
    found = {event.rule_hash: badge_of(event.rule_hash) for event in events}
    return {hash_: badge for hash_, badge in found.items() if badge is not None}


def place(error: BaseException) -> dict[str, str]:
    """Kind and place of a fault for the log. Never its text: that may hold an address or what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "at": f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""}


def _linked(channel: Channel, message: Message, links: Links) -> dict[str, Mapping[Action, str]]:
    try:
        found = {event.alert: links(event.alert, channel.name, message.at) for event in message.events}
    except Exception as error:  # noqa: BLE001 - better told without buttons than not at all
        log.error("delivery.no_links", receiver=channel.name, notification=message.id, **place(error))
        return {}
    return {alert: actions for alert, actions in found.items() if actions}


def _parts(channel: Channel, message: Message) -> tuple[bytes, ...]:
    """The parts, if need be without texts from outside; none when that fails too."""
    for form in (message, replace(message, events=tuple(map(_bare, message.events)))):
        try:
            parts = channel.render(form)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next message must go out
            log.error("delivery.unwritable", receiver=channel.name, notification=message.id, **place(error))
            continue
        if parts:
            return parts
    return ()


def _bare(event: AlertEvent) -> AlertEvent:
    return msgspec.structs.replace(event, evidence=(), annotations={}, conditions=(), counterfactual=None)


def _row(channel: Channel, message: Message, parts: Sequence[bytes]) -> Notification:
    return Notification(
        id=message.id,
        receiver=channel.id,
        type=channel.type,
        why=message.why,
        events=tuple(event.id for event in message.events),
        parts=tuple(parts),
    )
