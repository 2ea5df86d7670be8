"""`tocsin status`: engines, workers, lag and rates, at a glance."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
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
from streams.drift import read_open
from streams.endpoints import EnginesDown, resolve
from streams.kafka import client_options
from streams.settings import Settings, SettingsError, load
from streams.topics import ALERTS, CHAT_RAW, DOCUMENTS, MENTIONS, NEWS_RAW, Topic, group

Samples = dict[str, list[float]]
READS: dict[str, tuple[Topic, ...]] = {
    "enrich": (NEWS_RAW, CHAT_RAW),
    "index": (DOCUMENTS, ALERTS),
    "detect": (MENTIONS,),
    "notify": (ALERTS,),
}
# The workers are on this machine: a proxy of the environment knows nothing of them.
_direct: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def lags(settings: Settings, bootstrap: str) -> dict[str, int]:
    """Records each stage has still to acknowledge. A stage that never committed lags by everything there is, and by
    nothing while its topics were never made."""
    options = client_options(settings, bootstrap)
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=5000)
    consumer = AIOKafkaConsumer(**options)
    try:
        await admin.start()
        await consumer.start()
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


def scrape(url: str) -> Samples | None:
    """The values of each metric, one for each combination of labels; None when no worker of ours answers there."""
    try:
        with _direct.open(url, timeout=2) as answer:
            text = answer.read(4_000_000).decode()
        samples: Samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append(sample.value)
    except (OSError, HTTPException, ValueError):  # gone, or its port belongs to another program by now
        return None
    return samples


def _runs(stage: str, pid: int) -> bool:
    """Whether the process is still there, and is that stage: process ids are used again."""
    try:
        return stage in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return False


def _notes(settings: Settings) -> Iterable[dict[str, Any]]:
    folder = settings.state_dir / "metrics"
    for path in sorted(folder.glob("*.json")):
        try:
            yield json.loads(path.read_text(encoding="utf-8")) | {"path": path}
        except (OSError, ValueError):
            continue  # a worker is just writing or removing it


def workers(settings: Settings, seconds: float = 1.0) -> list[dict[str, Any]]:
    """Running workers: records taken in, their rate over `seconds`, memory, and the age of the last delivery.

    `answers` is false for a process that runs and says nothing: stopped, or too busy.
    """
    notes = []
    for note in _notes(settings):
        if _runs(str(note["stage"]), note["pid"]):
            notes.append(note)
        else:
            note["path"].unlink(missing_ok=True)
    before = [(time.monotonic(), scrape(note["url"])) for note in notes]
    if notes:
        time.sleep(seconds)
    found = []
    for note, (asked, first) in zip(notes, before, strict=True):
        second = scrape(note["url"])
        passed = time.monotonic() - asked
        entry = {"stage": note["stage"], "pid": note["pid"], "metrics": note["url"], "answers": second is not None}
        found.append(entry | _figures(first or second or {}, second or {}, passed))
    return found


def _figures(first: Samples, second: Samples, passed: float) -> dict[str, Any]:
    def total(samples: Samples, name: str) -> float:
        return sum(samples.get(name, [0.0]))

    records = total(second, "tocsin_records_total")
    last = max(second.get("tocsin_last_delivery_timestamp_seconds", [0.0]))
    return {
        "records": int(records),
        "per_second": round(max(0.0, records - total(first, "tocsin_records_total")) / passed, 1),
        "rejected": int(total(second, "tocsin_rejects_total")),
        "memory_mib": round(total(second, "process_resident_memory_bytes") / 1_048_576),
        "last_delivery_age": round(now().timestamp() - last, 1) if last else None,
        # Rules were evaluated up to here in every partition that has got anywhere.
        "watermark": min(second.get("tocsin_watermark_timestamp_seconds", [0.0])) or None,
    }


def collect(settings: Settings) -> dict[str, Any]:
    """Everything `tocsin status` shows, as data."""
    report: dict[str, Any] = {"engines": Stack(settings).status(), "workers": workers(settings), "lag": None}
    report["drift"] = [msgspec.to_builtins(change) for change in read_open(settings.state_dir, _runs)]
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
        age = age if w["answers"] else "does not answer"
        cells = (w["stage"], w["pid"], w["records"], w["per_second"], w["rejected"], lag.get(w["stage"], "?"))
        table.add_row(*map(str, cells), str(w["memory_mib"]), age)
    for stage in READS:
        if stage not in running:
            table.add_row(stage, "not running", "-", "-", "-", str(lag.get(stage, "?")), "-", "-")
    console.print(table)
    for change in report["drift"]:
        where = " ".join(change["labels"][name] for name in ("lang", "kind", "feature"))
        numbers = f"{change['observed']} {change['unit']}, {change['support']} texts"
        text = f"Drift since {change['since']}: {where} against {change['labels']['against']}: {numbers}"
        console.print(text, style="yellow", markup=False, highlight=False)
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
