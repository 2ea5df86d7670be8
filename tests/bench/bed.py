"""The test bed: engines of its own on free ports, the model bare in Triton's own environment, a webhook receiver."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiohttp import web

from deploy.stack import Stack, silent
from deploy.triton import Triton
from models import registry
from models.registry import Served
from models.text import lead, prepare, read_tokenizer
from streams import clock
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.pseudonyms import pseudonym_key
from streams.records import digest
from streams.settings import Settings
from streams.version import VERSION
from tests.bench import corpus as texts
from tests.bench.corpus import Corpus
from tests.bench.procfs import Processes, between, children
from tests.bench.result import BARE, Run

SECRET: Final = "whsec_" + "dG9jc2luLWJlbmNobWFyay1zZWNyZXQtMDAx"  # of the receiver below, which nobody else can reach


@dataclass
class Bare:
    """The process that runs the model without anything around it."""

    process: asyncio.subprocess.Process
    folder: Path
    runtime: str
    threads: int

    async def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send one order, return its answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("bare inference was started without pipes")
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"bare inference ended; see {self.folder / 'bare.log'}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass
class Bed:
    """Everything that runs beside the contestants."""

    state: Path
    stack: Stack
    addresses: dict[str, str]
    bare: Bare
    served: Served
    webhook: str
    rung: list[tuple[str, float]] = field(default_factory=list)  # subject, monotonic time of arrival

    def settings(self, name: str, **changes: Any) -> Settings:
        """Settings of one run: a folder and a namespace of its own, the engines of the bed, alerts on."""
        folder = self.state / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        watchlist = folder / "watchlist.yaml"
        watchlist.write_text(texts.watchlist(), encoding="utf-8")
        options: dict[str, Any] = {
            "state_dir": folder,
            "namespace": f"b-{name}",
            "kafka_bootstrap": self.addresses["kafka"],
            "elasticsearch_url": self.addresses["elasticsearch"],
            "triton_url": self.addresses["triton"],
            "watchlist": watchlist,
            "webhook_urls": self.webhook,
            "webhook_secret": SECRET,
            "webhook_allow": "127.0.0.0/8",
            "log_level": "WARNING",
        }
        return Settings(**(options | changes))

    def pids(self) -> dict[str, int]:
        """The engines' processes, and this one, which appends the records."""
        found = {name: self.stack.process(name).pid for name in ("kafka", "elasticsearch", "triton")}
        stubs = {f"model{n or ''}": pid for n, pid in enumerate(children(found["triton"]))}
        return found | stubs | {"producer": os.getpid()}

    def pipeline(self) -> Pipeline:
        """The text stages of the enrich worker."""
        settings = self.settings("tokens")
        return Pipeline(settings, Gazetteer.load(settings.watchlist), pseudonym_key(settings), VERSION)

    async def tokens(self, chosen: Corpus) -> Path:
        """Token ids of a corpus, as the enrich worker makes them, in a file for the bare run."""
        path = self.state / f"{digest(*chosen.ids, *(item.text + item.title for item in chosen.items))}.npz"
        if not path.exists():
            limit = min(self.settings("tokens").token_limit, self.served.metadata.token_limit)
            tokenizer = read_tokenizer(self.served.tokenizer, limit)
            pipeline, now = self.pipeline(), clock.now()
            judged = [pipeline.prepare(item, "", now).judged_text for item in chosen.items]
            rows = [code.ids for code in tokenizer.encode_batch_fast([lead(prepare(text), limit) for text in judged])]
            flat = np.array([token for row in rows for token in row], dtype=np.int32)
            np.savez(path, flat=flat, lengths=np.array([len(row) for row in rows]))
        return path

    async def run_bare(self, chosen: Corpus, number: int, order: str = "bucketed") -> tuple[Run, np.ndarray]:
        """Bare inference over a corpus: the run, and the sentiment probabilities in the corpus' order."""
        out = self.state / "bare.npz"
        processes = Processes({BARE: self.bare.process.pid})
        before = processes.sample()
        told = await self.bare.ask({"ids": str(await self.tokens(chosen)), "order": order, "out": str(out)})
        spent, stolen = between(before, processes.sample())
        with np.load(out) as file:
            sentiment: np.ndarray = file["sentiment"]
        count = len(chosen.items)
        run = Run(
            contestant=BARE if order == "bucketed" else f"{BARE}_{order}",
            round=number,
            items=count,
            seconds=round(told["seconds"], 3),
            rate=round(count / told["seconds"], 2),
            stolen=round(stolen, 4),
            cpu_us={"model": round(spent[BARE] / count * 1e6, 1)},
            peak_mib={"model": round(processes.peak[BARE], 1)},
            fill=round(told["tokens"] / told["padded"], 4),
        )
        return run, sentiment


@contextlib.asynccontextmanager
async def bed(state: Path) -> AsyncIterator[Bed]:
    """Engines, bare model and receiver; all of them ended at the end."""
    local: dict[str, Any] = {"state_dir": state, "kafka_bootstrap": "", "elasticsearch_url": "", "triton_url": ""}
    settings = Settings(**local)
    stack = Stack(settings, preferred=False, owned=True)
    rung: list[tuple[str, float]] = []
    addresses = await asyncio.to_thread(stack.up)
    try:
        async with _receiver(rung) as webhook, _bare(settings, state) as bare:
            served = registry.find(settings.model_repository or registry.SHIPPED)["en"]
            yield Bed(state, stack, addresses, bare, served, webhook, rung)
    finally:
        await asyncio.to_thread(stack.down)


@contextlib.asynccontextmanager
async def _bare(settings: Settings, state: Path) -> AsyncIterator[Bare]:
    home = await asyncio.to_thread(Triton(settings).install, lambda files: silent("triton", "downloading", files))
    served = registry.find(settings.model_repository or registry.SHIPPED)["en"]
    launch = Triton(settings).launch(home, state / "bare", {"grpc": 0, "http": 0, "metrics": 0})
    # The model's own variables and interpreter, as Triton's child gets them.
    variables = {key: value for key, value in {**os.environ, **launch.env}.items() if value}
    with (state / "bare.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(home / "python" / "bin" / "python"), "-I", str(Path(__file__).with_name("bare.py")),
            str(served.folder / served.number),
            env=variables, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        if process.stdout is None:
            raise RuntimeError("bare inference was started without pipes")
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"bare inference does not start; see {state / 'bare.log'}")
        told = json.loads(line)
        yield Bare(process, state, told["runtime"], told["threads"])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def _receiver(rung: list[tuple[str, float]]) -> AsyncIterator[str]:
    """A webhook receiver that notes when which subject rang; its URL."""

    async def take(request: web.Request) -> web.Response:
        body = await request.json()
        rung.append((body["subject"], time.monotonic()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()
