"""Truth files: read, checked, merged, written; every fault is told with file, line and what was probably meant.

A file is YAML or JSON: `events: [...]` with an optional `labelled:`, a bare list of events, or a list of dated events
as others note them (`alerts.evaluation.dated`). A day in place of a time is that day in UTC, and known to the day only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec.structs import replace

from alerts.evaluation.dated import is_dated, read_dated
from alerts.evaluation.truth import YEARS, Labelled, Truth, TruthEvent
from alerts.rule_checks import PREFIXES
from alerts.sayings import saying
from alerts.yaml_lines import ExactDumper
from alerts.yaml_structs import Fault, FileRefused, Tree, suggest, unknown_word, unreadable
from models.labels import RISKS, TOPICS
from streams.records import Time

Resolve = Callable[[str], str | None]  # from a name, symbol or bare id to the id of a subject (entity:AAPL), or None
Taken = list[tuple[str, TruthEvent]]  # events, and where in their file each stands

LARGEST: Final = 16 * 1_048_576  # characters; 3,000 events have 650,000
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
ONE_DAY: Final = timedelta(days=1)
MINUTE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(Z|z|[+-]\d{2}:\d{2})")
WORDS: Final[Mapping[str, Sequence[str]]] = {"topic": TOPICS, "risk": RISKS}


def read_truth(*paths: Path, resolve: Resolve | None = None, known: Collection[str] = (), stream: str = "") -> Truth:
    """The events of all files together (`merge`). Raises FileRefused with every fault of every file.

    `resolve` finds the subject for what is not written as an id with its kind (`entity:AAPL`); without it such a word
    is taken for the id of a company. `known`: names and symbols to suggest where nothing is found. `stream`: of dated
    events only those whose collection has this in its name.
    """
    found: list[Truth] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(LARGEST + 1)
            found.append(parse_truth(text, str(path), resolve=resolve, known=known, stream=stream))
        except (OSError, UnicodeDecodeError) as error:
            faults.append(unreadable(path, error))
        except FileRefused as refused:
            faults += refused.faults
    if faults:
        raise FileRefused(faults)
    return merge(found)


def parse_truth(
    text: str,
    file: str = "<truth>",
    *,
    resolve: Resolve | None = None,
    known: Collection[str] = (),
    stream: str = "",
) -> Truth:
    """The same of one text."""
    tree = _tree(text, file)
    data: Any = {"events": tree.data} if isinstance(tree.data, list) else tree.data
    at = "$" if isinstance(tree.data, list) else "$.events"
    if not isinstance(data, dict) or not isinstance(data.get("events"), list):
        near = "events" if isinstance(data, dict) and "events" not in data and suggest("events", map(str, data)) else ""
        raise FileRefused([Fault(file, 1, saying("no_events"), near)])
    taken = read_dated(data["events"], tree, at, stream) if is_dated(data["events"]) else _own(data["events"], tree, at)
    labelled = _labelled(data.get("labelled"), tree)
    rest = {name: value for name, value in data.items() if name not in ("events", "labelled")}
    whole = tree.convert({**rest, "events": []}, Truth, "$", _nothing)
    finder = _Finder(tree, resolve, known)
    events = tuple(replace(event, subject=finder.find(event.subject, place)) for place, event in taken)
    if labelled is not None:
        subjects = (finder.find(word, f"$.labelled.subjects[{n}]") for n, word in enumerate(labelled.subjects))
        labelled = replace(labelled, subjects=tuple(dict.fromkeys(subjects)))
    tree.finish()
    return Truth(events=events, labelled=labelled, note=whole.note if whole else "")


def merge(truths: Sequence[Truth]) -> Truth:
    """All events, in order of onset; of two about one subject with the same kind and onset the first alone.

    `labelled` claims no more than the files do: everybody that one of them claims, for the time that all who claim
    something agree on. Raises FileRefused where these times have nothing in common.
    """
    events: dict[tuple[Any, ...], TruthEvent] = {}
    for event in (event for truth in truths for event in truth.events):
        events.setdefault((event.onset, event.subject, event.kind), event)
    notes = dict.fromkeys(truth.note for truth in truths if truth.note)
    claims = [truth.labelled for truth in truths if truth.labelled is not None]
    return Truth(
        events=tuple(events[key] for key in sorted(events)),
        labelled=_together(claims) if claims else None,
        note="\n".join(notes)[:2000],
    )


def write_truth(truth: Truth, path: Path, head: str = "") -> None:
    """Write the file so that `read_truth` gives the same again; `head` is a comment above. In one step: a reader finds
    the old file or the new one. Raises FileRefused for more than a truth file may hold."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    whole = msgspec.to_builtins(truth)
    kept = {name: _bare(value) for name, value in whole.items() if value or name == "events"}
    text = yaml.dump(kept, Dumper=ExactDumper, allow_unicode=True, sort_keys=False, width=120)
    if len(comment) + len(text) > LARGEST:
        said = saying("many_events", count=len(truth.events), largest=LARGEST)
        raise FileRefused([Fault(str(path), 1, said)])
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(comment + text, encoding="utf-8")
    beside.replace(path)


