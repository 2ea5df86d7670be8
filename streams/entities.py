"""Which companies a text is about: names and codes looked up in one pass, with the reason for each match.

Latin names match whole words, Chinese names anywhere; where matches overlap the leftmost, then the longest wins, and a
phrase listed as a false friend ("apple pie", 阿里地区) wins over the name in it. Codes match as cashtags (`$AAPL`),
with their exchange (`600519.SH`, `SH600519`, `00700.HK`, `NASDAQ: AAPL`), and as six digits in brackets or after 代码.
Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import ahocorasick

from streams.gazetteer import Company, read_companies
from streams.gazetteer.watchlist import read_watchlist
from streams.records import Entity, digest

Place = Literal["title", "lead", "body"]
MATCHER: Final = "1"  # part of the version: raise it when the same names would give other matches
LEAD: Final = 300  # characters that count as the lead of a text
MOST: Final = 32  # entities of one document; a longer list of tickers is an advertisement
MODEL: Final = 5  # letters of a name after which digits may follow without a space
FOCUS: Final = 4  # a text that names more companies than this is less and less about each
WEIGHT: Final = {"title": 0.9, "lead": 0.7, "body": 0.4}

# Symbols that are words or common abbreviations: only with `$` or an exchange.
_WORDS: Final = frozenset(
    """
    ALL ARE BALL BILL CARR CASH CEO CFO COST DASH DECK DOCS EDIT EDU FAST FIVE FUND GAP GDP GOLD GOOD HOOD IPO KEYS LIFE
    LOVE LOW MAIN META NEWS NOW OPEN PEAK PLAY PLUS POOL PUMP REAL ROOT SAFE SAVE SHOP SNAP SNOW SPOT SPY STEP TEAM
    TECH TRIP TRUE UBER USA WELL WORK ZOOM PODD TAP NICE HOPE LAND RACE HEAR COIN SAIL VALE TELL TAL
    """.split()
)
_MARKET = (
    r"stocks?|shares?|inc|corp|co|plc|ltd|group|earnings|revenues?|profits?|sales|results|guidance|dividend|ceo|cfo|"
    r"chief executive|bonds?|calls|puts|investors|shareholders|holders|market cap|quarterly|q[1-4]|ipo|says|said|"
    r"to buy|to sell|to cut|reports?|posts|beats|misses"
)
_CUE_AFTER = re.compile(rf"(?:['’]s)?[ -](?:{_MARKET})\b", re.IGNORECASE)
_CUE_BEFORE = re.compile(
    r"\b(?:(?:shares?|stock|stake|ceo|boss|chief|investors?) (?:of|in|at)|buy|sell|short|long|upgrades?|downgrades?|"
    r"retailer|chain|carmaker|bank|giant)[ ]$",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://[!-~…]*")
_CASHTAG = re.compile(r"(?<![A-Za-z0-9$])\$([A-Za-z]{1,5})(?:[.-]([A-Za-z]{1,2}))?(?![A-Za-z0-9_])")
_CODE = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      (?:SH|SZ|BJ)[.:]?(?P<front>[0-9]{6}) | (?P<back>[0-9]{6})\.(?:SH|SZ|SS|BJ)
    | HK[.:]?(?P<hk>[0-9]{4,5}) | (?P<hongkong>[0-9]{1,5})\.HK
    | (?P<symbol>[A-Z0-9]{2,10}\.(?:T|L|DE|PA|AS|SW|MC|BR|ST|KS|TW|NS)) | (?P<us>[A-Z]{1,5})\.(?:US|OQ|O|N)
    )(?![A-Za-z0-9])
    | [（(]\s?(?P<bracket>[0-9]{6})\s?[)）] | 代码[：:\s]{0,2}(?P<stated>[0-9]{6})(?![0-9])""",
    re.VERBOSE,
)
_EXCHANGE = re.compile(
    r"\b(?P<place>NASDAQ|NYSE(?:\s?(?:American|Arca))?|AMEX|OTCMKTS|LSE|LON|HKEX|HKG|SEHK|SSE|SHA|SZSE|SHE|TYO|TSE|ETR|XETRA|FRA|"
    r"EPA|AMS|SWX)\s?[:：]\s?\$?(?P<symbol>[A-Za-z0-9]{1,6}(?:[.-][A-Z]{1,2})?)\b",
    re.IGNORECASE,
)
_SUFFIX: Final = {
    "LSE": ".L", "LON": ".L", "HKEX": ".HK", "HKG": ".HK", "SEHK": ".HK", "SSE": ".SH", "SHA": ".SH", "SZSE": ".SZ",
    "SHE": ".SZ", "TYO": ".T", "TSE": ".T", "ETR": ".DE", "XETRA": ".DE", "FRA": ".DE", "EPA": ".PA", "AMS": ".AS",
    "SWX": ".SW",
}  # fmt: skip


