"""Fine-tune one encoder with two heads: `python -m models.train --data DIR --base DIR --out DIR`.

Reads top to bottom: rows, audit, batches of like length, one loop, averaged weights, measured on dev, written to --out.
Needs the extra `train` (torch). Three epochs of the English rows took 15 minutes on two cores that compute bfloat16
(`--bfloat16`, 130 rows a second when nothing else ran, against 70 without).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from models import data
from models.labels import HEADS
from models.measure import by_dataset
from models.network import Judge, from_base, save, tokenizer_of

IGNORED = -100  # the label of a row for the head that does not learn from it


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every number of a training run. Defaults: the recipe of the shipped weights."""

    lang: str = "en"
    epochs: int = 3
    batch: int = 32
    rate: float = 1.5e-4
    head_rate: float = 6e-4  # the heads start from nothing
    decay: float = 0.01
    warm_up: float = 0.06  # part of all steps
    smoothing: float = 0.05
    clip: float = 1.0
    tokens: int = 96  # longer texts are cut; tweets and headlines hardly ever are
    average: float = 0.998  # of the running mean of weights, about the last 500 steps
    rare_power: float = 0.25  # a topic's weight is (mean count / its count) to this power: 0 is none
    seed: int = 20240607
    tiers: tuple[str, ...] = ("A",)
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Coded:
    """A row as the network reads it."""

    ids: list[int]
    head: str
    label: int


def encode(rows: Sequence[data.Row], tokenizer: Tokenizer, tokens: int) -> list[Coded]:
    """Token ids of every row, cut at `tokens`, special tokens included."""
    tokenizer.enable_truncation(tokens)
    coded = tokenizer.encode_batch_fast([row.text for row in rows])
    tokenizer.no_truncation()
    return [Coded(code.ids, row.head, row.label) for code, row in zip(coded, rows, strict=True)]


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
    labels = {
        head: torch.tensor([row.label if row.head == head else IGNORED for row in batch], dtype=torch.long)
        for head in HEADS
    }
    return ids, (ids != 0).long(), labels


def class_weights(rows: Sequence[Coded], power: float) -> dict[str, Tensor]:
    """Weights of the labels of each head, mean one over the rows; only topics are rare enough to need them."""
    weights: dict[str, Tensor] = {}
    for head, names in HEADS.items():
        counts = Counter(row.label for row in rows if row.head == head)
        share = torch.tensor([max(counts[label], 1) for label in range(len(names))], dtype=torch.float)
        weight = (share.mean() / share) ** (power if head == "topic" else 0.0)
        weights[head] = weight * share.sum() / (weight * share).sum()
    return weights


def loss_of(
    logits: dict[str, Tensor], labels: dict[str, Tensor], weights: dict[str, Tensor], smoothing: float
) -> Tensor:
    """Mean cross-entropy over the rows of the batch, each counted by its own head."""
    total = torch.zeros(())
    for head, target in labels.items():
        total = total + functional.cross_entropy(
            logits[head].float(), target, weight=weights[head], label_smoothing=smoothing,
            ignore_index=IGNORED, reduction="sum",
        )  # fmt: skip
    return total / len(next(iter(labels.values())))


