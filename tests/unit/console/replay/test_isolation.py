"""A replay reaches nobody: it marks what it makes, writes to no topic, and to Elasticsearch in one place only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from alerts.delivery.routing import may_hear
from alerts.replay.playback import Playback
from tests.unit.alerts.signals import mention, rule

ROOT = Path(__file__).parents[4]
MODULES = sorted([*(ROOT / "console/replay").rglob("*.py"), *(ROOT / "alerts/replay").rglob("*.py")])
REACHES = ("alerts.delivery", "alerts.notifier", "alerts.notify_app", "alerts.detect_app", "aiohttp", "smtplib")
WORDS = ("alerts.delivery.measured", "alerts.delivery.phrases")  # how things are said, not sent
PRODUCERS = {"Producer", "Outgoing", "AIOKafkaProducer", "ensure_topics", "wait_for_kafka"}
KAFKA_WRITES = {
    "send",
    "send_all",
    "send_and_wait",
    "commit",
    "subscribe",
    "create_topics",
    "alter_consumer_group_offsets",
}
ELASTIC_WRITES = {
    *(
        "bulk",
        "create",
        "delete_by_query",
        "index_document",
        "put_alias",
        "put_index_template",
        "put_mapping",
        "reindex",
    ),
    *("rollover", "update", "update_aliases", "update_by_query"),
}
ONLY_HERE = ROOT / "console/replay/indices.py"


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_a_replay_can_write_to_kafka_or_to_a_receiver(path: Path) -> None:
    """None imports what delivers or produces, joins a consumer group, commits, or writes to an index of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = imported(tree)
    assert not [name for name in names if name.startswith(REACHES) and not name.startswith(WORDS)]
    assert not [name for name in names if name.rpartition(".")[2] in PRODUCERS]
    called = {n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
    assert not called & KAFKA_WRITES
    assert "group_id" not in {k.arg for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords}
    clients = any("elastic" in name for name in names)
    assert path == ONLY_HERE or not clients or not called & ELASTIC_WRITES


def test_every_event_is_marked_and_no_receiver_may_hear_it() -> None:
    """Were an event of a replay ever to reach the topic `alerts`, the notifier would keep it from everybody."""
    playback = Playback([rule("type: threshold, window: 10m, at_least: 2")], lateness=0)
    events = [e for m in (mention(1, "a"), mention(2, "b")) for e in playback.mention(m)] + playback.finish(3600)
    assert events
    assert all(event.replay and not may_hear(event, demo=True) for event in events)
