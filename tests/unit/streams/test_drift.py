"""The drift watch of a worker: metrics, the log and the file that `tocsin status` reads."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from console.status import collect
from models.drift import Limits
from models.labels import HEADS
from models.verdict import Verdict
from streams import metrics
from streams.drift import FOLDER, DriftWatch, read_open
from streams.settings import Settings
from tests.unit.models.shelf import NAME, shelve

START = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = Limits(support=100)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Metrics of another test are gone."""
    for metric in (metrics.DRIFT_DIVERGENCE, metrics.DRIFTED, metrics.LABEL_RATIO):
        metric.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state folder, and a repository with one small model."""
    shelve(tmp_path / "repository")
    return Settings(state_dir=tmp_path / "state", model_repository=tmp_path / "repository")


def verdict(label: int, version: str = "1-0123abcd") -> Verdict:
    heads = {head: {name: float(at == label) for at, name in enumerate(names)} for head, names in HEADS.items()}
    return Verdict(NAME, version, **heads, abstained=False)


def feed(watch: DriftWatch, day: int, labels: tuple[int, ...], count: int = 120, version: str = "1-0123abcd") -> None:
    for at in range(count):
        time = START + timedelta(days=day, seconds=at)
        given = verdict(labels[at % len(labels)], version)
        watch.see(given, "en", "news", time, f"Corvane shares plunged {day} {at}", f"{day}-{at}")


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"lang": "en", "kind": "news"} | labels)


def test_a_drift_is_told_shown_and_over(settings: Settings) -> None:
    """Metrics, one line in the log and the file while it lasts; a line at its end, and no file then."""
    watch = DriftWatch(settings, "pytest", LIMITS)
    path = settings.state_dir / FOLDER / f"pytest-{os.getpid()}.json"
    with capture_logs() as logs:
        for day in range(6):
            feed(watch, day, (0, 1, 2))
        assert not path.exists()
        assert value("tocsin_drifted", feature="sentiment", against="own") == 0
        assert value("tocsin_label_ratio", head="sentiment", label="negative") == pytest.approx(1 / 3)
        feed(watch, 6, (0,))
        feed(watch, 7, (0, 1, 2))
        assert value("tocsin_drifted", feature="sentiment", against="own") == 1
        assert value("tocsin_label_ratio", head="sentiment", label="negative") == 1
        opened = read_open(settings.state_dir, lambda stage, pid: (stage, pid) == ("pytest", os.getpid()))
        assert {change.labels["feature"] for change in opened} == {"sentiment", "topic", "risk"}
        for day in range(8, 10):
            feed(watch, day, (0, 1, 2))
    assert not path.exists()
    told = [line for line in logs if line["event"].startswith("drift.") and "state" in line]
    assert [line["event"] for line in told] == ["drift.firing"] * 3 + ["drift.resolved"] * 3
    assert {line["log_level"] for line in told[:3]} == {"warning"}
    assert told[0]["labels"]["kind"] == "news"


def test_status_shows_what_is_open_and_not_what_has_ended(settings: Settings) -> None:
    """Drifts of a worker that runs; the file of one that does not is for the watcher to remove."""
    watch = DriftWatch(settings, "pytest", LIMITS)
    for day, labels in enumerate([(0, 1, 2)] * 4 + [(0,)] * 2):
        feed(watch, day, labels)
    ended = settings.state_dir / FOLDER / "enrich-999999999.json"
    ended.write_text("[]")
    report = json.loads(json.dumps(collect(settings)))
    assert {change["labels"]["feature"] for change in report["drift"]} == {"sentiment", "topic", "risk"}
    assert ended.exists()


def test_copies_count_once(settings: Settings) -> None:
    """A thousand retweets of one text are one text."""
    watch = DriftWatch(settings, "pytest", LIMITS)
    for at in range(1000):
        watch.see(verdict(0), "en", "news", START + timedelta(days=at), "Corvane plunged", "same")
    assert value("tocsin_drift_open_texts") == 1


def test_another_version_begins_anew_and_one_without_a_folder_is_only_told(settings: Settings) -> None:
    """Windows of two versions are not mixed; a version that cannot be read stops nothing and is told once."""
    assert settings.model_repository is not None
    watch = DriftWatch(settings, "pytest", LIMITS)
    feed(watch, 0, (0, 1, 2))
    with capture_logs() as logs:
        feed(watch, 1, (0,), version="7-none")
    assert [line["event"] for line in logs] == ["drift.unwatched"]
    feed(watch, 2, (0, 1, 2), count=7)
    assert value("tocsin_drift_open_texts") == 7


def test_what_a_replaced_version_told_ends_with_it(settings: Settings) -> None:
    """After a deployment neither `tocsin status` nor the gauges go on about the version before."""
    watch = DriftWatch(settings, "pytest", LIMITS)
    for day, labels in enumerate([(0, 1, 2)] * 4 + [(0,)] * 2):
        feed(watch, day, labels)
    assert value("tocsin_drifted", feature="sentiment", against="own") == 1
    feed(watch, 6, (0,), count=1, version="7-none")
    assert read_open(settings.state_dir, lambda *_: True) == []
    assert value("tocsin_drifted", feature="sentiment", against="own") is None


def test_an_archive_read_beside_the_stream_is_not_of_its_day(settings: Settings) -> None:
    """Texts of a day long past do not count in the open window."""
    watch = DriftWatch(settings, "pytest", LIMITS)
    feed(watch, 9, (0, 1, 2), count=5)
    feed(watch, 1, (0,), count=50)
    assert value("tocsin_drift_open_texts") == 5


def test_a_folder_that_cannot_be_written_stops_nothing(settings: Settings) -> None:
    """What cannot be kept for `tocsin status` is told in the log."""
    settings.state_dir.mkdir()
    (settings.state_dir / FOLDER).write_text("in the way")
    watch = DriftWatch(settings, "pytest", LIMITS)
    with capture_logs() as logs:
        for day, labels in enumerate([(0, 1, 2)] * 4 + [(0,)] * 2):
            feed(watch, day, labels)
    assert "drift.not_written" in {line["event"] for line in logs}
