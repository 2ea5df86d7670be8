"""What a replayed stream said about whom and when: what figures, timelines and caveats are made of. Pure.

`see` costs a few microseconds. Memory grows with the subjects and the days on which each is mentioned (some 180 bytes a
subject and day, measured), not with the number of mentions; beside it the documents' ids within the windows of events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.matching import NONE, Ground, judged_subjects, leading, span
from alerts.evaluation.result import Day, Episode, EventOf, Matching, Told
from alerts.evaluation.truth import Labelled, Truth, TruthEvent
from streams.records import Mention

HEADLINES: Final = 5  # told of an event: its most negative, each text once
NEGATIVE: Final = 0.5  # as in rules where they say nothing else


@dataclass(slots=True)
class _Cell:
    """One subject on one day."""

    mentions: int = 0
    judged: int = 0
    negative: int = 0
    topics: dict[str, int] | None = None  # of the negative ones


@dataclass(slots=True)
class _Around:
    """What is told in the window of one truth event."""

    place: int
    begin: datetime
    onset: datetime
    end: datetime
    seen: set[str] = field(default_factory=set)
    first: datetime | None = None  # from the onset on
    told: dict[str, tuple[float, Told]] = field(default_factory=dict)  # by text
    topics: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # of negative documents, as the next
    risks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    langs: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # of all


class _Seen(Struct, frozen=True, array_like=True):
    """An Observed as a record."""

    mentions: int
    judged: int
    as_published: int
    unsigned_chat: int
    first: datetime | None
    last: datetime | None
    models: dict[str, int]
    days: dict[str, dict[int, _Cell]]
    langs: dict[str, dict[str, int]]
    around: dict[str, list[_Around]]


class Observed:
    """Follows a replay: hand it every mention, in any order, and ask at the end."""

    def __init__(self, truth: Truth, matching: Matching) -> None:
        self.truth, self.matching = truth, matching
        self.mentions = 0
        self.judged = 0
        self.collected_as_published = 0  # mentions whose time of collection is their time of publication
        self.unsigned_chat = 0  # mentions by nobody who is known: their source is one voice
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.models: dict[str, int] = {}
        self._days: dict[str, dict[int, _Cell]] = {}
        self._langs: dict[str, dict[str, int]] = {}
        self._around: dict[str, list[_Around]] = defaultdict(list)
        for place, event in enumerate(truth.events):
            begin, end = span(event, matching)
            self._around[event.subject].append(_Around(place, begin, event.onset, end))
        self._near = self._by_day()

    def snapshot(self) -> bytes:
        """Everything seen so far, for `restore`."""
        return msgspec.msgpack.encode(
            _Seen(
                self.mentions, self.judged, self.collected_as_published, self.unsigned_chat, self.first, self.last,
                self.models, self._days, self._langs, dict(self._around),
            )
        )  # fmt: skip

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of one that was made for the same truth and matching."""
        seen = msgspec.msgpack.decode(data, type=_Seen)
        self.mentions, self.judged, self.collected_as_published = seen.mentions, seen.judged, seen.as_published
        self.unsigned_chat = seen.unsigned_chat
        self.first, self.last, self.models = seen.first, seen.last, seen.models
        self._days, self._langs = seen.days, seen.langs
        self._around = defaultdict(list, seen.around)
        for around in (each for found in seen.around.values() for each in found):
            for name in ("topics", "risks", "langs"):
                setattr(around, name, defaultdict(int, getattr(around, name)))
        self._near = self._by_day()

    def see(self, mention: Mention) -> None:
        """Count one mention."""
        at, subject = mention.collected_at, mention.subject
        if at.tzinfo is not UTC:
            at = at.astimezone(UTC)
        if self.first is None or self.last is None:
            self.first = self.last = at
        elif at > self.last:
            self.last = at
        elif at < self.first:
            self.first = at
        self.mentions += 1
        if mention.published_at == at:
            self.collected_as_published += 1
        if not mention.author and mention.kind == "chat":
            self.unsigned_chat += 1
        days = self._days.get(subject)
        if days is None:
            days = self._days[subject] = {}
            self._langs[subject] = {}
        day = at.toordinal()
        cell = days.get(day)
        if cell is None:
            cell = days[day] = _Cell()
        cell.mentions += 1
        langs = self._langs[subject]
        langs[mention.lang] = langs.get(mention.lang, 0) + 1
        if mention.sentiment is not None:
            self._judge(mention, cell)
        for around in self._near.get((subject, day), ()):
            if around.begin <= at <= around.end:
                _note(around, mention, at)

    def _judge(self, mention: Mention, cell: _Cell) -> None:
        self.judged += 1
        self.models[mention.model] = self.models.get(mention.model, 0) + 1
        cell.judged += 1
        if mention.sentiment is not None and mention.sentiment.get("negative", 0.0) >= NEGATIVE:
            cell.negative += 1
            if cell.topics is None:
                cell.topics = {}
            cell.topics[mention.topic] = cell.topics.get(mention.topic, 0) + 1

    def ground(self, labelled_subjects: Collection[str] | None = None) -> Ground:
        """What alerts of this replay are judged against.

        `labelled_subjects` takes the place of the subjects that the truth says it is complete for
        (`matching.judged_subjects`). ValueError before anything was seen.
        """
        if self.first is None or self.last is None:
            raise ValueError("the replay holds no mention: there is nothing to judge")
        stated = self.truth.labelled or Labelled()
        if self.matching.unlabelled == "false":
            followed = {*self._days, *(stated.subjects if labelled_subjects is None else labelled_subjects)}
            return Ground(self._events(), frozenset(followed), None, self.first, self.last)
        judged = judged_subjects(self.truth, self.matching, labelled_subjects)
        named = frozenset(self._days) if judged is None else judged
        begin = max(self.first, stated.begin or self.first)
        end = max(begin, min(self.last, stated.end or self.last))
        return Ground(self._events(), named, named, begin, end, stated.begin, stated.end)

    def left_out(self) -> tuple[list[TruthEvent], list[TruthEvent]]:
        """Events of the truth that take no part: those outside the time of the replay, and those of another collection
        about subjects that this stream never speaks of."""
        outside = [event for event in self.truth.events if not self._within(event)]
        return outside, [event for event in self.truth.events if self._within(event) and self._foreign(event)]

    def used(self) -> list[TruthEvent]:
        """Events of the truth that take part, in its order."""
        return [event for event in self.truth.events if self._used(event)]

    def unmentioned(self) -> list[TruthEvent]:
        """Negative events that take part, of which the stream holds no document: no rule could find them."""
        return [
            event
            for place, event in enumerate(self.truth.events)
            if event.kind == "negative" and self._used(event) and not self._around_of(place, event).seen
        ]

    def describe(self, episode: Episode) -> Episode:
        """The episode with the language its subject is mostly spoken of in, and the topic of most negative mentions on
        its day and the one before, where the alert does not say."""
        days = self._days.get(episode.subject, {})
        last = episode.at.astimezone(UTC).toordinal()
        topics: dict[str, int] = defaultdict(int)
        for day in (last - 1, last):
            cell = days.get(day)
            for topic, count in ((cell.topics or {}) if cell else {}).items():
                topics[topic] += count
        lang = episode.lang or leading(self._langs.get(episode.subject, {}))
        return replace(episode, topic=episode.topic or leading(topics), lang=lang)

    def timeline(self, subject: str) -> tuple[Day, ...]:
        """The days on which a subject was mentioned, in order."""
        days = sorted(self._days.get(subject, {}).items())
        return tuple(
            Day(
                day=date.fromordinal(at).isoformat(), mentions=cell.mentions, judged=cell.judged, negative=cell.negative
            )
            for at, cell in days
        )

    def rare(self, covers: Callable[[str], bool]) -> tuple[int, int]:
        """Of the mentioned subjects that `covers` says: how many have less than one mention a week, and how many there
        are."""
        weeks = ((self.last - self.first) / timedelta(days=7)) if self.first and self.last else 0.0
        counts = [sum(c.mentions for c in days.values()) for subject, days in self._days.items() if covers(subject)]
        return sum(count < weeks for count in counts), len(counts)

    def _by_day(self) -> dict[tuple[str, int], list[_Around]]:
        """The windows that touch each day of each subject: few have to be looked at for a mention."""
        found: dict[tuple[str, int], list[_Around]] = defaultdict(list)
        for subject, known in self._around.items():
            for around in known:
                first, last = (each.astimezone(UTC).toordinal() for each in (around.begin, around.end))
                for day in range(first, last + 1):
                    found[subject, day].append(around)
        return dict(found)

    def _events(self) -> tuple[EventOf, ...]:
        used = [(place, event) for place, event in enumerate(self.truth.events) if self._used(event)]
        return tuple(_event(event, self._around_of(place, event)) for place, event in used)

    def _around_of(self, place: int, event: TruthEvent) -> _Around:
        return next(around for around in self._around[event.subject] if around.place == place)

    def _used(self, event: TruthEvent) -> bool:
        return self._within(event) and not self._foreign(event)

    def _within(self, event: TruthEvent) -> bool:
        _, end = span(event, self.matching)
        return self.first is not None and self.last is not None and event.onset <= self.last and end >= self.first

    def _foreign(self, event: TruthEvent) -> bool:
        return bool(event.stream) and event.subject not in self._days


