"""`tocsin up | down | logs`: the local engines on the command line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from console.exits import WRONG_SETTINGS
from console.messages import say
from deploy import logs as engine_logs
from deploy.faults import EngineError
from deploy.stack import NAMES, Progress, Stack
from streams.settings import Settings, SettingsError, load

SHOW_DOWNLOAD_EVERY: Final = 5.0

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def explain(error: EngineError, lang: str | None = None) -> str:
    """What is wrong, why it matters and what to do, with the engine's last words when there are any."""
    lines = [_word(error, "what", lang)]
    if tail := error.values.get("tail"):
        lines += [say("engines.lines.tail", lang), *(f"  {line}" for line in str(tail).splitlines())]
    lines.append(say("engines.lines.why", lang, why=_word(error, "why", lang)))
    lines.append(say("engines.lines.fix", lang, fix=_word(error, "fix", lang)))
    return "\n".join(lines)


def _word(error: EngineError, part: str, lang: str | None = None) -> str:
    return say(f"engines.errors.{error.code}.{part}", lang, **error.values)


def reporter(lang: str | None = None) -> Progress:
    """Progress of `Stack.up` as lines on standard error; downloads are told every few seconds."""
    last: dict[str, float] = {}

    def report(engine: str, event: str, detail: str) -> None:
        if event == "downloading" and time.monotonic() - last.get(engine, 0.0) < SHOW_DOWNLOAD_EVERY:
            return
        last[engine] = time.monotonic()
        typer.echo(say(f"engines.events.{event}", lang, engine=engine, detail=detail), err=True)

    return report


@contextmanager
def _stack() -> Iterator[Stack]:
    """The stack of the user's settings; faults become words on standard error and an exit code."""
    try:
        yield Stack(_settings())
    except EngineError as error:
        typer.echo(explain(error), err=True)
        raise typer.Exit(1) from None


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def up(as_json: AsJson = False) -> None:
    """Start Kafka, Elasticsearch and Triton, downloading them the first time."""
    with _stack() as stack:
        addresses = stack.up(reporter())
    if as_json:
        typer.echo(json.dumps(addresses))
        return
    typer.echo(say("engines.lines.up"))
    for name, address in addresses.items():
        typer.echo(f"  {name:<15} {address}")


def down(as_json: AsJson = False) -> None:
    """End the engines; their data stays in the state folder."""
    with _stack() as stack:
        ended = stack.down()
    if as_json:
        typer.echo(json.dumps(ended))
        return
    typer.echo(say("engines.lines.down", names=", ".join(ended)) if ended else say("engines.lines.nothing"))


def logs(
    engine: Annotated[str, typer.Argument(help=f"{' | '.join(NAMES)}; all of them when left out.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing new lines until Ctrl-C.")] = False,
) -> None:
    """The last lines the engines logged."""
    with _stack() as stack:
        if engine and engine not in NAMES:
            raise EngineError("unknown_engine", name=engine, known=", ".join(NAMES))
    state = stack.settings.state_dir
    names = [engine] if engine else list(NAMES)
    for name in names:
        if len(names) > 1:
            typer.echo(f"== {name}")
        typer.echo(engine_logs.tail(state, name, lines) or say("engines.lines.no_logs", name=name))
    if follow:
        _follow([path for name in names for path in engine_logs.paths(state, name)])


def _follow(paths: list[Path]) -> None:
    seen = {path: path.stat().st_size for path in paths}
    try:
        while True:
            time.sleep(0.5)
            for path in paths:
                size = path.stat().st_size
                with path.open("rb") as handle:
                    handle.seek(seen[path] if size >= seen[path] else 0)  # smaller: it was rotated
                    sys.stdout.write(handle.read().decode(errors="replace"))
                    seen[path] = handle.tell()
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, down, logs):
        app.command()(command)
