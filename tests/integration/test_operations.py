"""docs/operations.md is run: installed below a temporary folder, its units started, its commands given in their order.

What stands in for the administrator's powers is told in tests/machine.py. In place of the reader's own are free ports,
the session's engines, a feed and a chat robot on loopback, an alert and a dead letter that are there to be looked at.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from console.exits import WRONG_SETTINGS
from console.running import runs
from console.workers import ALL
from deploy.stack import Stack
from streams.kafka import Outgoing
from streams.records import digest, encode
from streams.topics import ALERTS, NEWS_RAW
from tests.documents import DOCS, blocks, inline, named
from tests.installation import Installation
from tests.machine import Machine, commit, tried
from tests.receivers.outside import Outside
from tests.receivers.serving import serving
from tests.ringing import event
from tests.shell import free
from tests.units import OPERATIONS

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
# Commands within the text that are not run as they stand, and why. One that is gone turns the test red.
ELSEWHERE: Final = {
    "tocsin worker all": "the unit tocsin@worker runs it",
    "tocsin collect": "the unit tocsin@collect",
    "tocsin api": "the unit tocsin@api",
    "tocsin worker enrich": "the unit tocsin@enrich",
    "journalctl -u tocsin@worker": "shows what the unit writes, which is read here",
    "tocsin models rollback --model opinion-en": "test_training.py, where there is a version before",
}
ALERT: Final = digest("an alert to look at")
TOKEN: Final = "an-invented-token-of-a-person"
INSTALLED: Final = "-o tocsin -m 600 api.tokens /etc/tocsin"
NEWER: Final = "0.1.0.post1"
CHANNELS: Final = """\
receivers:
  - {name: desk, type: dingtalk, url_env: DESK_ROBOT, keyword: Tocsin, language: en}
routes:
  - {receivers: [desk], group_wait: 1s}
"""
# What is given in place of a command's own words, and what a command says.
PLACES: Final = {
    "tocsin alerts show ID": f"tocsin alerts show {ALERT[:8]}",
    "tocsin deadletters retry --reason REASON": "tocsin deadletters retry --reason bad_json",
    'tocsin alerts silence rule=NAME --for 1d --reason "known"':
        'tocsin alerts silence rule=negative-surge --for 1d --reason "known"',
    "tocsin top": "timeout --signal=INT 8 tocsin top || [ $? = 124 ]",  # until Ctrl-C
}  # fmt: skip
SAYS: Final = {
    "tocsin doctor": "Nothing is missing.",
    "tocsin config check": "The settings can be used.",
    "tocsin rules check": "no fault",
    "tocsin status": "serves, your own",
    "tocsin balance": "\nOK",
    "tocsin alerts show ID": "Brightwater",
    "tocsin alerts test --all": "desk (dingtalk): accepted",
    "tocsin top": "dead letters 1",
    "tocsin deadletters list": "1 open: bad_json 1",
    "tocsin deadletters retry --reason REASON": "Sent again: 1",
    "tocsin alerts precision": "negative-surge",
    'tocsin alerts silence rule=NAME --for 1d --reason "known"': "covers 1 open alert",
    "tocsin models list": "opinion-en    1",
}


@dataclass
class Place:
    """A machine, and what it is given."""

    machine: Machine
    source: Path  # the clone that it is installed from
    outside: Outside
    site: str
    topics: Installation  # to write to and to ask
    api: int
    push: int

    async def install(self) -> None:
        """Install, with the reader's own files where the settings of the page name them."""
        install, settings, command, proxy = blocks(OPERATIONS, "sh")
        await self.machine.shell(install, self.source)
        own = self.machine.path("/etc/tocsin")
        assert own.stat().st_mode & 0o777 == 0o700
        example = (own / "tocsin.env").read_text(encoding="utf-8")
        assert "#TOCSIN_STATE_DIR=" in example
        (own / "rules").mkdir()
        await self.machine.shell(f"/opt/tocsin/.venv/bin/tocsin config preset fund-en --out {own}/preset")
        (own / "preset" / "rules.yaml").rename(own / "rules" / "desk.yaml")
        (own / "preset" / "watchlist.yaml").rename(own / "watchlist.yaml")
        feeds = named(DOCS / "sources.md", "feeds.yaml").replace("https://news.example/", self.site)
        (own / "feeds.yaml").write_text(feeds, encoding="utf-8")
        (own / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
        (self.machine.folder / "api.tokens").write_text(f"li.wei operate {TOKEN}\n", encoding="utf-8")
        await self.machine.shell(next(each for each in inline(OPERATIONS) if each.endswith(INSTALLED)))
        (own / "tocsin.env").write_text(example + self.settings(settings + proxy), encoding="utf-8")
        said = await self.machine.shell(command)
        assert "Nothing is missing." in said

    def settings(self, page: str) -> str:
        """The settings of the page, and what is in place of the reader's own."""
        at = self.topics.endpoints
        assert "TOCSIN_METRICS_PORT=9400\n" in page
        page = page.replace("=9400\n", f"={free(6)}\n")
        return f"""{self.machine.below(page)}
TOCSIN_KAFKA_BOOTSTRAP={at.kafka}
TOCSIN_ELASTICSEARCH_URL={at.elasticsearch}
TOCSIN_TRITON_URL={at.triton}
TOCSIN_NAMESPACE={self.topics.settings.namespace}
TOCSIN_PUSH_PORT={self.push}
TOCSIN_API_PORT={self.api}
TOCSIN_FOLLOW=source
TOCSIN_CONTACT=desk@fund.example
TOCSIN_FEEDS_ALLOW=127.0.0.0/8
TOCSIN_WEBHOOK_ALLOW=127.0.0.0/8
DESK_ROBOT={self.site}robot/send?access_token=TOKEN
"""

    async def start(self) -> None:
        """Start what was enabled, in its order; then it is used."""
        wanted = self.machine.folder / "to-start"
        names = wanted.read_text(encoding="utf-8").split()
        wanted.unlink()
        for name in names:
            await self.machine.start(name)
        await self.serve()
        if not self.outside.heard.exists():
            await self.happen()
            await self.ask_as_the_proxy()
            for name in ("tocsin@worker", "tocsin@collect", "tocsin@api"):
                await refused(self.machine, name)

    async def serve(self) -> None:
        """Wait until every process answers."""
        wanted = [*ALL, "collect", *(["enrich"] if "tocsin@enrich" in self.machine.running else [])]
        folder = self.machine.path("/var/lib/tocsin/metrics")

        async def here() -> bool:
            told = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
            return sorted(note["stage"] for note in told if runs(note["stage"], note["pid"])) == sorted(wanted)

        await until(here)
        await until(lambda: self.answers(self.push, "/healthz"))
        await until(lambda: self.answers(self.api, "/healthz"))

    async def ask_as_the_proxy(self) -> None:
        """The name that nginx hands on is one that the API answers to, with a token of the file; another is not."""
        (proxy,) = blocks(OPERATIONS, "nginx")
        name = re.search(r"server_name (\S+);", proxy)
        assert name
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert await self.answers(self.api, "/api/v1/alerts", Host=name[1], **token)
        assert not await self.answers(self.api, "/api/v1/alerts", Host=name[1])
        assert not await self.answers(self.api, "/api/v1/alerts", Host="elsewhere.example", **token)

    async def end(self) -> None:
        """Ended, every unit ends well; what the workers wrote is a line of JSON each."""
        machine = self.machine
        log = machine.running["tocsin@worker"].log
        for service in list(machine.running.values()):
            assert await service.stop() == 0, service.unit.name
        engines = await machine.execute("tocsin-engines", "Service.ExecStop")
        assert await engines.process.wait() == 0
        lines = log.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "event" not in json.loads(line)] == []

    async def answers(self, port: int, path: str, **headers: str) -> bool:
        """Whether a request is answered well."""
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.get(f"http://127.0.0.1:{port}{path}") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def happen(self) -> None:
        """An alert rings, and a record comes that cannot be read; both are dealt with at the end."""
        records = [
            Outgoing(ALERTS, encode(event(alert=ALERT)), key=ALERT.encode()),
            Outgoing(NEWS_RAW, b"{not json", key=b"broken"),
        ]
        await asyncio.to_thread(self.topics.produce, records)

        async def told() -> bool:
            return self.outside.heard.exists()

        await until(told)

    async def upgrade(self, command: str) -> None:
        """A newer version is installed; then what runs is restarted in the order of the page."""
        project = self.source / "pyproject.toml"
        text, found = re.subn(
            r'^version = ".*"$', f'version = "{NEWER}"', project.read_text(encoding="utf-8"), flags=re.M
        )
        assert found == 1
        project.write_text(text, encoding="utf-8")
        commit(self.source, "A newer version")
        await self.machine.shell(command)
        assert NEWER in await self.machine.shell("tocsin --version")
        order = re.search(r"Restart `(\S+)`, then `(\S+)`, then `(\S+)`", OPERATIONS.read_text(encoding="utf-8"))
        assert order
        for name in order.groups():
            await self.machine.restart(name)
        await self.serve()


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Return when it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for are other processes
            await asyncio.sleep(0.3)


