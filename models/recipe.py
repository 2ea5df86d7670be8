"""How a training run learns: every number of it, its file form, and its command line. Pure; needs no torch."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import yaml
from rapidfuzz import process

from models.augment import AUGMENTS

PRECISIONS: Final = ("fp32", "bf16", "fp16")
TRACKERS: Final = ("tensorboard", "mlflow", "wandb", "none")
Form = TypeVar("Form", bound="Lessons")


class RecipeRefused(ValueError):  # noqa: N818 - what happened
    """A recipe or option that no run can follow; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every number of a training run. What the shipped weights were made with stands in their metadata."""

    langs: Annotated[tuple[str, ...], "languages to learn"] = ("en", "zh")
    tiers: Annotated[tuple[str, ...], "licence tiers of the public rows to learn from"] = ("A",)
    epochs: Annotated[int, "times that all rows are shown"] = 2
    batch: Annotated[int, "rows of a batch"] = 32
    accumulate: Annotated[int, "batches whose gradients are added up for one step"] = 1
    rate: Annotated[float, "learning rate of the encoder's top layer"] = 1.2e-4
    head_rate: Annotated[float, "learning rate of the heads, which start from nothing"] = 5e-4
    # What is pretrained stays: each layer below the top learns this much slower.
    layer_decay: Annotated[float, "learning rate of a layer over that of the layer above"] = 0.92
    decay: Annotated[float, "weight decay of AdamW"] = 0.01
    warm_up: Annotated[float, "part of all steps in which the learning rate rises"] = 0.06
    smoothing: Annotated[float, "label smoothing"] = 0.05
    focal: Annotated[float, "gamma of the focal loss (Lin et al. 2017); 0: cross-entropy"] = 0.0
    clip: Annotated[float, "greatest norm of the gradient"] = 1.0
    # Tweets, headlines and flashes hardly ever have more.
    tokens: Annotated[int, "tokens of a text that are read"] = 128
    average: Annotated[float, "how slowly the averaged weights follow: 0.998 is about the last 500 steps"] = 0.998
    rare_power: Annotated[float, "weight of a topic or risk: (mean count / its count) to this power; 0: none"] = 0.25
    corpus_repeats: Annotated[int, "times that an epoch shows each text of the corpus"] = 2
    composed: Annotated[int, "texts run together, new in each epoch, for each language"] = 2000
    augments: Annotated[tuple[str, ...], f"ways to vary texts: {', '.join(AUGMENTS)}"] = ()
    augment_share: Annotated[float, "share of the rows that an epoch varies"] = 0.15
    paraphrases: Annotated[str, "file of paraphrases, or MODULE:FUNCTION that gives them: one more way to vary"] = ""
    adversarial: Annotated[float, "FGM: shift of a text's word vectors, in parts of their length; 0: none"] = 0.0
    # Off, the word table stays as pretrained, which helps the language with fewer rows.
    train_words: Annotated[bool, "learn the word table too"] = False
    lora: Annotated[int, "rank of LoRA (Hu et al. 2022); 0: all weights learn"] = 0
    lora_scale: Annotated[float, "alpha of LoRA over its rank"] = 2.0
    patience: Annotated[int, "end after so many epochs without a better mean dev macro F1; 0: never early"] = 0
    seed: Annotated[int, "of everything random"] = 20261125
    # bf16 is faster on processors only where they multiply matrices in it (AMX); fp16 needs CUDA.
    precision: Annotated[str, f"of the arithmetic: {', '.join(PRECISIONS)}"] = "fp32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What is learnt from, and the base that learns."""

    base: Annotated[str, "pretrained encoder: a folder, or a name on the Hugging Face hub; or an earlier run's --out"]
    data: Annotated[Path | None, "folder of public data with labelled/*.jsonl (default: TOCSIN_DATA)"] = None
    rows: Annotated[tuple[Path, ...], "your own labelled file: .csv, .tsv or .jsonl, also .gz"] = ()
    dev_rows: Annotated[tuple[Path, ...], "the same, for measuring (default: a tenth of --rows)"] = ()
    map: Annotated[tuple[str, ...], "FIELD=COLUMN of your file; fields: text, sentiment, topic, risk, lang, …"] = ()
    label: Annotated[tuple[str, ...], "HEAD:WORD=LABEL: what a word of your file means; an empty LABEL: none"] = ()
    tier: Annotated[str, "licence tier of your rows; A says that weights may be given away"] = "own"
    only_own: Annotated[bool, "learn from your rows alone, not from the public sets and the corpus"] = False
    sample: Annotated[int, "learn from this many rows only (a trial run); 0: all"] = 0
    threads: Annotated[int, "threads of torch; 0: its own choice"] = 0
    track: Annotated[str, f"where losses and scores are written: {', '.join(TRACKERS)}"] = "tensorboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Lessons):
    """One training run: `tocsin models train`."""

    out: Annotated[Path, "folder for weights, tokenizer and report"]
    base_name: Annotated[str, "what the model card calls the base (default: its folder)"] = ""
    checkpoint_minutes: Annotated[float, "minutes between checkpoints; 0: none"] = 10.0
    resume: Annotated[bool, "go on from the checkpoint in --out"] = False
    dry_run: Annotated[bool, "report what is wrong with the rows, and end"] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Lessons):
    """A search for a better recipe: `tocsin models search`."""

    out: Annotated[Path, "the recipe file to write; it must not be there yet"]
    trials: Annotated[int, "runs to try"] = 20
    minutes: Annotated[float, "end after so long, whatever the trials; 0: no bound"] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """A run of pretraining: `tocsin models pretrain`."""

    base: Annotated[str, "pretrained encoder: a folder, or a name on the Hugging Face hub"]
    texts: Annotated[tuple[Path, ...], "files of texts: .txt (a text a line), .csv, .tsv or .jsonl, also .gz"]
    out: Annotated[Path, "folder for the new base; it must not be there yet"]
    column: Annotated[str, "column or key that holds the text"] = "text"
    minutes: Annotated[float, "end after so long, with the learning rate run down by then; 0: no bound"] = 0.0
    epochs: Annotated[int, "times that all texts are shown"] = 1
    batch: Annotated[int, "texts of a batch"] = 32
    tokens: Annotated[int, "tokens of a text that are read"] = 128
    rate: Annotated[float, "learning rate"] = 1e-4
    decay: Annotated[float, "weight decay of AdamW"] = 0.01
    warm_up: Annotated[float, "part of the run in which the learning rate rises"] = 0.06
    clip: Annotated[float, "greatest norm of the gradient"] = 1.0
    masked: Annotated[float, "share of the tokens to be guessed"] = 0.15
    freeze_words: Annotated[bool, "leave the word table as it is, for the sake of a language that the texts lack"] = (
        False
    )
    sample: Annotated[int, "learn from this many texts only; 0: all"] = 0
    threads: Annotated[int, "threads of torch; 0: its own choice"] = 0
    seed: Annotated[int, "of everything random"] = 20261125
    precision: Annotated[str, f"of the arithmetic: {', '.join(PRECISIONS)}"] = "fp32"
    track: Annotated[str, f"where losses are written: {', '.join(TRACKERS)}"] = "tensorboard"


