"""Companies and the names they go by: the shipped list, and the type that the user's watchlist fills too.

`companies.csv` is made by `python -m streams.gazetteer.build` from index members and from `known.csv`, which is written
by hand. An alias is matched in any case; with `=` in front only as written, in capitals, or beside a market word
(`=Apple`); with `~` in front only as written and beside a market word or another name of the company (`~Target`).
Readers of Chinese are shown the first alias with a Chinese character: a company's own stands before its brands.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

COMPANIES: Final = Path(__file__).with_name("companies.csv")
COLUMNS: Final = ("id", "name", "aliases", "tickers", "exclude")
HAN: Final = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Company:
    """One company or instrument. `tickers` are codes as on its exchange: AAPL, 0700.HK, 600519.SH."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()  # phrases that hold a name and mean something else
    lists: tuple[str, ...] = ()  # names of the watchlist's lists that it stands in: rules may follow these

    @property
    def chinese(self) -> str:
        """What readers of Chinese call it: its name, or its first alias with a Chinese character; empty for neither."""
        names = (self.name, *(alias.lstrip("=~") for alias in self.aliases))
        return next((name for name in names if HAN.search(name)), "")

    def extended(self, other: Company) -> Company:
        """This company with the names of `other` added, under the name of `other`."""
        return replace(
            self,
            name=other.name,
            aliases=tuple(dict.fromkeys(self.aliases + other.aliases)),
            tickers=tuple(dict.fromkeys(self.tickers + other.tickers)),
            exclude=tuple(dict.fromkeys(self.exclude + other.exclude)),
            lists=tuple(dict.fromkeys(self.lists + other.lists)),
        )


def read_companies(path: Path = COMPANIES) -> list[Company]:
    """The companies of a CSV file with the columns COLUMNS, lists separated by `|`."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Company(row["id"], row["name"], *(tuple(filter(None, row[key].split("|"))) for key in COLUMNS[2:]))
            for row in csv.DictReader(file)
        ]


def write_companies(path: Path, companies: list[Company]) -> None:
    """Write the companies in the order given."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows((c.id, c.name, "|".join(c.aliases), "|".join(c.tickers), "|".join(c.exclude)) for c in companies)
