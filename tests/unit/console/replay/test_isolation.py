"""A replay cannot reach a receiver, nor write where the stream reads: by what is imported, and while it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.console.replay.past import RULES, crises, lines
from tests.unit.test_imports import ROOT, imported

MODULES = [*(ROOT / "alerts" / "replay").glob("*.py"), *(ROOT / "console" / "replay").glob("*.py")]
WORDS = {"alerts.delivery.measured", "alerts.delivery.phrases"}  # how figures are said; they know no receiver
LAYOUT = {f"alerts.delivery.channels{end}" for end in ("", ".layout", ".markup")}  # what words are cut by
SENDING = (
    "alerts.notifier", "alerts.notify_app", "alerts.watch", "alerts.links", "alerts.delivery.sender",
    "alerts.delivery.webhook", "alerts.delivery.receivers", "alerts.delivery.outbox", "alerts.delivery.policy",
    "alerts.delivery.channel", "alerts.delivery.channels",
)  # fmt: skip
SCRIPT = """
import socket, sys
def refuse(self, address):
    print("connected to", address)
    raise OSError
socket.socket.connect = socket.socket.connect_ex = refuse
sys.argv = ["tocsin", "replay", *sys.argv[1:]]
from console.cli import main
try:
    main()
except SystemExit as end:
    print("ended", end.code)
print("loaded", *sorted(name for name in sys.modules if name.startswith("alerts.")))
"""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_delivers_is_imported(path: Path) -> None:
    """Of `alerts.delivery` only the words; no producer, and not the topic of alerts."""
    found = imported(path)
    delivering = {name for name in found if name.startswith("alerts.delivery") and name.count(".") == 2} - WORDS
    assert not delivering - {"alerts.delivery"}
    assert not found & set(SENDING)
    text = path.read_text(encoding="utf-8")
    assert "Producer" not in text
    assert "import ALERTS" not in text
    assert not found & {"streams.topics.ALERTS", "streams.kafka.Producer", "streams.sources.ticks.Sink"}


def test_a_running_replay_loads_no_sender_and_opens_no_connection(tmp_path: Path) -> None:
    """With stored judgements it needs nobody, whatever channels are configured."""
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    past = lines(tmp_path / "past.jsonl", crises())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(past), "--rules", str(tmp_path / "rules.yaml"), "--json", "-"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin", "TOCSIN_STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(ROOT),
            "TOCSIN_WEBHOOK_URLS": "https://example.invalid/hook", "TOCSIN_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "TOCSIN_TRITON_URL": "127.0.0.1:1", "TOCSIN_ELASTICSEARCH_URL": "http://127.0.0.1:1",
        },
        timeout=120,
        check=False,
    )  # fmt: skip
    assert "ended 0" in done.stdout, done.stderr
    assert '"far-more"' in done.stdout
    assert "connected to" not in done.stdout
    loaded = done.stdout.rpartition("loaded ")[2].split()
    assert "alerts.replay.playback" in loaded
    assert not [name for name in loaded if name.startswith(SENDING) and name not in LAYOUT]
