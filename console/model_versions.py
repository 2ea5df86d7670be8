"""`tocsin models list | deploy | rollback | shadow | compare`: versions side by side, changed while Triton serves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from console.exits import UNAVAILABLE, WRONG_INPUT, WRONG_SETTINGS
from console.messages import say
from console.model_samples import RowRefused, read_samples, shipped_samples, told
from deploy.faults import EngineError
from deploy.stack import Stack
from deploy.triton import control_headers
from models import registry, versions
from models.batching import Limits
from models.compare import Sample, compare, judge_all
from models.control import PROBE_SECONDS, Control, change
from models.lanes import Judge, open_judge
from models.registry import ModelRefused
from models.text import prepare
from models.triton import BadInput, Unreachable
from models.versions import Plan
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings, SettingsError, load

REFUSED: Final = 1  # exit code
KEEP: Final = 3

Model = Annotated[str, typer.Option(help="Which model, where the repository holds several.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_versions)
    app.command("deploy")(deploy)
    app.command("rollback")(rollback)
    app.command("shadow")(shadow)
    app.command("compare")(compare_versions)


def list_versions(as_json: AsJson = False) -> None:
    """Show every version of every model: which is used, which is a shadow, which are kept, which are damaged."""
    with _faults():
        repository = _repository(load())
        found = [(folder.name, each) for folder in registry.models(repository) for each in versions.versions(folder)]
    rows: list[dict[str, Any]] = [
        {
            "model": model,
            "number": each.number,
            "version": each.served.metadata.version if each.served else None,
            "state": each.state,
            "loaded": each.loaded,
            "languages": list(each.served.metadata.langs) if each.served else None,
            "fault": each.fault or None,
        }
        for model, each in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        detail = row["fault"] or " ".join(row["languages"] or [])
        typer.echo(f"{row['model']}  {row['number']:>3}  {row['version'] or '-':<14}  {row['state']:<8}  {detail}")


def deploy(
    folder: Annotated[Path, typer.Argument(help="A version that models.export wrote, or one that is kept here.")],
    as_shadow: Annotated[bool, typer.Option("--shadow", help="Score with it, but use the active version.")] = False,
    keep: Annotated[int, typer.Option(min=0, help="Versions kept beside those in use and the one before.")] = KEEP,
    as_json: AsJson = False,
) -> None:
    """Use a version from now on: checked, loaded beside the active one, proved, and only then used. No gap."""
    with _faults():
        settings = load()
        repository = _repository(settings)
        with versions.alone(repository):
            added = versions.add(repository, folder)
            model, number = added.folder, added.number

            def planned(plan: Plan) -> Plan:
                return versions.with_shadow(plan, number) if as_shadow else versions.activate(plan, number)

            try:
                gone = _change(settings, model, planned, keep)
            except BaseException:
                if not _wanted(model, number) and (model / number).resolve() != versions.source(folder):
                    versions.remove(model, [number])  # as it was before
                raise
    if as_json:
        _print_change(added, "shadow" if as_shadow else "active", gone)
        return
    key = "versions.shadowed" if as_shadow else "versions.deployed"
    typer.echo(say(key, model=model.name, number=number, version=added.metadata.version))
    if gone:
        typer.echo(say("versions.removed", numbers=", ".join(gone)))


def _print_change(of: registry.Served | None, state: str, removed: Sequence[str] = ()) -> None:
    """What a change came to, for programs."""
    number, version = (of.number, of.metadata.version) if of else (None, None)
    model = of.folder.name if of else None
    found = {"model": model, "number": number, "version": version, "state": state, "removed": list(removed)}
    typer.echo(json.dumps(found))


def rollback(model: Model = "", as_json: AsJson = False) -> None:
    """Use the version again that was active before; without a gap, as a deployment."""
    with _faults():
        settings = load()
        folder = _folder(_repository(settings), model)
        with versions.alone(folder.parent):
            _change(settings, folder, versions.roll_back)
        active = registry.read(folder)
    if as_json:
        _print_change(active, "active")
        return
    typer.echo(say("versions.deployed", model=folder.name, number=active.number, version=active.metadata.version))


def shadow(
    number: Annotated[str, typer.Argument(metavar="NUMBER|off", help="The version to score with, or off.")],
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """Have a version score every text without being used, or end that."""
    wanted = "" if number == "off" else number
    with _faults():
        settings = load()
        folder = _folder(_repository(settings), model)
        if wanted and wanted not in registry.numbers(folder):
            raise ModelRefused(say("versions.unknown", number=number, known=", ".join(registry.numbers(folder))))
        with versions.alone(folder.parent):
            _change(settings, folder, lambda plan: versions.with_shadow(plan, wanted))
        served = registry.read(folder, wanted) if wanted else None
        version = served.metadata.version if served else ""
    if as_json:
        _print_change(served, "shadow" if served else "off")
    elif wanted:
        typer.echo(say("versions.shadowed", model=folder.name, number=wanted, version=version))
    else:
        typer.echo(say("versions.no_shadow", model=folder.name))


def compare_versions(
    first: Annotated[str, typer.Argument(metavar="A", help="Number of a version.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Number of another.")],
    data: Annotated[
        Path | None, typer.Option(help='JSONL: {"text": ..., "lang": ..., "sentiment": ...} a line; labels optional.')
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Texts of the shipped corpus, kept from training.")] = False,
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """Score the same texts with two loaded versions through Triton: agreement, changes, and F1 where labels tell."""
    if sample == (data is not None):
        raise typer.BadParameter(say("versions.which_data"))
    with _faults():
        settings = load()
        folder = _folder(_repository(settings), model)
        served = [_loaded(folder, number) for number in (first, second)]
        langs = set(served[0].metadata.langs) & set(served[1].metadata.langs)
        samples = read_samples(data) if data else shipped_samples(sorted(langs))
        usable = [each for each in samples if each.lang in langs and prepare(each.text)]
        if not usable:
            raise RowRefused(say("versions.no_texts", langs=" ".join(sorted(langs))))
        report = asyncio.run(_compare(settings, served, usable)) | {"skipped": len(samples) - len(usable)}
    typer.echo(json.dumps(report, indent=1, ensure_ascii=False) if as_json else "\n".join(told(report)))


async def _compare(settings: Settings, served: list[registry.Served], samples: list[Sample]) -> dict[str, Any]:
    async with _control(settings) as control:
        judges = [open_judge(control.client, each, settings.token_limit, PROBE_SECONDS) for each in served]
        found = [await _verdicts(settings, judge, samples) for judge in judges]
    return compare(samples, *found)


async def _verdicts(settings: Settings, judge: Judge, samples: list[Sample]) -> Any:
    await judge.prove(await judge.model.told())
    return await judge_all(judge, samples, settings.token_limit, Limits(tokens=settings.token_budget))


# ---- inside


def _repository(settings: Settings) -> Path:
    return settings.model_repository or registry.SHIPPED


def _folder(repository: Path, model: str) -> Path:
    """The folder of the model asked for, by default of the only one. Raises ModelRefused when that says too little."""
    folders = {folder.name: folder for folder in registry.models(repository)}
    if model and model in folders:
        return folders[model]
    if model or len(folders) > 1:
        raise ModelRefused(say("versions.which_model", known=", ".join(folders)))
    return next(iter(folders.values()))


def _loaded(folder: Path, number: str) -> registry.Served:
    if number not in registry.numbers(folder):
        raise ModelRefused(say("versions.unknown", number=number, known=", ".join(registry.numbers(folder))))
    if number not in versions.plan_of(folder).served:
        raise ModelRefused(say("versions.not_loaded", number=number))
    return registry.read(folder, number)


def _wanted(folder: Path, number: str) -> bool:
    plan = versions.plan_of(folder)
    return number in {*plan.served, plan.active, plan.shadow}


def _change(settings: Settings, folder: Path, planned: Callable[[Plan], Plan], keep: int | None = None) -> list[str]:
    """Carry a change of the plan out; with `keep`, remove older versions than that and return their numbers."""
    plan = planned(versions.plan_of(folder))
    gone = [] if keep is None else versions.surplus(plan, registry.numbers(folder), keep)
    asyncio.run(_carry_out(settings, folder, versions.without(plan, gone)))
    versions.remove(folder, gone)
    if not settings.triton_url:
        Stack(settings).accept("triton")  # it serves what lies there now: the next `up` has nothing to restart
    return gone


async def _carry_out(settings: Settings, folder: Path, plan: Plan) -> None:
    async with _control(settings) as control:
        await change(control, folder, plan)


@contextlib.asynccontextmanager
async def _control(settings: Settings) -> AsyncIterator[Control]:
    url = resolve(settings, "triton").triton
    control = Control(url, control_headers(settings), tls=settings.triton_tls, ca_file=settings.triton_ca_file)
    try:
        yield control
    finally:
        await control.close()


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Faults as a message and an exit code."""
    try:
        yield
    except SettingsError as error:
        _end(str(error), WRONG_SETTINGS)
    except (EnginesDown, Unreachable) as error:
        _end(say("versions.away", error=error) if isinstance(error, Unreachable) else str(error), UNAVAILABLE)
    except (RowRefused, OSError) as error:
        _end(str(error), WRONG_INPUT)
    except (ModelRefused, BadInput, EngineError) as error:
        _end(str(error), REFUSED)


def _end(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code) from None
