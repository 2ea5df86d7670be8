"""Look for a better recipe within a budget: `tocsin models search --base DIR --out FILE --trials 20 --minutes 120`.

Tree-structured Parzen estimator (Bergstra et al. 2011) with a median stopping rule after each epoch, both by optuna
(Akiba et al. 2019). A recipe is judged by the mean macro F1 on the dev rows of the sets that are learnt from: a chosen
recipe has seen those rows, so what it is worth is told by others. Needs the extra `train`.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import optuna

from models.course import course_of
from models.material import Material, MaterialRefused, check, gather
from models.progress import Teller, teller
from models.recipe import Recipe, RecipeRefused, Search, changed, read_options, write_recipe
from models.stop import Stopped, asked_to_stop
from models.tracking import tracker
from models.train import Watch, mean_f1, start, train

# What is varied, and between what: a decade or so around the defaults, which are tried first.
SPACE: Final[dict[str, Callable[[optuna.Trial], float]]] = {
    "rate": lambda trial: trial.suggest_float("rate", 2e-5, 5e-4, log=True),
    "head_rate": lambda trial: trial.suggest_float("head_rate", 1e-4, 3e-3, log=True),
    "layer_decay": lambda trial: trial.suggest_float("layer_decay", 0.8, 1.0),
    "warm_up": lambda trial: trial.suggest_float("warm_up", 0.0, 0.2),
    "smoothing": lambda trial: trial.suggest_float("smoothing", 0.0, 0.15),
    "rare_power": lambda trial: trial.suggest_float("rare_power", 0.0, 0.75),
    "focal": lambda trial: trial.suggest_float("focal", 0.0, 2.0),
    "augment_share": lambda trial: trial.suggest_float("augment_share", 0.0, 0.3),
}


class NothingFound(RuntimeError):  # noqa: N818 - what happened
    """The budget ended before any recipe was tried to its end."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best recipe, its score, and how many were tried to their end, and at all."""

    recipe: Recipe
    score: float
    ended: int
    tried: int

    def told(self, base: str) -> list[str]:
        """What stands at the head of the recipe file."""
        return [
            f"Found by `tocsin models search` on {base}: mean dev macro F1 {self.score:.4f},",
            f"the best of {self.tried} recipes ({self.ended} tried to their end).",
            "Use it: tocsin models train --recipe THIS_FILE …",
        ]


def _varied(recipe: Recipe) -> dict[str, Callable[[optuna.Trial], float]]:
    """The space that matters: how many texts are varied says nothing when no way to vary is chosen."""
    useless = set() if recipe.augments or recipe.paraphrases else {"augment_share"}
    return {name: suggest for name, suggest in SPACE.items() if name not in useless}


def search(
    options: Search, recipe: Recipe, material: Material, tell: Teller, stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Found:  # fmt: skip
    """Try recipes around `recipe`, which is the first, until the budget or somebody ends it. Raises NothingFound."""
    ends = clock() + options.minutes * 60 if options.minutes else math.inf
    over = False

    def enough() -> bool:
        nonlocal over
        over = over or stop() or clock() >= ends
        return over

    def value_of(trial: optuna.Trial) -> float:
        tried = changed(recipe, {name: suggest(trial) for name, suggest in _varied(recipe).items()})

        def told(epoch: int, score: float) -> None:
            trial.report(score, epoch)
            if epoch + 1 < tried.epochs and trial.should_prune():
                raise optuna.TrialPruned

        judge, tokenizer = start(options.base, tried, options.threads)
        place = options.out.with_suffix("") / f"trial-{trial.number}"
        track = tracker(options.track, place, asdict(tried))
        watch = Watch(tell, track, material.measured, each_epoch=told, stop=enough)
        try:
            judge = train(judge, course_of(material, tried), tokenizer, watch)
        except Stopped:
            raise optuna.TrialPruned from None
        except FloatingPointError as error:  # too high a rate: a bad recipe, not the end of the search
            tell.say(str(error))
            raise optuna.TrialPruned from None
        finally:
            track.close()
        score = mean_f1(judge, tokenizer, material.measured, tried.tokens)
        tell.say(f"trial {trial.number}: {score:.4f} {trial.params}")
        return score

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=recipe.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    study.enqueue_trial({name: getattr(recipe, name) for name in _varied(recipe)}, skip_if_exists=True)
    study.optimize(value_of, n_trials=options.trials, callbacks=[lambda study, _: study.stop() if enough() else None])
    ended = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.COMPLETE]
    if not ended:
        raise NothingFound("no recipe was tried to its end: give more --minutes, or learn from fewer rows (--sample)")
    best = study.best_trial
    return Found(changed(recipe, best.params), float(best.value or 0.0), len(ended), len(study.trials))


def run(options: Search, recipe: Recipe, material: Material, stop: Callable[[], bool]) -> Found:
    """Search, and write the recipe file. Raises FileExistsError (before anything is tried), NothingFound, …"""
    if options.out.exists():
        raise FileExistsError(f"{options.out} is there already and is not overwritten: name another file")
    if options.trials < 1:
        raise RecipeRefused("trials must be at least 1")
    check(material, recipe)
    if not material.measured:
        raise MaterialRefused("a search needs dev rows of the sets that are learnt from: name a file with --dev-rows")
    tell = teller()
    try:
        found = search(options, recipe, material, tell, stop)
    finally:
        tell.close()
    write_recipe(options.out, found.recipe, found.told(Path(options.base).name))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m models.search`: the same without the program around it."""
    options, recipe = read_options("python -m models.search", Search, arguments)
    with asked_to_stop() as stop:
        found = run(options, recipe, gather(options, recipe), stop)
    sys.stdout.write(f"{options.out}: mean dev macro F1 {found.score:.4f}\n")


if __name__ == "__main__":
    main()
