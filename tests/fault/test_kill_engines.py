"""Engines killed while items flow: the workers wait, recover by themselves, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from deploy.stack import Stack
from streams.kafka import read_topic
from streams.records import AlertEvent, decode
from streams.topics import ALERTS
from tests.installation import Installation
from tests.stream import CRISIS, plan

pytestmark = [pytest.mark.engines, pytest.mark.fault, pytest.mark.timeout(600)]


async def fired(run: Installation) -> set[str]:
    """Subjects that rang, as the alerts topic tells."""
    events = [decode(m.value, AlertEvent) async for m in read_topic(run.settings, run.endpoints.kafka, ALERTS)]
    return {e.subject for e in events if e.state == "firing"}


def test_each_engine_killed_in_turn_loses_nothing(stack: Stack) -> None:
    """Triton, Elasticsearch and Kafka die one after the other and come back; every item is accounted for."""
    run = Installation.make(stack.settings.state_dir, "engines")
    todo = plan(run.settings, count=900, seed=11)
    run.workers.start()
    feeding = threading.Thread(target=run.produce, args=(todo.records, 0.6))
    feeding.start()
    try:
        for engine in ("triton", "elasticsearch", "kafka"):
            time.sleep(3)
            stack.kill(engine)
            time.sleep(4)
            stack.start(engine)
        feeding.join()
        outcome = run.finish(240)
    finally:
        feeding.join()
        run.workers.stop()
    run.check(outcome)
    assert len(outcome.documents) == todo.distinct
    assert {e.subject for e in outcome.alerts.values() if e.state == "firing"} == {f"entity:{CRISIS}"}
    restarts = {stage: child.restarts for stage, child in run.workers.children.items()}
    assert not any(restarts.values()), f"workers ended instead of waiting: {restarts}"


def test_alerts_ring_while_elasticsearch_is_down_and_all_is_indexed_later(stack: Stack) -> None:
    """Without Elasticsearch texts are judged and alerts ring; when it is back, everything is indexed."""
    run = Installation.make(stack.settings.state_dir, "noelastic")
    todo = plan(run.settings, count=400, seed=5)
    stack.kill("elasticsearch")
    try:
        run.workers.start()
        run.produce(todo.records)
        run.wait(lambda: bool(asyncio.run(fired(run))), 90, "alert while Elasticsearch is down")
    finally:
        stack.start("elasticsearch")
    try:
        outcome = run.finish(180)
    finally:
        run.workers.stop()
    run.check(outcome)
    assert asyncio.run(fired(run)) == {f"entity:{CRISIS}"}
