"""The one preparation of a text before it becomes token ids: the same in training, evaluation and serving."""

from __future__ import annotations

import html
import re
import unicodedata
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

# A link says nothing a small model can read, yet a shortened one costs about fifteen tokens.
_LINK: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
# Lone surrogates cannot be encoded; NUL and other controls are noise to a tokenizer.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# More digits than any character has; Python refuses to read thousands of them as a number.
_HUGE_REFERENCE: Final = re.compile("&#[0-9]{20,};?")
# A token of ordinary text is about four characters; this much of a text fills any limit of tokens.
_CHARACTERS_A_TOKEN: Final = 16


def prepare(text: str) -> str:
    """HTML entities decoded, NFC, links and control characters gone, runs of whitespace one space.

    Idempotent on its own output except for doubly escaped entities, which lose one level on each pass.
    """
    plain = unicodedata.normalize("NFC", html.unescape(_HUGE_REFERENCE.sub("\ufffd", text)))
    plain = _UNPRINTABLE.sub(" ", _LINK.sub(" ", plain))
    return " ".join(plain.split())


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
