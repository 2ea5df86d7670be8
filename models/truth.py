"""Labelled files as they are measured on: which question a file answers is seen from the words in it.

A row has `text`, and `label` or columns named as the heads; `lang`, `dataset`, `tier`, `register` and `entity` may be
there. A label is the name of one of ours, a topic of the Twitter Financial News set, an event type of CCKS 2019, or a
common word for a sentiment. With an `entity` that stands in the text, the verdict on that company is measured.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from models.corpus import texts
from models.data import CORPUS, Row, corpus_rows
from models.labels import CCKS_RISKS, HEADS, RISKS, SENTIMENTS, TOPIC_SOURCES, TOPICS
from models.own_data import language
from models.tables import FORMS, TableRefused, read_table
from models.text import TARGET, mark, prepare

_SENTIMENT_WORDS: Final = {
    "negative": "negative bearish 负面 消极 利空",
    "neutral": "neutral 中性",
    "positive": "positive bullish 正面 积极 利好",
}
WORDS: Final[Mapping[str, Mapping[str, int]]] = {
    "sentiment": {word: at for at, name in enumerate(SENTIMENTS) for word in _SENTIMENT_WORDS[name].split()},
    "topic": {word.casefold(): at for at, name in enumerate(TOPICS) for word in (name, TOPIC_SOURCES[name])},
    "risk": {name: at for at, name in enumerate(RISKS)} | {word: RISKS.index(to) for word, to in CCKS_RISKS.items()},
}
# A set may say only whether a text is negative; such a label is kept as neutral and its set remembered as coarse.
NOT_NEGATIVE: Final = frozenset({"non-negative", "nonnegative", "not negative", "非负面"})
WHOLE: Final = " (whole text)"  # added to the name of a set: the same rows, asked about the text, not the company
DEV: Final = ".dev."  # in the name of a file: its brother with .train. holds rows to learn from


class TruthRefused(ValueError):  # noqa: N818 - what happened
    """A labelled file that cannot be measured on; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled row and the companies it is known to name, as they stand in a prepared text."""

    row: Row
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Truth:
    """What is measured on."""

    cases: list[Case] = field(default_factory=list)
    coarse: set[str] = field(default_factory=set)  # data sets that say only negative or not
    origins: dict[str, Path] = field(default_factory=dict)  # data set -> the file it was read from
    skipped: list[str] = field(default_factory=list)  # what was left out, and why

    @property
    def rows(self) -> list[Row]:
        """The rows alone."""
        return [case.row for case in self.cases]

    def add(self, other: Truth) -> None:
        """Take in what another file held."""
        self.cases += other.cases
        self.coarse |= other.coarse
        self.origins |= other.origins
        self.skipped += other.skipped

    def within(self, langs: Iterable[str]) -> Truth:
        """What can be judged: rows in these languages that have a text; the others are counted in `skipped`."""
        known = frozenset(langs)
        kept = [case for case in self.cases if case.row.lang in known and case.row.text]
        left = Counter(
            f"{case.row.dataset}: " + (f"language {case.row.lang!r}, no model" if case.row.text else "no text")
            for case in self.cases
            if case.row.lang not in known or not case.row.text
        )
        told = [f"{what} (rows: {count})" for what, count in sorted(left.items())]
        return replace(self, cases=kept, skipped=[*self.skipped, *told])


def head_of(words: Iterable[str]) -> str:
    """The head that knows all these labels. Raises TruthRefused, with the labels of the nearest head that it lacks."""
    wanted = set(words)
    lacking = {head: sorted(wanted - known.keys() - _extra(head)) for head, known in WORDS.items()}
    head = min(lacking, key=lambda each: len(lacking[each]))
    if not wanted or lacking[head]:
        strange = ", ".join(lacking[head][:5]) or "nothing"
        raise TruthRefused(
            f"no head has these labels; of {head}, not known: {strange}. Known: {', '.join(HEADS[head])}"
        )
    return head


def _extra(head: str) -> frozenset[str]:
    return NOT_NEGATIVE if head == "sentiment" else frozenset()


def read_file(path: Path) -> Truth:
    """The rows of one file. Raises TruthRefused, TableRefused."""
    raw = list(read_table(path))
    if not raw:
        raise TruthRefused(f"{path} has no rows")
    labelled = [(line, cells, _labels(cells, f"{path}:{line}")) for line, cells in raw]
    words: dict[str, set[str]] = {}
    for _, _, labels in labelled:
        for column, word in labels.items():
            words.setdefault(column, set()).add(word)
    try:
        heads = {column: head_of(found) for column, found in words.items()}
    except TruthRefused as error:
        raise TruthRefused(f"{path}: {error}") from None
    truth = Truth()
    marked: set[str] = set()
    whole: list[Case] = []
    for line, cells, labels in labelled:
        known = {heads[column]: word for column, word in labels.items()}
        case = _case(path, line, cells, known)
        truth.cases.append(case)
        truth.origins[case.row.dataset] = path
        if known.get("sentiment") in NOT_NEGATIVE:
            truth.coarse.add(case.row.dataset)
        if case.names and "risk" not in known:
            marked.add(case.row.dataset)
        whole.append(replace(case, row=replace(case.row, text=prepare(cells["text"]))))
    for case in whole:
        if (name := case.row.dataset) in marked:
            truth.cases.append(replace(case, row=replace(case.row, dataset=name + WHOLE)))
    truth.coarse |= {name + WHOLE for name in truth.coarse & marked}
    return truth


def _labels(cells: Mapping[str, Any], where: str) -> dict[str, str]:
    """Column -> word, in small letters."""
    if not isinstance(cells.get("text"), str):
        raise TruthRefused(f"{where}: a row needs a column `text` with the text")
    columns = ("label",) if cells.get("label") not in (None, "") else tuple(HEADS)
    found = {}
    for column in columns:
        word = cells.get(column)
        if word in (None, ""):
            continue
        if not isinstance(word, str):
            raise TruthRefused(f"{where}: {column} is {word!r}; one word is needed")
        found[column] = word.strip().casefold()
    if not found:
        raise TruthRefused(f"{where}: a row needs `label`, or one of {', '.join(HEADS)}")
    return found


def _case(path: Path, line: int, cells: Mapping[str, Any], words: Mapping[str, str]) -> Case:
    labels = {
        head: SENTIMENTS.index("neutral") if word in NOT_NEGATIVE else WORDS[head][word] for head, word in words.items()
    }
    text = prepare(cells["text"])
    name = prepare(str(cells.get("entity") or cells.get("company") or ""))
    stem = path.name.partition(".")[0]
    row = Row(
        f"{cells.get('id') or f'{stem}:{line}'}",
        mark(text, [name]),
        labels,
        str(cells.get("dataset") or stem),
        str(cells.get("tier") or "own"),
        re.split("[-_]", str(cells.get("lang") or language(text)).lower(), maxsplit=1)[0],
        str(cells.get("register") or ""),
    )
    return Case(row, (name,) if name and TARGET in row.text else ())


def read_folder(folder: Path) -> Truth:
    """Every labelled file of a folder (its dev parts where it has any); what is not understood is listed as skipped.

    Raises TruthRefused when nothing is left.
    """
    place = folder / "labelled" if (folder / "labelled").is_dir() else folder
    files = sorted(path for path in place.iterdir() if path.name.removesuffix(".gz").endswith(FORMS))
    parts = [path for path in files if DEV in path.name] or files
    truth = Truth()
    for path in parts:
        try:
            truth.add(read_file(path))
        except (TruthRefused, TableRefused) as error:
            truth.skipped.append(str(error).replace(f"{place}{os.sep}", ""))  # a report names no folder of a machine
    if not truth.cases:
        raise TruthRefused(f"{place} holds no labelled file: {'; '.join(truth.skipped) or 'nothing is there'}")
    return truth


def read_paths(paths: Sequence[Path]) -> Truth:
    """The rows of files and folders. Raises TruthRefused, TableRefused."""
    truth = Truth()
    for path in paths:
        truth.add(read_folder(path) if path.is_dir() else read_file(path))
    return truth


def corpus_truth(part: str = "dev") -> Truth:
    """A part of our corpus, by default the one that is never learnt from, with the companies each text names."""
    named = {text.id: tuple(prepare(name) for name, _ in text.companies) for text in texts.read()}
    return Truth([Case(row, named[row.id] if row.dataset == CORPUS else ()) for row in corpus_rows(part)])
