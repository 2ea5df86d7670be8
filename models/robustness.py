"""Do verdicts stay when a text is written otherwise? Changes that leave the meaning alone, and how many verdicts stay.

After Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", invariance tests. Pure
and seeded.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from opencc import OpenCC

from models.corpus import texts
from models.data import CORPUS, TARGETS, Row
from models.labels import HEADS
from models.measure import measure
from models.text import TARGET, prepare
from models.truth import WHOLE, Case, Truth

SEED: Final = 20261125
OWN: Final = (CORPUS, TARGETS)
ROWS: Final = 500  # of a language that each kind changes: a share is then known to about 4 points or better
EMOJI: Final = tuple("📰📌👀🔔💬🧐👇")  # without a direction: 📉 or 🚀 would be an opinion
_WIDE: Final = {code: code + 0xFEE0 for code in range(ord("0"), ord("9") + 1)}
_HAN: Final = "\u3400-\u9fff"
_WEIGHTY: Final = frozenset("不没未无非否莫勿别假")  # swapped with its neighbour, such a word may change the meaning
_WORD: Final = re.compile("[A-Za-z]{5,}")
Judge = Callable[[Sequence[Row]], Mapping[str, np.ndarray]]
Change = Callable[[Case, random.Random], str]


def typos(case: Case, chance: random.Random) -> str:
    """Two neighbours swapped: of a long English word about every 40 characters, of Chinese about every 20.

    First and last letters, names of companies, figures and words of negation stay.
    """
    text = case.row.text
    spans = [found.span() for name in case.names for found in re.finditer(re.escape(name), text)]
    places = [at for at in _swappable(text) if all(at + 1 < low or at >= high for low, high in spans)]
    every = 20 if case.row.lang == "zh" else 40
    letters = list(text)
    for at in _apart(chance.sample(places, len(places)), 1 + len(text) // every):
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def _apart(places: Sequence[int], most: int) -> list[int]:
    """The first `most` places of which no two touch each other's letters."""
    kept: list[int] = []
    for at in places:
        if len(kept) < most and all(abs(at - other) > 1 for other in kept):
            kept.append(at)
    return kept


def _swappable(text: str) -> list[int]:
    """Where a letter may be swapped with the next one."""
    found = [at for word in _WORD.finditer(text) for at in range(word.start() + 1, word.end() - 2)]
    for run in re.finditer(f"[{_HAN}]+", text):
        inside = range(run.start(), run.end() - 1)
        found += [at for at in inside if not _WEIGHTY & {text[at], text[at + 1]}]
    return [at for at in found if text[at] != text[at + 1]]


@cache
def _converter() -> Callable[[str], str]:
    convert: Callable[[str], str] = OpenCC("s2t").convert
    return convert


def traditional(case: Case, _chance: random.Random) -> str:
    """Chinese in traditional characters."""
    return _converter()(case.row.text) if case.row.lang == "zh" else case.row.text


def capitals(case: Case, _chance: random.Random) -> str:
    """All capitals."""
    return case.row.text.upper()


def small_letters(case: Case, _chance: random.Random) -> str:
    """All small letters."""
    return case.row.text.lower()


def emoji(case: Case, chance: random.Random) -> str:
    """A picture without a direction, in front or behind."""
    sign = chance.choice(EMOJI)
    return f"{sign} {case.row.text}" if chance.random() < 0.5 else f"{case.row.text} {sign}"


def wide_digits(case: Case, _chance: random.Random) -> str:
    """Figures in full width, as Chinese keyboards write them."""
    return case.row.text.translate(_WIDE)


def other_company(case: Case, chance: random.Random) -> str:
    """Each company by another, invented name of the same script."""
    text = case.row.text
    for name in sorted(case.names, key=len, reverse=True):
        if name in text:
            pool = [each for each in invented(case.row.lang, _script(name)) if each not in text]
            text = text.replace(name, chance.choice(pool)) if pool else text
    return text


@cache
def invented(lang: str, script: str) -> tuple[str, ...]:
    """Names of the companies of our corpus."""
    named = {prepare(name) for text in texts.read() if text.lang == lang for name, _ in text.companies}
    return tuple(sorted(name for name in named if _script(name) == script))


def _script(name: str) -> str:
    if name.startswith("$"):
        return "ticker"
    return "han" if re.search(f"[{_HAN}]", name) else "latin"


KINDS: Final[Mapping[str, Change]] = {
    "typos": typos,
    "traditional characters": traditional,
    "capitals": capitals,
    "small letters": small_letters,
    "emoji": emoji,
    "full-width digits": wide_digits,
    "other company": other_company,
}


@dataclass(frozen=True, slots=True)
class Changed:
    """A row written otherwise; `at` is the number of the case that it comes from."""

    at: int
    row: Row


def changed(truth: Truth, kind: str, lang: str, most: int = ROWS) -> list[Changed]:
    """At most `most` rows of a language that the kind changes: our corpus fills up to half, other sets the rest.

    The same ones on every call. The text is then prepared, as any text that comes in, which may take the change back;
    a mark of a company stays. Sets that say only negative or not are left out.
    """
    cases = truth.cases
    chance = random.Random(f"{SEED} {kind} {lang}")
    own = [at for at, case in enumerate(cases) if case.row.lang == lang and case.row.dataset in OWN]
    twins = kind == "other company"  # where the verdict is about a company, its name is hidden: take the whole text
    public = [
        at
        for at, case in enumerate(cases)
        if case.row.lang == lang
        and case.row.dataset not in {*OWN, *truth.coarse}
        and (twins or not case.row.dataset.endswith(WHOLE))
    ]
    chance.shuffle(own)
    chance.shuffle(public)
    first = _written(cases, own, kind, chance, most)
    rest = _written(cases, public, kind, chance, most - min(len(first), most // 2))
    return [*first[: most - len(rest)], *rest]


def _written(cases: Sequence[Case], order: Sequence[int], kind: str, chance: random.Random, most: int) -> list[Changed]:
    found: list[Changed] = []
    for at in order:
        if len(found) >= most:
            break
        row = cases[at].row
        written = KINDS[kind](cases[at], chance)
        text = prepare(written)
        if written != row.text and (TARGET in text) == (TARGET in row.text):
            found.append(Changed(at, replace(row, text=text)))
    return found


def robustness(
    truth: Truth, before: Mapping[str, np.ndarray], judge: Judge, most: int = ROWS
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Kind -> language -> head -> rows changed, share of verdicts that stay, macro F1 before and after.

    `before[head]`: probabilities of the cases as they are.
    """
    result: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for kind in KINDS:
        for lang in sorted({case.row.lang for case in truth.cases}):
            rows = changed(truth, kind, lang, most)
            if not rows:
                continue
            after = judge([each.row for each in rows])
            heads = {}
            for head in HEADS:
                at = [index for index, each in enumerate(rows) if head in each.row.labels]
                if at:
                    old = before[head][[rows[index].at for index in at]].argmax(-1)
                    labels = np.array([rows[index].row.labels[head] for index in at])
                    heads[head] = stayed(labels, old, after[head][at].argmax(-1), len(HEADS[head]))
            result.setdefault(kind, {})[lang] = heads
    return result


def stayed(truth: np.ndarray, old: np.ndarray, new: np.ndarray, labels: int) -> dict[str, float]:
    """Scores of one kind of change."""
    return {
        "rows": len(truth),
        "kept": round(float((old == new).mean()), 4),
        "macro_f1_before": measure(truth, old, labels)["macro_f1"],
        "macro_f1_after": measure(truth, new, labels)["macro_f1"],
    }
