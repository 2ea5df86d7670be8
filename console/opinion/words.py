"""What somebody types into the search box becomes a query. Pure and total: any text gives a query.

Words stand for themselves, all of them must be there; "quotes" (also “these”, 「those」) keep words together; a `-` in
front leaves out. There is no other syntax. The index cuts Chinese into characters, so every word is looked for as a
phrase: 停牌 finds the two characters side by side, and a hyphenated word its parts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 300  # characters that are read
MOST: Final = 16  # words
IN_TITLE: Final = 3.0
IN_TEXT: Final = 1.0
_TERM = re.compile(
    r'(?P<out>[-－])?(?:"(?P<a>[^"]*)"?|[“”](?P<b>[^“”]*)[“”]?|「(?P<c>[^」]*)」?|(?P<word>[^\s"“”「]+))'
)


@dataclass(frozen=True, slots=True)
class Words:
    """What must be there and what must not. `typed`: something was typed, if only punctuation."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    typed: bool = False


def parse(text: str) -> Words:
    """The words of a text from outside; what holds no letter, digit or sign of its own is passed over."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for match in _TERM.finditer(text[:LONGEST].replace("\x00", " ")):
        term = " ".join((match["a"] or match["b"] or match["c"] or match["word"] or "").split())
        if _says(term) and len(wanted) + len(unwanted) < MOST:
            (unwanted if match["out"] else wanted).append(term)
    return Words(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)), bool(text.strip()))


def _says(term: str) -> bool:
    """Whether an analyzer finds something in it: letters, digits, or symbols such as emoji."""
    return any(unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "So" for char in term)


def query(words: Words) -> dict[str, Any]:
    """The documents with the words. Scores are sums of small whole numbers: a word in the title makes 3, in the text 1.

    So the order by relevance does not change with what arrives between two pages. Punctuation alone finds nothing.
    """
    if not words.typed:
        return {"match_all": {}}
    if not (words.wanted or words.unwanted):
        return {"match_none": {}}
    wanted = [_either(_scored("title", term, IN_TITLE), _scored("text", term, IN_TEXT)) for term in words.wanted]
    unwanted = [_either(_phrase("title", term, "none"), _phrase("text", term, "none")) for term in words.unwanted]
    return {"bool": {"must": wanted or [{"match_all": {}}], "must_not": unwanted}}


def shown(words: Words) -> dict[str, Any] | None:
    """The query whose matches are worth showing in a text; None where there is none."""
    found = [_phrase(field, term, "none") for term in words.wanted for field in ("title", "text")]
    return {"bool": {"should": found}} if found else None


def _either(*queries: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _scored(field: str, term: str, score: float) -> dict[str, Any]:
    return {"constant_score": {"filter": _phrase(field, term, "all"), "boost": score}}


def _phrase(field: str, term: str, nothing: str) -> dict[str, Any]:
    """`nothing`: what a term finds of which the analyzer leaves nothing."""
    return {"match_phrase": {field: {"query": term, "zero_terms_query": nothing}}}
