"""From what people say about labels to rows that may be learnt from: folded, reviewed by a person, then written. Pure.

Nobody's word goes straight into training. `fold` keeps the last word of each author; `review` makes a table in which a
person accepts lines; `rows` makes training rows of the accepted ones only. Texts whose source forbids training never
get into the table, and are counted.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from models.labels import HEADS
from models.text import prepare

TIER: Final = "own"
ACCEPT: Final = "accept?"
COLUMNS: Final = (
    ACCEPT, "document", "head", "judged", "corrected", "authors", "contradicted",
    "at", "lang", "source", "note", "text",
)  # fmt: skip
YES: Final = frozenset({"y", "yes", "x", "1", "true", "是", "对", "✓"})
NO: Final = frozenset({"", "n", "no", "0", "false", "否", "不"})
# A spreadsheet takes a cell that begins so for a formula, and runs it; or, with the last, for a quoted one.
ACTIVE: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", '"')
SHOWN: Final = 1000  # characters of a text in the table


class ReviewRefused(ValueError):  # noqa: N818 - what happened
    """The reviewed table cannot be used; the message names the line, the fault and what to do."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One author's word on one label of one document."""

    document: str
    head: str
    label: str
    judged: str
    author: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as far as it is learnt from."""

    text: str
    lang: str
    source: str
    may_train: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """A label that some authors gave a document; `contradicted` when others gave another."""

    document: str
    head: str
    label: str
    judged: str
    authors: int
    contradicted: bool
    at: datetime  # of the latest
    notes: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What a line of the table is about."""
        return self.document, self.head, self.label


@dataclass(frozen=True, slots=True)
class Usable:
    """Corrections whose texts may be learnt from, and how many may not, by reason."""

    corrections: list[Correction]
    refused: Counter[str] = field(default_factory=Counter)  # no_document, no_text, may_not_train, unknown_label


def fold(marks: Iterable[Mark]) -> list[Correction]:
    """Each author's last word on a label, by time and then by order, gathered by label; in order of documents.

    A document whose authors disagree has a correction for each of their labels, all contradicted.
    """
    last: dict[tuple[str, str, str], Mark] = {}
    for mark in marks:
        key = (mark.document, mark.head, mark.author)
        if key not in last or mark.at >= last[key].at:
            last[key] = mark
    by_label: defaultdict[tuple[str, str, str], list[Mark]] = defaultdict(list)
    for mark in last.values():
        by_label[mark.document, mark.head, mark.label].append(mark)
    labels = Counter((document, head) for document, head, _ in by_label)
    found = []
    for (document, head, label), said in sorted(by_label.items()):
        said.sort(key=lambda mark: (mark.at, mark.author))
        notes = tuple(dict.fromkeys(mark.note for mark in said if mark.note))
        contradicted = labels[document, head] > 1
        found.append(Correction(document, head, label, said[-1].judged, len(said), contradicted, said[-1].at, notes))
    return found


def usable(corrections: Iterable[Correction], texts: Mapping[str, Text]) -> Usable:
    """Those that may be learnt from. `texts`: by document id; a document that is not there was deleted or never was."""
    found = Usable([])
    for correction in corrections:
        text = texts.get(correction.document)
        reason = (
            "unknown_label" if correction.label not in HEADS.get(correction.head, ())
            else "no_document" if text is None
            else "may_not_train" if not text.may_train
            else "" if prepare(text.text) else "no_text"
        )  # fmt: skip
        if reason:
            found.refused[reason] += 1
        else:
            found.corrections.append(correction)
    return found


def cell(value: str) -> str:
    """A value as a cell of the table: one short line, nothing that hides or turns what it says, never a formula."""
    seen = "".join(letter for letter in value if unicodedata.category(letter) not in ("Cc", "Cf") or letter.isspace())
    line = " ".join(seen.split())[:SHOWN]
    return f"'{line}" if line.startswith(ACTIVE) else line


def review(corrections: Sequence[Correction], texts: Mapping[str, Text]) -> str:
    """The table to review, tab-separated: one line for each correction, `accept?` empty. Every one has its text."""
    lines = ["\t".join(COLUMNS)]
    for one in corrections:
        text = texts[one.document]
        cells = (
            "", one.document, one.head, one.judged, one.label, str(one.authors), "yes" if one.contradicted else "",
            one.at.isoformat(), text.lang, text.source, " / ".join(one.notes), prepare(text.text)[:SHOWN],
        )  # fmt: skip
        lines.append("\t".join(map(cell, cells)))
    return "\n".join(lines) + "\n"


def accepted(table: str) -> set[tuple[str, str, str]]:
    """(document, head, label) of every accepted line of a reviewed table, as a spreadsheet may have saved it.

    Raises ReviewRefused: a column is missing, a word in `accept?` is neither yes nor no, or two labels of one head of
    a document are accepted.
    """
    table = table.removeprefix("\ufeff")
    head = table.partition("\n")[0]
    delimiter = max("\t;,", key=head.count)
    reader = csv.DictReader(io.StringIO(table, newline=""), delimiter=delimiter)  # a spreadsheet quotes, we never do
    missing = [name for name in (ACCEPT, "document", "head", "corrected") if name not in (reader.fieldnames or ())]
    if missing:
        raise ReviewRefused(f"the table has no column {', '.join(missing)}: keep its first line as it was written")
    found: dict[tuple[str, str], str] = {}
    for line in _lines(reader):
        answer = (line[ACCEPT] or "").strip().casefold()
        if answer in NO:
            continue
        where = f"line {reader.line_num}"
        if answer not in YES:
            raise ReviewRefused(f"{where}: {answer!r} in {ACCEPT} is neither yes nor no; write y or leave it empty")
        document, name, label = (str(line[column] or "").strip() for column in ("document", "head", "corrected"))
        if found.setdefault((document, name), label) != label:
            raise ReviewRefused(
                f"{where}: two labels of {document} are accepted for {name}, {found[document, name]} and {label}: "
                "accept one of them"
            )
    return {(document, name, label) for (document, name), label in found.items()}


def _lines(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise ReviewRefused(f"line {reader.line_num}: {error}; save the table as tab-separated text") from None


def rows(
    corrections: Sequence[Correction], texts: Mapping[str, Text], wanted: set[tuple[str, str, str]]
) -> tuple[list[dict[str, str]], list[tuple[str, str, str]]]:
    """A training row for each document with accepted corrections, and the accepted lines that nobody says any more.

    A row has `id`, `text`, `lang`, `tier` and a label by its name for each corrected head.
    """
    made: dict[str, dict[str, str]] = {}
    for one in corrections:
        if one.key not in wanted:
            continue
        text = texts[one.document]
        blank = {"id": f"own-{one.document}", "text": prepare(text.text), "lang": text.lang, "tier": TIER}
        made.setdefault(one.document, blank)[one.head] = one.label
    gone = sorted(wanted - {one.key for one in corrections})
    return list(made.values()), gone


def as_jsonl(made: Iterable[Mapping[str, str]]) -> str:
    """The rows as `tocsin models train --rows` reads them."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
