"""Go on pretraining an encoder on unlabelled text of the domain, by masked language modelling, before it is fine-tuned.

`tocsin models pretrain --base DIR --texts FILE --out DIR` writes a base folder that `tocsin models train --base` takes.
Gururangan et al. 2020, "Don't Stop Pretraining"; masks as Devlin et al. 2019. Texts: .txt, .csv, .tsv, .jsonl (.gz).
Needs the extra `train` (torch).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM, AutoTokenizer

from models.course import IGNORED, Coded, batches
from models.progress import Lines, Pace, Teller, teller
from models.recipe import Pretraining, add_options, pretraining_of
from models.tables import TableRefused, read_table
from models.text import lead, plain, prepare
from models.tracking import Nowhere, Tracker, tracker
from models.train import TOLD_EVERY, device_for, schedule

REPORT: Final = "pretraining.json"
KEPT_BACK: Final = 0.01  # share of the texts that the loss is measured on, before and after
MOST_KEPT_BACK: Final = 1_000
PARTS: Final = 10_000  # that a run is cut into for the learning rate, whether steps or time bound it


@dataclass(slots=True)
class Watch:
    """Who looks at a run, and the clock that bounds it."""

    tell: Teller = field(default_factory=lambda: Lines(sys.stdout))
    track: Tracker = field(default_factory=Nowhere)
    clock: Callable[[], float] = time.monotonic


def read_texts(paths: Iterable[Path], column: str) -> dict[str, list[str]]:
    """The prepared texts of each file; empty ones and repetitions left out. Raises TableRefused."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for path in paths:
        own = found.setdefault(path.name, [])
        name = "text" if ".txt" in path.suffixes else column
        for line, cells in read_table(path):
            if not isinstance(cells.get(name), str):
                raise TableRefused(f"{path}:{line}: no text in {name!r}; its columns: {', '.join(map(str, cells))}")
            text = prepare(cells[name])
            if text and text not in seen:
                seen.add(text)
                own.append(text)
    return found


