"""The lines of one alert: what was seen, how bad it is, who says so, what the rule would say without it.

Every line is made of fields of the event; a field that says nothing makes no line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from alerts.delivery.card import Block, Line, Span
from alerts.delivery.headings import figure
from alerts.delivery.measured import measured
from alerts.delivery.phrases import Voice, amount, cut, has_window, is_share, number, odds, percent, pieces, times
from alerts.evaluation.badge import Badge
from streams.records import AlertEvent, Condition, Counterfactual, Evidence

ADDRESS: Final = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?")  # no user name: what stands before an @ misleads
ADDRESS_LIMIT: Final = 2048
RISKS_SHOWN: Final = 5
NOTES_SHOWN: Final = 6
NOTE_LIMIT: Final = 300  # characters of one sentence of a rule
LANGUAGE_KEYS: Final = ("en", "zh", "fix_en", "fix_zh")
SHORT: Final = 8  # characters of a hash or an alert's id: enough to find it


def address(url: str) -> str:
    """The address when it may be clicked on: http or https, with a host, without blanks; empty otherwise."""
    return url if url.isprintable() and len(url) <= ADDRESS_LIMIT and ADDRESS.fullmatch(url) else ""


def line(*texts: str) -> Line:
    """A line of plain text."""
    return tuple(Span(text) for text in texts if text)


def bold(text: str) -> Line:
    """A line that stands out."""
    return (Span(text, "bold"),)


def figures(event: AlertEvent, speaker: Voice) -> Block:
    """How improbable the figure of the title is, on what support, and how severe; what is over has its figure here."""
    found = [line(speaker.say("gap").join(_usual(event, speaker)))]
    if event.state == "resolved":  # the title of what is over tells how it was
        key = "last" if event.reason == "rule_removed" else "now"
        found.insert(0, line(speaker.say(key, figure=figure(event, speaker).rstrip(".。"))))
    if event.documents or event.support:
        found.append(line(_counts(event, speaker)))
    found += [line(severity(event, speaker)), line(_risks(event, speaker)), line(_aside(event, speaker))]
    return Block(tuple(told for told in found if told and any(span.text for span in told)))


def severity(event: AlertEvent, speaker: Voice) -> str:
    """The arithmetic that made the severity; of what is over only the highest."""
    word = speaker.severity(event.severity).lower()
    if event.state == "resolved":
        return speaker.say("worst", severity=word)
    if event.beyond <= 0:
        return ""
    higher = {level: ratio for level, ratio in event.ladder.items() if ratio > event.beyond}
    then, following = "", min(higher.values(), default=math.inf)
    if event.severity in higher:  # it was worse before: the highest counts
        then = speaker.say("bound.kept", severity=word)
    elif higher:
        level = next(name for name, ratio in higher.items() if ratio == following)
        then = speaker.say("bound.next", severity=speaker.severity(level).lower(), ratio=f"{following:g}")
    compared = event.low if is_share(event.unit) else event.observed
    if event.bound and compared is not None and math.isclose(compared / event.bound, event.beyond, rel_tol=0.02):
        return speaker.say(
            "bound.low" if is_share(event.unit) else "bound",
            amount=percent(compared) if is_share(event.unit) else speaker.counted(compared, event.unit),
            beyond=times(event.beyond, following),
            bound=amount(event.bound, event.unit),
            next=then,
        )
    return speaker.say("bound.none", beyond=times(event.beyond, following), next=then)


def stories(event: AlertEvent, speaker: Voice, most: int) -> Iterator[Block]:
    """The stories told most, each with headline, highlighted words, source and numbers."""
    shown = event.evidence[:most]
    if not shown:
        return
    head = speaker.say("stories")
    if event.stories > len(shown):
        head = speaker.say("stories.some", shown=len(shown), count=number(event.stories))
    for position, evidence in enumerate(shown, 1):
        told = (headline(evidence, speaker, f"{position}. "), _about(evidence, speaker))
        yield Block((bold(head), *told) if position == 1 else told)


def headline(evidence: Evidence, speaker: Voice, before: str = "") -> Line:
    """The headline with its words worth a look marked."""
    found = tuple(Span(piece, "mark" if marked else "") for piece, marked in pieces(evidence))
    return (*line(before), *(found or line(speaker.say("story.untold"))))


def _about(evidence: Evidence, speaker: Voice) -> Line:
    parts = [
        speaker.plural("count.copy", evidence.copies),
        speaker.plural("count.author", evidence.authors),
        speaker.plural("count.source", evidence.sources) if evidence.sources else "",
        speaker.say("story.share", share=percent(evidence.share)) if evidence.share else "",
        speaker.period(evidence.first_seen or evidence.collected_at, evidence.last_seen or evidence.collected_at),
        speaker.known(f"risk.{evidence.risk}", evidence.risk) if evidence.risk not in ("", "none") else "",
        speaker.say("story.negative", share=percent(evidence.negative)) if evidence.negative else "",
    ]
    return (
        Span(cut(evidence.source, 60), href=address(evidence.url)),
        *line("".join(f" · {part}" for part in parts if part)),
    )


def without(event: AlertEvent, speaker: Voice) -> str:
    """What the rule would say had the stories told most not been told."""
    found = event.counterfactual
    if found is None or event.state == "resolved":
        return ""
    return speaker.spaced(_without(event, found, speaker))


def _without(event: AlertEvent, found: Counterfactual, speaker: Voice) -> str:
    left = speaker.counted(found.observed, event.unit)
    if not found.stops:
        count = len(found.documents) or len(event.evidence)
        return speaker.plural("without.never", count, amount=left) if count else ""
    at = {evidence.document: str(n) for n, evidence in enumerate(event.evidence, 1)}
    numbers = [at.get(document, "") for document in found.documents]
    if not numbers or not all(numbers):
        return speaker.plural("without.unseen", len(numbers), amount=left) if numbers else ""
    if len(numbers) == 1:
        return speaker.say("without.one", number=numbers[0], amount=left)
    return speaker.say("without.many", numbers=speaker.join(numbers, last=True), amount=left)


def conditions(event: AlertEvent, speaker: Voice) -> Iterator[Block]:
    """What each part of a composed rule said."""
    if event.conditions:
        yield Block((bold(speaker.say("conditions")), *(line(_condition(part, speaker)) for part in event.conditions)))


def notes(event: AlertEvent, speaker: Voice) -> Iterator[Line]:
    """The rule's own sentences; of those in both languages the reader's."""
    other = "en" if speaker.lang == "zh" else "zh"
    for key, value in list(event.annotations.items())[:NOTES_SHOWN]:
        if key in LANGUAGE_KEYS or key.endswith(f"_{other}"):
            continue
        name, said = cut(key.removesuffix(f"_{speaker.lang}"), 40), cut(value, NOTE_LIMIT)
        if href := address(value.strip()):
            yield (Span(name, href=href),)
        elif said:
            yield line(said) if name == "summary" else line(speaker.say("pair", name=name, value=said))


def itself(event: AlertEvent, speaker: Voice) -> Block:
    """What is wrong with Tocsin itself and what to do, or that it is over."""
    sentence, fix = (cut(event.annotations.get(key, ""), 500) for key in (speaker.lang, f"fix_{speaker.lang}"))
    found = [bold(sentence)] if sentence else []
    if fix and event.state != "resolved":
        found.append(line(speaker.say("system.fix", fix=fix)))
    return Block(tuple(found))


def provenance(event: AlertEvent, speaker: Voice, badge: Badge | None = None) -> Block:
    """Rule and hash, what was measured of it, when, models, and the id by which the alert is found."""
    key = "rule.over" if event.state == "resolved" else "rule"
    rule, hash_ = cut(event.rule, 64), cut(event.rule_hash, SHORT + 1)[:SHORT]
    found = [
        line(speaker.say(key, rule=rule, hash=hash_, since=speaker.clock(event.since), at=speaker.clock(event.at)))
    ]
    if badge is not None:
        found.append(line(measured(badge, speaker.lang)))
    if event.models:
        found.append(line(speaker.say("models", models=speaker.join(cut(model, 60) for model in event.models[:4]))))
    id_, subject, zone = event.alert[:SHORT], cut(event.subject, 64), speaker.zone_name
    found.append(line(speaker.say("alert", alert=id_, subject=subject, step=event.sequence + 1, zone=zone)))
    return Block(tuple(found))


def _usual(event: AlertEvent, speaker: Voice) -> Iterator[str]:
    if event.low is not None and event.high is not None and event.state != "resolved":
        key = "range" if not is_share(event.unit) else "interval.corrected" if event.corrected else "interval"
        yield speaker.say(
            key, low=amount(event.low, event.unit), high=amount(event.high, event.unit), support=event.support
        )
    if event.p_value is not None:
        yield speaker.say("odds", count=odds(event.p_value))
    state = event.labels.get("baseline", "")
    if state in ("none", "warming"):
        yield speaker.say(f"baseline.{state}")


def _counts(event: AlertEvent, speaker: Voice) -> str:
    of = {"document": event.documents, "story": event.stories, "source": event.sources, "author": event.authors}
    said = {f"{what if what != 'story' else 'storie'}s": speaker.plural(f"count.{what}", n) for what, n in of.items()}
    return speaker.spaced(speaker.say("counts", support=number(event.support), **said))


def _risks(event: AlertEvent, speaker: Voice) -> str:
    ranked = sorted(((n, kind) for kind, n in event.risks.items() if kind != "none" and n), key=lambda r: (-r[0], r[1]))
    if not ranked:
        return ""
    said = [
        speaker.say("risk.count", risk=speaker.known(f"risk.{kind}", kind), count=number(n))
        for n, kind in ranked[:RISKS_SHOWN]
    ]
    if len(ranked) > RISKS_SHOWN:
        said.append(speaker.say("others", count=len(ranked) - RISKS_SHOWN))
    return speaker.say("risks", risks=speaker.join(said))


def _aside(event: AlertEvent, speaker: Voice) -> str:
    counts: Sequence[tuple[str, int]] = (
        ("stale", event.stale),
        ("unknown", event.unknown_dates),
        ("unjudged", event.unjudged),
    )
    parts = [speaker.say(f"aside.{what}", count=number(count)) for what, count in counts if count]
    return speaker.say("aside", parts=speaker.join(parts)) if parts else ""


def _condition(part: Condition, speaker: Voice) -> str:
    window = speaker.window(part.window_seconds)
    key = "figure" if has_window(part.unit) else "figure.bare"
    said = speaker.spaced(speaker.say(key, amount=speaker.counted(part.observed, part.unit), window=window, usual=""))
    kind = speaker.known(f"type.{part.type}", part.type)
    if part.holds:
        return speaker.say("condition.holds", type=kind, figure=said)
    return speaker.say("condition.fails", type=kind, figure=said, why=speaker.known(f"said.{part.why}", part.why))
