"""Which words moved a verdict: each is left out, and what the verdict loses by it is its weight. Pure.

Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"; for words Li, Monroe and
Jurafsky 2016, "Understanding Neural Networks through Representation Erasure". Spans of two and three words are left out
too, so that words which say the same twice, or mean something only together, do not hide behind each other; the weight
of a word is the mean, over these widths, of its share in what the spans around it cost. Weights are differences of
log-odds of one label: positive for it, negative against it. They describe this model at this text, not its truth.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from models.text import TARGET

WIDTHS: Final = (1, 2, 3)
MOST: Final = 64  # words that are examined: with all widths fewer than 200 texts to judge, whatever the length
EDGE: Final = 1e-4  # probabilities are kept this far from 0 and 1, beyond which half precision says nothing
_CHINESE: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

Place = tuple[int, int]
Pieces = Callable[[str], Sequence[Place]]  # where the tokenizer's pieces of a text begin and end
Score = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]  # probabilities by label of each text


@dataclass(frozen=True, slots=True)
class Word:
    """A word at `text[start:end]` and how much it moved the verdict."""

    word: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict's label, how likely it is, and the words that were examined, of so many that the text has."""

    text: str
    label: str
    probability: float
    words: tuple[Word, ...]
    count: int
    strongest: tuple[Place, float]  # the span of at most three words that cost most, and the probability without it

    @property
    def towards(self) -> float:
        """Sum of the weights for the label."""
        return sum(word.weight for word in self.words if word.weight > 0)

    @property
    def against(self) -> float:
        """Sum of the weights against it."""
        return sum(word.weight for word in self.words if word.weight < 0)


def split(text: str, pieces: Pieces) -> list[Place]:
    """Where the words are: what stands between spaces; where that holds Chinese, the tokenizer's pieces of it."""
    found: list[Place] = []
    for match in re.finditer(r"\S+", text):
        if _CHINESE.search(match[0]):
            found += [(match.start() + a, match.start() + b) for a, b in _cut(match[0], pieces)]
        else:
            found.append(match.span())
    return found


def _cut(chunk: str, pieces: Pieces) -> list[Place]:
    """The chunk cut where its pieces begin, but never within a Latin word or a number; nothing is lost between cuts."""
    cuts = {0, len(chunk)}
    for start, _ in pieces(chunk):
        if not (0 < start < len(chunk) and _latin(chunk[start - 1]) and _latin(chunk[start])):
            cuts.add(start)
    ordered = sorted(cut for cut in cuts if 0 <= cut <= len(chunk))
    return list(pairwise(ordered))


def _latin(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in ".%")


def spans(count: int) -> list[tuple[int, int]]:
    """First word and width of every span that is left out, of a text of `count` words."""
    return [(first, width) for width in WIDTHS for first in range(count - width + 1) if width < max(2, count)]


def without(text: str, start: int, end: int) -> str:
    """The text with a part left out, and no two spaces where it was."""
    return f"{text[:start].rstrip()} {text[end:].lstrip()}" if text[:start].endswith(" ") else text[:start] + text[end:]


def log_odds(probability: float) -> float:
    """log(p / (1 - p)), finite."""
    kept = min(1 - EDGE, max(EDGE, probability))
    return math.log(kept / (1 - kept))


def explain(text: str, score: Score, pieces: Pieces, most: int = MOST) -> Explanation:
    """What moved the likeliest label of `text`, which is prepared and, where a company is asked about, marked.

    `score` is called once, with the text and its at most 3 * `most` shortened forms. Only the first `most` words are
    left out; what follows stays where it is. The sign of the company asked about is never left out: without it the
    question would be another.
    """
    places = [place for place in split(text, pieces) if TARGET not in text[place[0] : place[1]]]
    examined = places[:most]
    cut = [(first, width, examined[first][0], examined[first + width - 1][1]) for first, width in spans(len(examined))]
    cut = [each for each in cut if TARGET not in text[each[2] : each[3]]]
    whole, *others = score([text, *(without(text, start, end) for _, _, start, end in cut)])
    label = max(whole, key=whole.__getitem__)
    drops = [log_odds(whole[label]) - log_odds(other[label]) for other in others]
    weights = _weights(len(examined), [(first, width) for first, width, _, _ in cut], drops)
    words = tuple(
        Word(text[start:end], start, end, round(weight, 4))
        for (start, end), weight in zip(examined, weights, strict=True)
    )
    top = max(range(len(drops)), key=drops.__getitem__, default=None)
    strongest = ((0, 0), whole[label]) if top is None else ((cut[top][2], cut[top][3]), others[top][label])
    return Explanation(text, label, whole[label], words, len(places), strongest)


def _weights(count: int, covered: Sequence[tuple[int, int]], drops: Sequence[float]) -> list[float]:
    """For each word the mean, over the widths, of the mean of drop / width of the spans it lies in."""
    shares: list[dict[int, list[float]]] = [{} for _ in range(count)]
    for (first, width), drop in zip(covered, drops, strict=True):
        for word in range(first, first + width):
            shares[word].setdefault(width, []).append(drop / width)
    means = [[sum(each) / len(each) for each in widths.values()] for widths in shares]
    return [sum(each) / len(each) if each else 0.0 for each in means]
