"""What a run learns from and is measured on: public sets, the corpus, the user's own rows. Needs no torch."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from models import data, own_data
from models.corpus import texts
from models.own_data import Finding, Own
from models.recipe import Lessons, Recipe
from models.text import lead


class MaterialRefused(ValueError):  # noqa: N818 - what happened
    """The rows do not suffice, or must be mended first; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Material:
    """Rows to learn from and rows to measure on, the written texts, and what was found wrong."""

    rows: list[data.Row]
    dev: list[data.Row]
    written: list[texts.Text]  # of the corpus, to compose from
    audit: data.Audit
    findings: list[Finding]
    tiers: frozenset[str]  # licence tiers whose dev rows may set what travels with the model

    @property
    def learnt(self) -> dict[str, int]:
        """Rows learnt from, by "<data set>/<tier>"."""
        return dict(sorted(Counter(f"{row.dataset}/{row.tier}" for row in self.rows).items()))

    @property
    def measured(self) -> list[data.Row]:
        """The dev rows of the sets that are learnt from: what early stopping and the search look at."""
        sets = {row.dataset for row in self.rows}
        return [row for row in self.dev if row.dataset in sets]


def public_folder(given: Path | None) -> Path | None:
    """The folder of public data; None when none was named and the usual place is empty. Raises DataMissing."""
    try:
        return data.data_folder(given)
    except data.DataMissing:
        if given or os.environ.get("TOCSIN_DATA"):
            raise
        return None


def gather(lessons: Lessons, recipe: Recipe) -> Material:
    """All rows, cleaned, and what is wrong with the user's. Raises what reading raises."""
    how = own_data.reading(lessons.map, lessons.label, lessons.tier)
    own = own_data.read(lessons.rows, lessons.dev_rows, how)
    own = own_data.only(own, recipe.langs)
    if lessons.only_own:
        others: list[data.Row] = []
        dev: list[data.Row] = []
    else:
        folder = public_folder(lessons.data)
        others = data.read_part(folder, "train", recipe.langs, recipe.tiers)
        dev = data.read_part(folder, "dev", recipe.langs)
    given = bool(lessons.rows or lessons.dev_rows)
    findings = own_data.look_through(own, others, dev, too_long(lessons.base, recipe.tokens)) if given else []
    rows, audit = data.clean([*others, *own.train], [*dev, *own.dev])
    if lessons.sample:
        rows = random.Random(recipe.seed).sample(rows, min(lessons.sample, len(rows)))
    written = [] if lessons.only_own else [text for text in texts.read() if not data.held_out(text)]
    tiers = data.SHIPPABLE_TIERS | {lessons.tier}
    return Material(rows, [*dev, *_measurable(own)], written, audit, findings, tiers)


def _measurable(own: Own) -> list[data.Row]:
    return [row for row in own.dev if row.text and row.labels]


def too_long(base: str, tokens: int) -> Callable[[str], bool]:
    """Whether a text has more tokens than are read; nobody knows where the base has no `tokenizer.json` yet."""
    path = Path(base) / "tokenizer.json"
    if not path.is_file():
        return lambda _: False
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(lead(text, tokens + 1)).ids) > tokens


def check(material: Material, recipe: Recipe) -> None:
    """Raises MaterialRefused when a language lacks rows, or rows must be mended before anything learns from them."""
    for finding in material.findings:
        if finding.stops:
            raise MaterialRefused(f"{finding.kind} ({finding.count}): mend this first, {finding.examples[0]}")
    for lang in recipe.langs:
        if not any(row.lang == lang for row in material.rows):
            raise MaterialRefused(f"there is no row in {lang!r} to learn from: give some, or leave it out of --langs")
        if not any(row.lang == lang and row.tier in material.tiers for row in material.dev):
            raise MaterialRefused(f"there is no dev row in {lang!r} to measure on: name a file with --dev-rows")
    if recipe.patience and not material.measured:
        raise MaterialRefused("patience needs dev rows of the sets that are learnt from: name a file with --dev-rows")
