"""Faust's settings are those that were measured, whatever else is in the environment."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.faust_app import create_app, reads
from streams.settings import Settings

OTHERS = {
    "BROKER_URL": "kafka://elsewhere:1",
    "BROKER_CONSUMER_URL": "kafka://elsewhere:1",
    "BROKER_PRODUCER_URL": "kafka://elsewhere:1",
    "BROKER_SESSION_TIMEOUT": "99",
    "CONSUMER_AUTO_OFFSET_RESET": "latest",
    "PROCESSING_GUARANTEE": "exactly_once",
    "STREAM_WAIT_EMPTY": "1",
    "STREAM_BUFFER_MAXSIZE": "7",
    "APP_WEB_ENABLED": "1",
    "AGENT_SUPERVISOR": "mode.OneForOneSupervisor",
    "PRODUCER_ACKS": "0",
}


def test_who_reads_a_partition_knows_it(tmp_path: Path) -> None:
    """Before it has begun to read, it reads none; afterwards those it was given."""
    settings = Settings(state_dir=tmp_path, kafka_bootstrap="127.0.0.1:9092", namespace="n")
    app = create_app("index", settings)
    assert not reads(app, "n.documents", 0)
    given = {TP("n.documents", 0)}
    other = SimpleNamespace(consumer=SimpleNamespace(assignment=lambda: given))
    assert [reads(other, *at) for at in (("n.documents", 0), ("n.documents", 1), ("n.alerts", 0))] == [
        True, False, False
    ]  # fmt: skip


def test_no_variable_of_another_program_changes_how_a_worker_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine where BROKER_URL belongs to a task queue reads our Kafka all the same, and as safely."""
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    conf = create_app("index", Settings(state_dir=tmp_path, kafka_bootstrap="127.0.0.1:9092", namespace="n")).conf
    assert {str(url) for url in (*conf.broker, *conf.broker_consumer, *conf.broker_producer)} == {
        "kafka://127.0.0.1:9092"
    }
    assert (conf.broker_session_timeout, conf.consumer_auto_offset_reset) == (15, "earliest")
    assert conf.processing_guarantee.value == "at_least_once"
    assert (conf.stream_wait_empty, conf.stream_buffer_maxsize) == (False, 1024)
    assert (conf.web_enabled, conf.producer_acks, conf.id) == (False, -1, "tocsin-n-index")
    assert conf.agent_supervisor.__name__ == "CrashingSupervisor"