@dataclass(frozen=True, slots=True)
class Masks:
    """How tokens are hidden: which ids may be hidden or put in, and which one hides."""

    words: Tensor  # ids that are no special tokens
    mask: int
    pad: int
    share: float

    def hide(self, ids: Tensor, random_: torch.Generator) -> tuple[Tensor, Tensor]:
        """The ids with some hidden, and the ids to guess there (IGNORED elsewhere).

        Of those to guess, 80 % become the mask, 10 % another word, 10 % stay.
        """
        chosen = torch.isin(ids, self.words) & (torch.rand(ids.shape, generator=random_) < self.share)
        how = torch.rand(ids.shape, generator=random_)
        others = self.words[torch.randint(len(self.words), ids.shape, generator=random_)]
        hidden = torch.where(chosen & (how < 0.8), self.mask, ids)
        hidden = torch.where(chosen & (how >= 0.9), others, hidden)
        return hidden, torch.where(chosen, ids, IGNORED)

    def batch(self, rows: Sequence[Coded], random_: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden ids, mask of attention and ids to guess, each [rows, longest]."""
        ids = torch.full((len(rows), max(len(row.ids) for row in rows)), self.pad, dtype=torch.long)
        attention = torch.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row.ids)] = torch.tensor(row.ids)
            attention[at, : len(row.ids)] = 1
        hidden, wanted = self.hide(ids, random_)
        return hidden, attention, wanted


def code(texts: Sequence[str], tokenizer: Tokenizer, tokens: int) -> list[Coded]:
    """Token ids of each text, cut at `tokens`."""
    tokenizer.enable_truncation(tokens)
    return [Coded(each.ids, {}) for each in tokenizer.encode_batch_fast([lead(text, tokens) for text in texts])]


class Pretrainer:
    """A masked language model over the base, and how it learns."""

    def __init__(self, options: Pretraining) -> None:
        self.options = options
        self.device = device_for(options.precision)
        self.hub = AutoTokenizer.from_pretrained(options.base)
        self.tokenizer = plain(Tokenizer.from_str(self.hub.backend_tokenizer.to_str()))
        self.model: Any = AutoModelForMaskedLM.from_pretrained(options.base)
        self.vocabulary = int(self.model.get_input_embeddings().weight.shape[0])
        mask = self.hub.mask_token_id
        if mask is None:  # a word of its own while it is pretrained; the saved base has the old vocabulary
            mask = self.vocabulary
            self.model.resize_token_embeddings(mask + 1)
        special = set(self.hub.all_special_ids)
        words = torch.tensor([number for number in range(len(self.hub)) if number not in special])
        self.masks = Masks(words, mask, self.hub.pad_token_id or 0, options.masked)
        self.model.to(self.device)
        if options.freeze_words:
            self.model.get_input_embeddings().weight.requires_grad_(False)
        learning = [value for value in self.model.parameters() if value.requires_grad]
        groups = [[value for value in learning if (value.ndim > 1) is matrix] for matrix in (True, False)]
        self.optimiser = torch.optim.AdamW(
            [{"params": part, "weight_decay": decay} for part, decay in zip(groups, (options.decay, 0.0), strict=True)],
            lr=options.rate,
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=options.precision == "fp16")

    def loss(self, rows: Sequence[Coded], random_: torch.Generator) -> Tensor:
        """Cross-entropy of the hidden tokens, a mean over them."""
        ids, attention, wanted = (each.to(self.device) for each in self.masks.batch(rows, random_))
        dtype = torch.float16 if self.options.precision == "fp16" else torch.bfloat16
        with torch.autocast(self.device.type, dtype=dtype, enabled=self.options.precision != "fp32"):
            logits = self.model(input_ids=ids, attention_mask=attention).logits
        hidden = wanted != IGNORED
        if not hidden.any():
            return logits.float().sum() * 0.0
        return nn.functional.cross_entropy(logits[hidden].float(), wanted[hidden])

    def step(self, rows: Sequence[Coded], factor: float, random_: torch.Generator) -> float:
        """One step; its loss. `factor`: of the learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.rate * factor
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(rows, random_)
        if not torch.isfinite(loss):
            raise FloatingPointError("the loss is not finite: lower the learning rate")
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return float(loss.item())

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def measured(self, rows: Sequence[Coded]) -> float:
        """Mean loss on texts that are not learnt from, the same masks each time."""
        self.model.eval()
        random_ = torch.Generator().manual_seed(self.options.seed)
        size = self.options.batch
        losses = [self.loss(rows[at : at + size], random_).item() for at in range(0, len(rows), size)]
        self.model.train()
        return float(sum(losses) / len(losses))

    def save(self, out: Path) -> None:
        """Write the encoder, without what only the guessing needed, and its tokenizer."""
        if self.masks.mask == self.vocabulary:
            self.model.resize_token_embeddings(self.vocabulary)
        self.model.base_model.cpu().save_pretrained(out)
        self.hub.save_pretrained(out)


def learn(pretrainer: Pretrainer, rows: Sequence[Coded], watch: Watch) -> int:
    """Show every text `epochs` times, or end when the minutes are over; the number of steps."""
    options = pretrainer.options
    chance, random_ = random.Random(options.seed), torch.Generator().manual_seed(options.seed)
    steps = options.epochs * math.ceil(len(rows) / options.batch)
    started, step, seen, running = watch.clock(), 0, 0, 0.0
    pretrainer.model.train()
    for _ in range(options.epochs):
        for batch in batches(rows, options.batch, chance):
            spent = watch.clock() - started
            part = max(step / steps, spent / (options.minutes * 60) if options.minutes else 0.0)
            if part >= 1:
                return step
            factor = schedule(int(part * PARTS), PARTS, options.warm_up)
            running += pretrainer.step(batch, factor, random_)
            step, seen = step + 1, seen + len(batch)
            due = step % TOLD_EVERY == 0 or step == steps
            mean = running / ((step - 1) % TOLD_EVERY + 1)
            watch.tell.step(Pace(step, steps, seen, watch.clock() - started), f"loss {mean:.4f}", due)
            if due:
                watch.track.numbers(step, {"masked_loss": mean})
                running = 0.0
    return step


def pretrain(options: Pretraining, watch: Watch) -> dict[str, Any]:
    """Learn from the texts and write the new base; its report. Raises FileExistsError, TableRefused."""
    if options.out.exists():
        raise FileExistsError(f"{options.out} is there already and is not overwritten: name another folder")
    files = read_texts(options.texts, options.column)
    texts = [text for own in files.values() for text in own]
    random.Random(options.seed).shuffle(texts)
    texts = texts[: options.sample or len(texts)]
    back = min(MOST_KEPT_BACK, max(1, int(len(texts) * KEPT_BACK)))
    if len(texts) <= back:
        raise TableRefused("there are no texts to learn from")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    started = watch.clock()
    pretrainer = Pretrainer(options)
    rows = code(texts, pretrainer.tokenizer, options.tokens)
    before = pretrainer.measured(rows[:back])
    watch.tell.say(f"{len(texts):,} texts; masked loss on {back:,} kept back: {before:.4f}")
    steps = learn(pretrainer, rows[back:], watch)
    after = pretrainer.measured(rows[:back])
    watch.tell.say(f"masked loss on the texts kept back: {before:.4f} -> {after:.4f}")
    pretrainer.save(options.out)
    report = {
        "base": Path(options.base).name,
        "texts": {name: len(own) for name, own in files.items()},
        "masked_loss": {"before": round(before, 4), "after": round(after, 4)},
        "steps": steps,
        "seconds": round(watch.clock() - started),
        "options": {name: str(each) if isinstance(each, Path) else each for name, each in asdict(options).items()
                    if name not in ("base", "out", "texts")},
    }  # fmt: skip
    (options.out / REPORT).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def run(options: Pretraining) -> dict[str, Any]:
    """Pretrain, watched by whoever sits at the terminal. Raises what `pretrain` raises, TrackerMissing."""
    watch = Watch(teller(), tracker(options.track, options.out, asdict(options)))
    try:
        return pretrain(options, watch)
    finally:
        watch.tell.close()
        watch.track.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m models.pretrain`: the same without the program around it."""
    parser = argparse.ArgumentParser(prog="python -m models.pretrain", description=Pretraining.__doc__)
    add_options(parser, Pretraining)
    options = pretraining_of(vars(parser.parse_args(arguments)))
    sys.stdout.write(json.dumps(run(options), indent=1) + "\n")


if __name__ == "__main__":
    main()
