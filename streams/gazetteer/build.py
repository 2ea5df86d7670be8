"""Makes companies.csv: `uv run --with pytickersymbols python -m streams.gazetteer.build`.

Takes names and symbols of index members from the package pytickersymbols (MIT licence, needed only here) and puts the
rows of known.csv before them: a row there replaces the generated row that shares its id, its name or one of its
tickers. Generated names are matched as written only (`=`), because nobody has looked at each; words that are also
English words need a market word beside them (`~`).
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Final

from streams.gazetteer import COMPANIES, Company, read_companies, write_companies

KNOWN: Final = Path(__file__).with_name("known.csv")
INDICES: Final = (
    "S&P 500", "NASDAQ 100", "DOW JONES", "DAX", "CAC_40", "FTSE 100", "EURO STOXX 50", "IBEX 35", "AEX",
    "Switzerland 20", "NIKKEI 225", "BEL 20", "OMX Stockholm 30",
)  # fmt: skip
WORDS: Final = frozenset(
    """
    Admiral Ball Berkeley Booking Canon Compass Continental Convatec Diploma Disco Dover Everest Evolution Fox Hexagon
    Hoya Investor Kingfisher Lion LY Match Muji News Next NN Olympus Orange Partners Persimmon Phoenix Pool Progressive
    Prudential Recruit Sage SCREEN Sharp SHIFT Southern Tapestry Target Toto Vinci Waters Weir Williams Arm Block ICG BD
    Hartford Mosaic Citizens Regions SES SCA DCC AGC LIFCO IDEX Arch Carrier Cooper Carnival Trane Rollins Hubbell
    """.split()
)
_SUFFIX = re.compile(
    r",?\s+(?:Inc\.?|Incorporated|Corp\.?|Corporation|Company|Companies|Co\.?,?(?:\s?Ltd\.?)?|Ltd\.?|Limited|plc|PLC|AG|SE|"
    r"SA|S\.A\.|S\.p\.A\.|SpA|NV|N\.V\.|AB|KGaA|Holdings?|Group|& Co\.?(?:\sKGaA)?|\(The\)|\(?Class [A-C]\)?|&)$"
)
_SYMBOL = re.compile(r"([A-Z0-9&-]+(?:\.[A-Z]{1,2})?)(?:\.DE)?")


def short_name(name: str) -> str:
    """The name without its legal form: what people write."""
    name = re.sub(r"\s+", " ", name.replace("\N{EN DASH}", "-")).strip()
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
    return name.removeprefix("The ")


def generated(stock: dict[str, Any]) -> Company | None:
    """The company of one index member, or None when its symbol has a form that nobody would look up."""
    symbol = _SYMBOL.fullmatch(str(stock["symbol"]))
    full = re.sub(r"\s+", " ", str(stock["name"]).replace("\N{EN DASH}", "-")).strip()
    short = short_name(full)
    if symbol is None or len(short) < 2 or "|" in full:
        return None
    names = [("~" if short in WORDS else "=") + short] + ([f"={full}"] if full != short else [])
    return Company(symbol[1], short, tuple(names), (symbol[1],))


def main() -> None:
    """Write companies.csv beside this file."""
    known = read_companies(KNOWN)
    taken = {code for company in known for code in (company.id, *company.tickers)}
    names = {alias.lstrip("=~").casefold() for company in known for alias in (company.name, *company.aliases)}
    rows: dict[str, Company] = {}
    source = importlib.import_module("pytickersymbols").PyTickerSymbols()
    for index in INDICES:
        for stock in source.get_stocks_by_index(index):
            company = generated(stock)
            if company is None or company.id in taken or company.name.casefold() in names:
                continue
            names.add(company.name.casefold())
            rows.setdefault(company.id, company)
    companies = known + sorted(rows.values(), key=lambda company: company.id)
    write_companies(COMPANIES, companies)
    print(f"{len(companies)} companies, {len(known)} of them by hand")  # noqa: T201 - a tool for the terminal


if __name__ == "__main__":
    main()
