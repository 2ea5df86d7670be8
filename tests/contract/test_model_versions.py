"""Versions of a model deployed, rolled back and scored as a shadow in a real Triton, while texts flow."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from console import model_versions
from console.model_versions import REFUSED
from deploy.processes import Process
from deploy.stack import Stack
from deploy.triton import GUARDED, KEY_FILE, KEY_NAME, control_headers
from models import registry, versions
from models.client import ModelRefused, Scorer, Verdict
from models.control import Control
from models.registry import SHIPPED, WEIGHTS
from models.triton import asked, connect
from streams.endpoints import local
from streams.settings import Settings, load

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
NAME = "opinion-en"
FIRST = registry.read(SHIPPED / NAME).metadata.version
TRUST = 0.2  # seconds; a worker's own is a minute
APP = typer.Typer()
model_versions.register(APP)


@dataclass(frozen=True, slots=True)
class Bed:
    """A Triton of the tests' own on a copy of a shipped model, and the commands set to use it."""

    stack: Stack
    settings: Settings
    made: Path  # folder for versions from elsewhere

    @property
    def folder(self) -> Path:
        """The model's folder."""
        assert self.settings.model_repository
        return self.settings.model_repository / NAME

    @property
    def url(self) -> str:
        """Triton's address."""
        return local(self.settings)["triton"]

    async def tocsin(self, *arguments: str | Path) -> tuple[int, str]:
        """Exit code and words of `tocsin models ...`, run beside the event loop."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TOCSIN_STATE_DIR", str(self.settings.state_dir))
            patch.setenv("TOCSIN_MODEL_REPOSITORY", str(self.settings.model_repository))
            load.cache_clear()
            done = await asyncio.to_thread(CliRunner().invoke, APP, list(map(str, arguments)))
        load.cache_clear()
        return done.exit_code, done.output

    def version(self, name: str) -> Path:
        """A version from elsewhere: the shipped one under another name."""
        folder = self.made / name
        shutil.copytree(SHIPPED / NAME / "1", folder, ignore=shutil.ignore_patterns("__pycache__"))
        told = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        (folder / "metadata.json").write_text(json.dumps(told | {"version": name}), encoding="utf-8")
        return folder

    def states(self) -> dict[str, str]:
        """State of each version by its name."""
        return {v.served.metadata.version if v.served else v.number: v.state for v in versions.versions(self.folder)}


def arguments(process: Process) -> str:
    """What every user of the machine can read of a process."""
    return Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """One Triton for the tests of this module, which follow each other: each begins with what the last one left."""
    root = tmp_path_factory.mktemp("versions")
    repository = root / "models"
    shutil.copytree(SHIPPED / NAME, repository / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    settings = Settings(state_dir=root / "state", model_repository=repository)
    stack = Stack(settings, preferred=False, owned=True)
    try:
        stack.start("triton")
        yield Bed(stack, settings, root / "made")
    finally:
        stack.down()


class Flow:
    """Texts that never end, each judged; what came of them in order."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.found: list[Verdict] = []
        self.sent = 0
        self._open = True

    async def run(self) -> None:
        """Hand in text after text; a fault of any ends it."""
        while self._open:
            self.sent += 1
            verdict = await self.scorer.score(f"Shares of number {self.sent} rose after the report", "en")
            assert isinstance(verdict, Verdict)
            self.found.append(verdict)

    async def until(self, version: str, seconds: float = 120) -> None:
        """Return when the newest verdict is of a version."""
        async with asyncio.timeout(seconds):
            while not self.found or self.found[-1].version != version:  # noqa: ASYNC110 - verdicts have no event
                await asyncio.sleep(0.02)

    def end(self) -> None:
        """No further text."""
        self._open = False


@asynccontextmanager
async def flowing(bed: Bed) -> AsyncIterator[Flow]:
    """Three callers that hand in texts all the time; leaving it checks that each text has its verdict."""
    scorer = Scorer(bed.url, bed.settings.model_repository, trust=TRUST)
    await scorer.start()
    flow = Flow(scorer)
    tasks = [asyncio.create_task(flow.run()) for _ in range(3)]
    try:
        yield flow
        flow.end()
        await asyncio.gather(*tasks)
        assert len(flow.found) == flow.sent == scorer.stats.texts  # none lost, none judged twice
        assert scorer.stats.failures == 0
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await scorer.stop()


async def test_without_the_key_nothing_is_loaded(bed: Bed) -> None:
    """Over gRPC and HTTP: what the key guards is refused without it and with a wrong one; it is in no process list."""
    key = (bed.settings.state_dir / KEY_FILE).read_text()
    assert stat.S_IMODE((bed.settings.state_dir / KEY_FILE).stat().st_mode) == 0o600
    assert key not in arguments(bed.stack.process("triton"))
    for headers in ({}, {f"triton-grpc-protocol-{KEY_NAME}": "0" * len(key)}):
        control = Control(bed.url, headers)
        with pytest.raises(ModelRefused, match="TOCSIN_TRITON_CONTROL_KEY"):
            await control.load(NAME)
        with pytest.raises(ModelRefused, match="restricted"):
            await asked(control.client.get_system_shared_memory_status(headers=headers))
        await control.close()
    address = local(bed.settings)["triton_http"]
    paths = ("repository/models/opinion-en/load", "repository/models/opinion-en/unload", "repository/index")
    paths += ("trace/setting", "logging", "systemsharedmemory/region/x/register")
    async with aiohttp.ClientSession() as session:
        for path in paths:
            for headers in ({}, {KEY_NAME: "0" * len(key)}):
                async with session.post(f"http://{address}/v2/{path}", json={}, headers=headers) as answer:
                    assert answer.status == 403, path
        async with session.post(f"http://{address}/v2/repository/index", headers={KEY_NAME: key}) as answer:
            assert answer.status == 200
    assert GUARDED[0] == "model-repository"
    client = connect(bed.url)
    assert await client.is_model_ready(NAME)
    await client.close()


