"""Words, numbers and times of a report in one language and one zone. Pure.

Numbers are rounded as in messages about alerts; what could not be computed is a dash, never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from alerts.delivery.card import Line, Span
from alerts.delivery.facts import address
from alerts.delivery.phrases import Voice, cut, number, percent, voice
from console.messages import catalogue, say
from console.opinion.counts import Share
from console.report.links import Links
from streams.gazetteer import HAN, read_companies
from streams.records import AlertEvent

NONE: Final = "–"
SHORT: Final = 8  # characters of an id that find it
HEADLINE_LIMIT: Final = 160
NAME_LIMIT: Final = 60


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: `end` is the moment whose day needs no date."""

    lang: str
    zone: ZoneInfo
    end: datetime
    links: Links = field(default_factory=Links)

    @property
    def voice(self) -> Voice:
        """The same speaker for what messages about alerts say."""
        return voice(self.lang, self.end - timedelta(seconds=1), self.zone)

    def say(self, key: str, **values: object) -> str:
        """One sentence of `report`."""
        return say(f"report.{key}", self.lang, **values)

    def plural(self, key: str, of: float, **values: object) -> str:
        """A sentence with two forms, `one|many`; `{count}` is the number."""
        one, _, many = catalogue(self.lang)[f"report.{key}"].partition("|")
        return (one if of == 1 or not many else many).format_map({"count": number(of)} | values)

    def count(self, what: str, of: float) -> str:
        """A number with what it counts: `1 document`, `24 篇文档`."""
        return self.plural(f"count.{what}", of)

    def join(self, parts: Iterable[str], last: bool = True) -> str:
        """Words as a list with "and" before the last one; without `last` clauses, one after the other."""
        found = [part for part in parts if part]
        if not last or len(found) < 2:
            return self.say("comma").join(found)
        before, word = self.say("list").join(found[:-1]), self.say("and")
        if self.lang == "zh":  # Latin words stand apart from the Chinese one between them
            word = " " * before[-1].isascii() + word + " " * found[-1][0].isascii()
        return before + word + found[-1]

    def sentences(self, parts: Iterable[str]) -> str:
        """Sentences in a row."""
        return self.say("gap").join(part for part in parts if part)

    def share(self, share: Share | None) -> str:
        """A share, or a dash."""
        return NONE if share is None else percent(share.value)

    def interval(self, share: Share | None) -> str:
        """A share with its bounds, or a dash."""
        if share is None:
            return NONE
        return self.say(
            "interval", value=percent(share.value), low=percent(share.low), high=percent(share.high)
        )  # fmt: skip

    def day(self, day: date, weekday: bool = True) -> str:
        """A day of the calendar as people write it."""
        name = self.say(f"weekday.{day.weekday()}")
        if self.lang == "zh":
            return f"{day.year}年{day.month}月{day.day}日" + (f"（{name}）" if weekday else "")
        return (f"{name} " if weekday else "") + f"{day.day} {day:%B} {day.year}"

    def short_day(self, day: date) -> str:
        """A day without its year."""
        return f"{day.month}月{day.day}日" if self.lang == "zh" else f"{day.day} {day:%b}"

    def clock(self, at: datetime) -> str:
        """A time; with its date unless that is the last day covered."""
        return self.voice.clock(at)

    @property
    def place(self) -> str:
        """The zone as an offset and by its name: `UTC+8 (Asia/Shanghai)`; `UTC` alone."""
        offset, name = self.voice.zone_name, self.zone.key
        return offset if name == offset else offset + self.say("bracket.open") + name + self.say("bracket.close")

    def stamp(self, at: datetime) -> str:
        """Date, time and zone."""
        return self.voice.stamp(at)

    def period(self, first: datetime, last: datetime) -> str:
        """From when to when."""
        one, other = self.clock(first), self.clock(last)
        return one if one == other else self.say("story.when", first=one, last=other)

    def topic(self, label: str) -> str:
        """The name of a topic."""
        return self.voice.known(f"topic.{label}", label)

    def risk(self, label: str) -> str:
        """The name of a kind of risk; nothing for none."""
        return self.voice.known(f"risk.{label}", label) if label not in ("", "none") else ""

    def subject(self, subject: str, name: str) -> str:
        """What a company or topic is called here."""
        kind, _, value = subject.partition(":")
        return self.topic(value) if kind == "topic" else cut(local_name(value, name, self.lang), NAME_LIMIT)

    def name(self, event: AlertEvent) -> str:
        """What an alert is about."""
        if event.kind != "system" and event.subject.startswith("entity:"):
            return self.subject(event.subject, event.name or event.subject)
        return self.voice.name(event)

    def document(self, id_: str) -> Line:
        """The id of a document, short, and where it can be read."""
        return (Span(self.say("story.document", id=id_[:SHORT]), href=self.links.document(id_)),)

    def headline(self, text: str, url: str) -> Span:
        """A headline from outside, on one line and cut, with its address where that is one of the web."""
        return Span(cut(text, HEADLINE_LIMIT) or self.say("story.untitled"), href=address(url))


def points(share: float) -> str:
    """A difference of shares in percentage points, without its sign."""
    return f"{abs(share) * 100:.1f}".removesuffix(".0")


def signed(share: float) -> str:
    """The same with its sign."""
    return f"{'−' if share < 0 else '+'}{points(share)}"


def initial(text: str) -> str:
    """The text with its first letter a capital, as a sentence or a name in a table begins."""
    return text[:1].upper() + text[1:]


def local_name(company: str, name: str, lang: str) -> str:
    """The name of a company for readers of Chinese: that of the shipped list with its usual Chinese one before it."""
    if lang != "zh" or HAN.search(name):
        return name
    own = _chinese_names().get(company, "")
    return f"{own}（{name}）" if own else name


@cache
def _chinese_names() -> dict[str, str]:
    """What each company of the shipped list is called in Chinese, where it is."""
    return {each.id: each.chinese for each in read_companies() if each.chinese}
