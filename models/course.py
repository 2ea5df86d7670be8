"""What each epoch of a training run shows, as batches of token ids. Needs the extra `train` (torch)."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models import augment, data
from models.corpus import texts
from models.labels import HEADS
from models.material import Material
from models.paraphrases import paraphraser
from models.recipe import Recipe

IGNORED = -100  # the label of a row for a head that does not learn from it


@dataclass(frozen=True, slots=True)
class Course:
    """What each epoch shows: the rows, the corpus as often as the recipe says, fresh composed texts; some varied."""

    rows: Sequence[data.Row]
    written: Sequence[texts.Text]
    recipe: Recipe
    ways: Sequence[augment.Augment] = ()

    def epoch(self, chance: random.Random) -> list[data.Row]:
        """The rows of one epoch."""
        own = [row for row in self.rows if row.dataset in (data.CORPUS, data.TARGETS)]
        shown = [*self.rows, *(row for row in own for _ in range(self.recipe.corpus_repeats - 1))]
        shown += augment.composed(self.written, self.recipe.composed, self.recipe.langs, chance)
        return augment.varied(shown, self.ways, self.recipe.augment_share, chance)

    @property
    def digest(self) -> str:
        """Of the recipe and the rows: a checkpoint goes on only with the same ones."""
        whole = [asdict(self.recipe), [(row.id, row.text, dict(row.labels)) for row in self.rows], len(self.written)]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def course_of(material: Material, recipe: Recipe) -> Course:
    """The course that the recipe makes of the material. Raises ParaphrasesRefused."""
    ways = [augment.AUGMENTS[name] for name in recipe.augments]
    ways += [paraphraser(recipe.paraphrases)] if recipe.paraphrases else []
    return Course(material.rows, material.written, recipe, ways)


@dataclass(frozen=True, slots=True)
class Coded:
    """A row as the network reads it."""

    ids: list[int]
    labels: Mapping[str, int]


def encode(rows: Sequence[data.Row], tokenizer: Tokenizer, tokens: int) -> list[Coded]:
    """Token ids of every row, cut at `tokens`, special tokens included."""
    tokenizer.enable_truncation(tokens)
    coded = tokenizer.encode_batch_fast([row.text for row in rows])
    tokenizer.no_truncation()
    return [Coded(code.ids, row.labels) for code, row in zip(coded, rows, strict=True)]


def batches(rows: Sequence[Coded], size: int, chance: random.Random) -> list[list[Coded]]:
    """All rows once, in batches of like length: shuffled, sorted within pools of 50 batches, batches shuffled."""
    order = list(rows)
    chance.shuffle(order)
    made: list[list[Coded]] = []
    for start in range(0, len(order), size * 50):
        pool = sorted(order[start : start + size * 50], key=lambda row: len(row.ids))
        made += [pool[at : at + size] for at in range(0, len(pool), size)]
    chance.shuffle(made)
    return made


def tensors(batch: Sequence[Coded]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Ids and mask [batch, longest], and the labels of each head [batch] with IGNORED where it does not apply."""
    width = max(len(row.ids) for row in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    for at, row in enumerate(batch):
        ids[at, : len(row.ids)] = torch.tensor(row.ids)
    labels = {head: torch.tensor([row.labels.get(head, IGNORED) for row in batch], dtype=torch.long) for head in HEADS}
    return ids, (ids != 0).long(), labels
