"""Words of the invented day: decks of phrases that repeat only when every card was drawn, and slots that vary."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Final, TypeVar

import yaml

FLASH: Final = 0.3  # share of news that is a headline and nothing else
OPENED: Final = 0.55  # share of chat messages with an opening word
CLOSED: Final = 0.6
SEPARATORS: Final = {"en": (", ", ". ", " - ", " ... "), "zh": ("，", "。", " ")}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the watchlist, with the names people use for it in each language."""

    id: str
    name: str
    names: Mapping[str, tuple[str, ...]]  # language -> names, longest first
    ticker: str

    @property
    def key(self) -> str:
        """The name by which the day's files call it."""
        return self.id.removeprefix("demo-")

    def called(self, lang: str) -> str:
        """Its full name in a language, or the name it has."""
        names = self.names.get(lang, ())
        return names[0] if names else self.name


@cache
def read(name: str) -> Any:
    """A YAML file of the day."""
    return yaml.safe_load(files("console.demo").joinpath("day", f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def companies() -> dict[str, Company]:
    """The companies of the demo's watchlist by key."""
    rows = yaml.safe_load(files("console.demo").joinpath("watchlist.yaml").read_text(encoding="utf-8"))
    found = {}
    for row in rows:
        names = sorted([row["name"], *row["aliases"]], key=len, reverse=True)
        by_lang = {
            "en": tuple(n for n in names if n.isascii()),
            "zh": tuple(n for n in names if not n.isascii()),
        }
        company = Company(row["id"], row["name"], by_lang, row["tickers"][0])
        found[company.key] = company
    return found


def pick(random: Random, options: Sequence[T]) -> T:
    """One of the options; uses only `random()`, whose sequence Python guarantees for a seed."""
    return options[int(random.random() * len(options))]


def shuffled(random: Random, options: Sequence[T]) -> list[T]:
    """The options in a random order, by the same guarantee."""
    return [option for _, option in sorted(((random.random(), o) for o in options), key=lambda pair: pair[0])]


def join(random: Random, parts: Sequence[str], lang: str) -> str:
    """The parts of a chat message, with or without the comma people may or may not type."""
    text = parts[0]
    for part in parts[1:]:
        bare = text[-1].isalnum() and part[0].isalnum()
        text += pick(random, SEPARATORS[lang]) + part if bare else (" " if lang == "en" else "") + part
    return text


class Deck:
    """Phrases drawn without repeating any before all were drawn."""

    def __init__(self, random: Random, phrases: Sequence[str]) -> None:
        self._random = random
        self._phrases = phrases
        self._left: list[str] = []

    def draw(self) -> str:
        """The next phrase."""
        if not self._left:
            self._left = shuffled(self._random, self._phrases)
        return self._left.pop()


class Slots(dict[str, str]):
    """Values for the slots of one text: drawn when asked for, the same within the text."""

    def __init__(self, random: Random, lang: str, company: Company | None, kind: str) -> None:
        super().__init__()
        self._random = random
        self._lang = lang
        self._company = company
        self._kind = kind

    def __missing__(self, slot: str) -> str:
        """Draw the value of a slot; KeyError for a slot nobody knows."""
        value = self._name() if slot in ("co", "tk") and self._company else self._number(slot)
        if slot == "tk" and self._company:
            value = f"${self._company.ticker}"
        self[slot] = value
        return value

    def _name(self) -> str:
        names = self._company.names[self._lang] if self._company else ()
        formal = self._kind == "news" and self._random.random() < 0.4
        return names[0] if formal else names[-1]

    def _number(self, slot: str) -> str:
        r = self._random.random()
        match slot:
            case "pct":
                return f"{1 + r * 8:.1f}"
            case "big":
                return str(12 + int(r * 27))
            case "n":
                return str(3 + int(r * 17))
            case "mn":
                return str(20 + int(r * 880))
            case "bn":
                return f"{1 + r * 8.8:.1f}"
            case "px":
                return f"{12 + r * 86:.2f}"
            case "code":
                return hashlib.blake2b(str(r).encode(), digest_size=3).hexdigest()
        words: Sequence[str] = read("words")[self._lang][slot]
        return words[int(r * len(words))]


class Writer:
    """Writes titles and texts from one section of the day's files."""

    def __init__(self, random: Random, section: Mapping[str, Sequence[str]], lang: str) -> None:
        self._random = random
        self._lang = lang
        self._decks = {name: Deck(random, phrases) for name, phrases in section.items()}

    def news(self, company: Company | None) -> tuple[str, str]:
        """A headline, and a first paragraph unless it is a flash."""
        title = self.fill(self._decks["news"].draw(), company, "news")
        if "leads" not in self._decks or self._random.random() < FLASH:
            return title, ""
        return title, self.fill(self._decks["leads"].draw(), company, "news")

    def chat(self, company: Company | None) -> tuple[str, str]:
        """A message: perhaps an opening, what is said, perhaps a last word."""
        parts = [self._decks["body"].draw()]
        if self._random.random() < OPENED:
            parts.insert(0, self._decks["open"].draw())
        if self._random.random() < CLOSED:
            parts.append(self._decks["close"].draw())
        return "", self.fill(join(self._random, [p for p in parts if p], self._lang), company, "chat")

    def fill(self, text: str, company: Company | None, kind: str) -> str:
        """The text with its slots filled."""
        return text.format_map(Slots(self._random, self._lang, company, kind))
