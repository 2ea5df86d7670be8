"""The local engines: Kafka, Elasticsearch and Triton as child processes on loopback, their state in one folder.

An engine whose address the user has set is not started; it is only asked whether it serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from deploy import logs, processes
from deploy.cache import locked
from deploy.elastic import Elasticsearch
from deploy.engine import Check, Engine, Launch, Ports
from deploy.faults import EngineError
from deploy.kafka import Kafka
from deploy.lock import short
from deploy.ports import claim, listening
from deploy.processes import Process
from deploy.triton import Triton, shared_memory
from streams.settings import Settings, without_secrets

NAMES: Final = ("kafka", "elasticsearch", "triton")
FILE: Final = "engines.json"
START_WITHIN: Final = 180.0  # a 2-core machine with ten times more to do than it can needed 50
END_WITHIN: Final = 15.0
ASK_EVERY: Final = 0.2

# engine, what it does now, and a detail: "downloading" files, "starting" ports, "ready" seconds, "external" address
Progress = Callable[[str, str, str], None]


class Record(msgspec.Struct, frozen=True):
    """What is remembered of an engine between commands. `pid` 0: not running; its ports are kept for the next start."""

    ports: dict[str, int]
    pid: int = 0
    started: int = 0
    fingerprint: str = ""

    @property
    def process(self) -> Process:
        """The process, running or gone."""
        return Process(self.pid, self.started)


def silent(engine: str, event: str, detail: str) -> None:
    """Progress nobody looks at."""


class Stack:
    """The three engines of one state folder. Stacks of different folders run side by side on one machine.

    `preferred` False takes arbitrary ports from the start, `owned` True marks the engines as belonging to this
    process, so that `end_abandoned` finds them when it was killed. Methods block; they may be called from any thread.
    """

    def __init__(self, settings: Settings, *, preferred: bool = True, owned: bool = False) -> None:
        self.settings = settings
        self._state = settings.state_dir
        self._preferred = preferred
        self._owned = owned
        engines: tuple[Engine, ...] = (Kafka(settings), Elasticsearch(settings), Triton(settings))
        self._engines: dict[str, Engine] = {engine.name: engine for engine in engines}

    # ---- all engines

    def up(self, progress: Progress = silent) -> dict[str, str]:
        """Start what does not run, side by side, and return the addresses once every engine serves.

        Engines that run already and would be started the same way are left alone. When one fails, those started by
        this call are ended again and the first failure is raised.
        """
        with self._alone():
            self._check(NAMES)
            before = {name for name in NAMES if self._running(name)}
            with ThreadPoolExecutor(len(NAMES)) as pool:
                futures = {name: pool.submit(self._ensure, name, progress) for name in NAMES}
            failures = [error for future in futures.values() if (error := future.exception())]
            if failures:
                for name in set(NAMES) - before:
                    self._end(name)
                raise failures[0]
            own = {name: engine.external() for name, engine in self._engines.items() if engine.external()}
            return self._write_addresses(NAMES) | own

    def down(self) -> list[str]:
        """End every engine of this state folder, also those of a crashed run; returns the names of those that ran."""
        with self._alone():
            with ThreadPoolExecutor(len(NAMES)) as pool:
                ended = list(pool.map(self._end, NAMES))
            (self._state / FILE).unlink(missing_ok=True)
        return [name for name, was in zip(NAMES, ended, strict=True) if was]

    def status(self) -> list[dict[str, Any]]:
        """One entry an engine: name, state (serving, starting, paused, stopped, external, unreachable), address, pid,
        resident MiB, and what it answered when it does not serve. Asks the engines; changes nothing."""
        with ThreadPoolExecutor(len(NAMES)) as pool:
            return list(pool.map(self._status, NAMES))

    # ---- one engine

    def start(self, name: str, progress: Progress = silent) -> None:
        """Start one engine on its former port with its former data; returns when it serves."""
        with self._alone():
            self._check([name])
            self._ensure(name, progress)
            self._write_addresses([name])

    def accept(self, name: str) -> None:
        """Take what a running local engine serves now as what it was started with: it has loaded the change itself.

        Otherwise the next `up` would start it again. Does nothing where none runs.
        """
        with self._alone():
            engine, record = self._engine(name), self._running(name)
            if record and not engine.external() and engine.cached():
                home = engine.install(lambda _: None)
                launch = engine.launch(home, self._state / name, record.ports)
                self._remember(name, msgspec.structs.replace(record, fingerprint=self._fingerprint(launch)))

    def stop(self, name: str) -> None:
        """End one engine cleanly. Its address stays known: workers wait for it to come back."""
        with self._alone():
            self._end(name)

    def kill(self, name: str) -> None:
        """SIGKILL one engine and its children."""
        process = self._process(name)
        processes.send(process, signal.SIGKILL)
        processes.wait(process, 10)

    def pause(self, name: str) -> None:
        """SIGSTOP: the engine keeps its connections and answers nothing."""
        process = self._process(name)
        processes.send(process, signal.SIGSTOP)
        while processes.alive(process) and not processes.stopped(process):
            time.sleep(0.01)

    def resume(self, name: str) -> None:
        """SIGCONT after `pause`."""
        processes.send(self._process(name), signal.SIGCONT)

    def runs(self, name: str) -> bool:
        """Whether the local engine has a living process."""
        return self._running(name) is not None

    def ports(self) -> dict[str, dict[str, int]]:
        """Ports by engine and use: those of the last start, else the preferred ones. Local engines only."""
        local = {name: engine for name, engine in self._engines.items() if not engine.external()}
        records = {name: self._record(name) for name in local}
        return {name: dict(found.ports if (found := records[name]) else local[name].ports) for name in local}

    def checks(self) -> dict[str, Check]:
        """What the local engines need from this machine; see `Engine.checks`."""
        found: dict[str, Check] = {}
        for engine in self._engines.values():
            found |= {} if engine.external() else engine.checks()
        return found

    def cached(self) -> bool:
        """Whether everything to start the local engines lies in the cache."""
        return all(engine.cached() for engine in self._engines.values() if not engine.external())

    def process(self, name: str) -> Process:
        """The running process of an engine. Raises EngineError `not_running`."""
        return self._process(name)

    # ---- inside

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self._state / "engines.lock"):
            yield

    def _record_path(self, name: str) -> Path:
        return self._state / "engines" / f"{name}.json"

    def _record(self, name: str) -> Record | None:
        try:
            return msgspec.json.decode(self._record_path(name).read_bytes(), type=Record)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None  # never started, or its notes were lost: the mark on the process still tells

    def _check(self, names: Iterable[str]) -> None:
        """Raise what the first failing check says: a missing program is told before anything is downloaded."""
        for name in names:
            engine = self._engine(name)
            if not engine.external():
                for check in engine.checks().values():
                    check()

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            raise EngineError("unknown_engine", name=name, known=", ".join(NAMES))
        return self._engines[name]

    def _remember(self, name: str, record: Record) -> None:
        _write(self._record_path(name), msgspec.json.encode(record).decode())

    def _running(self, name: str) -> Record | None:
        record = self._record(name)
        return record if record and record.pid and processes.alive(record.process) else None

    def _process(self, name: str) -> Process:
        self._engine(name)
        record = self._running(name)
        if record is None:
            raise EngineError("not_running", name=name)
        return record.process

    def _ensure(self, name: str, progress: Progress) -> None:
        """Have one engine serving: the user's own is asked, the local one started unless it runs as it should."""
        engine = self._engines[name]
        if address := engine.external():
            progress(name, "external", address)
            self._await_external(engine, address)
            return
        begun = time.monotonic()
        home = engine.install(lambda files: progress(name, "downloading", files))
        data = self._state / name
        data.mkdir(parents=True, exist_ok=True)
        record = self._running(name)
        if record and self._fingerprint(engine.launch(home, data, record.ports)) == record.fingerprint:
            self._await(engine, record)
        else:
            self._end(name)
            self._start(engine, home, data, progress)
        progress(name, "ready", f"{time.monotonic() - begun:.1f}")

    def _start(self, engine: Engine, home: Path, data: Path, progress: Progress) -> None:
        former = self._record(engine.name)
        wanted = former.ports if former else dict(engine.ports) if self._preferred else dict.fromkeys(engine.ports, 0)
        with claim(wanted) as ports:
            progress(engine.name, "starting", " ".join(map(str, ports.values())))
            launch = engine.launch(home, data, ports)
            for path, content in launch.files.items():
                _write(path, content)
            output = logs.output(self._state, engine.name)
            output.parent.mkdir(parents=True, exist_ok=True)
            logs.rotate(output)
            process = processes.start(launch.argv, self._environment(engine.name, launch.env), output)
            if launch.secret:
                processes.hide(process, launch.secret, output)
            record = Record(dict(ports), process.pid, process.started, self._fingerprint(launch))
            self._remember(engine.name, record)
            self._await(engine, record)

    def _environment(self, name: str, more: Mapping[str, str]) -> dict[str, str]:
        owner = {processes.OWNER: processes.owner()} if self._owned else {}
        inherited = without_secrets(os.environ)
        merged = {**inherited, **more, **owner, processes.MARK: processes.mark(self._state, name)}
        return {key: value for key, value in merged.items() if value}

    def _fingerprint(self, launch: Launch) -> str:
        return short(repr((launch.argv, sorted(launch.files.items()))), launch.content)

    def _await(self, engine: Engine, record: Record) -> None:
        (address,) = list(engine.addresses(record.ports).values())[:1]
        deadline = time.monotonic() + START_WITHIN
        # An engine that answers on one port may still be opening the others: Triton's HTTP comes after its gRPC.
        while answer := _ask(engine, address) or _deaf(record.ports):
            if not processes.alive(record.process):
                raise EngineError("died", name=engine.name, **self._trace(engine.name))
            if time.monotonic() > deadline:
                trace = self._trace(engine.name)
                raise EngineError("not_ready", name=engine.name, seconds=START_WITHIN, answer=answer, **trace)
            time.sleep(ASK_EVERY)

    def _trace(self, name: str) -> dict[str, Any]:
        return {"log": logs.folder(self._state), "tail": logs.complaints(self._state, name)}

    def _await_external(self, engine: Engine, address: str) -> None:
        answer = _ask(engine, address)
        if answer:
            raise EngineError("external", name=engine.name, address=address, answer=answer)

    def _end(self, name: str) -> bool:
        """End an engine, its children and whatever carries its mark; True when something ran."""
        record = self._running(name)
        if record:
            processes.end(record.process, END_WITHIN)
        left = processes.marked(processes.mark(self._state, name))
        for process in left:
            processes.end(process, END_WITHIN)
        former = self._record(name)
        if former and former.pid:
            self._remember(name, Record(former.ports))
        if name == "triton":
            for region in Path("/dev/shm").glob(f"{shared_memory(self._state / name)}*"):  # noqa: S108 - Linux's own name
                region.unlink(missing_ok=True)
        return bool(record or left)

    def _status(self, name: str) -> dict[str, Any]:
        engine = self._engines[name]
        if address := engine.external():
            answer = _ask(engine, address)
            return {
                "name": name,
                "state": "unreachable" if answer else "external",
                "address": address,
                "answer": answer,
            }
        record = self._running(name)
        if record is None:
            return {"name": name, "state": "stopped", "address": ""}
        address = next(iter(engine.addresses(record.ports).values()))
        paused = processes.stopped(record.process)
        answer = "" if paused else _ask(engine, address)
        state = "paused" if paused else "starting" if answer else "serving"
        memory = processes.resident_mib(record.process)
        entry = {"name": name, "state": state, "address": address, "pid": record.pid, "memory_mib": memory}
        return entry | {"answer": answer}

    def _write_addresses(self, names: Iterable[str]) -> dict[str, str]:
        """Put the addresses of the named local engines into `engines.json`, where the workers look."""
        path = self._state / FILE
        addresses: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name in names:
            record = self._running(name)
            if record:
                addresses |= self._engines[name].addresses(record.ports)
        _write(path, json.dumps(addresses, indent=1) + "\n")
        return addresses


def end_abandoned() -> list[int]:
    """End the engines of owners that were killed (see `Stack`, `owned`); returns their process ids."""
    found = processes.abandoned()
    for process in found:
        processes.end(process, END_WITHIN)
    return [process.pid for process in found]


def _deaf(ports: Ports) -> str:
    """Which of an engine's ports nobody listens on yet; nothing when each takes connections."""
    return next((f"nobody listens on port {port} ({use})" for use, port in ports.items() if not listening(port)), "")


def _ask(engine: Engine, address: str) -> str:
    """The engine's answer, asked in a thread of its own: the caller may be inside an event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(engine.probe(address))).result()


def _write(path: Path, content: str) -> None:
    """Write a file in one step: a reader sees the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)