def optimiser_of(judge: Judge, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; no decay on biases and norms; the heads learn faster than the encoder."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, value in judge.named_parameters():
        groups.setdefault((name.startswith("heads."), value.ndim > 1), []).append(value)
    return torch.optim.AdamW(
        [
            {
                "params": members,
                "lr": recipe.head_rate if is_head else recipe.rate,
                "weight_decay": recipe.decay if is_matrix else 0.0,
            }
            for (is_head, is_matrix), members in groups.items()
        ]
    )


def schedule(step: int, steps: int, warm_up: float) -> float:
    """Factor of the learning rate: linear up during `warm_up`, then a cosine down to nothing."""
    rise = max(1, int(steps * warm_up))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


@torch.no_grad()  # type: ignore[untyped-decorator]
def follow(average: Judge, judge: Judge, keep: float) -> None:
    """Move the averaged weights towards the current ones."""
    for mean, value in zip(average.parameters(), judge.parameters(), strict=True):
        mean.lerp_(value, 1.0 - keep)


@torch.inference_mode()  # type: ignore[untyped-decorator]
def predict(judge: Judge, rows: Sequence[Coded], size: int = 64) -> dict[str, np.ndarray]:
    """Probabilities of each head [rows, labels], in the order of `rows`."""
    judge.eval()
    out = {head: np.zeros((len(rows), len(names)), dtype=np.float32) for head, names in HEADS.items()}
    order = sorted(range(len(rows)), key=lambda at: len(rows[at].ids))
    for start in range(0, len(order), size):
        part = order[start : start + size]
        ids, mask, _ = tensors([rows[at] for at in part])
        for head, logits in judge(ids, mask).items():
            out[head][part] = logits.softmax(-1).numpy()
    return out


def log(text: str) -> None:
    """A progress line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def epoch_steps(rows: Sequence[Coded], recipe: Recipe, chance: random.Random) -> Iterator[tuple[int, list[Coded]]]:
    """Epoch number and batch, for all epochs."""
    for epoch in range(recipe.epochs):
        for batch in batches(rows, recipe.batch, chance):
            yield epoch, batch


def train(judge: Judge, rows: Sequence[Coded], recipe: Recipe) -> Judge:
    """Train in place; returns the averaged weights, which generalise better than the last ones."""
    chance = random.Random(recipe.seed)
    weights = class_weights(rows, recipe.rare_power)
    average: Judge = copy.deepcopy(judge)
    optimiser = optimiser_of(judge, recipe)
    rates = [group["lr"] for group in optimiser.param_groups]
    steps = recipe.epochs * math.ceil(len(rows) / recipe.batch)
    judge.train()
    started, seen, running = time.monotonic(), 0, 0.0
    for step, (epoch, batch) in enumerate(epoch_steps(rows, recipe, chance)):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * schedule(step, steps, recipe.warm_up)
        ids, mask, labels = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16):
            logits = judge(ids, mask)
        loss = loss_of(logits, labels, weights, recipe.smoothing)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is not finite at step {step}: lower the learning rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), recipe.clip)
        optimiser.step()
        follow(average, judge, min(recipe.average, (step + 1) / (step + 10)))
        seen, running = seen + len(batch), running + loss.item()
        if (step + 1) % 100 == 0 or step + 1 == steps:
            rate = seen / (time.monotonic() - started)
            log(f"epoch {epoch + 1}/{recipe.epochs} step {step + 1}/{steps} loss {running / (step % 100 + 1):.4f} "
                f"{rate:.0f} rows/s, {(steps - step - 1) * recipe.batch / rate / 60:.1f} min left")  # fmt: skip
            running = 0.0
    average.eval()
    return average


def read_options(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, Recipe]:
    """The command line: every field of the recipe is an option."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with labelled/*.jsonl (default: TOCSIN_DATA)")
    parser.add_argument("--base", required=True, help="folder of a pretrained encoder, or a model hub's name")
    parser.add_argument("--base-name", default="", help="what the model card calls the base (default: its folder)")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, tokenizer and report")
    parser.add_argument("--threads", type=int, default=0, help="threads of torch; 0: its own choice")
    parser.add_argument("--rows", type=int, default=0, help="learn from this many rows only (a trial run)")
    for name, value in asdict(Recipe()).items():
        if isinstance(value, bool):
            parser.add_argument(f"--{name}", action="store_true")
        elif isinstance(value, tuple):
            parser.add_argument(f"--{name}", nargs="+", default=list(value))
        else:
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args(arguments)
    chosen = {name: getattr(options, name) for name in asdict(Recipe())}
    return options, Recipe(**{**chosen, "tiers": tuple(chosen["tiers"])})


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure on dev, write `judge.safetensors`, `config.json`, `tokenizer.json` and `report.json`."""
    options, recipe = read_options(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    folder = data.data_folder(options.data)
    dev = data.read_language(folder, recipe.lang, "dev")
    rows, audit = data.clean(data.read_language(folder, recipe.lang, "train", recipe.tiers), dev)
    log("\n".join(audit.lines()))
    if options.rows:
        rows = random.Random(recipe.seed).sample(rows, options.rows)
    tokenizer = tokenizer_of(options.base)
    started = time.monotonic()
    coded = encode(rows, tokenizer, recipe.tokens)
    torch.manual_seed(recipe.seed)
    judge = train(from_base(options.base), coded, recipe)
    seconds = time.monotonic() - started
    save(judge, tokenizer, options.out)
    measured = by_dataset(dev, predict(judge, encode(dev, tokenizer, recipe.tokens)))
    learnt = Counter(f"{row.dataset}/{row.tier}" for row in rows)
    report = {
        "recipe": asdict(recipe),
        "base": options.base_name or Path(options.base).name,
        "rows": dict(sorted(learnt.items())),
        "audit": asdict(audit),
        "seconds": round(seconds),
        "dev": measured,
    }
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    log(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
