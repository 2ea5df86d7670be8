"""`tocsin models evaluate | gate`: how good a model is, and whether a new version may take the old one's place."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from console.commit import commit
from console.exits import UNAVAILABLE, WRONG_INPUT, WRONG_SETTINGS
from console.messages import say
from models import registry
from models.client import BadText
from models.data import DataBroken, DataMissing
from models.evaluate import Wanted, truth_of
from models.evaluate import evaluate as measured
from models.gate import TOLERANCE, Change, ReportRefused, compare, compare_forms, read_report
from models.judging import Bench, offline, through_triton
from models.quality import measured_with, overview, speed
from models.registry import ModelRefused
from models.robustness import ROWS
from models.tables import TableRefused
from models.triton import BadInput, Unreachable
from models.truth import TruthRefused
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings, SettingsError, load

WORSE: Final = 1  # exit code: the new version lost something


def evaluate(
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled .jsonl, .csv or .tsv file, or a folder of them; repeat it for several. "
                          "Default: the public sets of TOCSIN_DATA and the held-out part of the corpus."),
    ] = None,
    triton: Annotated[str, typer.Option(metavar="HOST:PORT", help="Judge through this Triton.")] = "",
    without: Annotated[
        bool, typer.Option("--offline", help="Judge with onnxruntime in full precision, without Triton.")
    ] = False,
    version: Annotated[
        str | None, typer.Option(metavar="MODEL/NUMBER", help="One version, its languages only. Default: those in use.")
    ] = None,
    robustness: Annotated[
        int | None,
        typer.Option(min=0, help="Rows of each language to write otherwise, by each kind of change. "
                                 f"Default: {ROWS}; with --data 0, which is none."),
    ] = None,
    baselines: Annotated[
        bool | None, typer.Option(help="Train TF-IDF baselines too. Default: yes; with --data no.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the whole report into this file too.")] = None,
) -> None:  # fmt: skip
    """Measure a model on labelled texts: F1, calibration, abstention, robustness, speed."""
    if triton and without:
        raise typer.BadParameter(say("quality.two_ways"), param_hint="--offline")
    if report and not report.parent.is_dir():
        raise _end(say("quality.no_folder", folder=report.parent), WRONG_INPUT)
    wanted = Wanted(
        robustness if robustness is not None else 0 if data else ROWS,
        baselines if baselines is not None else not data,
    )
    try:
        truth, folder = truth_of(data or [])
        with bench(load(), triton, without, version) as judges:
            found = measured(truth, judges, folder, wanted, _tell)
    except (SettingsError, ModelRefused) as error:
        raise _end(error, WRONG_SETTINGS) from None
    except (TableRefused, TruthRefused, DataMissing, DataBroken, BadText, BadInput) as error:
        raise _end(error, WRONG_INPUT) from None
    except (EnginesDown, Unreachable, TimeoutError) as error:
        raise _end(error if str(error) else say("quality.silent"), UNAVAILABLE) from None
    except ModuleNotFoundError as error:
        raise _end(say("quality.extra", package=error.name), WRONG_SETTINGS) from None
    found |= {"commit": commit()}
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if report:
        report.write_text(text + "\n", encoding="utf-8")
    typer.echo(text if as_json else summary(found))


def bench(settings: Settings, triton: str, without: bool, version: str | None) -> AbstractContextManager[Bench]:
    """The way to judge that the options ask for. Raises SettingsError, EnginesDown."""
    repository = settings.model_repository or registry.SHIPPED
    if without:
        return offline(repository, version)
    url = triton or resolve(settings, "triton").triton
    return through_triton(url, repository, version, tls=settings.triton_tls, ca_file=settings.triton_ca_file)


def summary(report: dict[str, Any]) -> str:
    """The table of data sets, and what was left out."""
    left = [say("quality.skipped", what=each) for each in report["skipped"]]
    return "\n\n".join([measured_with(report), overview(report), speed(report), *left])


def _tell(stage: str) -> None:
    typer.echo(say(f"quality.stages.{stage}"), err=True)


def _end(error: object, code: int) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(code)


def gate(
    new: Annotated[Path, typer.Option(help="Report of the new version, from `tocsin models evaluate --report FILE`.")],
    old: Annotated[Path | None, typer.Option(help="Report of the version in use, on the same data.")] = None,
    full: Annotated[
        Path | None,
        typer.Option(help="Report of the new version with --offline: the served form must keep up with it."),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.0, max=1.0, help="Macro F1 that may be lost.")] = TOLERANCE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two reports; exit code 1 when a data set lost more than the tolerance, beyond chance."""
    if not (old or full):
        raise typer.BadParameter(say("quality.gate.nothing"), param_hint="--old")
    try:
        report = read_report(new)
        found = {
            "old": compare(read_report(old), report, tolerance) if old else [],
            "full": compare_forms(read_report(full), report, tolerance) if full else [],
        }
    except ReportRefused as error:
        raise _end(error, WRONG_INPUT) from None
    fails = [each for changes in found.values() for each in changes if each.fails]
    if as_json:
        told = {against: [_plain(each) for each in changes] for against, changes in found.items()}
        typer.echo(json.dumps({"passes": not fails, **told}, ensure_ascii=False, indent=1))
    else:
        for against, changes in found.items():
            for each in changes:
                typer.echo(line(against, each))
        typer.echo(say("quality.gate.fails", count=len(fails)) if fails else say("quality.gate.passes"))
    raise typer.Exit(WORSE if fails else 0)


def line(against: str, change: Change, lang: str | None = None) -> str:
    """One data set of a comparison with `against`: old or full."""
    return say(
        "quality.gate.line", lang, name=change.data_set, against=say(f"quality.gate.against.{against}", lang),
        old=f"{change.old:.4f}", new=f"{change.new:.4f}", low=f"{change.low:+.4f}", high=f"{change.high:+.4f}",
        rows=change.rows, reason=say(f"quality.gate.reasons.{change.reason}", lang),
    )  # fmt: skip


def _plain(change: Change) -> dict[str, Any]:
    return {
        "data_set": change.data_set, "rows": change.rows, "old": change.old, "new": change.new,
        "interval": [change.low, change.high], "reason": change.reason, "fails": change.fails,
    }  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evaluate")(evaluate)
    app.command("gate")(gate)
