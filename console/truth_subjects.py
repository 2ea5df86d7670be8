"""Companies in truth files, by whatever people write: id, symbol or name, as the gazetteer of the stream knows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from alerts.evaluation.truth_files import Resolve
from alerts.rule_checks import PREFIXES
from alerts.yaml_structs import suggest
from console.messages import say
from models.labels import TOPICS
from streams.entities import Gazetteer
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_watchlist
from streams.plain import plain

CODE: Final = re.compile(r"\$?[A-Z0-9]{1,8}(?:[.-][A-Z]{1,4})?")


class UnknownSubject(ValueError):  # noqa: N818 - what is wrong
    """A word names no subject; the message says how to write it."""


def read_subjects(words: Iterable[str], watchlist: Path | None) -> list[str]:
    """The subjects that a person wrote, each with its kind (entity:AAPL, topic:legal, …) or as a company's id, symbol
    or name. Raises UnknownSubject, WatchlistError."""
    found: list[str] = []
    companies: tuple[Resolve, set[str]] | None = None
    for word in words:
        kind, colon, name = word.partition(":")
        if colon and name and f"{kind}:" in PREFIXES:
            if kind == "topic" and name not in TOPICS:
                raise UnknownSubject(say("truth.no_topic", word=plain(word, 64), known=", ".join(TOPICS)))
            found.append(word)
            continue
        companies = companies or find_companies(watchlist)
        subject = companies[0](word)
        if subject is None:
            meant = suggest(word, companies[1])
            raise UnknownSubject(say("truth.meant" if meant else "truth.stranger", word=plain(word, 64), meant=meant))
        found.append(subject)
    return found


def find_companies(watchlist: Path | None) -> tuple[Resolve, set[str]]:
    """What `read_truth` asks for: how a word becomes the subject of the one company that it names (an id, a symbol, a
    name; none where it names several), and the words to suggest where it names none. Raises WatchlistError."""
    companies = [*read_companies(), *(read_watchlist(watchlist) if watchlist else ())]
    ids = {company.id for company in companies}
    words = {word for company in companies for word in (company.id, company.name, *company.tickers)}
    return resolver(Gazetteer.load(watchlist), ids), words


def resolver(gazetteer: Gazetteer, ids: Collection[str]) -> Resolve:
    """How a word becomes a subject."""

    def resolve(word: str) -> str | None:
        written = word.strip()
        if written in ids:
            return f"entity:{written}"
        code = _by_code(gazetteer, written)
        found = code if CODE.fullmatch(written) else None
        found = found or _one(gazetteer, written) or code
        return None if found is None else f"entity:{found}"

    return resolve


def _by_code(gazetteer: Gazetteer, word: str) -> str | None:
    symbol = word.removeprefix("$")
    found = gazetteer.lookup(symbol)
    return found or _one(gazetteer, f"${symbol}")


def _one(gazetteer: Gazetteer, title: str) -> str | None:
    found = gazetteer.find(title, "")
    return found[0].id if len(found) == 1 else None