@dataclass(frozen=True, slots=True)
class Option:
    """A field of a dataclass as the command line has it."""

    name: str
    kind: Any  # str, int, float, bool or Path: of one value
    many: bool
    default: Any  # MISSING: it must be given
    help: str


def options_of(form: type) -> list[Option]:
    """The options that the fields of a dataclass are."""
    hints = get_type_hints(form, include_extras=True)
    found = []
    for each in fields(form):
        kind, told = get_args(hints[each.name])
        many = get_origin(kind) is tuple
        if many or get_origin(kind) is UnionType:
            kind = get_args(kind)[0]
        found.append(Option(each.name, kind, many, each.default, told))
    return found


def _meant(word: str, known: Sequence[str]) -> str:
    close = process.extractOne(word, known, score_cutoff=60)
    return f"; did you mean {close[0]}?" if close else f": {', '.join(known)}"


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some numbers changed. Raises RecipeRefused."""
    known = {option.name: option for option in options_of(Recipe)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise RecipeRefused(f"{name} is not part of a recipe{_meant(name, list(known))}")
        option = known[name]
        wanted = "a list of words" if option.many else f"one {option.kind.__name__}"
        if option.many:
            good = isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)
            value = tuple(value) if good else value
        else:
            value = float(value) if option.kind is float and type(value) is int else value
            good = type(value) is option.kind
        if not good:
            raise RecipeRefused(f"{name} is {value!r}; it must be {wanted}")
        values[name] = value
    return checked(replace(recipe, **values))


def checked(recipe: Recipe) -> Recipe:
    """The recipe itself. Raises RecipeRefused when its numbers cannot be followed."""
    for name in recipe.augments:
        if name not in AUGMENTS:
            raise RecipeRefused(f"{name} is no way to vary texts{_meant(name, list(AUGMENTS))}")
    _require_precision(recipe.precision)
    _require_one(recipe, "epochs", "batch", "accumulate", "tokens")
    for name in ("rate", "head_rate", "focal", "adversarial", "lora", "patience", "composed", "decay"):
        if getattr(recipe, name) < 0:
            raise RecipeRefused(f"{name} must not be negative")
    for name in ("warm_up", "smoothing", "average", "augment_share"):
        if not 0 <= getattr(recipe, name) <= 1:
            raise RecipeRefused(f"{name} must lie between 0 and 1")
    if recipe.lora and recipe.train_words:
        raise RecipeRefused("LoRA leaves the word table as it is: leave out either lora or train_words")
    return recipe


def _require_precision(named: str) -> None:
    if named not in PRECISIONS:
        raise RecipeRefused(f"{named} is no precision{_meant(named, PRECISIONS)}")


def _require_one(form: Recipe | Pretraining, *names: str) -> None:
    for name in names:
        if getattr(form, name) < 1:
            raise RecipeRefused(f"{name} must be at least 1")


def read_recipe(path: Path, start: Recipe | None = None) -> Recipe:
    """The recipe of a YAML file; what it does not name is as in `start`, or the default. Raises RecipeRefused."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeRefused(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(raw, dict):
        raise RecipeRefused(f"{path} must hold NAME: VALUE lines, as `tocsin models search` writes them")
    try:
        return changed(start or Recipe(), raw)
    except RecipeRefused as error:
        raise RecipeRefused(f"{path}: {error}") from None


