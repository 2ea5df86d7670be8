"""What an evaluation says about itself: for whom the truth is labelled, and what the data cannot show. Pure.

Every caveat is computed; `notes.yaml` holds the sentences in English and Chinese.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from statistics import median
from typing import Any, Final

import yaml

from alerts.evaluation import annotated, dated, price_drops
from alerts.evaluation.matching import Ground
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Note
from alerts.evaluation.truth import TruthEvent
from streams.plain import plain

FEW_EVENTS: Final = 30  # below it an interval of a share is wider than a third: 1.96 * 2 * sqrt(0.25 / 30) = 0.36
FEW_DOCUMENTS: Final = 30
UNJUDGED: Final = 0.01
ARCHIVED: Final = 0.5
UNSIGNED: Final = 0.5
RARE: Final = 0.25
NAMED: Final = 8  # names in a sentence


def sentence(note: Note, lang: str = "en") -> str:
    """The note in a language (en, zh)."""
    values = {name: plain(value) if isinstance(value, str) else value for name, value in note.values.items()}
    return _sentences()[note.code][lang].format_map(values)


def is_known(note: Note) -> bool:
    """Whether this version has words for it: a result may have been written by a later one."""
    return note.code in _sentences()


@cache
def _sentences() -> Mapping[str, Mapping[str, str]]:
    read: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        files("alerts.evaluation").joinpath("notes.yaml").read_text(encoding="utf-8")
    )
    return read


def labelled_as(ground: Ground, observed: Observed, chosen: bool) -> Note:
    """For whom and when alerts are judged. `chosen`: the subjects were named by who asked."""
    code = "labelled_everything"
    if ground.labelled is not None:
        code = "labelled_stated" if chosen or observed.truth.labelled is not None else "labelled_named"
    if ground.labelled == frozenset():
        code = "labelled_nobody"
    begin, end = ground.begin.date().isoformat(), ground.end.date().isoformat()
    return Note(code=code, values={"subjects": len(ground.subjects), "begin": begin, "end": end})


def caveats(ground: Ground, observed: Observed, covers: Callable[[str], bool], settings: int) -> tuple[Note, ...]:
    """What the data cannot show. `covers`: whether a rule looks at a subject; `settings`: most on a rule's curve."""
    return (*_of_events(ground, observed), *_of_stream(ground, observed, covers, settings))


def _of_events(ground: Ground, observed: Observed) -> Iterable[Note]:
    negative = [event for event in ground.events if event.kind == "negative"]
    outside, foreign = observed.left_out()
    if not observed.truth.events and observed.truth.labelled is None:
        yield Note(code="no_truth")
    elif not negative:
        yield Note(code="no_events")
    elif len(negative) < FEW_EVENTS:
        yield Note(code="few_events", values={"events": len(negative), "step": 1 / len(negative)})
    yield from _some("day_only", sum(event.day_only for event in negative), len(negative))
    yield from _named("outside", outside)
    yield from _named("foreign", foreign)
    yield from _named("unmentioned", observed.unmentioned())
    used = observed.used()
    for code, source in (("from_prices", price_drops.SOURCE), ("from_list", dated.SOURCE)):
        yield from _some(code, sum(e.source == source and e.kind == "negative" for e in used), len(negative))
    marked = sum(event.source.startswith(annotated.MARKED) and event.kind == "negative" for event in used)
    yield from _some("from_marks", marked, len(negative))
    documents = median([event.documents for event in negative]) if negative else 0
    if negative and documents < FEW_DOCUMENTS:
        yield Note(code="few_documents", values={"median": documents})


def _of_stream(ground: Ground, observed: Observed, covers: Callable[[str], bool], settings: int) -> Iterable[Note]:
    unjudged = 1 - observed.judged / observed.mentions
    if unjudged >= UNJUDGED:
        yield Note(code="unjudged", values={"share": unjudged})
    archived = observed.collected_as_published / observed.mentions
    if archived >= ARCHIVED:
        yield Note(code="archive_times", values={"share": archived})
    unsigned = observed.unsigned_chat / observed.mentions
    if unsigned >= UNSIGNED:
        yield Note(code="unsigned_chat", values={"share": unsigned})
    rare, subjects = observed.rare(lambda subject: subject in ground.subjects and covers(subject))
    if rare > RARE * subjects:
        yield Note(code="rare_subjects", values={"rare": rare, "subjects": subjects})
    if settings > 1:
        yield Note(code="best_of_settings", values={"settings": settings})


def _some(code: str, count: int, events: int) -> Iterable[Note]:
    if count:
        yield Note(code=code, values={"count": count, "events": events})


def _named(code: str, events: Sequence[TruthEvent]) -> Iterable[Note]:
    if not events:
        return
    names = [f"{event.name or event.subject} {event.onset:%Y-%m-%d}" for event in events]
    more = ", …" if len(names) > NAMED else ""
    values: dict[str, Any] = {"count": len(events), "names": ", ".join(names[:NAMED]) + more}
    yield Note(code=code, values=values)
