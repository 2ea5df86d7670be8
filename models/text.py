"""The one preparation of a text before it becomes token ids: the same in training, evaluation and serving."""

from __future__ import annotations

import html
import re
import string
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from opencc import OpenCC
from tokenizers import Tokenizer

# A link says nothing a small model can read, yet a shortened one costs about fifteen tokens.
_LINK: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
# Lone surrogates cannot be encoded; NUL and other controls are noise to a tokenizer.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# More digits than any character has; Python refuses to read thousands of them as a number.
_HUGE_REFERENCE: Final = re.compile("&#[0-9]{20,};?")
# A token of ordinary text is about four characters; this much of a text fills any limit of tokens.
_CHARACTERS_A_TOKEN: Final = 16


# Chinese characters as Unicode orders them: the basic block and its first extension.
_HAN: Final = "".join(map(chr, (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))))
_FULL_WIDTH: Final = {code + 0xFEE0: code for code in map(ord, f"{string.digits}{string.ascii_letters}.%$+-")}


@cache
def _folds() -> dict[int, int]:
    """Full-width digits and letters to plain ones, traditional characters to simplified ones, one for one.

    The models learnt the forms on the right. One character at a time, without OpenCC's phrases, so that a company's
    name is written alike alone and in a text.
    """
    simplified = OpenCC("t2s").convert("\n".join(_HAN)).split("\n")
    folds = {ord(old): ord(new) for old, new in zip(_HAN, simplified, strict=True) if old != new and len(new) == 1}
    return folds | _FULL_WIDTH


def prepare(text: str) -> str:
    """HTML entities decoded, NFC, full width and traditional characters folded, no links, whitespace one space.

    Idempotent on its own output except for doubly escaped entities, which lose one level on each pass.
    """
    plain = unicodedata.normalize("NFC", html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))).translate(_folds())
    plain = _UNPRINTABLE.sub(" ", _LINK.sub(" ", plain))
    return " ".join(plain.split())


# Stands for the company that a verdict is asked about; no keyboard has it, and bases know it as one token.
TARGET: Final = "\u25c6"
_LATIN: Final = frozenset(string.ascii_letters + string.digits)


def unmarked(text: str) -> str:
    """A prepared text with the sign itself gone, which some feeds use as a bullet: it would ask about nobody."""
    return " ".join(text.replace(TARGET, " ").split()) if TARGET in text else text


def mark(text: str, names: Iterable[str], others: Iterable[str] = ()) -> str:
    """The text with every occurrence of `names` (one company's) written as TARGET, so that the verdict is about it.

    The name itself is hidden on purpose: a verdict must not depend on who it is about. A Latin name counts only as a
    whole word, and a part of a longer one of `others` (names of other companies in the text) not at all. Returns the
    text unmarked when none of the names stands in it.
    """
    own = set(filter(None, names))
    known = sorted({*own, *filter(None, others)}, key=lambda name: (-len(name), name))
    if not own:
        return unmarked(text)
    marked = re.sub(
        "|".join(map(_whole, known)), lambda found: TARGET if found[0] in own else found[0], text.replace(TARGET, " ")
    )
    return marked if TARGET in marked else unmarked(text)


def _whole(name: str) -> str:
    """A pattern of the name that is no part of another Latin word or number."""
    before, after = (r"(?<![A-Za-z0-9])" if name[0] in _LATIN else "", r"(?![A-Za-z0-9])" if name[-1] in _LATIN else "")
    return f"{before}{re.escape(name)}{after}"


# Characters of context before the company asked about, where it is named only deep in a long text.
_CONTEXT: Final = 200
_DEEP: Final = 600


def about(text: str, names: Iterable[str], others: Iterable[str] = ()) -> str:
    """The text to judge for one company's sake: marked, and begun near its first place when that lies deep inside."""
    marked = mark(text, names, others)
    at = marked.find(TARGET)
    return marked[at - _CONTEXT :] if at > _DEEP else marked


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with cutting and padding off, and "[PAD]" or "[SEP]" written in a text read as ordinary words."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def read_tokenizer(path: Path, tokens: int) -> Tokenizer:
    """The tokenizer of a served model, cutting at `tokens` ids, special tokens included."""
    tokenizer = plain(Tokenizer.from_file(str(path)))
    tokenizer.enable_truncation(tokens)
    return tokenizer


def lead(text: str, tokens: int) -> str:
    """As much of a prepared text as can matter to a model that reads `tokens` tokens; spares the tokenizer the rest."""
    return text[: tokens * _CHARACTERS_A_TOKEN]