def write_recipe(path: Path, recipe: Recipe, told: Sequence[str] = ()) -> None:
    """Write a new recipe file, begun with the lines `told` as comments. Never overwrites: raises FileExistsError."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(recipe).items()}
    head = "".join(f"# {line}\n" for line in told)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(head + yaml.safe_dump(values, sort_keys=False))


def add_options(parser: argparse.ArgumentParser, form: type) -> None:
    """Every field of the dataclass as an option; one that is not given is absent from what the parser finds."""
    for option in options_of(form):
        named: dict[str, Any] = {"default": argparse.SUPPRESS, "help": option.help.replace("%", "%%")}
        if option.kind is bool:
            named["action"] = argparse.BooleanOptionalAction
        else:
            named |= {"type": option.kind, "required": option.default is MISSING}
            named |= {"nargs": "*"} if option.many else {}
        parser.add_argument(f"--{option.name.replace('_', '-')}", **named)


def require_track(named: str) -> None:
    """Raises RecipeRefused for a tracker that is not known."""
    if named not in TRACKERS:
        raise RecipeRefused(f"{named} is no place to track to{_meant(named, TRACKERS)}")


def _frozen(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def assembled(given: Mapping[str, Any], form: type[Form]) -> tuple[Form, Recipe]:
    """What to run and how: the options given, over the file of the option `recipe`, over the defaults.

    Raises RecipeRefused.
    """
    names, recipes = ({option.name for option in options_of(each)} for each in (form, Recipe))
    run = form(**_frozen({name: value for name, value in given.items() if name in names}))
    require_track(run.track)
    recipe = read_recipe(given["recipe"]) if given.get("recipe") else Recipe()
    return run, changed(recipe, {name: value for name, value in given.items() if name in recipes})


def pretraining_of(given: Mapping[str, Any]) -> Pretraining:
    """The run of pretraining that the given options describe. Raises RecipeRefused."""
    options = Pretraining(**_frozen(given))
    require_track(options.track)
    _require_precision(options.precision)
    if not options.texts:
        raise RecipeRefused("name at least one file with --texts")
    _require_one(options, "epochs", "batch", "tokens")
    if not 0 < options.masked < 1:
        raise RecipeRefused("masked must lie between 0 and 1")
    return options


def read_options(prog: str, form: type[Form], arguments: Sequence[str] | None) -> tuple[Form, Recipe]:
    """The command line of `python -m …`: every field of `form` and of the recipe is an option. Raises RecipeRefused."""
    parser = argparse.ArgumentParser(prog=prog, description=form.__doc__)
    add_options(parser, form)
    parser.add_argument("--recipe", type=Path, help="YAML file with a recipe; options on the command line go before it")
    add_options(parser, Recipe)
    return assembled(vars(parser.parse_args(arguments)), form)
