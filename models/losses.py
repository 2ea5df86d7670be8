"""What a training run makes small. Needs the extra `train` (torch)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from models import data
from models.course import IGNORED
from models.labels import HEADS


def class_weights(rows: Sequence[data.Row], power: float) -> dict[str, Tensor]:
    """Weights of the labels of each head, mean one over the rows; sentiment is balanced enough without."""
    weights: dict[str, Tensor] = {}
    for head, names in HEADS.items():
        counts = Counter(row.labels[head] for row in rows if head in row.labels)
        share = torch.tensor([max(counts[label], 1) for label in range(len(names))], dtype=torch.float)
        weight = (share.mean() / share) ** (0.0 if head == "sentiment" else power)
        weights[head] = weight * share.sum() / (weight * share).sum()
    return weights


def loss_of(
    logits: dict[str, Tensor],
    labels: dict[str, Tensor],
    weights: dict[str, Tensor],
    smoothing: float,
    focal: float = 0.0,
) -> Tensor:
    """Cross-entropy summed over all labels of the batch, over its rows.

    With `focal`, each label's part is multiplied by (1 - probability of the label) to that power, so that what is
    judged well already counts less (Lin et al. 2017, "Focal Loss for Dense Object Detection").
    """
    total = torch.zeros(())
    for head, target in labels.items():
        values = logits[head].float()
        each = functional.cross_entropy(
            values, target, weight=weights[head], label_smoothing=smoothing,
            ignore_index=IGNORED, reduction="none" if focal else "sum",
        )  # fmt: skip
        if focal:
            judged = values.softmax(-1).gather(-1, target.clamp(min=0)[:, None])[:, 0]
            each = (each * (1.0 - judged) ** focal).sum()
        total = total + each
    return total / len(next(iter(labels.values())))