async def test_a_deployment_reaches_texts_that_flow(bed: Bed) -> None:
    """Version 2 is used by a scorer that runs, with no text lost; the roll-back the same; no engine was restarted."""
    process = bed.stack.process("triton")
    async with flowing(bed) as flow:
        await flow.until(FIRST)
        code, words = await bed.tocsin("deploy", bed.version("2-second"))
        assert code == 0, words
        await flow.until("2-second")
        code, words = await bed.tocsin("rollback")
        assert code == 0, words
        await flow.until(FIRST)
    order = [each.version for each in flow.found]
    changes = [version for before, version in zip(["", *order], order, strict=False) if version != before]
    assert [changes[0], changes[-1]] == [FIRST, FIRST]
    assert "2-second" in changes
    assert bed.states() == {FIRST: "active", "2-second": "retained"}
    await asyncio.to_thread(bed.stack.start, "triton")
    assert bed.stack.process("triton") == process


async def test_a_damaged_version_is_refused_and_the_old_one_serves(bed: Bed) -> None:
    """Damaged weights, and a network whose answers are wrong: nothing changes; a good one can follow."""
    damaged = bed.version("3-damaged")
    with (damaged / WEIGHTS[0]).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff" * 64)
    wrong = bed.version("3-wrong")
    told = json.loads((wrong / "metadata.json").read_text(encoding="utf-8"))
    for probe in told["probes"]:
        probe["sentiment"] = {"negative": "positive", "positive": "negative"}.get(probe["sentiment"], "neutral")
    (wrong / "metadata.json").write_text(json.dumps(told), encoding="utf-8")
    before = (bed.folder / "config.pbtxt").read_text(encoding="utf-8")
    async with flowing(bed) as flow:
        for folder, expected in ((damaged, "is not the network"), (wrong, "load")):
            code, words = await bed.tocsin("deploy", folder)
            assert (code, expected in words) == (REFUSED, True), words
            assert (bed.folder / "config.pbtxt").read_text(encoding="utf-8") == before
            assert registry.numbers(bed.folder) == ["1", "2"]
        seen = len(flow.found)
        code, words = await bed.tocsin("deploy", bed.version("3-good"))
        assert code == 0, words
        await flow.until("3-good")
    assert {each.version for each in flow.found[:seen]} == {FIRST}
    assert bed.states() == {FIRST: "retained", "2-second": "retained", "3-good": "active"}


async def test_a_shadow_is_counted_and_not_used(bed: Bed) -> None:
    """It scores what flows; being the same network it agrees; `off` ends it; the two can be compared."""
    async with flowing(bed) as flow:
        code, words = await bed.tocsin("shadow", "1")
        assert code == 0, words
        assert bed.states()[FIRST] == "shadow"
        async with asyncio.timeout(120):
            while flow.scorer.stats.shadow.agreed < 20:  # noqa: ASYNC110 - counters have no event
                await asyncio.sleep(0.05)
        code, words = await bed.tocsin("compare", "3", "1", "--sample", "--json")
        assert code == 0, words
        report = json.loads(words)
        code, words = await bed.tocsin("shadow", "off")
        assert code == 0, words
    outcomes = flow.scorer.stats.shadow
    assert outcomes.agreed >= 20
    assert outcomes.differed == 0
    assert {each.version for each in flow.found} == {"3-good"}
    assert report["versions"] == ["3-good", FIRST]
    assert report["agreement"]["sentiment"] > 0.99
    assert report["f1"]["sentiment"]["rows"] > 100
    assert bed.states()[FIRST] == "retained"


async def test_what_was_deployed_is_there_after_a_restart(bed: Bed) -> None:
    """Triton started anew serves the active version; a good header loads it again."""
    await asyncio.to_thread(bed.stack.kill, "triton")
    await asyncio.to_thread(bed.stack.start, "triton")
    scorer = Scorer(bed.url, bed.settings.model_repository)
    await scorer.start()
    assert scorer.models()["en"][1] == "3-good"
    await scorer.stop()
    control = Control(bed.url, control_headers(bed.settings))
    await control.load(NAME)
    await control.close()


async def test_old_versions_are_removed_by_number(bed: Bed) -> None:
    """With --keep 0 only the active version and the one before stay."""
    code, words = await bed.tocsin("deploy", bed.version("4-last"), "--keep", "0")
    assert code == 0, words
    assert bed.states() == {"3-good": "retained", "4-last": "active"}
    code, words = await bed.tocsin("list", "--json")
    assert [(row["version"], row["state"], row["loaded"]) for row in json.loads(words)] == [
        ("3-good", "retained", True),
        ("4-last", "active", True),
    ]
