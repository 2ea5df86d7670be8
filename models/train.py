"""Fine-tune one encoder with a head for each question: `tocsin models train --base DIR --out DIR`.

Reads top to bottom: rows, audit, batches of like length, one loop, averaged weights, measured on dev, written to --out.
Needs the extra `train` (torch). Every number of a run stands in `models.recipe.Recipe`; each is an option, and all are
written to `report.json` beside the weights. An interrupted run goes on with --resume and ends with the same weights.
"""

from __future__ import annotations

import copy
import json
import math
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import calibrate, checkpoint, data, lora
from models.adversary import Adversary
from models.base import BaseRefused
from models.course import Coded, Course, batches, course_of, encode, tensors
from models.labels import HEADS
from models.losses import class_weights, loss_of
from models.material import Material, check, gather
from models.measure import by_dataset
from models.network import Judge, from_base, save, tokenizer_of, trained
from models.progress import Lines, Pace, Teller, teller
from models.recipe import Recipe, RecipeRefused, Run, read_options
from models.stop import Stopped, asked_to_stop
from models.tracking import Nowhere, Tracker, tracker

TOLD_EVERY = 100  # steps
REPORT = "report.json"


def depth(name: str, layers: int) -> int:
    """How far below the heads a parameter lies: 0 for heads, `layers + 1` for the embeddings."""
    if name.startswith("heads."):
        return 0
    if numbered := re.search(r"\.(?:layers?|h|blocks?)\.(\d+)\.", name):
        return layers - int(numbered[1])
    return layers + 1 if "embeddings" in name else 1


