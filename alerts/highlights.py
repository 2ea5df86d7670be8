"""Words of a headline that are worth a look: those of a list, not the model's reasons (`tocsin explain` shows those).

The lists were written for this purpose, by kind of risk event and of bad tone: alerts/words/en.yaml and zh.yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import Any, Final

import ahocorasick
import yaml
from opencc import OpenCC

LANGUAGES: Final = ("en", "zh")
MOST: Final = 6  # more than that and nothing stands out
CHINESE: Final = "\u2e80"  # from here on characters are words without blanks between them

Found = tuple[int, int]


def highlights(headline: str, lang: str, names: Collection[str] = ()) -> tuple[Found, ...]:
    """Where words of the lists stand in the headline: at most six places [start, end), in order, none inside another.

    Words are whole words, in any case; at one place the longest wins. `names` are marked too and cover the words
    inside them (a strike at Strike Energy is one, its name is none); they give way to words when there are too many.
    A language without a list has names only.
    """
    folded = _fold(headline)
    named = [(*place, True) for name in names if name for place in _all(folded, _fold(name))]
    spoken = [(*place, False) for place in _spoken(folded, lang)]
    chosen: list[tuple[int, int, bool]] = []
    at = 0
    for start, end, is_name in sorted([*named, *spoken], key=lambda f: (f[0], -f[1], not f[2])):
        if start >= at:
            chosen.append((start, end, is_name))
            at = end
    kept = sorted(chosen, key=lambda f: (f[2], f[0]))[:MOST]
    return tuple(sorted((start, end) for start, end, _ in kept))


@lru_cache
def words(lang: str) -> dict[str, frozenset[str]]:
    """The list of one language by kind, each form of a word written out; Chinese in both scripts."""
    source = (files("alerts") / "words" / f"{lang}.yaml").read_text(encoding="utf-8")
    found = {kind: frozenset(_forms(entries)) for kind, entries in yaml.safe_load(source).items()}
    if lang != "zh":
        return found
    scripts = [OpenCC(name) for name in ("s2t", "s2tw", "s2hk")]
    return {kind: forms | {s.convert(form) for s in scripts for form in forms} for kind, forms in found.items()}


def _forms(entries: list[str]) -> Iterator[str]:
    """Each entry with its endings written out: `class action/s` is two."""
    for entry in entries:
        choices = []
        for part in entry.split(" "):
            word, *endings = part.split("/")
            choices.append([word, *(word + ending for ending in endings)])
        yield from (" ".join(chosen) for chosen in product(*choices))


def _spoken(folded: str, lang: str) -> Iterator[Found]:
    if lang not in LANGUAGES:
        return
    for last, length in _automaton(lang).iter(folded):
        place = (last + 1 - length, last + 1)
        if _whole(folded, *place):
            yield place


@cache
def _automaton(lang: str) -> Any:
    found = ahocorasick.Automaton()
    for forms in words(lang).values():
        for form in forms:
            found.add_word(_fold(form), len(form))
    found.make_automaton()
    return found


def _all(folded: str, name: str) -> Iterator[Found]:
    at = folded.find(name)
    while at >= 0:
        if _whole(folded, at, at + len(name)):
            yield at, at + len(name)
        at = folded.find(name, at + 1)


def _whole(text: str, start: int, end: int) -> bool:
    """Whether the place is no part of a longer word; Chinese has no blanks, so there every place is one."""
    return not (_joined(text[start - 1 : start], text[start]) or _joined(text[end - 1], text[end : end + 1]))


def _joined(left: str, right: str) -> bool:
    return bool(left and right) and all(c.isalnum() and c < CHINESE for c in (left, right))


def _fold(text: str) -> str:
    """Small letters, each in its place: a letter whose small form is longer stays."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
