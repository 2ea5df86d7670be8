"""From the topic to a chat group: a real Kafka, a real `notify`, and a robot that refuses what the platform refuses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from deploy.stack import Stack
from streams.kafka import Outgoing, read_topic
from streams.records import AlertEvent, Receipt, decode, digest, encode
from streams.topics import ALERTS, RECEIPTS
from tests.installation import Installation
from tests.receivers.robots import DingTalkPlatform
from tests.receivers.serving import serving
from tests.ringing import event

pytestmark = [pytest.mark.engines, pytest.mark.fault, pytest.mark.timeout(240)]
WAIT: Final = 60.0
SECRET: Final = "SEC-canary-of-the-group"
CHANNELS: Final = """
receivers:
  - {name: group, type: dingtalk, url_file: %(url)s, secret_file: %(secret)s, keyword: Tocsin, language: zh}
routes:
  - {receivers: [group], group_by: [rule], group_wait: 2s, group_interval: 2s}
"""


@dataclass
class Group(DingTalkPlatform):
    """A robot by the real clock."""

    def judge(self, request: web.Request, body: bytes) -> dict[str, Any]:
        """The platform's answer now."""
        self.now = datetime.now(UTC)
        return super().judge(request, body)

    @property
    def said(self) -> str:
        """Everything it took."""
        return json.dumps(self.taken, ensure_ascii=False)


def alert(number: int, sequence: int = 0, state: str = "firing", **changes: Any) -> AlertEvent:
    """One of many companies, each with an alert of its own."""
    return event(
        sequence, state, alert=digest("telling", str(number)), subject=f"entity:C{number}", name=f"Carrow {number:02}",
        **({"severity": "warning"} | changes),
    )  # fmt: skip


def private(path: Path, text: str) -> Path:
    """A file for nobody else."""
    path.write_text(text)
    path.chmod(0o600)
    return path


async def until(holds: Callable[[], bool], installation: Installation) -> None:
    """Wait, with the workers supervised."""
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        installation.workers.watch()
        await asyncio.sleep(0.2)


async def receipts(installation: Installation) -> list[Receipt]:
    """What is on the topic."""
    settings, kafka = installation.settings, installation.endpoints.kafka
    return [decode(m.value, Receipt) async for m in read_topic(settings, kafka, RECEIPTS)]


def named(answers: list[Receipt]) -> set[str]:
    """The steps that the receipts are about."""
    return {event for answer in answers for event in (answer.event, *answer.events)}


async def test_a_storm_a_silence_and_a_killed_notify(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """Forty alerts at once are few messages that name each of them; what a silence holds back is told when it ends,
    though `notify` was killed meanwhile; the robot's own answers are on the topic."""
    group = Group(secret=SECRET, keyword="Tocsin")
    async with serving(group.answer) as url:
        address = private(tmp_path / "url", f"{url}robot/send?access_token={group.token}")
        secret = private(tmp_path / "secret", SECRET)
        channels = tmp_path / "channels.yaml"
        channels.write_text(CHANNELS % {"url": address, "secret": secret})
        installation = Installation.make(
            stack.settings.state_dir, namespace, channels=channels, webhook_allow="127.0.0.0/8"
        )

        def send(*events: AlertEvent) -> None:
            installation.produce([Outgoing(ALERTS, encode(e), key=e.alert.encode()) for e in events])

        def operate(*words: str) -> str:
            done = installation.tocsin("alerts", *words)
            assert done.returncode == 0, done.stderr
            return done.stdout

        installation.workers.start(["notify"])
        try:
            await asyncio.to_thread(send, *[alert(n) for n in range(40)])
            await until(lambda: all(f"Carrow {n:02}" in group.said for n in range(40)), installation)
            assert len(group.taken) <= 6
            before = len(group.taken)

            await asyncio.to_thread(operate, "silence", "subject=entity:C7", "--for", "1h", "--reason", "results day")
            silence = json.loads(await asyncio.to_thread(operate, "silences", "--json"))
            await asyncio.sleep(2)
            steps = [alert(7, 1, "updated", reason="severity", severity="critical")]
            await asyncio.to_thread(send, *steps, alert(8, 1, "updated", reason="severity", severity="critical"))
            await until(lambda: len(group.taken) > before and "Carrow 08" in str(group.taken[before:]), installation)
            assert "Carrow 07" not in str(group.taken[before:])

            process = installation.workers.children["notify"].process
            assert process is not None
            process.kill()
            before = len(group.taken)
            await asyncio.to_thread(operate, "unsilence", silence["id"])
            await until(lambda: "Carrow 07" in str(group.taken[before:]), installation)
            assert "恢复通知" in str(group.taken[before:])  # it says why it is told now
            wanted = {alert(n).id for n in range(40)} | {steps[0].id}
            answers = await receipts(installation)
            for _ in range(20):  # the receipt is on the topic a moment after the answer
                if wanted <= named(answers):
                    break
                await asyncio.sleep(0.2)
                answers = await receipts(installation)
            assert wanted <= named(answers)
        finally:
            await asyncio.to_thread(installation.workers.stop)
        assert {(r.channel, r.answer) for r in answers} == {("dingtalk", "accepted")}
        assert group.refused == 0