def _note(around: _Around, mention: Mention, at: datetime) -> None:
    """One document in an event's window, once however often it is handed in."""
    if mention.document in around.seen:
        return
    around.seen.add(mention.document)
    around.langs[mention.lang] += 1
    if at >= around.onset and (around.first is None or at < around.first):
        around.first = at
    negative = mention.sentiment.get("negative", 0.0) if mention.sentiment is not None else None
    if negative is not None and negative >= NEGATIVE:
        around.topics[mention.topic] += 1
        around.risks[mention.risk] += 1
    key, rank = mention.signature.copy_key, -1.0 if negative is None else negative
    if key in around.told and around.told[key][1].at <= at:
        return  # the first telling of a text stands for its copies
    around.told[key] = (
        rank,
        Told(
            at=at,
            headline=mention.headline,
            source=mention.source,
            url=mention.url,
            negative=negative,
            document=mention.document,
        ),
    )
    if len(around.told) > HEADLINES:
        del around.told[min(around.told, key=lambda each: (around.told[each][0], each))]


def _event(event: TruthEvent, around: _Around) -> EventOf:
    told = sorted((told for _, told in around.told.values()), key=lambda each: (each.at, each.document))
    return EventOf(
        subject=event.subject,
        name=event.name,
        onset=event.onset.astimezone(UTC),
        begin=around.begin.astimezone(UTC),
        end=around.end.astimezone(UTC),
        kind=event.kind,
        note=event.note,
        day_only=event.day_only,
        documents=len(around.seen),
        first_public=around.first,
        told=tuple(told),
        topic=event.topic or leading(around.topics),
        risk=event.risk or leading(around.risks, but=NONE),
        lang=event.lang or leading(around.langs),
    )
