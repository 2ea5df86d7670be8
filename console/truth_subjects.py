"""Companies in truth files, by whatever people write: id, symbol or name, as the gazetteer of the stream knows them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from alerts.evaluation.truth_files import Resolve
from streams.entities import Gazetteer
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_watchlist

CODE: Final = re.compile(r"\$?[A-Z0-9]{1,8}(?:[.-][A-Z]{1,4})?")


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
