"""People and alerts on a real Kafka: over HTTP, by a link and by command, and what a restart knows of it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from alerts.links import links_for
from deploy.stack import Stack
from streams import clock
from streams.kafka import Outgoing, read_topic
from streams.records import Mark, Operation, Opinion, decode, digest, encode
from streams.topics import ALERTS, FEEDBACK
from tests.installation import Installation
from tests.ringing import event

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
WAIT: Final = 60.0


class Served:
    """A running `tocsin api` and its token."""

    def __init__(self, url: str, token: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process
        self._token = token

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own address on loopback
            f"{self.url}{path}", data, headers | ({"Idempotency-Key": key} if key else {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                text = answer.read().decode()
                return answer.status, json.loads(text) if text.startswith("{") else text
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until_known(self, alert: str) -> Any:
        """The alert, once the API has read the topics."""
        deadline = time.monotonic() + WAIT
        while True:
            status, found = self.ask("GET", f"/api/v1/alerts/{alert}")
            if status == 200:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@contextmanager
def serving(installation: Installation, token: Path) -> Iterator[Served]:
    process = subprocess.Popen(
        installation.command("api"),
        env=installation.environment() | {"TOCSIN_API_PORT": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        told = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert told is not None
        deadline = time.monotonic() + WAIT
        while not token.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Served(told.group(), token.read_text(), process)
    finally:
        process.kill()
        process.communicate()


def written(installation: Installation) -> list[Operation]:
    async def read() -> list[Operation]:
        settings, kafka = installation.settings, installation.endpoints.kafka
        return [decode(m.value, Opinion) async for m in read_topic(settings, kafka, FEEDBACK)]

    return asyncio.run(read())


def test_what_people_do_is_on_the_topic_and_told_everywhere(stack: Stack, namespace: str) -> None:
    """Acknowledged over HTTP twice it is one record; `tocsin alerts` shows it, and so does an API that was killed."""
    state = stack.settings.state_dir
    installation = Installation.make(state, namespace, public_url="https://tocsin.example")
    alert = digest("operating", namespace)
    installation.produce([Outgoing(ALERTS, encode(event(alert=alert)), key=alert.encode())])
    with serving(installation, state / "api.token") as api:
        assert api.until_known(alert)["operations"] == []
        path = f"/api/v1/alerts/{alert}/acknowledge"
        answers = [api.ask("POST", path, {"reason": "calling"}, key="once") for _ in range(2)]
        assert [status for status, _ in answers] == [201, 200]
        link = links_for(installation.settings, alert, "desk", clock.now())["wrong"]
        pressed = [
            api.ask(method, link.removeprefix("https://tocsin.example"))[0] for method in ("GET", "POST", "POST")
        ]
        assert pressed == [200, 200, 200]
        later = encode(event(1, "updated", alert=alert, observed=31.0))
        installation.produce([Outgoing(ALERTS, later, key=alert.encode())])
        deadline = time.monotonic() + WAIT
        while api.until_known(alert)["alert"]["observed"] != 31.0:
            assert time.monotonic() < deadline
        api.process.kill()
    ack, mark = written(installation)
    assert (ack.author, mark.author) == ("local", "desk")
    assert isinstance(mark, Mark)
    shown = installation.tocsin("alerts", "show", alert[:8], "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert [(o["type"], o["author"]) for o in told["operations"]] == [("acknowledgement", "local"), ("mark", "desk")]
    done = installation.tocsin(
        "alerts", "silence", f"alert={alert}", "--for", "1h", "--reason", "known", "--author", "wu"
    )
    assert "covers 1 open alert" in done.stdout
    with serving(installation, state / "api.token") as api:
        status = api.until_known(alert)["alert"]["status"]
        assert (status["acknowledged"]["reason"], len(status["silences"]), status["wrong"]) == ("calling", 1, 1)
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(15) == 0
