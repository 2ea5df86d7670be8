"""The watcher on real engines: Triton dies and comes back, the watcher is killed meanwhile, and one alert tells it."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest

from console.workers import ALL, WATCH
from deploy.stack import Stack
from streams.kafka import read_topic
from streams.records import AlertEvent, Heartbeat, decode
from streams.topics import ALERTS, HEALTH, Topic
from tests.installation import Installation
from tests.stream import plan

pytestmark = [pytest.mark.engines, pytest.mark.fault, pytest.mark.timeout(600)]


async def records(run: Installation, topic: Topic, kind: Any) -> list[Any]:
    """Everything in a topic."""
    return [decode(message.value, kind) async for message in read_topic(run.settings, run.endpoints.kafka, topic)]


def told(run: Installation) -> list[AlertEvent]:
    """The watcher's own alert events."""
    return [event for event in asyncio.run(records(run, ALERTS, AlertEvent)) if event.kind == "system"]


def states(run: Installation, subject: str) -> list[str]:
    return [event.state for event in told(run) if event.subject == subject]


def test_triton_that_dies_is_one_alert_from_pending_to_resolved(stack: Stack) -> None:
    """It is told once, with no consequence beside it, across `kill -9` of the watcher, and ends when Triton is back;
    `tocsin status` shows it meanwhile, and heartbeats go on."""
    run = Installation.make(stack.settings.state_dir, "watched", watch_every=2.0, watch_lag_seconds=10.0)
    todo = plan(run.settings, count=120)
    run.produce(todo.records[: len(todo.records) // 2])
    run.workers.start(ALL)
    try:
        run.wait(run.drained, 120, "the first half at work")
        run.wait(lambda: len(asyncio.run(records(run, HEALTH, Heartbeat))) > 0, 60, "a heartbeat")
        stack.kill("triton")
        try:
            run.produce(todo.records[len(todo.records) // 2 :])  # waits for Triton: a lag that is not told
            run.wait(lambda: states(run, "system:triton") == ["pending"], 60, "pending")
            run.workers.kill(WATCH)
            run.wait(lambda: "firing" in states(run, "system:triton"), 120, "firing")
            shown = json.loads(run.tocsin("status", "--json").stdout)
        finally:
            stack.start("triton")
        run.workers.kill(WATCH)
        run.wait(lambda: "resolved" in states(run, "system:triton"), 180, "resolved")
        beats = asyncio.run(records(run, HEALTH, Heartbeat))
        outcome = run.finish(180)
    finally:
        run.workers.stop()
    run.check(outcome)
    assert [(alert["rule"], alert["severity"]) for alert in shown["alerts"]] == [("tocsin-triton", "critical")]
    assert WATCH in {worker["stage"] for worker in shown["workers"]}
    events = {event.id: event for event in told(run) if event.subject == "system:triton"}
    assert [event.state for event in events.values()] == ["pending", "firing", "resolved"]
    assert len({event.alert for event in events.values()}) == 1
    rang = {event.subject for event in told(run) if event.state == "firing"}
    assert rang == {"system:triton"}
    assert max(beat.open for beat in beats) == 1
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(beats)]
    assert max(gaps) < 90


def test_an_outage_of_kafka_is_told_when_it_is_over(stack: Stack) -> None:
    """The watcher lives through it, holds what it saw, says so in its log, and writes every step once Kafka is back."""
    run = Installation.make(stack.settings.state_dir, "outage", watch_every=2.0)
    run.workers.start([WATCH])
    log = run.settings.state_dir / "logs" / "outage" / f"worker-{WATCH}.log"
    try:
        run.wait(lambda: log.exists() and "watch.started" in log.read_text(), 60, "the watcher at work")
        stack.kill("kafka")
        try:
            run.wait(lambda: '"system:kafka", "state": "firing"' in log.read_text(), 120, "kafka is away")
            run.workers.kill(WATCH)
        finally:
            stack.start("kafka")
        run.wait(lambda: "resolved" in states(run, "system:kafka"), 180, "resolved")
        restarts = run.workers.children[WATCH].restarts
    finally:
        run.workers.stop()
    assert "watch.holding" in log.read_text()
    assert restarts == 1
    assert list(dict.fromkeys(states(run, "system:kafka"))) == ["pending", "firing", "resolved"]
    assert len({event.alert for event in told(run) if event.subject == "system:kafka"}) == 1
