"""`tocsin status`: engines, workers, lag and rates, at a glance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final

import msgspec
import typer
from aiokafka.errors import KafkaError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.watch import describe, firing
from console.exits import WRONG_SETTINGS
from console.figures import workers
from console.messages import language, say
from console.report.schedule import planned
from console.running import runs
from console.top.screen import ago
from console.watch.process import read_book
from console.workers import ALL, REPORT, WATCH
from deploy.stack import Stack
from streams.drift import open_drifts
from streams.endpoints import EnginesDown, resolve
from streams.lag import READS, lags
from streams.settings import Settings, SettingsError, load

GOOD: Final = ("serving", "external")
PATIENCE: Final = 6.0  # seconds Kafka gets, all questions together
NUMBERS: Final = ("pid", "records", "rate", "rejected", "lag", "memory", "delivery")


def collect(settings: Settings, measured: Callable[[Settings], list[dict[str, Any]]] = workers) -> dict[str, Any]:
    """Everything `tocsin status` shows, as data: engines, workers and Kafka are asked at once, each for some seconds at
    most. `measured`: the workers."""
    with ThreadPoolExecutor(3) as pool:
        engines, found, lag = (
            pool.submit(Stack(settings).status),
            pool.submit(measured, settings),
            pool.submit(_lag, settings),
        )
    report: dict[str, Any] = {"engines": engines.result(), "workers": found.result(), "lag": None}
    report["reports_planned"] = planned(settings)
    report["drift"] = [msgspec.to_builtins(change) for change in open_drifts(settings.state_dir, runs)]
    report["alerts"] = [describe(event) for event in firing(read_book(settings))]
    try:
        report["lag"] = lag.result()
    except EnginesDown as error:
        report["problem"] = str(error)
    except (KafkaError, OSError, TimeoutError) as error:
        report |= {"problem": kafka_away(type(error).__name__), "kafka_away": type(error).__name__}
    return report


def kafka_away(error: str, lang: str | None = None) -> str:
    """What is said when Kafka does not answer."""
    return say("status.kafka_away", lang, error=error)


def _lag(settings: Settings) -> dict[str, int]:
    async def within() -> dict[str, int]:
        async with asyncio.timeout(PATIENCE):
            return await lags(settings, resolve(settings, "kafka").kafka)

    return asyncio.run(within())


def _table(title: str, *columns: str) -> Table:
    made = Table(
        title=say(f"status.{title}"), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        numbers = column in NUMBERS
        made.add_column(say(f"status.column.{column}"), justify="right" if numbers else "left", overflow="fold")
    return made


def _show(report: dict[str, Any]) -> None:
    console = Console()
    engines = _table("engines", "engine", "state", "address")
    for engine in report["engines"]:
        state = Text(say(f"status.state.{engine['state']}"), style="" if engine["state"] in GOOD else "bold red")
        engines.add_row(engine["name"], state, engine.get("address") or "-")
    console.print(engines)
    running = {w["stage"] for w in report["workers"]}
    console.print(_workers(report, running))
    _show_alerts(console, report["alerts"], WATCH in running)
    for change in report["drift"]:
        where = " ".join(change["labels"][name] for name in ("lang", "kind", "feature"))
        values = {name: change[name] for name in ("since", "observed", "unit", "support")}
        text = say("status.drift", where=where, against=change["labels"]["against"], **values)
        console.print(text, style="yellow", markup=False, highlight=False)
    if "problem" in report:
        console.print(report["problem"], style="bold red", markup=False)


def _workers(report: dict[str, Any], running: set[str]) -> Table:
    """Those that run, and those of the five that do not, and `report` where one is planned. Only what reads from Kafka
    can be behind."""
    table = _table("workers", "stage", "pid", "records", "rate", "rejected", "lag", "memory", "delivery")
    lag = report["lag"] or {}

    def behind(stage: str) -> str:
        return f"{lag[stage]:,}" if stage in lag else "?" if stage in READS else "-"

    order = (*ALL, REPORT)
    for w in sorted(report["workers"], key=lambda w: order.index(w["stage"]) if w["stage"] in order else len(order)):
        age = w["last_delivery_age"]
        told = Text(say("status.silent"), style="bold red") if not w["answers"] else "-"
        told = ago(age) if w["answers"] and age is not None else told
        cells = (w["stage"], str(w["pid"]), f"{w['records']:,}", f"{w['per_second']:,}", f"{w['rejected']:,}")
        table.add_row(*cells, behind(w["stage"]), f"{w['memory_mib']:,}", told)
    for stage in (*READS, WATCH, *([REPORT] if report.get("reports_planned") else [])):
        if stage not in running:
            missing = Text(say("status.not_running"), style="yellow")
            table.add_row(stage, missing, "-", "-", "-", behind(stage), "-", "-")
    return table


def _show_alerts(console: Console, alerts: list[dict[str, Any]], watched: bool) -> None:
    """What the watcher has found wrong with Tocsin itself, and what to do about each."""
    lang = language()
    if alerts and not watched:
        console.print(say("watch.stale"), style="yellow", markup=False, highlight=False)
    for alert in alerts:
        said = alert["annotations"]
        text = say(
            "watch.open",
            severity=say(f"watch.{alert['severity']}"),
            since=f"{alert['since']:%Y-%m-%d %H:%M} UTC",
            says=said.get(lang, alert["subject"]),
            fix=said.get(f"fix_{lang}", ""),
        )
        style = "bold red" if alert["severity"] == "critical" else "yellow"
        console.print(text, style=style, markup=False, highlight=False)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Engines, workers, lag and rates."""
    try:
        report = collect(load())
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    if as_json:
        typer.echo(json.dumps(report, default=str))
    else:
        _show(report)


def register(app: typer.Typer) -> None:
    """Add the command `status`."""
    app.command()(status)
