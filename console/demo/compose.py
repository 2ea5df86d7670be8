"""Makes the invented day from its files: the same lines for every run, moved to the date that is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, pairwise
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from console.demo.texts import Company, Slots, Writer, companies, pick, read, shuffled
from streams.records import Kind, RawItem, encode

STEP: Final = 10  # seconds between the points at which a curve is read


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the day's file: the moment it is played, its bytes, and what it is meant to be."""

    at: datetime
    data: bytes
    part: str
    company: str = ""  # key of the company it is about
    item: RawItem | None = None  # None: broken on purpose
    reason: str = ""  # why it must be rejected
    mood: str = ""  # how it is meant: negative, neutral, positive; empty when nobody says


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: for which part of the day, through what, in which language, about whom, in what mood."""

    part: str
    kind: Kind
    lang: str
    company: Company | None
    mood: str = ""


def clock(day: date, text: str) -> datetime:
    """The moment `HH:MM` of that day, in UTC."""
    return datetime.combine(day, time.fromisoformat(text), UTC)


def spread(random: Random, day: date, curve: Sequence[Sequence[Any]], count: int) -> list[datetime]:
    """`count` moments distributed like the curve, in order: one at a random place of each equal share of its area."""
    points = [(clock(day, at), float(weight)) for at, weight in curve]
    moments: list[datetime] = []
    weights: list[float] = []
    for (start, low), (end, high) in pairwise(points):
        steps = int((end - start).total_seconds()) // STEP
        for i in range(steps):
            moments.append(start + timedelta(seconds=i * STEP))
            weights.append(low + (high - low) * i / steps)
    total = list(accumulate(weights))
    found = []
    for i in range(count):
        place = bisect_left(total, (i + random.random()) / count * total[-1])
        found.append(moments[min(place, len(moments) - 1)] + timedelta(seconds=round(random.random() * STEP, 1)))
    return found


class Composer:
    """Everything that happens on one day. Each part has its own random sequence, so one can change without the rest."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._plan = read("timeline")
        self._companies = companies()
        self._authors: dict[str, list[str]] = {}
        self._serial: Counter[str] = Counter()

    def lines(self) -> list[Line]:
        """All lines in the order of their moments."""
        lines = [line for entry in self._plan["parts"] for line in self._part(entry)]
        lines += [line for entry in self._plan["copies"] for line in self._copies(entry, lines)]
        lines += self._advert(self._plan["advert"])
        lines += self._stale(self._plan["stale"])
        lines += self._personal()
        lines += self._duplicates(lines, self._plan["duplicates"])
        lines += self._broken()
        return sorted(lines, key=lambda line: (line.at, line.data))

    def _random(self, *names: str) -> Random:
        return Random(":".join([self._plan["seed"], *names]))

    def _times(self, random: Random, curve: str, count: int) -> list[datetime]:
        return spread(random, self._day, self._plan["curves"][curve], count)

    def _part(self, entry: Mapping[str, Any]) -> Iterator[Line]:
        file, section = entry["texts"].split("/")
        random = self._random(entry["texts"], entry["kind"])
        texts = read(file)[section]
        own = section == "own"  # phrases that fit one company only, by its key
        sections = {key: {"news": phrases} for key, phrases in texts.items()} if own else {"": texts}
        writers = {key: Writer(random, words, entry["lang"]) for key, words in sections.items()}
        queue: list[str] = []
        for at in self._times(random, entry["curve"], entry["count"]):
            company = self._about(entry, at, queue, random, section)
            voice = Voice(entry["part"], entry["kind"], entry["lang"], company, entry["mood"])
            writer = writers[company.key if own and company else ""]
            title, text = writer.news(company) if voice.kind == "news" else writer.chat(company)
            yield self._line(random, at, voice, title, text)

    def _about(
        self, entry: Mapping[str, Any], at: datetime, queue: list[str], random: Random, section: str
    ) -> Company | None:
        """The company of the next text: the entry's own, none in passing, or each of the watchlist in turn."""
        if "company" in entry:
            return self._companies[entry["company"]]
        if section == "passing":
            return None
        while True:
            if not queue:
                queue.extend(shuffled(random, list(self._companies)))
            key = queue.pop()
            start, end = self._plan["apart"].get(key, ("00:00", "00:00"))
            if not clock(self._day, start) <= at < clock(self._day, end):
                return self._companies[key]

    def _line(self, random: Random, at: datetime, voice: Voice, title: str, text: str, **changes: Any) -> Line:
        self._serial[voice.part] += 1
        news = voice.kind == "news"
        native = f"{voice.part}-{self._serial[voice.part]:04d}"
        delay = timedelta(seconds=int(5 + random.random() * (170 if news else 10)))
        item = RawItem(
            source=pick(random, read("words")["wires" if news else "forums"][voice.lang]),
            native_id=native,
            kind=voice.kind,
            title=title,
            text=text,
            url=f"https://demo.example/{native}" if news else "",
            author="" if news else self._author(random, voice.lang),
            lang=voice.lang,
            published_at=at - delay,
            published_how="feed" if news else "stated",
            collected_at=at,
            demo=True,
        )
        item = replace(item, **changes)
        return Line(at, encode(item), voice.part, voice.company.key if voice.company else "", item, mood=voice.mood)

    def _author(self, random: Random, lang: str) -> str:
        first, second = read("words")["handles"][lang]
        return (
            f"{pick(random, first)}{'_' if lang == 'en' else ''}{pick(random, second)}{int(random.random() * 90 + 10)}"
        )

    def _copies(self, entry: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Line]:
        """Retweets of chats and syndicated news: another source and author, another id, the same words."""
        random = self._random("copies", entry["of"], entry["kind"])
        originals = [
            (line, item)
            for line in lines
            if line.part == entry["of"] and (item := line.item) is not None and item.kind == entry["kind"]
        ]
        for at in self._times(random, entry["curve"], entry["count"]):
            line, item = pick(random, [pair for pair in originals if pair[0].at < at])
            text = f"RT @{item.author}: {item.text}" if item.kind == "chat" else item.text
            company = self._companies[line.company]
            voice = Voice(f"{entry['of']}_copies", item.kind, item.lang, company, line.mood)
            yield self._line(random, at, voice, item.title, text)

    def _advert(self, entry: Mapping[str, Any]) -> Iterator[Line]:
        """One text, hundreds of times, each with another link and another tail, by accounts that only advertise."""
        random = self._random("advert")
        words = read("advert")
        voice = Voice("advert", "chat", "en", self._companies[entry["company"]], "negative")
        for at in self._times(random, entry["curve"], entry["count"]):
            slots = Slots(random, "en", voice.company, "chat")
            text = f"{words['text']} {pick(random, words['tails'])} {pick(random, words['links'])}".format_map(slots)
            bot = pick(random, words["bots"]).format_map(slots)
            yield self._line(random, at, voice, "", text, author=bot)

    def _stale(self, entry: Mapping[str, Any]) -> Iterator[Line]:
        random = self._random("stale")
        voice = Voice("stale", "news", "en", self._companies[entry["company"]], "negative")
        stories = read("stale")
        for at, story in zip(self._times(random, entry["curve"], len(stories)), stories, strict=True):
            slots = Slots(random, "en", voice.company, "news")
            title, text = (words.format_map(slots) for words in story)
            long_ago = at - timedelta(days=entry["days"])
            yield self._line(random, at, voice, title, text, published_at=long_ago, published_how="stated")

    def _personal(self) -> Iterator[Line]:
        random = self._random("personal")
        for entry in read("personal"):
            voice = Voice("personal", "chat", entry["lang"], self._companies[entry["company"]])
            text = entry["text"].format_map(Slots(random, voice.lang, voice.company, "chat"))
            yield self._line(random, clock(self._day, entry["at"]), voice, "", text)

    def _duplicates(self, lines: Sequence[Line], count: int) -> Iterator[Line]:
        """Records collected a second time, some minutes later: same source, id and words."""
        random = self._random("duplicates")
        end = clock(self._day, self._plan["closes"]) - timedelta(hours=1)
        whole = [(line, line.item) for line in lines if line.item is not None and line.at < end]
        for line, item in shuffled(random, whole)[:count]:
            again = line.at + timedelta(seconds=int(60 + random.random() * 2400))
            item = replace(item, collected_at=again)
            yield Line(again, encode(item), "duplicate", line.company, item, mood=line.mood)

    def _broken(self) -> Iterator[Line]:
        for entry in read("broken"):
            text = entry["line"].replace("@day", self._day.isoformat())
            text = text.replace("@fill", "0123456789 " * (entry.get("oversize", 0) // 11))
            data = text.encode(entry.get("encoding", "utf-8"))
            yield Line(clock(self._day, entry["at"]), data, "broken", reason=entry["reason"])


def compose(day: date) -> list[Line]:
    """The invented day, played on `day`."""
    return Composer(day).lines()


def as_file(lines: Sequence[Line]) -> bytes:
    """The day as JSONL."""
    return b"".join(line.data + b"\n" for line in lines)
