"""Nothing is promised that nothing keeps: every setting is read, every metric set, every topic used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams import metrics, topics
from streams.settings import Settings
from streams.topics import TOPICS, Topic

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for package in ("streams", "models", "alerts", "console", "deploy")
    for path in (ROOT / package).rglob("*.py")
}
METRICS = [name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)]
NAMES = [name for name, value in vars(topics).items() if isinstance(value, Topic)]


def found(pattern: str, but: str) -> bool:
    return any(re.search(pattern, text) for path, text in SOURCES.items() if str(path) != but)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_read(name: str) -> None:
    """A setting that nothing reads would be an empty promise."""
    own = name == "kafka_allow_plaintext_sasl"  # decides whether the settings are accepted
    assert found(rf"settings\.{name}\b", "" if own else "streams/settings.py")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_set(name: str) -> None:
    """A metric that is never set shows a zero that means nothing."""
    assert found(rf"metrics\.{name}\b", "streams/metrics.py")


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_is_used(name: str) -> None:
    """A topic is created because something writes or reads it."""
    assert getattr(topics, name) in TOPICS
    assert found(rf"\b(?:{name}|RAW)\b" if name.endswith("_RAW") else rf"\b{name}\b", "streams/topics.py")
