"""`tocsin status`: engines, workers, lag and rates, at a glance."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from console.exits import WRONG_SETTINGS
from deploy.stack import Stack
from streams.clock import now
from streams.endpoints import EnginesDown, resolve
from streams.kafka import client_options
from streams.settings import Settings, SettingsError, load
from streams.topics import ALERTS, CHAT_RAW, DOCUMENTS, MENTIONS, NEWS_RAW, Topic

READS: dict[str, tuple[Topic, ...]] = {
    "enrich": (NEWS_RAW, CHAT_RAW),
    "index": (DOCUMENTS, ALERTS),
    "detect": (MENTIONS,),
    "notify": (ALERTS,),
}


def group(settings: Settings, stage: str) -> str:
    """Consumer group of a stage, as `streams.faust_app` names it."""
    return f"tocsin-{settings.namespace}-{stage}" if settings.namespace else f"tocsin-{stage}"


async def lags(settings: Settings, bootstrap: str) -> dict[str, int]:
    """Records each stage has still to acknowledge. A stage that never committed lags by everything there is, and by
    nothing while its topics were never made."""
    options = client_options(settings, bootstrap)
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=5000)
    consumer = AIOKafkaConsumer(**options)
    await admin.start()
    await consumer.start()
    try:
        found: dict[str, int] = {}
        made = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
        for stage, topics in READS.items():
            names = [t.full(settings) for t in topics]
            tps = [TopicPartition(name, n) for name in names for n in range(made.get(name, 0))]
            if not tps:
                found[stage] = 0
                continue
            ends = await consumer.end_offsets(tps)
            begins = await consumer.beginning_offsets(tps)
            committed = await admin.list_consumer_group_offsets(group(settings, stage), partitions=tps)
            done = {tp: committed[tp].offset if tp in committed else -1 for tp in tps}
            found[stage] = sum(ends[tp] - max(done[tp], begins[tp]) for tp in tps)
        return found
    finally:
        await consumer.stop()
        await admin.close()


def _scrape(url: str) -> dict[str, float] | None:
    """Sum of each metric over its labels, or None when the process is gone."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address our own worker noted
            text = answer.read(4_000_000).decode()
    except OSError:
        return None
    totals: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def _notes(settings: Settings) -> Iterable[dict[str, Any]]:
    folder = settings.state_dir / "metrics"
    for path in sorted(folder.glob("*.json")):
        try:
            yield json.loads(path.read_text(encoding="utf-8")) | {"path": path}
        except (OSError, ValueError):
            continue  # a worker is just writing or removing it


def workers(settings: Settings, seconds: float = 1.0) -> list[dict[str, Any]]:
    """Running workers: records taken in, their rate over `seconds`, memory, and the age of the last delivery."""
    before = {str(n["path"]): (n, _scrape(n["url"])) for n in _notes(settings)}
    for name, (note, totals) in list(before.items()):
        if totals is None:
            note["path"].unlink(missing_ok=True)  # the process is gone
            del before[name]
    if before:
        time.sleep(seconds)
    found = []
    for note, first in before.values():
        second = _scrape(note["url"])
        if first is None or second is None:
            continue
        count = second.get("tocsin_records_total", 0.0)
        last = second.get("tocsin_last_delivery_timestamp_seconds", 0.0)
        found.append(
            {
                "stage": note["stage"],
                "pid": note["pid"],
                "metrics": note["url"],
                "records": int(count),
                "per_second": round((count - first.get("tocsin_records_total", 0.0)) / seconds, 1),
                "rejected": int(second.get("tocsin_rejects_total", 0.0)),
                "memory_mib": round(second.get("process_resident_memory_bytes", 0.0) / 1_048_576),
                "last_delivery_age": round(now().timestamp() - last, 1) if last else None,
                "watermark": second.get("tocsin_watermark_timestamp_seconds"),
            }
        )
    return found


def collect(settings: Settings) -> dict[str, Any]:
    """Everything `tocsin status` shows, as data."""
    report: dict[str, Any] = {"engines": Stack(settings).status(), "workers": workers(settings), "lag": None}
    try:
        report["lag"] = asyncio.run(lags(settings, resolve(settings, "kafka").kafka))
    except EnginesDown as error:
        report["problem"] = str(error)
    except (KafkaError, OSError, TimeoutError) as error:
        report["problem"] = f"Kafka does not answer ({type(error).__name__}). See: tocsin logs kafka"
    return report


def _show(report: dict[str, Any]) -> None:
    console = Console()
    engines = Table("engine", "state", "address", title="Engines", title_justify="left")
    for engine in report["engines"]:
        engines.add_row(engine["name"], engine["state"], engine.get("address") or "-")
    console.print(engines)
    table = Table("stage", "pid", "records", "per s", "rejected", "lag", "MiB", "last delivery", title="Workers")
    table.title_justify = "left"
    lag = report["lag"] or {}
    running = {w["stage"] for w in report["workers"]}
    for w in report["workers"]:
        age = "-" if w["last_delivery_age"] is None else f"{w['last_delivery_age']} s ago"
        cells = (w["stage"], w["pid"], w["records"], w["per_second"], w["rejected"], lag.get(w["stage"], "?"))
        table.add_row(*map(str, cells), str(w["memory_mib"]), age)
    for stage in READS:
        if stage not in running:
            table.add_row(stage, "not running", "-", "-", "-", str(lag.get(stage, "?")), "-", "-")
    console.print(table)
    if "problem" in report:
        console.print(report["problem"], style="bold red", markup=False)


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
