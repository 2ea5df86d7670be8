"""The command `tocsin demo`."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from console.demo.display import Display
from console.demo.play import DemoStuck, WorkerGaveUp
from console.demo.runner import Demo
from console.demo.session import DemoBusy
from console.engines import explain
from console.exits import INTERRUPTED, WRONG_SETTINGS
from console.messages import language, say
from deploy.faults import EngineError
from streams.settings import Settings, SettingsError, load

PACE: Final = 45.0  # seconds the day takes when somebody watches


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play, verify, stop everything, end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object; progress goes to standard error.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0, max=3600, help="How long the day takes; 0: as fast as it goes."),
    ] = None,
) -> None:
    """Play an invented day through the real pipeline and show what rings."""
    lang = language()
    console = Console(stderr=as_json, highlight=False)
    try:
        settings = load()
        pace = (0.0 if once else PACE) if seconds is None else seconds
        with Display(console, lang) as display:
            result = asyncio.run(_run(settings, display, pace, once))
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    except EngineError as error:
        typer.echo(explain(error, lang), err=True)
        raise typer.Exit(1) from None
    except DemoBusy as error:
        typer.echo(say("demo.busy", lang, folder=error), err=True)
        raise typer.Exit(1) from None
    except DemoStuck as error:
        typer.echo(say("demo.stuck", lang, lags=error.lags), err=True)
        raise typer.Exit(1) from None
    except WorkerGaveUp as error:
        typer.echo(say("demo.worker", lang, error=error), err=True)
        raise typer.Exit(1) from None
    except asyncio.CancelledError:
        typer.echo(say("demo.interrupted", lang), err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    raise typer.Exit(0 if result["ok"] else 1)


async def _run(settings: Settings, display: Display, seconds: float, once: bool) -> dict[str, Any]:
    """The run; Ctrl-C, SIGTERM and a closed terminal end it in order: the stay after the verdict, or the run."""
    stay = None if once else asyncio.Event()
    told: list[dict[str, Any]] = []
    task = asyncio.current_task()

    def finished(result: dict[str, Any]) -> None:
        told.append(result)
        display.verdict(result)

    def stop() -> None:
        if stay is not None and told:
            stay.set()
        elif task is not None:
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return await Demo(settings, display, seconds).run(finished, stay)


def register(app: typer.Typer) -> None:
    """Add the command `demo`."""
    app.command()(demo)