def verify(machine: Machine) -> None:
    """systemd's own opinion of the units, where it is installed; it says nothing of good ones."""
    if shutil.which("systemd-analyze"):
        names = ["tocsin-engines", *(f"tocsin@{name}" for name in ("worker", "collect", "api", "enrich"))]
        path = {"SYSTEMD_UNIT_PATH": f"{machine.path('/etc/systemd/system')}:"}
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *(f"{name}.service" for name in names)],
            env=os.environ | path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")


async def refused(machine: Machine, name: str) -> None:
    """Settings that cannot be used end a unit with the code that systemd is told not to try again after."""
    service = await machine.execute(name, TOCSIN_PARTITIONS="none")
    assert await asyncio.wait_for(service.process.wait(), 60) == WRONG_SETTINGS
    assert service.unit.one("Service.RestartPreventExitStatus") == str(WRONG_SETTINGS)


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_the_page_about_operations_is_followed(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """Every command ends well, in the order of the page; services write where their units allow it."""
    outside = Outside(tmp_path / "heard", "Brightwater")
    topics = Installation.make(stack.settings.state_dir, namespace, partitions=4)
    source = tried(tmp_path / "tried")
    async with serving(outside.answer) as url:
        place = Place(Machine(tmp_path / "machine"), source, outside, str(url), topics, free(), free())
        try:
            await follow(place)
        finally:
            await place.machine.stop()


async def follow(place: Place) -> None:
    """Do what the page says."""
    machine = place.machine
    await place.install()
    machine.write_units()
    verify(machine)
    before, skipped = written(machine.path("/etc/tocsin")), set()
    for command in inline(OPERATIONS):
        if command.endswith(INSTALLED):
            continue  # before the services could start
        if command in ELSEWHERE:
            skipped.add(command)
        elif "git pull" in command:
            await place.upgrade(command)
        elif command.startswith("sudo systemctl enable"):
            await machine.shell(command)
            await place.start()
        else:
            assert SAYS[command] in await machine.shell(PLACES.get(command, command)), command
    assert skipped == set(ELSEWHERE)
    await place.end()
    assert written(machine.path("/etc/tocsin")) == before
    assert await machine.shell("cd /opt/tocsin && git status --porcelain") == ""
