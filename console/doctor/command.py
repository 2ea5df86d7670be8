"""`tocsin doctor`: everything this installation needs, checked side by side, each with what, why and what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Final

import typer

from console.config.command import examine as examine_settings
from console.doctor import elastic, home, kafka, tools, triton
from console.doctor.kibana import kibana
from console.exits import told
from console.findings import Check, Finding, dumps, look_at_all, show
from console.messages import say
from deploy.doctor import Finding as OfMachine
from deploy.doctor import examine as examine_machine
from streams.settings import Settings, load

SECONDS: Final = 5.0  # a check that takes longer is told as not made
SECTIONS: Final = ("machine", "engines", "settings", "home")


def doctor(
    tests: Annotated[
        bool, typer.Option("--tests", help="What the tests need, too: a browser, promtool, Pango and a Chinese font.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Check this machine, the engines, the settings and the files they name; what is wrong is told with its remedy.
    Exit code 1 when something is wrong. Nothing is changed, started or sent."""
    with told():
        settings = load()
    sections = dict(zip(SECTIONS, examine(settings, os.environ, tests=tests), strict=True))
    found = [each for section in sections.values() for each in section]
    wrong = sum(each.ok is False for each in found)
    if as_json:
        typer.echo(dumps(found))
    else:
        _show(sections, wrong)
    raise typer.Exit(1 if wrong else 0)


def _show(sections: Mapping[str, Sequence[Finding]], wrong: int) -> None:
    for name, findings in sections.items():
        show(findings, say(f"doctor.sections.{name}"))
    typer.echo()
    found = [each for section in sections.values() for each in section]
    unchecked = sum(each.ok is None for each in found)
    advice = sum(bool(each.ok and each.fix) for each in found)
    if advice or unchecked:
        typer.echo(say("doctor.beside", advice=advice, unchecked=unchecked))
    typer.echo(say("doctor.ill", count=wrong) if wrong else say("doctor.well"))


def examine(settings: Settings, variables: Mapping[str, str], *, tests: bool) -> list[list[Finding]]:
    """The findings of each section."""
    machine = _machine(settings)
    remote = _engines(settings)
    own = _home(settings, variables) | (tools.CHECKS if tests else {})
    found = look_at_all(remote | own, SECONDS)
    named = examine_settings(list(variables))
    return [machine, found[: len(remote)], named, found[len(remote) :]]


def _machine(settings: Settings) -> list[Finding]:
    return [_of_machine(each) for each in examine_machine(settings)]


def _of_machine(found: OfMachine) -> Finding:
    if found.error is None:
        return Finding(found.name, True, found.detail, title=say(f"doctor.checks.{found.name}"))
    key = f"engines.errors.{found.error.code}"
    what, why, fix = (say(f"{key}.{part}", **found.error.values) for part in ("what", "why", "fix"))
    return Finding(found.name, False, what, why, fix)


def _engines(settings: Settings) -> dict[str, Check]:
    asked: dict[str, Check] = {"topics": partial(kafka.topics, settings)}
    asked |= elastic.checks(settings) | {"models_served": partial(triton.models, settings)}
    return asked | ({"kibana": partial(kibana, settings)} if settings.kibana_url else {})


def _home(settings: Settings, variables: Mapping[str, str]) -> dict[str, Check]:
    return {
        "secrets": partial(home.secrets, settings, variables),
        "receivers": partial(home.receivers, settings),
        "workers": partial(home.processes, settings),
        "api_port": partial(home.api_port, settings),
    }


def register(app: typer.Typer) -> None:
    """Add the command `doctor`."""
    app.command()(doctor)