class Pattern(NamedTuple):
    """One name in the automaton. `company` is -1 for a false friend."""

    company: int
    written: str
    mode: str  # "any" case, "cased", "weak", or "bare" for a symbol without its cashtag


class Hit(NamedTuple):
    """One place in a text that names a company."""

    start: int
    end: int
    company: int
    firm: bool  # not firm: counts only beside a firm hit for the same company


class Gazetteer:
    """Companies by every name and code they go by. Immutable after construction; safe to share between threads."""

    def __init__(self, companies: Sequence[Company]) -> None:
        self._companies = tuple(companies)
        self._codes: dict[str, int] = {}
        self._names: dict[str, list[Pattern]] = {}
        for at, company in enumerate(self._companies):
            self._add(at, company)
        for phrase in (phrase for company in self._companies for phrase in company.exclude):
            self._name(Pattern(-1, phrase, "any"))  # last: a name that is the same phrase wins
        self._automaton = ahocorasick.Automaton()
        for key, patterns in self._names.items():
            self._automaton.add_word(key, (len(key), tuple(patterns)))
        if self._names:
            self._automaton.make_automaton()
        self.lists = {company.id: company.lists for company in self._companies if company.lists}
        self.version: str = digest(MATCHER, *(repr(company) for company in self._companies))[:16]
        self.handles: frozenset[str] = frozenset(
            re.sub("[^a-z0-9]", "", pattern.written.lower())
            for patterns in self._names.values()
            for pattern in patterns
            if pattern.company >= 0 and pattern.mode in ("any", "cased") and pattern.written.isascii()
        ) - {""}

    @classmethod
    def load(cls, watchlist: Path | None = None) -> Gazetteer:
        """The shipped companies, and over them those of the user's watchlist.

        Raises WatchlistError with file, line and what to do.
        """
        companies = {company.id: company for company in read_companies()}
        for own in read_watchlist(watchlist) if watchlist else ():
            companies[own.id] = companies[own.id].extended(own) if own.id in companies else own
        return cls(tuple(companies.values()))

    def __len__(self) -> int:
        return len(self._companies)

    def lookup(self, code: str) -> str | None:
        """Id of the company with this code in any common spelling (FB, 00700.HK, BRK-B), or None."""
        at = self._codes.get(_normal(code))
        return None if at is None else self._companies[at].id

    def find(self, title: str, text: str) -> tuple[Entity, ...]:
        """The companies named in title and text, the most relevant first; at most MOST.

        Relevance is 0.9 when the title names it (or, without a title, the lead), 0.7 in the lead, 0.4 later; each
        further mention adds a fifth of what is missing to 1; texts that name more than FOCUS companies count less.
        """
        hits: list[tuple[Hit, Place, str]] = [(hit, "title", title) for hit in self._scan(title)]
        hits += [(hit, "lead" if hit.start < LEAD else "body", text) for hit in self._scan(text)]
        firm = {hit.company for hit, _, _ in hits if hit.firm}
        found: dict[int, list[tuple[Place, str]]] = {}
        for hit, place, part in hits:
            if hit.company in firm:
                found.setdefault(hit.company, []).append((place, part[hit.start : hit.end]))
        focus = min(1.0, FOCUS / len(found)) if found else 1.0
        entities = [self._entity(at, hits, focus, titled=bool(title)) for at, hits in found.items()]
        return tuple(sorted(entities, key=lambda entity: (-entity.relevance, entity.id))[:MOST])

    def _entity(self, at: int, hits: list[tuple[Place, str]], focus: float, *, titled: bool) -> Entity:
        company = self._companies[at]
        places = {place for place, _ in hits}
        where: Place = "title" if "title" in places else "lead" if "lead" in places else "body"
        weight = WEIGHT["title"] if where == "lead" and not titled else WEIGHT[where]
        relevance = (1 - (1 - weight) * 0.8 ** (len(hits) - 1)) * focus
        matched = ", ".join(dict.fromkeys(words for _, words in hits))[:256]
        return Entity(
            id=company.id,
            name=company.name,
            relevance=round(relevance, 4),
            where=where,
            matched=matched,
            count=len(hits),
        )

    def _add(self, at: int, company: Company) -> None:
        for code in company.tickers:
            normal = _normal(code)
            self._codes.setdefault(normal, at)
            if normal.isalpha() and len(normal) >= 4 and normal not in _WORDS:
                self._name(Pattern(at, normal, "bare"))
        for alias in company.aliases:
            written = alias.lstrip("=~")
            mode = "weak" if alias.startswith("~") else "cased" if alias != written else "any"
            self._name(Pattern(at, written, mode))

    def _name(self, pattern: Pattern) -> None:
        if pattern.written:
            self._names.setdefault(_lower(pattern.written), []).append(pattern)

    def _scan(self, text: str) -> list[Hit]:
        """Every place in `text` that may name a company, in order, not overlapping."""
        if not text:
            return []
        if "://" in text:
            text = _LINK.sub(lambda match: " " * len(match[0]), text)
        hits = [*self._cashtags(text), *self._exchange_codes(text), *self._named(text)]
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        kept: list[Hit] = []
        for hit in hits:
            if not kept or hit.start >= kept[-1].end:
                kept.append(hit)
        return [hit for hit in kept if hit.company >= 0]

    def _named(self, text: str) -> Iterator[Hit]:
        if not self._names:
            return
        lower = _lower(text)
        shouted = text.isupper()
        for last, (length, patterns) in self._automaton.iter(lower):
            start, end = last - length + 1, last + 1
            if not _whole(lower, start, end):
                continue
            for pattern in patterns:
                firm = _accepts(pattern, text, start, end, shouted)
                if firm is not None:
                    yield Hit(start, end, pattern.company, firm)
                    break

    def _cashtags(self, text: str) -> Iterator[Hit]:
        if "$" not in text:
            return
        matches = list(_CASHTAG.finditer(text))
        for match in matches:
            symbol, share = match[1].upper(), (match[2] or "").upper()
            at = self._codes.get(f"{symbol}.{share}") if share else None
            at = self._codes.get(symbol) if at is None else at
            # "$m" alone is money; among other cashtags it is one of them
            if at is not None and (len(symbol) > 1 or match[1].isupper() or len(matches) > 1):
                yield Hit(match.start(), match.end(), at, True)

    def _exchange_codes(self, text: str) -> Iterator[Hit]:
        for match in _CODE.finditer(text):
            digits = match["front"] or match["back"] or match["bracket"] or match["stated"]
            hongkong = match["hk"] or match["hongkong"]
            code = _mainland(digits) if digits else f"{hongkong}.HK" if hongkong else match["symbol"] or match["us"]
            at = self._codes.get(_normal(code))
            if at is not None:
                yield Hit(match.start(), match.end(), at, True)
        for match in _EXCHANGE.finditer(text) if ":" in text or "：" in text else ():
            code = match["symbol"] + _SUFFIX.get(match["place"].upper(), "")
            at = self._codes.get(_normal(code))
            if at is not None:
                yield Hit(match.start(), match.end(), at, True)


