"""Sentences, numbers and times as every message writes them: one catalogue for each language, one way to round.

A number is rounded for reading and never made up: what stands in a message is a field of the alert, or a count of what
the message shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

from streams.plain import plain
from streams.records import AlertEvent, Evidence

AFTER_CHINESE: Final = re.compile(r"(?<=[\u4e00-\u9fff])(?=[0-9])")
LANGUAGES: Final = ("en", "zh")
NAME_LIMIT: Final = 60  # characters of a name in a message; longer ones are ads or attacks
HEADLINE_LIMIT: Final = 200
BLANKS: Final = dict.fromkeys((0x09, 0x0A, 0x0D, 0x2028, 0x2029), " ")  # keep words apart where lines are joined


@lru_cache
def catalogue(lang: str) -> dict[str, str]:
    """The sentences of one language, by key."""
    source = (files("alerts.delivery") / "texts" / f"{lang}.yaml").read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in yaml.safe_load(source).items()}


def say(key: str, lang: str, **values: object) -> str:
    """One sentence, filled. Values are inserted as they are: braces in them mean nothing."""
    return catalogue(lang)[key].format(**values)


def number(value: float) -> str:
    """A figure for reading: whole from 100 on, one digit below, two below one tenth."""
    if value == 0 or not math.isfinite(value) or value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 0.005:
        return "<0.01"
    return f"{value:.2f}" if abs(value) < 0.095 else f"{value:.1f}"


def percent(share: float) -> str:
    """A share for reading; neither a little nor nearly all is rounded to none or all."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:.1%}" if 0 < share < 0.01 or 0.99 < share < 1 else f"{share:.0%}"


def times(beyond: float, below: float = math.inf) -> str:
    """How many times; what lies below a step of the severity never reads as if it had reached it."""
    found = f"{beyond:,.1f}"
    return found if round(beyond, 1) < below or beyond >= below else f"{math.floor(beyond * 100) / 100:,.2f}"


def odds(p: float) -> str:
    """One in how many, to two digits."""
    if p < 1e-9:
        return f">{10**9:,}"
    digits = math.floor(math.log10(1 / p)) - 1
    return f"{round(1 / p, -max(digits, 0)):,.0f}"


def cut(text: str, limit: int) -> str:
    """The text on one line without hidden characters, at most `limit` characters, shortened visibly."""
    text = " ".join(plain(text.translate(BLANKS)).split())
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def is_share(unit: str) -> bool:
    """Whether a unit counts in parts of one."""
    return "share" in unit


def has_window(unit: str) -> bool:
    """Whether a figure is that of its window; what is counted since a moment is not."""
    return " since " not in unit


def is_quiet(event: AlertEvent) -> bool:
    """Whether it rings because nothing came: then an empty window is the news, not a lack of data."""
    return event.kind == "silence" or any(c.type == "silence" and c.holds for c in event.conditions)


def amount(value: float, unit: str) -> str:
    """A figure in its unit's way of writing: 62% or 24."""
    return percent(value) if is_share(unit) else number(value)


def pieces(evidence: Evidence, limit: int = HEADLINE_LIMIT) -> list[tuple[str, bool]]:
    """The headline, made harmless and cut, in pieces: each with whether it is a word worth a look.

    Offsets count in the headline as recorded, so the text is taken apart before anything is removed from it. Offsets
    that cannot be right are passed over.
    """
    headline, found, at, left = evidence.headline, list[tuple[str, bool]](), 0, limit
    for start, end in sorted(evidence.highlights):
        if at <= start < end <= len(headline):
            found += [(headline[at:start], False), (headline[start:end], True)]
            at = end
    kept = list[tuple[str, bool]]()
    for raw, marked in [*found, (headline[at:], False)]:
        piece = plain(raw.translate(BLANKS))
        if len(piece) > left:
            piece = piece[: max(left - 1, 0)] + "…"
        if piece and left > 0:
            kept.append((piece, marked))
        left -= len(piece)
    return kept


