"""`tocsin settings`: every setting with its value, where that comes from, and what it is for. Secrets stay hidden."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from console.exits import WRONG_SETTINGS
from console.messages import say
from streams.settings import PREFIX, SECRETS, Settings, SettingsError, load, origin

HIDDEN: Final = "********"


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `value` is fit to be shown: empty when it is not set, stars for a secret."""

    variable: str
    value: str
    origin: str  # default, environment or file
    description: str


def shown(name: str, settings: Settings) -> str:
    """The value of a setting as it may be shown. Of a webhook only the host: its path and query are often a secret."""
    value = getattr(settings, name)
    if value is None:
        return ""
    if name in SECRETS:
        return HIDDEN if value.get_secret_value() else ""
    if name == "webhook_urls":
        return ",".join(_host(url.strip()) for url in value.split(",") if url.strip())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}/{HIDDEN}" if parts.scheme and parts.hostname else HIDDEN
    except ValueError:
        return HIDDEN


def lines(settings: Settings) -> list[Line]:
    """Every setting, in the order of `streams.settings`."""
    return [
        Line(f"{PREFIX}{name.upper()}", shown(name, settings), origin(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are set.")] = False,
) -> None:
    """Every setting: its value, where it comes from, what it is for. Secrets are hidden."""
    try:
        found = [line for line in lines(load()) if not changed or line.origin != "default"]
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in found], ensure_ascii=False, indent=1))
        return
    for line in found:
        typer.echo(f"{line.variable}={line.value}  ({say(f'settings.origin.{line.origin}')})")
        typer.echo(f"    {line.description}")
    typer.echo(say("settings.how"))


def register(app: typer.Typer) -> None:
    """Add the command `settings`."""
    app.command()(settings)
