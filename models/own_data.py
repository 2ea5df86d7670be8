"""A desk's own labelled rows, and what is wrong with them, said before anything learns. Pure but for reading.

`--map text=Content --map sentiment=Tone --label sentiment:bad=negative` says how a file is read. A cell that is empty,
or a word mapped to nothing, means that the row has no such label. Near-duplicates: Jaccard similarity of character
3-grams (Broder 1997), as for the corpus.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rapidfuzz import process

from models.corpus.check import near_pairs
from models.data import HELD_OUT, Row
from models.labels import HEADS
from models.tables import read_table
from models.text import mark, prepare

FIELDS: Final = ("text", *HEADS, "lang", "company", "part")
SHOWN: Final = 5  # examples of each finding
FEWEST: Final = 10  # rows of a label, below which nothing is learnt of it
LOPSIDED: Final = 20  # times that the commonest label may outnumber the rarest
MOST_COMPARED: Final = 50_000  # rows that are looked through for near-duplicates: minutes, not hours
STOPPING: Final = frozenset({"unknown_label", "unknown_part", "no_text_cell"})  # rows would be lost in silence


class OwnRowsRefused(ValueError):  # noqa: N818 - what happened
    """Columns or labels are named that are not there; the message says what is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the rows: what, how often, and the first places."""

    kind: str
    count: int
    examples: tuple[str, ...]

    @property
    def stops(self) -> bool:
        """Whether nothing is learnt before it is mended."""
        return self.kind in STOPPING


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: its columns by field, its words by head, and what its rows are called."""

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[tuple[str, str], str] = field(default_factory=dict)
    tier: str = "own"


@dataclass(frozen=True, slots=True)
class Own:
    """Rows of the user's files, and what could not be read of them. `id` of a row: file and line."""

    train: list[Row]
    dev: list[Row]
    findings: list[Finding]


