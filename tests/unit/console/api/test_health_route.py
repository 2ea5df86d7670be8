"""Health as the page gets it, how sources stand, and what is found out once for all."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.habits import Habit
from console.api.health import health_of
from console.api.lately import Lately
from console.watch.standing import Standing, standing, state_of, usual_gap
from streams.settings import Settings
from tests.unit.console.api.serving import serving

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DAY = 86_400.0


def worker(stage: str, answers: bool = True, **changes: Any) -> dict[str, Any]:
    figures = {"records": 9, "per_second": 1.5, "rejected": 1, "memory_mib": 90, "last_delivery_age": 3.0}
    return {"stage": stage, "pid": 1, "answers": answers} | figures | changes


def report(**changes: Any) -> dict[str, Any]:
    stages = ("enrich", "index", "detect", "notify", "watch")
    given: dict[str, Any] = {
        "engines": [{"name": "kafka", "state": "serving", "address": "127.0.0.1:9092"}],
        "workers": [worker(stage) for stage in stages], "lag": {"enrich": 7}, "drift": [], "alerts": [],
    }  # fmt: skip
    return given | changes


def test_all_well() -> None:
    """Processes of a stage are told together; lag is of what reads."""
    drift = {"subject": "model:opinion-en", "labels": {"lang": "en"}, "since": NOW, "observed": 0.2, "unit": "bits",
             "support": 900, "rule": "drift"}  # fmt: skip
    workers = [*report()["workers"], worker("enrich", last_delivery_age=1.0)]
    found = health_of(report(workers=workers, drift=[drift]), {"bad_json": 3})
    enrich = next(stage for stage in found.stages if stage.stage == "enrich")
    assert (found.status, found.watched, enrich.processes, enrich.per_second) == ("ok", True, 2, 3.0)
    assert (found.drift[0].support, found.deadletters[0].count) == (900, 3)
    assert (enrich.lag, enrich.memory_mib, enrich.last_delivery_age) == (7, 180, 1.0)


STAGES = ("enrich", "index", "detect", "notify", "watch")
SAID = {"en": "Triton is away.", "zh": "Triton 无响应。", "fix_en": "Start it.", "fix_zh": "启动它。"}
ALERT = {"alert": "a", "rule": "tocsin-triton", "subject": "system:triton", "severity": "critical", "since": NOW,
         "annotations": SAID}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"engines": [{"name": "triton", "state": "stopped", "address": None}]},
        {"workers": []},
        {"workers": [worker(stage, answers=stage != "detect") for stage in STAGES]},
        {"alerts": [ALERT]},
        {"lag": None, "problem": "Kafka does not answer."},
    ],
)  # fmt: skip
def test_anything_amiss_is_degraded(changes: dict[str, Any]) -> None:
    """An engine or a stage away, a process that does not answer, an open alert, or not knowing."""
    found = health_of(report(**changes), {})
    assert found.status == "degraded"
    assert all(stage.memory_mib is None for stage in found.stages if not stage.running)
    assert [alert.fix.zh for alert in found.alerts] == (["启动它。"] if "alerts" in changes else [])


async def test_many_ask_and_one_looks() -> None:
    """Of those who ask at once one waits for the work, and its answer holds for a while."""
    looks: list[float] = []

    def look() -> int:
        time.sleep(0.05)
        looks.append(1)
        return len(looks)

    clock = [0.0]
    lately = Lately(look, 5.0, lambda: clock[0])
    assert await asyncio.gather(*(lately.get() for _ in range(9))) == [1] * 9
    clock[0] = 5.0
    assert await lately.get() == 2


def habit(quiet: float, looked: float = 0.0) -> Habit:
    """A source that brought something every ten minutes for weeks, until it stopped."""
    at = NOW.timestamp()
    arrivals = [at - quiet - 600 * n for n in range(31, -1, -1)]
    return Habit(arrivals=arrivals, first=at - 40 * DAY, looked=at - looked, since=arrivals[-1])


@pytest.mark.parametrize(
    ("source", "state"),
    [("lively", "ok"), ("quiet", "silent"), ("unwatched", "unknown"), ("broken", "failing"), ("unseen", "unknown")],
)
def test_a_source_stands_as_the_watcher_would_say(tmp_path: Path, source: str, state: str) -> None:
    """Silent by its habit, failing by an open alert, unknown while nobody looks."""
    of = Standing(
        told=frozenset({"system:source/broken"}),
        habits={"lively": habit(600), "quiet": habit(9 * 3600), "unwatched": habit(9 * 3600, looked=3600)},
    )
    assert state_of(of, Settings(state_dir=tmp_path), source, None, NOW) == state
    assert usual_gap(of, "quiet") == 600


def test_what_is_not_a_feed_is_well_while_it_brings_something(tmp_path: Path) -> None:
    """The watcher does not look at pushed sources one by one, so nothing is said of their silence."""
    settings = Settings(state_dir=tmp_path)
    assert state_of(Standing(), settings, "pushed", NOW - timedelta(hours=5), NOW) == "ok"
    assert state_of(Standing(), settings, "pushed", NOW - timedelta(hours=7), NOW) == "unknown"


def test_a_file_of_feeds_that_cannot_be_read_hides_no_other_source(tmp_path: Path) -> None:
    """It is logged, and what the index knows is shown."""
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("- nonsense", encoding="utf-8")
    assert standing(Settings(state_dir=tmp_path, feeds=feeds)) == Standing()


async def test_a_look_tells_in_any_language_and_changes_nothing(tmp_path: Path) -> None:
    """That a process has ended is left for the watcher to find, and one look serves who reads Chinese and who does
    not."""
    ended = tmp_path / "metrics" / "detect-4194305.json"
    ended.parent.mkdir()
    ended.write_text('{"stage": "detect", "pid": 4194305, "url": "http://127.0.0.1:9/metrics"}', encoding="utf-8")
    away = {"kafka_bootstrap": "127.0.0.1:9", "elasticsearch_url": "http://127.0.0.1:9", "triton_url": "127.0.0.1:9"}
    async with serving(tmp_path, **away) as api:
        _, english = await api.ask("GET", "/health")
        _, chinese = await api.ask("GET", "/health", headers={"Accept-Language": "zh-CN"})
        await api.ask("GET", "/sources")
    assert english["status"] == chinese["status"] == "degraded"
    assert english["problem"].isascii()
    assert english["problem"] != chinese["problem"]
    assert {each["state"] for each in english["engines"]} == {"unreachable"}
    assert ended.exists()
