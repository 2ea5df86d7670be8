"""Over HTTP and real Elasticsearch: what a change of rules would have rung, and what the rule of an alert saw."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alerts.replay.playback import Playback
from alerts.rule_files import load_rules
from alerts.shares import read_rates
from models.registry import SHIPPED
from streams import elastic as es
from streams.document import Pipeline
from streams.endpoints import resolve
from streams.entities import Gazetteer
from streams.index import document_source
from streams.records import AlertEvent, Document
from streams.settings import Settings
from tests.unit.alerts.signals import START
from tests.unit.console.api.serving import READ, serving
from tests.unit.console.api.test_whatif import ended
from tests.unit.console.replay.stored import document

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]
RULES = """rules:
  - {name: unusual, type: surge, scope: {subject: entity}, window: 1h, min_count: 4, keep_firing_for: 30m}
  - {name: matters, type: threshold, scope: {subject: topic}, window: 1h, at_least: 6}
"""
NOW = datetime(2026, 3, 20, 18, 0, tzinfo=UTC)


def stored(settings: Settings) -> list[Document]:
    """Five quiet weeks with a text every third hour, then twenty bad ones within two hours of the last day."""
    end = (NOW - START) / timedelta(minutes=1)
    quiet = [document(settings, end - 180 * n, n, 0.05) for n in range(1, 290)]
    crisis = [document(settings, end - 400 + 6 * n, 1000 + n) for n in range(20)]
    return sorted([*quiet, *crisis], key=lambda d: (d.collected_at, d.id))


async def index(settings: Settings, documents: list[Document]) -> None:
    """Store them as the index stage does."""
    elastic = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    try:
        await es.put_templates(elastic, settings)
        lines: list[Any] = []
        for each in documents:
            head = {"_index": es.documents_index(settings, each.published_at, each.collected_at), "_id": each.id}
            lines += [{"index": head}, msgspec.to_builtins(document_source(each, NOW))]
        answer = await elastic.bulk(operations=lines, refresh=True)
        assert not answer["errors"], answer["items"][:2]
    finally:
        await elastic.close()


def rang(settings: Settings, documents: list[Document]) -> list[AlertEvent]:
    """What the rules in use rang live, in order."""
    assert settings.rules is not None
    playback = Playback(load_rules(settings.rules), lateness=settings.allowed_lateness, rates=read_rates(SHIPPED))
    pipeline = Pipeline(settings, Gazetteer.load(settings.watchlist), b"key", "1")
    mentions = [mention for each in documents for mention in pipeline.mentions(each, "archive/0", 0)]
    events = [event for mention in mentions for event in playback.mention(mention)] + playback.finish(20_000)
    return [replace(event, replay=False) for event in events]


async def test_rules_are_asked_of_stored_documents(settings: Settings, tmp_path: Path) -> None:
    """The what-if gains the alert that a looser rule rings and loses that of a rule that is gone; the API answers
    meanwhile; a timeline meets the figures of the alert; nothing is written anywhere."""
    rules, watchlist = tmp_path / "rules", tmp_path / "watchlist.yaml"
    rules.mkdir()
    (rules / "desk.yaml").write_text(RULES, encoding="utf-8")
    watchlist.write_text("- {id: acme, name: Acme, aliases: [Acme]}\n", encoding="utf-8")
    mine = settings.model_copy(update={"rules": rules, "watchlist": watchlist})
    documents = stored(mine)
    await index(mine, documents)
    events = rang(mine, documents)
    shared = {
        "namespace": mine.namespace, "rules": rules, "watchlist": watchlist,
        "elasticsearch_url": resolve(mine, "elasticsearch").elasticsearch,
    }  # fmt: skip
    async with serving(tmp_path / "state", **shared) as api:
        api.clock.moment = NOW
        for event in events:
            api.known.take(event, event.at)
        text = RULES.splitlines()[0] + "\n" + RULES.splitlines()[1].replace("min_count: 4", "min_count: 2") + "\n"
        body = {"text": text, "file": "desk.yaml", "days": 2}
        status, started = await api.ask("POST", "/rules/whatif", READ, json=body)
        assert status == 202, started
        slowest = await slowest_answer(api)
        found = await ended(api, started["job"])
        surge = next(event for event in events if event.rule == "unusual" and event.state == "firing")
        status, seen = await api.ask("GET", f"/alerts/{surge.alert}/timeline", READ)
        assert api.kept.records == []
    assert found["state"] == "done", found
    result = found["result"]
    by_name = {rule["name"]: rule for rule in result["rules"]}
    own = [event for event in events if event.state == "firing" and event.at >= NOW - timedelta(days=2)]
    assert by_name["matters"]["before"] == sum(event.rule == "matters" for event in own) > 0
    assert by_name["matters"]["after"] is None
    assert {each["rule"] for each in result["lost"]} == {"matters"}
    assert by_name["unusual"]["before"] == 1
    assert all(each["document"] and each["headline"].startswith("Acme") for each in result["lost"])
    assert (result["documents"], result["history"]["short"]) == (16 + 20, [])
    assert slowest < 5.0  # the machine of a test may be busy; an answer that waits for the engines takes longer
    assert (status, seen["note"]) == (200, ""), seen["said"]
    at = {point["at"]: point for point in seen["points"]}
    for event in (each for each in events if each.alert == surge.alert):
        point = at[event.at.isoformat().replace("+00:00", "Z")]
        assert point["observed"] == event.observed
        assert event.expected in (None, point["expected"])  # at its end too little is counted to ask what is usual


async def slowest_answer(api: Any) -> float:
    """Seconds of the slowest of some answers while the process counts."""
    slowest = 0.0
    loop = asyncio.get_running_loop()
    for _ in range(10):
        began = loop.time()
        await api.ask("GET", "/alerts", READ)
        slowest = max(slowest, loop.time() - began)
        await asyncio.sleep(0.05)
    return slowest