def reading(maps: Iterable[str], labels: Iterable[str], tier: str) -> Reading:
    """How to read, from the options --map and --label. Raises OwnRowsRefused."""
    columns, words = {}, {}
    for each in maps:
        name, found, column = each.partition("=")
        if not found or name not in FIELDS:
            raise OwnRowsRefused(f"--map {each}: write FIELD=COLUMN; the fields are {', '.join(FIELDS)}")
        columns[name] = column
    for each in labels:
        head, _, rest = each.partition(":")
        word, found, label = rest.rpartition("=")
        if head not in HEADS or not found:
            raise OwnRowsRefused(f"--label {each}: write HEAD:WORD=LABEL; the heads are {', '.join(HEADS)}")
        if label and label not in HEADS[head]:
            raise OwnRowsRefused(f"--label {each}: {label!r} is no {head}{nearest(label, HEADS[head])}")
        words[head, word.casefold()] = label
    return Reading(columns, words, tier)


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that may have been meant, as the end of a message; all known ones when none is near."""
    close = process.extractOne(word.casefold(), known, score_cutoff=60)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def read(paths: Sequence[Path], dev_paths: Sequence[Path], how: Reading) -> Own:
    """The rows of the files. Without files for measuring or a column `part`, a tenth is held out, by digests of texts.

    Raises OwnRowsRefused, TableRefused.
    """
    faults: defaultdict[str, list[str]] = defaultdict(list)
    found: dict[str, list[Row]] = {"train": [], "dev": []}
    for path, part in ((path, "dev" if path in dev_paths else "") for path in (*paths, *dev_paths)):
        for line, cells in read_table(path):
            _check_columns(path, cells, how)
            where = f"{path}:{line}"
            row, plain = _row(path, where, cells, how, faults)
            stated = str(cells.get(how.columns.get("part", "part")) or "").strip().casefold()
            if stated not in ("", "train", "dev"):
                faults["unknown_part"].append(f"{where}: {stated!r}; write train or dev")
            elif row:
                # By the text as it stands: asked about several companies, it is either learnt from or measured on.
                default = "train" if dev_paths or not _held_out(plain) else "dev"
                found[part or stated or default].append(row)
    return Own(found["train"], found["dev"], [_finding(kind, examples) for kind, examples in faults.items()])


def _check_columns(path: Path, cells: Mapping[str, Any], how: Reading) -> None:
    # Of JSON any key but that of the text may be absent in a row.
    wanted = {} if ".jsonl" in path.suffixes else dict(how.columns)
    wanted["text"] = how.columns.get("text", "text")
    for name, column in wanted.items():
        if column not in cells:
            raise OwnRowsRefused(f"{path} has no column {column!r} for {name}{nearest(column, list(cells))}")


def _row(
    path: Path, where: str, cells: Mapping[str, Any], how: Reading, faults: defaultdict[str, list[str]]
) -> tuple[Row | None, str]:
    """The row, none where its text is no text; and the text before the company asked about was marked in it."""
    text = cells[how.columns.get("text", "text")]
    if not isinstance(text, str):
        faults["no_text_cell"].append(f"{where}: {text!r} is not text")
        return None, ""
    labels = {}
    for head, names in HEADS.items():
        value = cells.get(how.columns.get(head, head))
        word = "" if value is None else str(value).strip()  # 0 and false are labels too
        label = how.words.get((head, word.casefold()), word)
        if label in names:
            labels[head] = names.index(label)
        elif label:
            faults["unknown_label"].append(f"{where}: {head} {word!r}{nearest(word, names)}")
    plain = prepare(text)
    lang = str(cells.get(how.columns.get("lang", "lang")) or language(plain)).strip()
    company = str(cells.get(how.columns.get("company", "company")) or "").strip()
    marked = mark(plain, [prepare(company)])
    return Row(where, marked, labels, path.name.partition(".")[0], how.tier, lang), plain


def language(text: str) -> str:
    """`zh` for a text with Chinese characters, `en` for any other."""
    return "zh" if re.search("[\u3400-\u9fff]", text) else "en"


def _held_out(text: str) -> bool:
    return int(hashlib.sha256(text.casefold().encode()).hexdigest(), 16) % HELD_OUT == 0


def _finding(kind: str, examples: Sequence[str], count: int | None = None) -> Finding:
    return Finding(kind, len(examples) if count is None else count, tuple(examples[:SHOWN]))


def only(own: Own, langs: Sequence[str]) -> Own:
    """The rows in these languages; the others become a finding."""
    strange = [f"{row.id}: {row.lang!r}" for row in (*own.train, *own.dev) if row.lang not in langs]
    train, dev = ([row for row in part if row.lang in langs] for part in (own.train, own.dev))
    return Own(train, dev, [*own.findings, _finding("other_language", strange)])


def look_through(own: Own, others: Sequence[Row], dev: Sequence[Row], too_long: Callable[[str], bool]) -> list[Finding]:
    """What is wrong with the own rows, alone and beside the `others` learnt from and the other `dev` rows."""
    every = [*own.train, *own.dev]
    found = list(own.findings)
    found.append(_finding("empty", [row.id for row in every if not row.text]))
    found.append(_finding("unlabelled", [row.id for row in every if row.text and not row.labels]))
    found.append(_finding("overlong", [row.id for row in every if too_long(row.text)]))
    found += _repeats(own, others, dev)
    found += _near(own)
    found += _balance(own.train)
    return [each for each in found if each.count]


def _repeats(own: Own, others: Sequence[Row], dev: Sequence[Row]) -> list[Finding]:
    """Texts that occur twice within the training rows, in training and dev, and with contradicting labels."""
    where: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    mine = {row.id for row in (*own.train, *own.dev)}
    learnt, held = [*own.train, *others], [*own.dev, *dev]
    for row in (*learnt, *held):
        for head, label in row.labels.items():
            where[head, row.text.casefold()].append((row.id, label))
    in_dev = {row.id for row in held}
    repeated, leaked, conflicting = [], [], []
    for (head, _), places in where.items():
        ids = list(dict.fromkeys(name for name, _ in places))
        if len(ids) < 2 or mine.isdisjoint(ids):
            continue
        told = f"{head}: {' = '.join(ids[:3])}"
        if len({label for _, label in places}) > 1:
            names = ", ".join(f"{name} {HEADS[head][label]}" for name, label in places[:3])
            conflicting.append(f"{head}: {names}")
        elif in_dev.isdisjoint(ids):
            repeated.append(told)
        if not in_dev.isdisjoint(ids) and not in_dev.issuperset(ids):
            leaked.append(told)
    return [_finding("repeated", repeated), _finding("leaked", leaked), _finding("conflicting", conflicting)]


def _near(own: Own) -> list[Finding]:
    every = [row for row in (*own.train, *own.dev) if row.text]
    dev = {row.id for row in own.dev}
    near: list[str] = []
    across: list[str] = []
    for one, other, similar in near_pairs(every[:MOST_COMPARED]):
        if one.text.casefold() != other.text.casefold():
            same = (one.id in dev) == (other.id in dev)
            (near if same else across).append(f"{one.id} ~ {other.id} ({similar:.2f})")
    left = max(0, len(every) - MOST_COMPARED)
    return [_finding("near", near), _finding("near_across", across), Finding("not_compared", left, ())]


def _balance(rows: Sequence[Row]) -> list[Finding]:
    found = []
    for head, names in HEADS.items():
        counts = Counter(row.labels[head] for row in rows if head in row.labels)
        if not counts:
            continue
        few = [f"{head} {names[label]}: {counts[label]}" for label in range(len(names)) if counts[label] < FEWEST]
        found.append(_finding("few", few))
        (most, many), (least, rarest) = counts.most_common()[0], counts.most_common()[-1]
        if many > LOPSIDED * rarest:
            told = f"{head}: {names[most]} {many:,}, {names[least]} {rarest:,}"
            found.append(_finding("imbalance", [told]))
    return found