def _accepts(pattern: Pattern, text: str, start: int, end: int, shouted: bool) -> bool | None:
    """Whether the place stands for the company: True, False (only beside a firm hit), or None: not at all."""
    if pattern.mode == "any" or pattern.company < 0:
        return True
    words = text[start:end]
    as_written = words == pattern.written or (len(words) > 3 and words == pattern.written.upper())
    if pattern.mode == "bare":
        return True if as_written and not shouted else None
    cue = bool(_CUE_AFTER.match(text, end) or _CUE_BEFORE.search(text, max(0, start - 24), start))
    if pattern.mode == "cased":
        return True if as_written or cue or (start > 0 and text[start - 1] in "@#") else None
    return cue if as_written else None


def _mainland(digits: str) -> str:
    """A six-digit code with its exchange: Shanghai for 6 and 9, Beijing for 4 and 8, else Shenzhen."""
    return digits + (".SH" if digits[0] in "69" else ".BJ" if digits[0] in "48" else ".SZ")


def _normal(code: str) -> str:
    """One spelling of a code: upper case, dots, Hong Kong numbers with four digits."""
    code = code.strip().upper().replace("-", ".").replace("_", ".")
    if code.endswith(".HK") and code[:-3].isdigit():
        return f"{int(code[:-3]):04d}.HK"
    return code.removesuffix(".SS") + ".SH" if code.endswith(".SS") else code


def _lower(text: str) -> str:
    """Lower case with every character in its place (a few capitals have two-letter small forms: those stay)."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(small if len(small := char.lower()) == 1 else char for char in text)
    return lower.replace("’", "'")


def _whole(lower: str, start: int, end: int) -> bool:
    """Whether `start:end` does not cut through a Latin word or a number; "iPhone15" is the name and a model."""
    first, last = lower[start], lower[end - 1]
    if end < len(lower) and last.isalpha() and lower[end] in "0123456789" and end - start >= MODEL:
        end = len(lower)
    if start and _latin(first) and _latin(lower[start - 1]):
        return False
    return not (end < len(lower) and _latin(last) and _latin(lower[end]))


def _latin(char: str) -> bool:
    return char.isalnum() and char < "\u0250"
