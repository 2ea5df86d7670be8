"""`tocsin worker enrich | index | detect | notify | watch | report | all`: the stages as processes."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Final, Literal

import structlog
import typer

from console.exits import WRONG_SETTINGS
from console.report.schedule import planned
from models.registry import ModelRefused
from streams.endpoints import EnginesDown, resolve
from streams.kafka import wait_for_kafka
from streams.log import configure
from streams.settings import Settings, SettingsError, environment, load

APPS: Final = {
    "enrich": "streams.enrich_app",
    "index": "streams.index_app",
    "detect": "alerts.detect_app",
    "notify": "alerts.notify_app",
}
STAGES: Final = tuple(APPS)  # records flow through these
WATCH: Final = "watch"  # looks at them, and at what they need
ALL: Final = (*STAGES, WATCH)
REPORT: Final = "report"  # makes reports by the clock; runs where one is planned
Stage = Literal["enrich", "index", "detect", "notify", "watch", "report", "all"]
GRACE: Final = 10.0  # seconds a worker gets to stop before it is killed
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
STEADY: Final = 60.0  # a worker that ran this long starts again without delay
PARENT: Final = "TOCSIN_PARENT"  # process id of the supervisor, for its children
LOOK_EVERY: Final = 1.0

log = structlog.get_logger(__name__)


def run(stage: str, settings: Settings) -> None:
    """Run one stage in this process until it is told to stop. Checks what it is given, then waits for Kafka.

    Raises SettingsError or ModelRefused when what the stage was given cannot be used, also after it had started.
    """
    configure(settings, stage)
    if stage == WATCH:
        importlib.import_module("console.watch.process").run(settings, resolve(settings, "kafka").kafka)
        return
    if stage == REPORT:
        importlib.import_module("console.report.worker").run(settings, resolve(settings, "kafka").kafka)
        return
    import faust

    app = importlib.import_module(APPS[stage]).app
    asyncio.run(wait_for_kafka(settings, resolve(settings, "kafka").kafka))
    worker = faust.Worker(app, override_logging=False, quiet=True, loglevel="WARNING", console_port=0)
    worker.spinner = None  # would write terminal codes between the log lines
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if isinstance(worker.crash_reason, SettingsError | ModelRefused):
            raise worker.crash_reason from None
        raise


def follow(parent: int, every: float = LOOK_EVERY) -> None:
    """End this process soon after `parent` has ended: asked first, killed after the grace period.

    The kernel's own signal for that is sent when the thread that started us ends, not the process.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        # Nothing is logged: the pipe that took our words may have ended with the parent.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, name="follow", daemon=True).start()


@dataclass(slots=True)
class Child:
    """One worker process and when it may start again."""

    stage: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    next_start: float = 0.0
    restarts: int = 0
    worked: bool = False  # ran steadily once, so its settings were right then


@dataclass(slots=True)
class Workers:
    """Worker processes of this installation: started as `tocsin worker STAGE`, each in a group of its own.

    They end with this process, however it ends.
    """

    settings: Settings
    logs: Path | None = None  # folder for one log file per stage; default: this process' standard error
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, stages: Sequence[str] = STAGES) -> None:
        """Start the stages that do not run."""
        for stage in stages:
            child = self.children.setdefault(stage, Child(stage))
            if child.process is None or child.process.poll() is not None:
                self._spawn(child)

    def _spawn(self, child: Child) -> None:
        output: IO[bytes] | None = None
        if self.logs is not None:
            self.logs.mkdir(parents=True, exist_ok=True)
            output = (self.logs / f"worker-{child.stage}.log").open("ab")
        try:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "console.cli", "worker", child.stage],
                env=os.environ | environment(self.settings) | {PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C in the terminal reaches only the supervisor, which stops in order
            )
        finally:
            if output is not None:
                output.close()
        child.started = time.monotonic()
        child.next_start = 0.0

    def pid(self, stage: str) -> int | None:
        """Process id of a running stage."""
        child = self.children.get(stage)
        return child.process.pid if child and child.process and child.process.poll() is None else None

    def watch(self) -> None:
        """Start again what ended, with growing pauses. Raises RuntimeError when a stage says its settings are wrong.

        One that says so after it has worked (a key was revoked, another model is served) waits for a person, and is
        tried again now and then: the others go on, alerts are not to stop for the index.
        """
        now = time.monotonic()
        for child in self.children.values():
            if child.process is None or child.process.poll() is None:
                continue
            refused = child.process.returncode == WRONG_SETTINGS
            steady = now - child.started > STEADY
            if refused and not (steady or child.worked):
                raise RuntimeError(f"worker {child.stage} cannot run with these settings; see its log")
            if not child.next_start:
                child.worked = child.worked or steady
                child.pause = FIRST_PAUSE if steady else min(child.pause * 2, LONGEST_PAUSE)
                child.pause = LONGEST_PAUSE if refused else child.pause
                child.next_start = now + child.pause
                log.warning("worker.ended", worker=child.stage, code=child.process.returncode, pause=child.pause)
            elif now >= child.next_start:
                child.restarts += 1
                self._spawn(child)

    def stop(self, stages: Sequence[str] | None = None) -> None:
        """End the stages by their own process ids: asked first, killed after a grace period."""
        chosen = [c for s, c in self.children.items() if (stages is None or s in stages) and c.process is not None]
        for child in chosen:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for child in chosen:
            process = child.process
            if process is None:
                continue
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                process.wait()
            child.process = None
            child.next_start = 0.0

    def kill(self, stage: str) -> None:
        """End one stage at once, as a crash would (SIGKILL)."""
        child = self.children[stage]
        _signal(child, signal.SIGKILL)
        if child.process is not None:
            child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.poll() is None:
        child.process.send_signal(number)


def _supervise(settings: Settings) -> None:
    workers = Workers(settings)
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    configure(settings, "workers")
    try:
        workers.start((*ALL, REPORT) if planned(settings) else ALL)
        while not stopping:
            time.sleep(0.2)
            workers.watch()
    finally:
        workers.stop()


def worker(
    stage: Annotated[Stage, typer.Argument(help="Which stage; `all` supervises the five as child processes.")],
) -> None:
    """Run a worker until Ctrl-C."""
    if (parent := os.environ.get(PARENT, "")).isdigit():
        follow(int(parent))
    try:
        settings = load()
        if stage == "all":
            resolve(settings)
            _supervise(settings)
        else:
            run(stage, settings)
    except (SettingsError, EnginesDown, RuntimeError) as error:
        typer.echo(f"tocsin worker {stage}: {error}", err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def register(app: typer.Typer) -> None:
    """Add the command `worker`."""
    app.command()(worker)
