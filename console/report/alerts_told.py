"""What became of alerts, in words: when they rang, what people did, who was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from alerts.delivery.answers import translated
from alerts.delivery.card import Line, Span
from alerts.delivery.facts import address
from alerts.delivery.headings import figure
from alerts.delivery.measured import measured
from alerts.delivery.phrases import cut, marks
from alerts.evaluation.badge import Badge
from console.report.happenings import Happening, Told
from console.report.sheet import Item, Items, Part, Text, bold_line, plain_line
from console.report.speaker import HEADLINE_LIMIT, SHORT, Speaker, initial
from streams.records import Acknowledgement, Escalation, Mark, OfAlerts, Silence

SHOWN = 30  # alerts of a report that are told one by one
HEADLINES = 2
REASON_LIMIT = 200
ANSWER_LIMIT = 200


def alerts_parts(rang: Sequence[Happening], before: Sequence[Happening], speaker: Speaker) -> Iterator[Part]:
    """Those that rang, then those that went on."""
    if not rang and not before:
        yield Text(plain_line(speaker.say("alert.none")))
        return
    for key, found in (("rang", rang), ("open", before)):
        if not found:
            if key == "rang":
                yield Text(plain_line(speaker.say("alert.none_rang")))
            continue
        if before:
            yield Text(bold_line(speaker.say(f"alert.{key}")))
        yield Items(tuple(item(each, speaker) for each in found[:SHOWN]))
        if len(found) > SHOWN:
            rest = speaker.count("alert", len(found) - SHOWN)
            yield Text(plain_line(speaker.say("alert.more", alerts=rest)), "quiet")


def item(each: Happening, speaker: Speaker) -> Item:
    """One alert."""
    event = each.event
    lines = [
        title(each, speaker),
        plain_line(speaker.sentences((when(each, speaker), speaker.say("alert.worst", figure=worst(each, speaker))))),
        _stories(each, speaker),
        plain_line(speaker.sentences((people(each, speaker), telling(each, speaker)))),
        plain_line(afterwards(each, speaker)),
        (Span(speaker.say("alert.rule", rule=cut(event.rule, 64)) + speaker.say("gap")), *_id(each, speaker)),
    ]
    return Item(tuple(line for line in lines if any(span.text for span in line)), event.severity)


def title(each: Happening, speaker: Speaker) -> Line:
    """Severity and name, marked where data are invented."""
    event, voice = each.event, speaker.voice
    told = speaker.say("alert.head", severity=voice.severity(event.severity), name=speaker.name(event))
    return (Span(marks([event], voice) + told, "bold", speaker.links.alert(each.alert)),)


def worst(each: Happening, speaker: Speaker) -> str:
    """The figure of the worst step."""
    return figure(each.event, speaker.voice).rstrip(".。")


def _id(each: Happening, speaker: Speaker) -> Line:
    return (Span(speaker.say("alert.id", id=each.alert[:SHORT]), href=speaker.links.alert(each.alert)),)


def when(each: Happening, speaker: Speaker) -> str:
    """When it rang and when that was over."""
    if each.ended is None:
        return speaker.say("alert.when_open", fired=speaker.clock(each.fired))
    key = "alert.when_removed" if each.last.reason == "rule_removed" else "alert.when_ended"
    return speaker.say(key, fired=speaker.clock(each.fired), ended=speaker.clock(each.ended))


def _stories(each: Happening, speaker: Speaker) -> Line:
    """The stories told most, with their addresses."""
    evidence = [e for e in each.event.evidence if e.headline][:HEADLINES]
    if not evidence:
        return ()
    spans: list[Span] = [Span(speaker.say("alert.stories"))]
    for number, one in enumerate(evidence):
        spans += [Span(speaker.say("semicolon"))] if number else []
        spans.append(Span(cut(one.headline, HEADLINE_LIMIT), href=address(one.url)))
        spans.append(Span(speaker.say("bracket.open") + cut(one.source, 40) + speaker.say("comma")))
        spans += [*speaker.document(one.document), Span(speaker.say("bracket.close"))]
    more = each.event.stories - len(evidence)
    if more > 0:
        spans.append(Span(speaker.say("comma") + speaker.say("alert.and_more", stories=speaker.count("story", more))))
    return (*spans, Span(speaker.say("stop")))


def people(each: Happening, speaker: Speaker) -> str:
    """What people did by the end."""
    found = [did(o, speaker) for o in each.operations]
    if not found:
        return speaker.say("alert.untouched")
    return _sentence(speaker.join(found, last=False), speaker)


def _sentence(text: str, speaker: Speaker) -> str:
    return speaker.say("alert.did", what=initial(text))


def did(operation: OfAlerts, speaker: Speaker) -> str:
    """What somebody did, with author, time and reason."""
    said = _did(operation, speaker)
    reason = cut(getattr(operation, "reason", ""), REASON_LIMIT)
    return speaker.say("alert.reason", what=said, reason=reason) if reason else said


def _did(operation: OfAlerts, speaker: Speaker) -> str:
    values = {"author": cut(operation.author, 60), "at": speaker.clock(operation.at)}
    match operation:
        case Acknowledgement(until=None):
            return speaker.say("alert.acknowledged", **values)
        case Acknowledgement(until=until) if until is not None:
            return speaker.say("alert.acknowledged_until", until=speaker.clock(until), **values)
        case Silence(until=until):
            return speaker.say("alert.silenced", until=speaker.clock(until), **values)
        case Mark(right=right):
            return speaker.say("alert.right" if right else "alert.wrong", **values)
        case Escalation():
            return speaker.say("alert.escalated", **values)
    return ""


def telling(each: Happening, speaker: Speaker) -> str:
    """Who was told by the end, and what each answered."""
    if each.told:
        return speaker.say("alert.told", receivers=_receivers(each.told, speaker))
    if each.told_afterwards:
        return ""
    return speaker.say("alert.untold_silenced" if each.silenced else "alert.untold")


def _receivers(told: Iterable[Told], speaker: Speaker) -> str:
    return speaker.join((_receiver(each, speaker) for each in told), last=False)


def _receiver(told: Told, speaker: Speaker) -> str:
    key = {"delivered": "delivered", "retry": "waiting", "refused": "refused"}.get(told.outcome, "disabled")
    return speaker.say(
        f"alert.told_{key}",
        **{"receiver": cut(told.receiver, 60)}
        | ({"at": speaker.clock(told.at)} if key == "delivered" else {"meaning": answer(told, speaker)}),
    )


def answer(told: Told, speaker: Speaker) -> str:
    """What a receiver answered, in brackets; nothing where it said nothing."""
    said = cut(translated(told.meaning, speaker.lang), ANSWER_LIMIT)
    return speaker.say("alert.meaning", meaning=said) if said else ""


def afterwards(each: Happening, speaker: Speaker) -> str:
    """What people did and channels answered after the end; nothing where nothing was."""
    found = [did(o, speaker) for o in each.afterwards]
    if each.told_afterwards:
        told = speaker.say("alert.told", receivers=_receivers(each.told_afterwards, speaker))
        found.append(told[:1].lower() + told[1:].rstrip(".。"))
    return speaker.say("alert.afterwards", what=speaker.join(found, last=False)) if found else ""


def badge_items(badges: Mapping[str, Badge], rang: Iterable[Happening], speaker: Speaker) -> Iterator[Item]:
    """What was measured of each rule that rang."""
    rules = {each.event.rule_hash: each.event.rule for each in rang}
    for hash_, rule in sorted(rules.items(), key=lambda pair: pair[1]):
        name = cut(rule, 64)
        if hash_ in badges:
            told = speaker.say("quality.badge", rule=name, sentence=measured(badges[hash_], speaker.lang))
        else:
            told = speaker.say("quality.unmeasured", rule=name)
        yield Item((plain_line(told),))