def _bare(value: Any) -> Any:
    """Without what says nothing: empty texts and lists, null and false."""
    if isinstance(value, list | tuple):
        return [_bare(each) for each in value]
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if each or (each == 0.0 and each is not False)}
    return value


def _tree(text: str, file: str) -> Tree:
    """JSON is read as JSON (escapes, tabs), its lines as those of YAML."""
    try:
        data = json.loads(text) if len(text) <= LARGEST else None
    except (ValueError, RecursionError):
        return Tree(text, file, largest=LARGEST)
    tree = Tree(text.replace("\t", " "), file, largest=LARGEST)
    if isinstance(data, dict | list):
        tree.data = data
    return tree


def _own(entries: Sequence[Any], tree: Tree, at: str) -> Taken:
    found: Taken = []
    for number, entry in enumerate(entries):
        place = f"{at}[{number}]"
        timed = _timed(entry, tree, place) if isinstance(entry, dict) else entry
        event = tree.convert(timed, TruthEvent, place, _nothing) if timed is not None else None
        if event is not None:
            _check(event, tree, place)
            found.append((place, event))
    return found


def _check(event: TruthEvent, tree: Tree, place: str) -> None:
    if event.end is not None and event.end < event.onset:
        tree.fault(f"{place}.end", saying("before_onset", end=event.end.isoformat()))
    for field, words in WORDS.items():
        word = getattr(event, field)
        if word and word not in words:
            tree.fault(f"{place}.{field}", unknown_word(word, words), suggest(word, words))


def _timed(entry: Mapping[str, Any], tree: Tree, place: str) -> dict[str, Any] | None:
    """The entry with its times as times; None after the faults of those that are none were noted."""
    found = dict(entry)
    for name in ("onset", "end", "begin"):
        if isinstance(found.get(name), str):
            found[name] = _moment(found[name], tree, f"{place}.{name}")
            if found[name] is None:
                return None
    whole_day = isinstance(entry.get("onset"), str) and DAY.fullmatch(entry["onset"])
    if whole_day:
        found |= {"day_only": entry.get("day_only", True), "end": found.get("end") or found["onset"] + 2 * ONE_DAY}
    if isinstance(entry.get("end"), str) and DAY.fullmatch(entry["end"]):
        found["end"] += ONE_DAY
    return found


def _moment(word: str, tree: Tree, place: str) -> datetime | None:
    short = MINUTE.fullmatch(word)
    whole = f"{word}T00:00:00Z" if DAY.fullmatch(word) else f"{short[1]}T{short[2]}:00{short[3]}" if short else word
    try:
        found: datetime = msgspec.convert(whole, Time)
    except msgspec.ValidationError:
        tree.fault(place, saying("no_time", word=word))
        return None
    if found.year not in YEARS:
        tree.fault(place, saying("no_year", word=word, first=YEARS[0], last=YEARS[-1]))
        return None
    return found


def _labelled(said: Any, tree: Tree) -> Labelled | None:
    if said is None:
        return None
    timed = _timed(said, tree, "$.labelled") if isinstance(said, dict) else said
    found = tree.convert(timed, Labelled, "$.labelled", _nothing) if timed is not None else None
    if found is not None and found.begin and found.end and found.end < found.begin:
        tree.fault("$.labelled.end", saying("before_begin", end=found.end.isoformat()))
    return found


def _together(claims: Sequence[Labelled]) -> Labelled:
    begin = max((claim.begin for claim in claims if claim.begin), default=None)
    end = min((claim.end for claim in claims if claim.end), default=None)
    if begin and end and end < begin:
        raise FileRefused([Fault("labelled", 1, saying("nothing_common"))])
    everybody = any(not claim.subjects for claim in claims)
    subjects = dict.fromkeys(subject for claim in claims for subject in claim.subjects)
    return Labelled(subjects=() if everybody else tuple(subjects), begin=begin, end=end)


class _Finder:
    """Finds subjects for words, and notes a fault for each word that names none."""

    def __init__(self, tree: Tree, resolve: Resolve | None, known: Collection[str]) -> None:
        self._tree, self._resolve, self._known = tree, resolve, known
        self._found: dict[str, str | None] = {}

    def find(self, word: str, place: str) -> str:
        """The id; the word itself after a fault was noted."""
        kind, colon, name = word.partition(":")
        if colon and f"{kind}:" in PREFIXES and name:
            if kind == "topic" and name not in TOPICS:
                self._tree.fault(place, saying("no_topic", name=name), suggest(name, TOPICS))
            return word
        if self._resolve is None:
            return f"entity:{word}"
        if word not in self._found:
            self._found[word] = self._resolve(word)
        found = self._found[word]
        if found is None:
            self._tree.fault(f"{place}.subject", saying("no_company", word=word), suggest(word, self._known))
        return found or word


def _nothing(kind: type, value: Any) -> Any:
    raise NotImplementedError(f"{kind}: {value!r}")