@dataclass(frozen=True, slots=True)
class Voice:
    """Who is spoken to: the language, the time zone, and the moment that is now for this message."""

    lang: str
    zone: tzinfo
    now: datetime

    def say(self, key: str, **values: object) -> str:
        """One sentence of the catalogue."""
        return say(key, self.lang, **values)

    def known(self, key: str, fallback: str) -> str:
        """The sentence of this key, or what the record says where the catalogue has no word for it."""
        return catalogue(self.lang).get(key, cut(fallback, NAME_LIMIT))

    def plural(self, key: str, of: float, **values: object) -> str:
        """A sentence with two forms, `one|many`, by the number of things; `{count}` is that number."""
        one, _, many = catalogue(self.lang)[key].partition("|")
        return (one if of == 1 or not many else many).format(**({"count": number(of)} | values))

    def join(self, parts: Iterable[str], last: bool = False) -> str:
        """The parts as a list of words; with `last`, "and" before the last one."""
        found = [part for part in parts if part]
        comma, final = self.say("comma"), self.say("and") if last else self.say("comma")
        return final.join([comma.join(found[:-1]), found[-1]] if len(found) > 1 else found)

    def counted(self, value: float, unit: str) -> str:
        """A figure with what it counts: `24 negative stories`; a unit without a word of ours stands as it is."""
        base, tail = self._tail(unit)
        key = f"count.{base}"
        found = (
            self.plural(key, value, count=amount(value, unit))
            if key in catalogue(self.lang)
            else f"{amount(value, unit)} {cut(base, NAME_LIMIT)}"
        )
        return self.say(tail, amount=found) if tail else found

    def unit(self, unit: str) -> str:
        """The name of a figure: `Negative stories`."""
        base, tail = self._tail(unit)
        found = self.known(f"unit.{base}", base)
        return self.say(tail, amount=found) if tail else found

    def _tail(self, unit: str) -> tuple[str, str]:
        """The unit without what may follow it, and the key of that."""
        for key in catalogue(self.lang):
            tail = key.removeprefix("tail.")
            if tail != key and unit.endswith(f" {tail}"):
                return unit[: -len(tail) - 1], key
        return unit, ""

    def window(self, seconds: int) -> str:
        """A length of time: `30 min`, `2 h`, `7 days`."""
        for key, size in (("days", 86_400), ("hours", 3600)):
            if seconds >= size and seconds % size == 0 and (key != "days" or seconds > size):
                return self.say(key, count=seconds // size)
        return self.say("minutes", count=f"{seconds / 60:g}")

    def stamp(self, at: datetime) -> str:
        """Date, time and zone."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M} {_zone(local)}"

    def clock(self, at: datetime) -> str:
        """The time, with its date unless that is today for the message; the zone stands elsewhere."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone).date()
        return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"

    def period(self, first: datetime, last: datetime) -> str:
        """From when to when, or the one moment when both are the same minute."""
        began, ended = self.clock(first), self.clock(last)
        return began if began == ended else self.say("period", first=began, last=ended)

    @property
    def zone_name(self) -> str:
        """The zone as an offset, which nobody can misread: `UTC`, `UTC+8`."""
        return _zone(self.now.astimezone(self.zone))

    def severity(self, level: str) -> str:
        """The word for a severity."""
        return self.known(f"severity.{level}", level)

    def spaced(self, text: str) -> str:
        """Words of ours put together: in Chinese with a space before a number, as in the sentences themselves."""
        return AFTER_CHINESE.sub(" ", text) if self.lang == "zh" else text

    def name(self, event: AlertEvent, limit: int = NAME_LIMIT) -> str:
        """What the alert is about, for people: a company's name, a topic or a part of Tocsin in this language."""
        if event.kind == "system":
            return cut(event.annotations.get(f"name_{self.lang}", ""), limit) or cut(event.name, limit)
        if event.subject.startswith("topic:"):
            return self.known(event.subject.replace(":", ".", 1), event.name or event.subject)
        return cut(event.name, limit) or cut(event.subject, limit)


def voice(lang: str, now: datetime, zone: tzinfo | None = None) -> Voice:
    """A voice in this language; UTC unless a zone is given."""
    return Voice(lang, zone or UTC, now)


def marks(events: Iterable[AlertEvent], speaker: Voice) -> str:
    """What must stand before everything else: that data are invented or history. Empty for what is real and now.

    Where only some of several alerts are, the mark says so: a real alert must not be taken for a demo.
    """
    found, told = "", tuple(events)
    for key, marked in (("demo", [e.demo for e in told]), ("replay", [e.replay for e in told])):
        if any(marked):
            found += speaker.say(key if all(marked) else f"{key}.some")
    return found


def _zone(local: datetime) -> str:
    offset = local.utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" + (f"{sign}{hours}" if minutes else "") + (f":{rest:02d}" if rest else "")
