"""What is wrong with corpus files, and how varied and balanced they are: `python -m models.corpus.check [FILE…]`.

Exit code 1 when a line is faulty or two texts are nearly the same.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from models.corpus.texts import CorpusFault, Text, files, lang_of, lines, parse

NEAR: Final = 0.6  # Jaccard similarity of character 3-grams from which two texts count as one
MOST_NEAR: Final = 0.01  # greatest share of such texts
_COMMON: Final = 300  # a 3-gram in more texts than this says nothing about two of them


def shingles(text: str) -> frozenset[str]:
    """Character 3-grams of the text without spaces, signs and digits."""
    bare = re.sub(r"[\W\d_]+", "", text.casefold())
    return frozenset(bare[at : at + 3] for at in range(max(1, len(bare) - 2)))


class Worded(Protocol):
    """Anything that has a text."""

    @property
    def text(self) -> str: ...


T = TypeVar("T", bound=Worded)


def near_pairs(texts: Sequence[T], least: float = NEAR) -> list[tuple[T, T, float]]:
    """Pairs whose 3-grams overlap by at least `least` (Jaccard), each text with the earliest such partner."""
    seen: list[frozenset[str]] = []
    holders: defaultdict[str, list[int]] = defaultdict(list)
    pairs = []
    for at, text in enumerate(texts):
        grams = shingles(text.text)
        shared: Counter[int] = Counter()
        for gram in grams:
            if len(holders[gram]) <= _COMMON:
                shared.update(holders[gram])
            holders[gram].append(at)
        for other, common in sorted(shared.items()):
            # `common` counts rare 3-grams only, so it is a bound to look closer, not the answer.
            if common * 2 >= least * len(grams):
                similarity = len(grams & seen[other]) / len(grams | seen[other])
                if similarity >= least:
                    pairs.append((texts[other], text, similarity))
                    break
        seen.append(grams)
    return pairs


def distinct(texts: Iterable[str], size: int, words: bool) -> float:
    """Distinct n-grams over all n-grams (Li et al. 2016, "distinct-n"), of words or of characters."""
    total, unique = 0, set()
    for text in texts:
        parts = text.casefold().split() if words else list(re.sub(r"\s+", "", text))
        for at in range(len(parts) - size + 1):
            unique.add(tuple(parts[at : at + size]))
            total += 1
    return len(unique) / total if total else 0.0


def openings(texts: Sequence[Text], length: int = 4) -> float:
    """Share of texts whose first `length` characters no other text has."""
    counts = Counter(text.text[:length] for text in texts)
    return sum(1 for text in texts if counts[text.text[:length]] == 1) / len(texts) if texts else 0.0


def report(texts: Sequence[Text]) -> list[str]:
    """Counts, balance and variety, a line each."""
    out = []
    for lang in sorted({text.lang for text in texts}):
        part = [text for text in texts if text.lang == lang]
        plain = [text.text for text in part]
        words = lang == "en"
        out.append(f"{lang}: {len(part):,} texts, {sum(map(len, plain)) / len(part):.0f} characters on average")
        grams = " ".join(f"distinct-{size} {distinct(plain, size, words):.3f}" for size in (1, 2, 3))
        out.append(f"  {grams} ({'words' if words else 'characters'}); unique openings {openings(part):.2f}")
        for name in ("sentiment", "register", "risk", "topic"):
            counts = Counter(getattr(text, name) for text in part)
            out.append(f"  {name}: " + ", ".join(f"{value} {count}" for value, count in counts.most_common()))
        hard = Counter(each for text in part for each in text.hard)
        several = sum(1 for text in part if len({sentiment for _, sentiment in text.companies}) > 1)
        out.append(f"  hard: {sum(1 for text in part if text.hard)} texts: "
                   + ", ".join(f"{value} {count}" for value, count in hard.most_common()))  # fmt: skip
        out.append(f"  companies with different fates in one text: {several}")
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Print faults and the report; the exit code."""
    given = [Path(argument) for argument in (sys.argv[1:] if arguments is None else arguments)]
    texts, faults = [], []
    for path in given or files():
        for where, line in lines(path):
            try:
                texts.append(parse(line, lang_of(path), where))
            except CorpusFault as fault:
                faults.append(str(fault))
    near = near_pairs(texts)
    for told in faults:
        sys.stdout.write(f"fault: {told}\n")
    for first, second, similarity in near:
        sys.stdout.write(f"near ({similarity:.2f}): {first.text}\n             {second.text}\n")
    sys.stdout.write("\n".join(report(texts)) + f"\nfaults {len(faults)}, near-duplicates {len(near)}\n")
    return 1 if faults or len(near) > MOST_NEAR * len(texts) else 0


if __name__ == "__main__":
    sys.exit(main())
