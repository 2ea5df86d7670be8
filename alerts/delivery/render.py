"""A message as people read it, in English or Chinese: on a lock screen, as a chat card, as an e-mail.

Everything said is a field of an alert or of the message. Text from outside stays text: spans carry no markup, and the
HTML of an e-mail is escaped, loads nothing and runs nothing. The same message gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Final, Literal

from alerts.delivery import facts
from alerts.delivery.card import Block, Button, Card, Line, Mail, Span
from alerts.delivery.channel import Action, Message
from alerts.delivery.facts import address, bold, line
from alerts.delivery.headings import counts, heading, lock_lines, news, state_of, suppressed, title
from alerts.delivery.letter import letter
from alerts.delivery.phrases import NAME_LIMIT, Voice, cut, marks, voice
from streams.records import AlertEvent

Lang = Literal["en", "zh"]
CHAT_STORIES: Final = 3  # of one alert in a chat card
CHAT_ALERTS: Final = 20  # of a group in a chat card
NAMED: Final = 500  # of a group that are named, at least
A_LINE: Final = 10  # names
REASON_LIMIT: Final = 300  # characters of what somebody wrote
REST_NAME: Final = 40  # characters of such a name
MAIL_ALERTS: Final = 100
EVERYTHING: Final = 1000
ACTIONS: Final[tuple[Action, ...]] = ("show", "acknowledge", "silence", "wrong")
OVER: Final[tuple[Action, ...]] = ("show", "wrong")


def lock_screen(message: Message, lang: Lang, zone: tzinfo | None = None) -> str:
    """Severity, name and number in at most three lines: 110 characters, 60 in Chinese. Times in UTC by default."""
    return lock_lines(message, voice(lang, message.at, zone))


def card(message: Message, lang: Lang, zone: tzinfo | None = None) -> Card:
    """The message for a chat: three stories of one alert, or twenty alerts of a group, and the names of the rest."""
    return _card(message, voice(lang, message.at, zone), CHAT_STORIES, CHAT_ALERTS)


def mail(message: Message, lang: Lang, zone: tzinfo | None = None) -> Mail:
    """The message as an e-mail with all evidence and labels, as text and as HTML."""
    whole = _card(message, voice(lang, message.at, zone), EVERYTHING, MAIL_ALERTS)
    return letter(whole, lang)


def _card(message: Message, speaker: Voice, stories: int, alerts: int) -> Card:
    first = Block(tuple(_opening(message, speaker)))
    if len(message.events) > 1:
        body = list(_group(message, speaker, stories, alerts))
    else:
        body = list(_single(message, speaker, stories))
    over = all(event.state == "resolved" for event in message.events)
    return Card(
        title=title(message, speaker),
        severity="resolved" if over else message.severity,
        blocks=tuple(block for block in (first, *body) if block.lines),
        buttons=_buttons(message, speaker),
    )


def _opening(message: Message, speaker: Voice) -> Iterator[Line]:
    """What comes before any figure: what was held back, and why this is told."""
    if held_back := suppressed(message, speaker):
        yield bold(held_back)
    if message.asked_by:
        by, why = cut(message.asked_by, NAME_LIMIT), cut(message.asked_why, REASON_LIMIT)
        yield line(speaker.say("reason.asked.why" if why else "reason.asked", by=by, why=why))
    elif message.why in ("test", "repeat", "escalated", "resumed", "digest"):
        yield line(speaker.say(f"reason.{message.why}"))
    alone = message.events[0].reason if len(message.events) == 1 else ""
    if alone in ("rule_removed", "lapsed", "late_document", "corrected"):
        yield line(speaker.say(f"reason.{alone}"))
    elif message.why == "amended":
        yield line(speaker.say("reason.amended"))


def _single(message: Message, speaker: Voice, stories: int) -> Iterator[Block]:
    event = message.events[0]
    if event.kind == "system":
        yield facts.itself(event, speaker)
        yield facts.provenance(event, speaker)
        return
    yield facts.figures(event, speaker)
    yield Block(tuple(facts.notes(event, speaker)))
    yield from facts.conditions(event, speaker)
    yield from facts.stories(event, speaker, stories)
    if told := facts.without(event, speaker):
        yield Block((line(told),))
    yield facts.provenance(event, speaker, message.badges.get(event.rule_hash))
    if stories >= EVERYTHING and event.labels:
        yield Block((line(speaker.say("labels", labels=speaker.join(_pairs(event.labels)))),))


def _group(message: Message, speaker: Voice, stories: int, alerts: int) -> Iterator[Block]:
    if len(message.group) > ("rule" in message.group):
        yield Block((line(speaker.say("group.common", parts=speaker.join(_pairs(message.group)))),))
    for event in message.events[:alerts]:
        yield Block(tuple(_brief(event, message, speaker, 1 if stories < EVERYTHING else stories)))
    if rest := message.events[alerts:]:
        said = [line(speaker.say("group.rest", count=f"{len(rest):,}", counts=counts(rest, speaker)))]
        for at in range(0, min(len(rest), NAMED), A_LINE):  # in a storm nobody is left to guess who else it is
            said.append(line(speaker.join(speaker.name(event, REST_NAME) for event in rest[at : at + A_LINE])))
        yield Block(tuple(said))
    yield Block((line(speaker.say("zone", zone=speaker.zone_name)),))


def _brief(event: AlertEvent, message: Message, speaker: Voice, stories: int) -> Iterator[Line]:
    """One alert among several: what, how much, the story told most, and where to look further."""
    head = marks([event], speaker) + heading(event, speaker, state_of(event))
    if event.kind == "system":
        yield bold(head)
        yield from facts.itself(event, speaker).lines
    else:
        yield bold(speaker.say("title", heading=head, figure=news(event, speaker)))
    for evidence in event.evidence[:stories]:
        source = Span(cut(evidence.source, NAME_LIMIT), href=address(evidence.url))
        copies = speaker.plural("count.copy", evidence.copies)
        yield (*facts.headline(evidence, speaker, "· "), Span(" · "), source, Span(f" · {copies}"))
    links = [(speaker.say(f"link.{a}"), address(message.links.get(event.alert, {}).get(a, ""))) for a in ACTIONS[:2]]
    found = [Span(word, href=href) for word, href in links if href]
    rule = "" if "rule" in message.group else speaker.say("group.rule", rule=cut(event.rule, 64))
    since = speaker.clock(event.since)
    told = speaker.say("group.alert", alert=event.alert[: facts.SHORT], rule=rule, since=since)
    yield (Span(told), *(span for link in found for span in (Span(" · "), link)))


def _pairs(labels: Mapping[str, str]) -> Iterator[str]:
    """Labels as they are written to silence an alert: `desk=risk`."""
    return (f"{cut(name, 40)}={cut(value, 80)}" for name, value in sorted(labels.items()))


def _buttons(message: Message, speaker: Voice) -> tuple[Button, ...]:
    """Of one alert what may still be done with it; those of a group stand with each alert."""
    if len(message.events) > 1:
        return ()
    event = message.events[0]
    links = message.links.get(event.alert, {})
    actions = OVER if event.state == "resolved" else ACTIONS
    found = ((action, address(links.get(action, ""))) for action in actions)
    return tuple(Button(speaker.say(f"link.{action}"), href) for action, href in found if href)
