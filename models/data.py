"""Labelled rows for training and evaluation, and the audit that runs before either.

Three kinds of rows: public sets in the data folder, the corpus written for this project, and a user's own files.
Weights that ship learn only from rows whose licence permits it (tier A). Nothing is dropped silently: `clean` counts
repeats, texts with contradicting labels and texts that occur in both parts.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from models.corpus import texts
from models.labels import CCKS_RISKS, HEADS, TOPIC_SOURCES
from models.text import mark, prepare, unmarked

PARTS: Final = ("train", "dev")
SHIPPABLE_TIERS: Final = frozenset({"A"})
CORPUS: Final = "corpus"  # data set name of our own texts
TARGETS: Final = "corpus-targets"  # the same, asked about one of several companies
HELD_OUT: Final = 10  # one text of the corpus in so many is never learnt from
# Registers of the corpus, and public sets of one kind: the source whose temperature a row tells of.
KINDS: Final = {
    **dict.fromkeys(("headline", "flash", "lead", "note", "denial", "sentfin", "phrasebank50", "xueqiu"), "news"),
    **dict.fromkeys(("forum", "chat", "complaint", "rumour", "advert", "spam"), "chat"),
    **dict.fromkeys(("tfns", "tfnt", "taborda", "surge", "finfe", "stocksentcn"), "chat"),
}
_TOPIC_NAMES: Final = {source: name for name, source in TOPIC_SOURCES.items()}


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A file of the data folder: the language, the head that it labels, and the names of its labels."""

    name: str
    lang: str
    head: str
    names: Mapping[str, str]  # label in the file -> ours; a label that is not here is ours already


PUBLIC: Final = (
    PublicSet("en_sent", "en", "sentiment", {}),
    PublicSet("en_topic20", "en", "topic", _TOPIC_NAMES),
    PublicSet("zh_sent3_forum", "zh", "sentiment", {}),
    PublicSet("zh_sent2_headline", "zh", "sentiment", {}),
    PublicSet("zh_eventtype21", "zh", "risk", CCKS_RISKS),
)
LANGUAGES: Final = tuple(dict.fromkeys(each.lang for each in PUBLIC))


def licence_of(rows: Mapping[str, int]) -> str:
    """Licence of weights that learnt from `rows` ("<data set>/<tier>" -> number), as their metadata states it."""
    others = sorted(name for name in rows if name.rpartition("/")[2] not in SHIPPABLE_TIERS)
    return f"for own use only: learnt from {', '.join(others)}" if others else "Apache-2.0"


