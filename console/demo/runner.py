"""One run of the demo: engines and workers up, the day played, the questions answered, everything down again."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from console.demo import session, traces
from console.demo.compose import as_file, compose
from console.demo.contents import last_whole_day, manifest, planted
from console.demo.display import Display
from console.demo.page import Page
from console.demo.play import LOOK_EVERY, Scene, play, settle
from console.demo.receiver import Delivery, Receiver, new_secret
from console.demo.report import report
from console.demo.texts import companies
from console.demo.verdict import Facts, checks, rings, unheard
from console.workers import WATCH, Workers
from deploy.stack import NAMES, Stack
from streams import clock
from streams import elastic as elastics
from streams.balance import recount
from streams.endpoints import Endpoints
from streams.kafka import ensure_topics
from streams.log import configure
from streams.settings import Settings

LAST_WEBHOOKS: Final = 20.0  # seconds the last notifications may take after everything was acknowledged
EXAMPLE: Final = "demo-quenlith"


@dataclass(slots=True)
class Demo:
    """A run. `seconds` is how long the day takes; 0 plays it as fast as the pipeline reads."""

    settings: Settings
    display: Display
    seconds: float
    timings: dict[str, float] = field(default_factory=dict)
    _page: str = ""  # address of the console

    async def run(self, finished: Callable[[dict[str, Any]], None], stay: asyncio.Event | None) -> dict[str, Any]:
        """Play the day and return the report, which `finished` gets as soon as it is there.

        With `stay` everything goes on running until that event. Engines that ran before are left running.
        """
        with session.alone(self.settings):
            async with AsyncExitStack() as stack:
                scene = await self._set(stack)
                if stay is not None:
                    self._open(stack, scene)
                with self._phase("day"):
                    await play(scene, self.display, self.seconds)
                with self._phase("rest"):
                    self.display.line("settling")
                    await settle(scene, self.display)
                self.display.rest()
                self.display.line("verifying")
                result = await self._verify(scene)
                finished(result)
                if stay is not None:
                    self._show_where(scene)
                    await self._watch(scene, stay)
                self.display.line("stopping")
            return result

    async def _set(self, stack: AsyncExitStack) -> Scene:
        """Bring everything up, in an order that the stack undoes: workers end before what they talk to."""
        day = last_whole_day(clock.now())
        lines = compose(day)
        path = session.fresh_folder(self.settings) / "day.jsonl"
        path.write_bytes(as_file(lines))
        logs = path.parent / "logs"
        logs.mkdir()
        # Warnings of our own clients belong beside those of the workers, not into the middle of a picture.
        configure(self.settings, "demo", stack.enter_context((logs / "demo.log").open("a", encoding="utf-8")))
        stack.callback(configure, self.settings, "demo")
        self.display.line("composed", day=day.isoformat(), lines=len(lines))
        receiver = Receiver(new_secret(), self._heard)
        url = await receiver.start()
        stack.push_async_callback(receiver.stop)
        with self._phase("engines"):
            at = await stack.enter_async_context(self._engines())
        session.copy_rules(self.settings)
        own = session.own_settings(self.settings, session.new_namespace(clock.now()), at, url, receiver.secret)
        elastic = elastics.client(own, at.elasticsearch)
        stack.push_async_callback(elastic.close)
        stack.push_async_callback(session.sweep, own, at.kafka, elastic)
        with self._phase("workers"):
            await asyncio.gather(ensure_topics(own, at.kafka), session.sweep(own, at.kafka, elastic, own.namespace))
            workers = Workers(own, logs)
            stack.push_async_callback(asyncio.to_thread, workers.stop)
            await asyncio.to_thread(workers.start)
        self.display.line("workers", names=", ".join(workers.children), folder=logs)
        stack.callback(self.display.rest)
        return Scene(own, at, elastic, receiver, workers, day, path, len(lines))

    def _open(self, stack: AsyncExitStack, scene: Scene) -> None:
        """Serve the console from now on, show its address as soon as it is there, and have the demo watch itself."""
        page = Page(scene.settings, scene.path.parent / "logs")
        stack.push_async_callback(asyncio.to_thread, page.stop)
        task = asyncio.create_task(self._accompany(page, scene))
        stack.push_async_callback(_ended, task)

    async def _accompany(self, page: Page, scene: Scene) -> None:
        """The page, then the watcher: it holds up nobody's start, and finds workers that have begun."""
        await self._tell_page(page)
        scene.workers.start((WATCH,))

    async def _tell_page(self, page: Page) -> None:
        try:
            page.start()
            self._page = await page.address()
        except OSError:
            self.display.line("no_page", log=page.log)
            return
        if self._page:
            self.display.line("page", style="bold", url=self._page)
        else:
            self.display.line("no_page", log=page.log)

    @asynccontextmanager
    async def _engines(self) -> AsyncIterator[Endpoints]:
        """The engines; those that this run started are ended with it."""
        engines = Stack(self.settings)
        before = {e["name"] for e in await asyncio.to_thread(engines.status) if e["state"] != "stopped"}
        mine = [name for name in NAMES if name not in before]
        try:
            found = await asyncio.to_thread(engines.up, self._engine)
            yield Endpoints(found["kafka"], found["elasticsearch"], found["triton"])
        finally:
            if len(mine) == len(NAMES):
                await asyncio.to_thread(engines.down)
            else:
                for name in mine:
                    await asyncio.to_thread(engines.stop, name)

    def _engine(self, name: str, event: str, detail: str) -> None:
        self.display.engine(name, event, detail)

    def _heard(self, delivery: Delivery) -> None:
        if delivery.alert.get("state") == "firing":
            self.timings.setdefault("first_alert", self.display.elapsed)
        self.display.alert(delivery.alert, delivery.id)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        """Note how long a part of the run took."""
        began = self.display.elapsed
        yield
        self.timings[name] = self.display.elapsed - began

    async def _verify(self, scene: Scene) -> dict[str, Any]:
        with self._phase("verification"):
            facts = await self._facts(scene)
        stated, names = manifest(), companies()
        answers = checks(stated, names, facts, scene.day)
        rang = rings(stated, names, facts.events, scene.day)
        return report(scene.day, scene.settings.namespace, facts, answers, rang, self.timings)

    async def _facts(self, scene: Scene) -> Facts:
        own, bootstrap = scene.settings, scene.at.kafka
        await scene.elastic.indices.refresh(index=elastics.pattern(own, "*"), ignore_unavailable=True)
        events = await traces.events(own, bootstrap)
        await self._await_webhooks(scene, {e.id for e in unheard(events, set())})
        found, planted_found, balance = await asyncio.gather(
            traces.counts(scene.elastic, own),
            traces.leaks(scene.elastic, own, bootstrap, own.state_dir / "logs", planted()),
            recount(own, scene.at),
        )
        for delivery in scene.receiver.deliveries.values():
            planted_found.search(str(delivery.body), f"webhook {delivery.id}")
        return Facts(
            lines=scene.total,
            balance=balance,
            marked=found["marked"],
            stale=found["stale"],
            events=events,
            deliveries=list(scene.receiver.deliveries.values()),
            refused=scene.receiver.refused,
            leaks=planted_found.found,
        )

    async def _await_webhooks(self, scene: Scene, wanted: set[str]) -> None:
        """Give the last notifications a moment; the verdict tells which did not arrive."""
        deadline = self.display.elapsed + LAST_WEBHOOKS
        while self.display.elapsed < deadline:
            heard = {str(d.alert.get("id")) for d in scene.receiver.deliveries.values()}
            if wanted <= heard:
                return
            await asyncio.sleep(0.2)

    def _show_where(self, scene: Scene) -> None:
        path = session.write_environment(scene.settings)
        index = elastics.pattern(scene.settings, "documents")
        self.display.line("stay", style="bold")
        if self._page:
            self.display.plain(f"  {self._page}")
        self.display.plain(f"  (. {shlex.quote(str(path))}; tocsin status)")
        self.display.plain(f"  curl '{scene.at.elasticsearch}/{index}/_search?q=entities.id:{EXAMPLE}&size=3&pretty'")
        self.display.plain(
            f"  curl '{scene.at.elasticsearch}/{elastics.pattern(scene.settings, 'alerts')}/_search?size=9&pretty'"
        )

    async def _watch(self, scene: Scene, stay: asyncio.Event) -> None:
        while not stay.is_set():
            scene.watch()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await stay.wait()
            except TimeoutError:
                continue


async def _ended(task: asyncio.Task[None]) -> None:
    """Let go of a task that may still wait."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
