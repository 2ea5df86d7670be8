"""`tocsin demo --once --json` on the real engines: one command, one object, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from console.demo.contents import manifest
from deploy.stack import Stack
from streams.elastic import client
from streams.endpoints import resolve
from streams.kafka import client_options
from streams.settings import Settings

pytestmark = pytest.mark.engines
ROOT = Path(__file__).parents[2]


def start(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """The command, with the session's engines and another namespace that it must not touch."""
    env = os.environ | {"TOCSIN_STATE_DIR": str(settings.state_dir), "TOCSIN_NAMESPACE": "mine", "TOCSIN_LANG": "en"}
    command = [sys.executable, "-m", "console.cli", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


async def remains(settings: Settings) -> set[str]:
    """Topics and indices of any demo."""
    at = resolve(settings)
    admin = AIOKafkaAdminClient(**client_options(settings, at.kafka))
    await admin.start()
    elastic = client(settings, at.elasticsearch)
    try:
        topics = {name for name in await admin.list_topics() if name.startswith(("demo", "mine"))}
        return topics | set((await elastic.indices.get(index="demo*,mine*")).body)
    finally:
        await elastic.close()
        await admin.close()


def children(settings: Settings) -> list[int]:
    """Running processes that were told the demo's state folder."""
    wanted = f"TOCSIN_STATE_DIR={settings.state_dir / 'demo'}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue  # gone, or not ours
    return found


def watching(settings: Settings) -> bool:
    """Whether the demo's watcher looks."""
    return any((settings.state_dir / "demo" / "metrics").glob("watch-*.json"))


@pytest.fixture(scope="module")
def result(engine_settings: Settings, stack: Stack) -> dict[str, Any]:
    """What one run of the command printed."""
    process = start(engine_settings, "--once", "--json")
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err[-4000:]
    (line,) = out.splitlines()
    assert "DEMO" in err
    found: dict[str, Any] = json.loads(line)
    return found


def test_everything_is_as_the_manifest_says(result: dict[str, Any]) -> None:
    """Every check passes, and the figures are the manifest's own."""
    stated = manifest()
    assert result["ok"] is True
    assert result["demo"] is True
    assert {check["name"]: check["ok"] for check in result["checks"]} == {c["name"]: True for c in result["checks"]}
    balance = result["balance"]
    assert balance["received"] == stated["lines"] == balance["indexed"] + balance["duplicates"] + balance["rejected"]
    assert (balance["indexed"], balance["duplicates"]) == (stated["documents"], stated["duplicates"])
    assert balance["reasons"] == stated["rejected"]
    assert result["unjudged"] == 0  # both languages have a model


def test_the_right_companies_ring_with_evidence(result: dict[str, Any]) -> None:
    """Two crises ring and end; each alert says why, from which stories, and reached the receiver signed."""
    stated = manifest()
    rang = {key for key, company in result["companies"].items() if company["rang_at"]}
    assert rang == set(stated["must_ring"])
    assert all(company["ok"] for company in result["companies"].values())
    firing = [alert for alert in result["alerts"] if alert["state"] == "firing"]
    assert len(firing) == len(rang)
    for alert in firing:
        assert alert["demo"] is True
        assert alert["webhook_id"].startswith("msg_")
        assert alert["observed"] > 3 * alert["expected"]
        assert alert["support"] >= alert["stories"] >= 8
        assert alert["sources"] >= 3
        assert all(story["headline"] and story["negative"] > 0.5 for story in alert["evidence"])
    assert result["webhooks"]["refused"] == 0


def test_personal_data_are_found_nowhere(result: dict[str, Any]) -> None:
    """No planted value is in Elasticsearch, a topic behind the raw ones, a notification or a log."""
    assert result["personal_data_found"] == []


def test_nothing_is_left_behind(result: dict[str, Any], engine_settings: Settings, stack: Stack) -> None:
    """Topics, indices and workers of the demo are gone; the engines that ran before still serve."""
    assert result["namespace"].startswith("demo-")
    assert asyncio.run(remains(engine_settings)) == set()
    assert children(engine_settings) == []
    assert {entry["state"] for entry in stack.status()} == {"serving"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_stops_everything(number: signal.Signals, engine_settings: Settings, stack: Stack) -> None:
    """Ctrl-C in the middle of the day ends workers, the watcher and the page, topics and indices, and says so."""
    process = start(engine_settings, "--seconds", "600")
    deadline = time.monotonic() + 120
    while len(children(engine_settings)) < 6 or not watching(engine_settings):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(3)
    process.send_signal(number)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 130, err[-4000:]
    assert "Interrupted" in err
    assert children(engine_settings) == []
    assert asyncio.run(remains(engine_settings)) == set()
    assert {entry["state"] for entry in stack.status()} == {"serving"}
