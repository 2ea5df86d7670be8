"""Paraphrases that the user brings, by back-translation for instance (Sennrich et al. 2016): one more way to vary.

Either a file, .csv or .jsonl, with the columns `text` and `paraphrase` (a text may occur several times), or a Python
function named MODULE:FUNCTION that takes a text and returns a paraphrase or several. It is asked once for each text.
"""

from __future__ import annotations

import importlib
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from models.augment import Augment
from models.tables import read_table
from models.text import prepare

Source = Callable[[str], str | Sequence[str]]


class ParaphrasesRefused(ValueError):  # noqa: N818 - what happened
    """Where paraphrases should come from cannot be used; the message says why."""


def paraphraser(named: str) -> Augment:
    """A way to vary texts by the paraphrases of a file or a function. Raises ParaphrasesRefused."""
    module, colon, function = named.rpartition(":")
    if colon and not Path(named).exists():
        return _ask(_imported(module, function))
    return _look_up(Path(named))


def _imported(module: str, function: str) -> Source:
    try:
        found: Source = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ParaphrasesRefused(f"{module}:{function} cannot be used: {error}") from None
    if not callable(found):
        raise ParaphrasesRefused(f"{module}:{function} is not a function")
    return found


def _ask(source: Source) -> Augment:
    known: dict[str, list[str]] = {}

    def way(text: str, chance: random.Random) -> str:
        if text not in known:
            answer = source(text)
            known[text] = [prepare(each) for each in ([answer] if isinstance(answer, str) else answer)]
        return chance.choice(known[text] or [text])

    return way


def _look_up(path: Path) -> Augment:
    known: defaultdict[str, list[str]] = defaultdict(list)
    for line, cells in read_table(path):
        try:
            known[prepare(cells["text"])].append(prepare(cells["paraphrase"]))
        except (KeyError, TypeError):
            raise ParaphrasesRefused(f"{path}:{line}: a paraphrase needs the columns text and paraphrase") from None
    return lambda text, chance: chance.choice(known.get(text) or [text])
