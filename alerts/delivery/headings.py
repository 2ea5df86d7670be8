"""What a phone shows before anybody unlocks it: titles and lock screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from alerts.delivery.channel import Message
from alerts.delivery.phrases import NAME_LIMIT, Voice, amount, cut, has_window, is_quiet, marks
from streams.records import AlertEvent

LOCK_LIMIT: Final = {"en": 110, "zh": 60}  # characters: about three lines of a locked phone
LOCK_NAME: Final = {"en": 30, "zh": 16}
NAMES_SHOWN: Final = 4  # names of a group's alerts on a lock screen
ANSWERED: Final = ("repeat", "escalated", "resumed", "digest")  # said before the title; the steps are old news

Heading = Literal["pending", "firing", "worse", "amended", "resolved", "removed"]


def title(message: Message, speaker: Voice) -> str:
    """One line that stands alone: marks, why it is told, severity, name and figure, or how many of which severity."""
    start = _start(message, speaker)
    if len(message.events) > 1:
        common = " ".join(cut(message.group[key], NAME_LIMIT) for key in ("rule",) if key in message.group)
        counts = _counts(message.events, speaker)
        return start + (speaker.say("title", heading=counts, figure=common) if common else counts)
    event = message.events[0]
    head = heading(event, speaker, _state(event, message))
    if event.kind == "system":
        return start + head
    return start + speaker.say("title", heading=head, figure=news(event, speaker))


def lock_lines(message: Message, speaker: Voice) -> str:
    """At most three lines within the limit of the language. Marks, severity and what was suppressed are never cut."""
    limit, event = LOCK_LIMIT[speaker.lang], message.events[0]
    third = suppressed(message, speaker)
    if len(message.events) > 1:
        first = _start(message, speaker) + _counts(message.events, speaker)
        second = speaker.join(speaker.name(e, LOCK_NAME[speaker.lang]) for e in message.events[:NAMES_SHOWN])
    else:
        state = _state(event, message)
        first = _start(message, speaker) + heading(event, speaker, state, LOCK_NAME[speaker.lang])
        second = news(event, speaker)
        room = limit - len(first) - len(second) - 2
        voices = _voices(event, speaker)
        third = third or (voices if len(voices) <= room else "")
    if third and len(first) + len(third) >= limit and message.suppressed > 0:
        third = speaker.say("suppressed.unknown", count=f"{message.suppressed:,}")
    first = cut(first, limit - len(third) - 1)
    left = limit - len(first) - len(third) - 2
    return "\n".join(line for line in (first, cut(second, left) if left > 0 else "", third) if line)


def heading(event: AlertEvent, speaker: Voice, state: Heading, limit: int = NAME_LIMIT) -> str:
    """Severity and name, and what became of it."""
    name = speaker.name(event, limit)
    if event.kind == "system":
        name = speaker.say("heading.system", name=name)
    return speaker.say(f"heading.{state}", severity=speaker.severity(event.severity), name=name)


def state_of(event: AlertEvent) -> Heading:
    """What became of the alert with this step."""
    if event.state == "resolved":
        return "removed" if event.reason == "rule_removed" else "resolved"
    if event.state == "updated":
        return "worse" if event.reason == "severity" else "firing"
    return event.state


def news(event: AlertEvent, speaker: Voice) -> str:
    """The one figure that matters, against the usual; of what is over, how bad it was and when."""
    if event.state == "resolved":
        period = speaker.period(event.since, event.at)
        severity = speaker.severity(event.severity).lower()
        return speaker.say("title.worst", severity=severity, period=period, zone=speaker.zone_name)
    if event.kind == "system":
        return cut(event.annotations.get(speaker.lang, ""), 300)
    return figure(event, speaker)


def figure(event: AlertEvent, speaker: Voice) -> str:
    """The observed figure, its window, and what is usual."""
    window = speaker.window(event.window_seconds)
    if not event.support and not event.documents and not is_quiet(event):
        return speaker.say("nothing", window=window)
    usual = "" if event.expected is None else speaker.say("usual", expected=amount(event.expected, event.unit))
    key = "figure" if has_window(event.unit) else "figure.bare"
    said = speaker.say(key, amount=speaker.counted(event.observed, event.unit), window=window, usual=usual)
    return speaker.spaced(said)


def suppressed(message: Message, speaker: Voice) -> str:
    """How many steps were held back before this message, and since when; empty when none were."""
    if message.suppressed <= 0:
        return ""
    if message.suppressed_since is None:
        return speaker.say("suppressed.unknown", count=f"{message.suppressed:,}")
    since = f"{speaker.clock(message.suppressed_since)} {speaker.zone_name}"
    return speaker.say("suppressed", count=f"{message.suppressed:,}", since=since)


def counts(events: Sequence[AlertEvent], speaker: Voice) -> str:
    """How many of which severity, and how many are over."""
    told = Counter("over" if event.state == "resolved" else event.severity for event in events)
    return speaker.join(
        speaker.plural(f"group.{kind}", told[kind]) for kind in ("critical", "warning", "info", "over") if told[kind]
    )


def _counts(events: Sequence[AlertEvent], speaker: Voice) -> str:
    group = speaker.plural("group", len(events))
    if all(event.state == "resolved" for event in events):
        return speaker.say("heading.resolved", name=group)
    return speaker.say("group.counts", group=group, counts=counts(events, speaker))


def _start(message: Message, speaker: Voice) -> str:
    found = marks(message.events, speaker)
    if message.why == "test":
        found += speaker.say("trial")
    if message.asked_by:
        return found + speaker.say("why.asked", by=cut(message.asked_by, LOCK_NAME[speaker.lang]))
    grouped = len(message.events) > 1 and message.why in ("amended", "worse")
    return found + (speaker.say(f"why.{message.why}") if grouped or message.why in ANSWERED else "")


def _state(event: AlertEvent, message: Message) -> Heading:
    state = state_of(event)
    if state in ("resolved", "removed", "pending"):
        return state
    if message.why in ("amended", "worse"):
        return message.why
    return "firing" if message.why in ANSWERED else state


def _voices(event: AlertEvent, speaker: Voice) -> str:
    if not event.documents or event.state == "resolved":
        return ""
    return speaker.join(
        speaker.plural(f"count.{what}", count) for what, count in (("source", event.sources), ("author", event.authors))
    )
