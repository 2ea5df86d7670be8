"""Reading the corpus: one labelled text a line, seven columns, form and meaning in `GUIDE.md`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.labels import RISKS, SENTIMENTS, TOPICS

FOLDER: Final = Path(__file__).parent / "texts"
REGISTERS: Final = tuple("headline flash lead note forum chat complaint rumour denial advert spam".split())
DIFFICULTIES: Final = tuple(
    "negation irony denial priced_in limit_move mixed_guidance comparison code_mixed number procedural question "
    "conditional past slang several".split()
)
COLUMNS: Final = ("sentiment", "topic", "risk", "register", "hard", "companies", "text")
_NOTHING: Final = "-"


class CorpusFault(ValueError):  # noqa: N818 - what it is
    """A line that does not follow the form; the message names file, line and fault."""


@dataclass(frozen=True, slots=True)
class Text:
    """One written text with its labels. `companies` maps each name in the text to the sentiment for that company."""

    id: str
    lang: str
    sentiment: str
    topic: str
    risk: str
    register: str
    hard: tuple[str, ...]
    companies: tuple[tuple[str, str], ...]
    text: str


def lang_of(path: Path) -> str:
    """The language of a file, from the start of its name: `zh-…` or `en-…`."""
    return path.name[:2]


def parse(line: str, lang: str, where: str) -> Text:
    """One line. Raises CorpusFault that starts with `where`."""
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise CorpusFault(f"{where}: {len(cells)} columns instead of {len(COLUMNS)}")
    sentiment, topic, risk, register, hard, companies, text = (cell.strip() for cell in cells)
    difficulties = () if hard == _NOTHING else tuple(hard.split(","))
    for name, value, known in (
        ("sentiment", sentiment, SENTIMENTS), ("topic", topic, TOPICS), ("risk", risk, RISKS),
        ("register", register, REGISTERS), *(("hard", each, DIFFICULTIES) for each in difficulties),
    ):  # fmt: skip
        if value not in known:
            raise CorpusFault(f"{where}: {name} {value!r} is not one of {', '.join(known)}")
    if not text:
        raise CorpusFault(f"{where}: no text")
    digest = hashlib.sha256(f"{lang}\n{text}".encode()).hexdigest()[:12]
    return Text(
        f"{lang}-{digest}",
        lang,
        sentiment,
        topic,
        risk,
        register,
        difficulties,
        _companies(companies, text, where),
        text,
    )


def _companies(cell: str, text: str, where: str) -> tuple[tuple[str, str], ...]:
    if cell == _NOTHING:
        return ()
    pairs = []
    for part in cell.split(";"):
        name, separator, sentiment = part.strip().rpartition("=")
        if not separator or sentiment not in SENTIMENTS:
            raise CorpusFault(f"{where}: company {part!r} is not written name=sentiment")
        if name not in text:
            raise CorpusFault(f"{where}: the company {name!r} does not stand in the text")
        pairs.append((name, sentiment))
    return tuple(pairs)


def files(folder: Path = FOLDER) -> list[Path]:
    """The files of the corpus, in order."""
    return sorted(folder.glob("*.tsv"))


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each filled line of a file with its place, `name:number`."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path.name}:{number}", line.rstrip("\r\n")


def read(paths: Iterable[Path] | None = None) -> list[Text]:
    """Every text of the files (default: the whole corpus), in order. Raises CorpusFault."""
    chosen = files() if paths is None else paths
    return [parse(line, lang_of(path), where) for path in chosen for where, line in lines(path)]