def together(learnt: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Rows that weights learnt from in several runs: a later run must not hide an earlier one, whose licence counts."""
    names = dict.fromkeys(name for each in learnt for name in each)
    return {name: max(each.get(name, 0) for each in learnt) for name in names}


class DataMissing(FileNotFoundError):  # noqa: N818 - what happened
    """The folder with labelled data is absent; the message says how to name it."""


class DataBroken(ValueError):  # noqa: N818 - what happened
    """A labelled row cannot be read; the message names file, line and fault."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text, prepared. `labels`: head -> index in `models.labels.HEADS[head]`; a head may be missing."""

    id: str
    text: str
    labels: Mapping[str, int]
    dataset: str
    tier: str
    lang: str
    register: str = ""

    @property
    def kind(self) -> str:
        """Kind of source, as records name it: `news` or `chat`; empty where it is mixed or not known."""
        return KINDS.get(self.register or self.dataset, "")


@dataclass(frozen=True, slots=True)
class Audit:
    """What `clean` found: counts of labels, by kind of fault."""

    train: int
    dev: int
    repeated_in_train: int
    repeated_in_dev: int
    contradicting_in_train: int
    leaked_from_dev: int
    kept: int

    def lines(self) -> list[str]:
        """One `name: count` per field, for the training log."""
        return [f"{name.replace('_', ' ')}: {count:,}" for name, count in asdict(self).items()]


def data_folder(given: Path | None = None) -> Path:
    """`given`, else TOCSIN_DATA, else `../shared/data` beside the checkout. Raises DataMissing when it is not there."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = given or Path(os.environ.get("TOCSIN_DATA", default))
    if not (folder / "labelled").is_dir():
        raise DataMissing(
            f"no labelled data in {folder}: set TOCSIN_DATA (or --data) to the folder that holds `labelled/*.jsonl`"
        )
    return folder


def read_set(folder: Path, public: PublicSet, part: str, tiers: Iterable[str] | None = None) -> list[Row]:
    """Rows of one set and part, in file order; with `tiers`, only those. Raises DataMissing, DataBroken."""
    if part not in PARTS:
        raise ValueError(f"part must be one of {PARTS}, not {part!r}")
    wanted = None if tiers is None else frozenset(tiers)
    found = json_rows(folder / "labelled" / f"{public.name}.{part}.jsonl", lambda raw: _public(raw, public))
    return [row for row in found if wanted is None or row.tier in wanted]


def json_rows(path: Path, make: Callable[[dict[str, Any]], Row]) -> list[Row]:
    """Every line of a JSONL file as `make` makes it. Raises DataMissing, DataBroken with the line."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(file)  # not splitlines, which cuts at every break that a text may hold
    except FileNotFoundError:
        raise DataMissing(f"{path} is not there") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(make(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataBroken(f"{path}:{number}: {type(error).__name__}: {error}") from None
    return rows


def _public(raw: dict[str, Any], public: PublicSet) -> Row:
    label = HEADS[public.head].index(public.names.get(raw["label"], raw["label"]))
    text = unmarked(prepare(raw["text"]))
    if public.head == "risk" and raw.get("entity"):
        text = mark(text, [prepare(raw["entity"])])  # the label is about this company
    return Row(raw["id"], text, {public.head: label}, raw["dataset"], raw["tier"], public.lang)


def held_out(text: texts.Text) -> bool:
    """Whether a text of the corpus is for measuring only: by its id, which is a digest of the text."""
    return int(text.id.partition("-")[2], 16) % HELD_OUT == 0


def corpus_rows(part: str, langs: Iterable[str] = LANGUAGES) -> list[Row]:
    """The corpus as rows: each text as it stands and, where it names several companies, asked about each of them."""
    rows = []
    for text in texts.read():
        if text.lang not in langs or held_out(text) != (part == "dev"):
            continue
        labels = {head: HEADS[head].index(getattr(text, head)) for head in HEADS}
        whole = Row(text.id, prepare(text.text), labels, CORPUS, "A", text.lang, text.register)
        rows.append(whole)
        if len(text.companies) > 1:
            rows += [
                replace(
                    whole,
                    id=f"{text.id}#{at}",
                    text=mark(whole.text, [prepare(name)]),
                    labels={"sentiment": HEADS["sentiment"].index(sentiment)},
                    dataset=TARGETS,
                )
                for at, (name, sentiment) in enumerate(text.companies)
            ]
    return rows


def read_part(folder: Path | None, part: str, langs: Iterable[str], tiers: Iterable[str] | None = None) -> list[Row]:
    """Rows of every public set of the languages (none without `folder`), and the corpus."""
    chosen = tuple(langs)
    wanted = None if tiers is None else tuple(tiers)
    public = [row for each in PUBLIC if folder and each.lang in chosen for row in read_set(folder, each, part, wanted)]
    return public + corpus_rows(part, chosen)


def clean(train: Sequence[Row], dev: Sequence[Row]) -> tuple[list[Row], Audit]:
    """Training rows that may be learnt from, and the audit, which counts labels.

    Dropped: the label of a text that is also in dev for the same head, every label of a text whose labels contradict
    each other, a repetition, an empty text. The dev part is judged as it is.
    """
    held = [(head, row.text.casefold()) for row in dev for head in row.labels]
    known = set(held)
    seen: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for row in train:
        for head, label in row.labels.items():
            seen[head, row.text.casefold()].add(label)
    counts: Counter[str] = Counter()
    used: set[tuple[str, str]] = set()
    kept = []
    for row in train:
        labels = {}
        for head, label in row.labels.items():
            key = (head, row.text.casefold())
            fault = (
                "leaked" if key in known else "contradicting" if len(seen[key]) > 1
                else "repeated" if key in used else "" if row.text else "empty"
            )  # fmt: skip
            counts[fault] += 1
            if not fault:
                used.add(key)
                labels[head] = label
        if labels:
            kept.append(replace(row, labels=labels))
    audit = Audit(
        train=sum(len(row.labels) for row in train),
        dev=len(held),
        repeated_in_train=counts["repeated"],
        repeated_in_dev=len(held) - len(known),
        contradicting_in_train=counts["contradicting"],
        leaked_from_dev=counts["leaked"],
        kept=counts[""],
    )
    return kept, audit