def optimiser_of(judge: Judge, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; no decay on biases and norms; the heads learn fastest, each layer below a little slower."""
    layers = int(judge.encoder.config.num_hidden_layers)
    words = judge.encoder.get_input_embeddings().weight
    words.requires_grad_(recipe.train_words)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, value in judge.named_parameters():
        if value.requires_grad:
            groups.setdefault((depth(name, layers), value.ndim > 1), []).append(value)
    return torch.optim.AdamW(
        [
            {
                "params": members,
                "lr": recipe.rate * recipe.layer_decay ** (below - 1) if below else recipe.head_rate,
                "weight_decay": recipe.decay if is_matrix else 0.0,
            }
            for (below, is_matrix), members in groups.items()
        ],
        fused=True,
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
    moving = [pair for pair in zip(average.parameters(), judge.parameters(), strict=True) if pair[1].requires_grad]
    torch._foreach_lerp_([mean for mean, _ in moving], [value for _, value in moving], 1.0 - keep)


@torch.inference_mode()  # type: ignore[untyped-decorator]
def predict(judge: Judge, rows: Sequence[Coded], size: int = 64) -> dict[str, np.ndarray]:
    """Probabilities of each head [rows, labels], in the order of `rows`."""
    judge.eval()
    device = next(judge.parameters()).device
    out = {head: np.zeros((len(rows), len(names)), dtype=np.float32) for head, names in HEADS.items()}
    order = sorted(range(len(rows)), key=lambda at: len(rows[at].ids))
    for start in range(0, len(order), size):
        part = order[start : start + size]
        ids, mask, _ = tensors([rows[at] for at in part])
        for head, values in judge(ids.to(device), mask.to(device)).items():
            out[head][part] = values.softmax(-1).cpu().numpy()
    return out


def mean_f1(judge: Judge, tokenizer: Tokenizer, dev: Sequence[data.Row], tokens: int) -> float:
    """Mean macro F1 over the data sets and heads of `dev`: large sets count as small ones."""
    scores = by_dataset(dev, predict(judge, encode(dev, tokenizer, tokens)))
    return sum(each["macro_f1"] for each in scores.values()) / len(scores)


def device_for(precision: str) -> torch.device:
    """CUDA where there is some, else the processor. Raises RecipeRefused for a precision that it does not have."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if precision == "fp16":
        raise RecipeRefused("fp16 needs CUDA, and there is none: use --precision bf16 or fp32")
    return torch.device("cpu")


@dataclass(slots=True)
class Watch:
    """Who looks at a run, and may end it."""

    tell: Teller = field(default_factory=lambda: Lines(sys.stdout))
    track: Tracker = field(default_factory=Nowhere)
    dev: Sequence[data.Row] = ()  # to score on after each epoch, when the recipe has patience or `each_epoch` asks
    each_epoch: Callable[[int, float], None] | None = None
    stop: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    folder: Path | None = None  # of the checkpoints
    every: float = math.inf  # seconds between them
    resume: bool = False


@dataclass(slots=True)
class Place:
    """Where a run is. With the weights, the optimiser and the random states it decides how the run goes on."""

    epoch: int = 0
    steps_in_epoch: int = 0
    step: int = 0
    best: float = -1.0
    waited: int = 0  # epochs without a better score
    chance: list[Any] = field(default_factory=list)  # random state at the beginning of the epoch
    scaler: dict[str, Any] = field(default_factory=dict)


class Training:
    """One run: what it holds, how it takes a step, how it is kept and found again."""

    def __init__(self, judge: Judge, course: Course, tokenizer: Tokenizer, watch: Watch) -> None:
        self.recipe = recipe = course.recipe
        self.judge, self.course, self.tokenizer, self.watch = judge, course, tokenizer, watch
        self.device = device_for(recipe.precision)
        self.digest = f"{course.digest}-{checkpoint.weights_digest(judge.state_dict())}"
        if recipe.lora:
            lora.adapt(judge, recipe.lora, recipe.lora_scale)
        judge.to(self.device)
        self.chance = random.Random(recipe.seed)
        weights = class_weights(course.rows, recipe.rare_power)
        self.weights = {head: each.to(self.device) for head, each in weights.items()}
        self.average: Judge = copy.deepcopy(judge)
        self.optimiser = optimiser_of(judge, recipe)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "fp16")
        words = judge.encoder.get_input_embeddings()
        self.adversary = Adversary(words, recipe.adversarial) if recipe.adversarial else None
        self.place = Place()
        self.best: dict[str, Tensor] = {}

    def learn(self, batch: Sequence[Coded], share: float) -> float:
        """Add the gradients of a batch; its loss. `share`: the batch's part of the step's rows."""
        ids, mask, labels = tensors(batch)
        ids, mask = ids.to(self.device), mask.to(self.device)
        labels = {head: each.to(self.device) for head, each in labels.items()}
        losses: list[float] = []

        def run() -> None:
            dtype = torch.float16 if self.recipe.precision == "fp16" else torch.bfloat16
            with torch.autocast(self.device.type, dtype=dtype, enabled=self.recipe.precision != "fp32"):
                logits = self.judge(ids, mask)
            loss = loss_of(logits, labels, self.weights, self.recipe.smoothing, self.recipe.focal)
            if not torch.isfinite(loss):
                raise FloatingPointError(f"the loss is not finite at step {self.place.step}: lower the learning rate")
            self.scaler.scale(loss * share).backward()
            losses.append(loss.item())

        run()
        if self.adversary:
            self.adversary.second_pass(run)
        return losses[0]

    def step(self, part: Sequence[Sequence[Coded]], steps: int) -> float:
        """One step of the optimiser over the batches of `part`; their mean loss."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * schedule(self.place.step, steps, self.recipe.warm_up)
        self.optimiser.zero_grad(set_to_none=True)
        rows = sum(len(batch) for batch in part)
        loss = sum(self.learn(batch, len(batch) / rows) * len(batch) / rows for batch in part)
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.judge.parameters(), self.recipe.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        follow(self.average, self.judge, min(self.recipe.average, (self.place.step + 1) / (self.place.step + 10)))
        self.place.step += 1
        self.place.steps_in_epoch += 1
        return loss

    def parts(self) -> list[list[list[Coded]]]:
        """The batches of the epoch, in parts of one step each."""
        self.place.chance = checkpoint.chance_facts(self.chance.getstate())
        rows = encode(self.course.epoch(self.chance), self.tokenizer, self.recipe.tokens)
        made = batches(rows, self.recipe.batch, self.chance)
        return [made[at : at + self.recipe.accumulate] for at in range(0, len(made), self.recipe.accumulate)]

    def score(self) -> bool:
        """Score the averaged weights after an epoch, where somebody wants it; whether the run may end."""
        if not (self.recipe.patience or self.watch.each_epoch):
            return False
        found = mean_f1(self.average, self.tokenizer, self.watch.dev, self.recipe.tokens)
        self.watch.tell.say(f"epoch {self.place.epoch + 1}: mean dev macro F1 {found:.4f}")
        self.watch.track.numbers(self.place.step, {"dev/mean_macro_f1": found})
        if self.watch.each_epoch:
            self.watch.each_epoch(self.place.epoch, found)
        if found > self.place.best:
            self.place.best, self.place.waited = found, 0
            self.best = {name: value.detach().clone() for name, value in self.learning(self.average).items()}
        else:
            self.place.waited += 1
        return bool(self.recipe.patience) and self.place.waited >= self.recipe.patience

    def learning(self, judge: Judge) -> dict[str, Tensor]:
        """The weights that learn, by name."""
        names = {name for name, value in self.judge.named_parameters() if value.requires_grad}
        return {name: value for name, value in judge.named_parameters() if name in names}

    def write(self, folder: Path) -> None:
        """Keep the run as it is now."""
        self.place.scaler = self.scaler.state_dict()
        kept = {"judge": self.learning(self.judge), "average": self.learning(self.average), "best": self.best}
        found = {f"{part}.{name}": value.detach() for part, each in kept.items() for name, value in each.items()}
        found |= checkpoint.random_tensors() | checkpoint.optimiser_tensors(self.optimiser)
        checkpoint.write(folder, found, {"digest": self.digest, "place": asdict(self.place)})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def read(self, folder: Path) -> None:
        """Go on where `write` was called. Raises CheckpointRefused."""
        found, facts = checkpoint.read(folder)
        if facts["digest"] != self.digest:
            raise checkpoint.CheckpointRefused(f"the checkpoint in {folder} is of another recipe or of other rows")
        for part, judge in (("judge", self.judge), ("average", self.average)):
            for name, value in self.learning(judge).items():
                value.copy_(found[f"{part}.{name}"])
        self.best = {name[5:]: value.to(self.device) for name, value in found.items() if name.startswith("best.")}
        checkpoint.set_optimiser(self.optimiser, found)
        self.place = Place(**facts["place"])
        checkpoint.set_chance(self.chance, self.place.chance)
        self.scaler.load_state_dict(self.place.scaler)
        checkpoint.set_random(found)

    def finished(self) -> Judge:
        """The averaged weights, those of the best epoch where the recipe has patience, as an ordinary network."""
        if self.adversary:
            self.adversary.leave()
        if self.recipe.patience:
            with torch.no_grad():
                for name, value in self.learning(self.average).items():
                    value.copy_(self.best[name])
        if self.recipe.lora:
            lora.merge(self.average)
        self.average.eval().cpu()
        return self.average


def train(judge: Judge, course: Course, tokenizer: Tokenizer, watch: Watch | None = None) -> Judge:
    """Train in place; returns the averaged weights, which generalise better than the last ones. Raises Stopped."""
    watch = watch or Watch()
    training = Training(judge, course, tokenizer, watch)
    if watch.resume and watch.folder:
        training.read(watch.folder)
    recipe, place = course.recipe, training.place
    judge.train()
    begun, started, kept_at = place.step, watch.clock(), watch.clock()
    seen, running, counted = 0, 0.0, 0
    while place.epoch < recipe.epochs:
        parts = training.parts()
        steps = recipe.epochs * len(parts)
        for part in parts[place.steps_in_epoch :]:
            running, counted = running + training.step(part, steps), counted + 1
            seen += sum(len(batch) for batch in part)
            due = place.step % TOLD_EVERY == 0 or place.step == steps
            mean = running / counted
            if due:
                watch.track.numbers(place.step, {"loss": mean, "rate": training.optimiser.param_groups[0]["lr"]})
            pace = Pace(place.step, steps, seen, watch.clock() - started, begun)
            watch.tell.step(pace, f"epoch {place.epoch + 1}/{recipe.epochs} loss {mean:.4f}", due)
            running, counted = (0.0, 0) if due else (running, counted)
            ending = watch.stop()
            if watch.folder and (ending or watch.clock() - kept_at >= watch.every):
                training.write(watch.folder)
                kept_at = watch.clock()
            if ending:
                raise Stopped(f"stopped at step {place.step} of {steps}")
        if training.score():
            watch.tell.say(f"ended early: {place.waited} epochs without a better score than {place.best:.4f}")
            break
        place.epoch, place.steps_in_epoch = place.epoch + 1, 0
    return training.finished()


def start(base: str, recipe: Recipe, threads: int) -> tuple[Judge, Tokenizer]:
    """The network that a run begins with: the same for the same seed. Raises RecipeRefused, BaseRefused."""
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    earlier(base)  # so that a base without its report fails before the run
    judge = from_base(base)
    if recipe.tokens > (longest := getattr(judge.encoder.config, "max_position_embeddings", recipe.tokens)):
        raise RecipeRefused(f"{base} reads at most {longest} tokens: use --tokens {longest} or fewer")
    return judge, tokenizer_of(base)


def earlier(base: str) -> dict[str, Any]:
    """The report of the run that made the base; empty when the base is only pretrained. Raises BaseRefused."""
    if not trained(base):
        return {}
    try:
        found: dict[str, Any] = json.loads((Path(base) / REPORT).read_bytes())
    except (OSError, ValueError) as error:
        raise BaseRefused(f"{base} has learnt before, but its {REPORT} cannot be read: {error}") from None
    return found


def measured(
    judge: Judge, tokenizer: Tokenizer, dev: Sequence[data.Row], tiers: frozenset[str], tokens: int
) -> dict[str, Any]:
    """Scores on all dev rows, and the calibration by those of the licence tiers."""
    found = predict(judge, encode(dev, tokenizer, tokens))
    # A temperature is one number a head, so the dev rows may set it; those of other licences still do not.
    free = [at for at, row in enumerate(dev) if row.tier in tiers]
    honest = calibrate.calibrate([dev[at] for at in free], {head: values[free] for head, values in found.items()})
    return {"dev": by_dataset(dev, found), "calibration": msgspec.to_builtins(honest)}


def report_of(run: Run, recipe: Recipe, material: Material, judge: Judge, tokenizer: Tokenizer) -> dict[str, Any]:
    """What is written beside the weights: the recipe, what was learnt from, scores and calibration on dev."""
    before = earlier(run.base)
    varied = {f"paraphrases/{run.tier}": round(len(material.rows) * recipe.augment_share)} if recipe.paraphrases else {}
    return {
        "recipe": asdict(recipe) | ({"before": before["recipe"]} if before else {}),
        "base": run.base_name or before.get("base") or Path(run.base).name,
        "rows": data.together([before.get("rows", {}), material.learnt, varied]),
        "audit": asdict(material.audit),
        "findings": {each.kind: each.count for each in material.findings},
        **measured(judge, tokenizer, material.dev, material.tiers, recipe.tokens),
    }


def learn(run: Run, recipe: Recipe, material: Material, stop: Callable[[], bool]) -> dict[str, Any]:
    """Train, measure on dev, write `judge.safetensors`, `config.json`, `tokenizer.json` and `report.json`; the report.

    Raises Stopped, with a checkpoint in --out, and what else can be wrong with a run before it begins.
    """
    check(material, recipe)
    if not run.resume:
        checkpoint.require_none(run.out)
    started = time.monotonic()
    course = course_of(material, recipe)
    judge, tokenizer = start(run.base, recipe, run.threads)
    watch = Watch(
        teller(), tracker(run.track, run.out, asdict(recipe)), material.measured, stop=stop, resume=run.resume,
        folder=run.out if run.checkpoint_minutes or run.resume else None,
        every=run.checkpoint_minutes * 60 if run.checkpoint_minutes else math.inf,
    )  # fmt: skip
    try:
        judge = train(judge, course, tokenizer, watch)
        save(judge, tokenizer, run.out)
        report = report_of(run, recipe, material, judge, tokenizer) | {"seconds": round(time.monotonic() - started)}
        watch.track.numbers(0, {f"end/{name}": each["macro_f1"] for name, each in report["dev"].items()})
    finally:
        watch.tell.close()
        watch.track.close()
    (run.out / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    checkpoint.remove(run.out)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m models.train`: the same without the program around it."""
    run, recipe = read_options("python -m models.train", Run, arguments)
    material = gather(run, recipe)
    sys.stdout.write("\n".join([*material.audit.lines(), *map(str, material.findings)]) + "\n")
    if not run.dry_run:
        with asked_to_stop() as stop:
            report = learn(run, recipe, material, stop)
        sys.stdout.write(json.dumps(report["dev"], indent=1) + "\n")


if __name__ == "__main__":
    main()
