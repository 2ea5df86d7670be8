"""`tocsin models train`, `search` and `pretrain`: from labelled or plain text to weights. Needs the extra `train`.

Their options are the fields of `models.recipe`, so that each is written once. Nothing heavy is imported before a
command runs, and the report about the rows needs no torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from console.exits import INTERRUPTED, WRONG_INPUT, WRONG_SETTINGS
from console.messages import say
from models.data import Audit, DataBroken, DataMissing
from models.material import Material, MaterialRefused, gather
from models.measure import table
from models.own_data import OwnRowsRefused
from models.paraphrases import ParaphrasesRefused
from models.recipe import Option, Pretraining, Recipe, RecipeRefused, Run, Search, assembled, options_of, pretraining_of
from models.stop import Stopped, asked_to_stop
from models.tables import TableRefused
from models.tracking import TrackerMissing

REFUSED: Final = (
    RecipeRefused, MaterialRefused, OwnRowsRefused, TableRefused, ParaphrasesRefused, DataBroken, DataMissing,
    FileExistsError,
)  # fmt: skip
FORM: Final = inspect.Parameter.KEYWORD_ONLY
RECIPE: Final = Option("recipe", Path, False, None, "YAML file with a recipe; options go before what it says")


@contextmanager
def failures() -> Iterator[None]:
    """What can be wrong as a line and an exit code."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("models", "console", "streams"):
            raise
        typer.echo(say("training.missing", package=error.name), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    except TrackerMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    except REFUSED as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except FloatingPointError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def audit_lines(audit: Audit) -> list[str]:
    """What the rows came to, counted in labels."""
    return [
        say("training.audit", train=f"{audit.train:,}", dev=f"{audit.dev:,}", kept=f"{audit.kept:,}"),
        say(
            "training.dropped", repeated=f"{audit.repeated_in_train:,}", leaked=f"{audit.leaked_from_dev:,}",
            contradicting=f"{audit.contradicting_in_train:,}",
        ),
    ]  # fmt: skip


def report_lines(material: Material) -> list[str]:
    """What is wrong with the rows, each kind with its first places."""
    lines = audit_lines(material.audit)
    for finding in material.findings:
        lines.append(say(f"training.findings.{finding.kind}", count=f"{finding.count:,}"))
        lines += [f"    {example}" for example in finding.examples]
        if 0 < len(finding.examples) < finding.count:
            lines.append("    " + say("training.more", count=f"{finding.count - len(finding.examples):,}"))
    return lines


def train(given: dict[str, Any]) -> None:
    """Fine-tune an encoder on public sets, the corpus and your own rows; says first what is wrong with the rows."""
    run, recipe = assembled(given, Run)
    material = gather(run, recipe)
    typer.echo("\n".join(report_lines(material)))
    if run.dry_run:
        stops = any(finding.stops for finding in material.findings)
        raise typer.Exit(WRONG_INPUT if stops else 0)
    from models.base import BaseRefused
    from models.checkpoint import CheckpointRefused
    from models.train import learn

    try:
        with asked_to_stop() as stop:
            report = learn(run, recipe, material, stop)
    except (CheckpointRefused, BaseRefused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except Stopped as error:
        typer.echo(say("training.stopped" if run.checkpoint_minutes else "training.lost", why=error), err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(table(report["dev"]))
    typer.echo(say("training.written", folder=run.out))


def search(given: dict[str, Any]) -> None:
    """Look for a better recipe within a budget of trials or minutes, and write it to a file for `train --recipe`."""
    options, recipe = assembled(given, Search)
    material = gather(options, recipe)
    typer.echo("\n".join(report_lines(material)))
    from models import search as searching

    try:
        with asked_to_stop() as stop:
            found = searching.run(options, recipe, material, stop)
    except searching.NothingFound as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(say("training.found", score=f"{found.score:.4f}", tried=found.tried, file=options.out))


def pretrain(given: dict[str, Any]) -> None:
    """Go on pretraining an encoder on texts of your domain, without labels; writes a base for `train --base`."""
    from models import pretrain as pretraining

    report = pretraining.run(pretraining_of(given))
    typer.echo(say("training.pretrained", folder=given["out"], **report["masked_loss"]))


def _parameter(option: Option) -> inspect.Parameter:
    """An option as typer reads it. None says that it was not given: a recipe file may say more than the default."""
    kind: Any = list[option.kind] if option.many else option.kind  # type: ignore[name-defined]  # made here
    flag = f"--{option.name.replace('_', '-')}"
    names = f"{flag}/--no-{flag[2:]}" if option.kind is bool else flag
    if option.default is MISSING:
        told = typer.Option(names, help=option.help)
        return inspect.Parameter(option.name, FORM, annotation=Annotated[kind, told])
    default = " ".join(option.default) if option.many else str(option.default)
    shown = False if option.default in (None, "", ()) else default
    told = typer.Option(names, help=option.help, show_default=shown)
    return inspect.Parameter(option.name, FORM, default=None, annotation=Annotated[kind | None, told])


def command(work: Callable[[dict[str, Any]], None], forms: Sequence[type]) -> Callable[..., None]:
    """A command whose options are the fields of the forms; `work` gets those that were given."""
    options = [option for form in forms for option in options_of(form)]
    options += [RECIPE] if Recipe in forms else []

    def run(**given: Any) -> None:
        with failures():
            work({name: value for name, value in given.items() if value not in (None, [])})

    run.__doc__ = work.__doc__
    run.__signature__ = inspect.Signature([_parameter(option) for option in options])  # type: ignore[attr-defined]
    return run


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("train")(command(train, (Run, Recipe)))
    app.command("search")(command(search, (Search, Recipe)))
    app.command("pretrain")(command(pretrain, (Pretraining,)))
