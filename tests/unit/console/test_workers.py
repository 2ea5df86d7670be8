"""Workers: started again with growing pauses, ended in order, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from console import workers
from console.exits import WRONG_SETTINGS
from console.workers import PARENT, Workers
from streams.settings import Settings

# A supervisor that starts one child which follows it, tells the child's id, and waits to be killed.
SUPERVISOR = """
import os, subprocess, sys, time
child = "import os, time; from console.workers import follow; follow(int(os.environ['TOCSIN_PARENT']), 0.05); " \\
    "print('up', flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", child], env=os.environ | {"TOCSIN_PARENT": str(os.getpid())},
    stdout=subprocess.PIPE, text=True, start_new_session=True)
print(process.stdout.readline().strip(), process.pid, flush=True)
time.sleep(60)
"""


class Process:
    """Stands for a child process; `returncode` None runs on."""

    made: list[Process] = []  # noqa: RUF012 - set anew by the fixture
    ends: list[int | None] = []  # noqa: RUF012

    def __init__(self, argv: list[str], env: dict[str, str], **_: Any) -> None:
        self.argv, self.env = argv, env
        self.pid = 1000 + len(Process.made)
        self.returncode = Process.ends.pop(0) if Process.ends else None
        self.signals: list[int] = []
        Process.made.append(self)

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.signals.append(number)
        if number == signal.SIGKILL or "stubborn" not in self.env:
            self.returncode = -number

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.argv, timeout or 0)
        return self.returncode


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set by the test; processes are doubles."""
    Process.made, Process.ends = [], []
    now = [1000.0]
    monkeypatch.setattr(workers.subprocess, "Popen", Process)
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    return now


def test_a_child_ends_soon_after_its_supervisor_was_killed() -> None:
    """A supervisor that is killed cannot end its workers; each sees that it has another parent and ends itself."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        word, child = supervisor.stdout.readline().split()
        supervisor.kill()
    assert word == "up"
    status = Path(f"/proc/{child}/status")
    deadline = time.monotonic() + 10
    while status.exists() and "State:\tZ" not in status.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    gone = not status.exists() or "State:\tZ" in status.read_text()
    if not gone:
        os.kill(int(child), signal.SIGKILL)
    assert gone


def test_a_worker_is_told_its_settings_and_its_parent(clock: list[float], tmp_path: Path) -> None:
    """The child gets these very settings and knows whom to follow."""
    Workers(Settings(state_dir=tmp_path, partitions=7)).start(["index"])
    [process] = Process.made
    assert process.argv[-2:] == ["worker", "index"]
    assert (process.env["TOCSIN_PARTITIONS"], process.env[PARENT]) == ("7", str(os.getpid()))


def test_a_worker_that_ends_is_started_again_after_a_growing_pause(clock: list[float], tmp_path: Path) -> None:
    """Pauses double while it keeps ending; one that ran long before it ended waits the shortest pause again."""
    crew = Workers(Settings(state_dir=tmp_path))
    Process.ends = [1, 1, None]
    crew.start(["index"])
    starts = []
    for _ in range(100):
        before = len(Process.made)
        crew.watch()
        if len(Process.made) > before:
            starts.append(clock[0] - 1000)
        clock[0] += 0.5
    assert starts == [2.0, 6.5]
    Process.made[-1].returncode = -9
    clock[0] += 100
    crew.watch()
    assert crew.children["index"].pause == workers.FIRST_PAUSE


def test_wrong_settings_are_not_tried_again(clock: list[float], tmp_path: Path) -> None:
    """A worker that says its settings are wrong ends the supervision, with its name."""
    Process.ends = [WRONG_SETTINGS]
    crew = Workers(Settings(state_dir=tmp_path))
    crew.start(["detect"])
    with pytest.raises(RuntimeError, match="detect"):
        crew.watch()


def test_a_worker_refused_after_it_worked_does_not_end_the_others(clock: list[float], tmp_path: Path) -> None:
    """A key that is revoked at night stops one stage, which is tried again now and then; the others go on."""
    crew = Workers(Settings(state_dir=tmp_path))
    crew.start(["index", "notify"])
    clock[0] += 3600
    Process.made[0].returncode = WRONG_SETTINGS
    Process.ends = [WRONG_SETTINGS, None]
    starts = []
    for _ in range(200):
        before = len(Process.made)
        crew.watch()
        if len(Process.made) > before:
            starts.append(clock[0] - 4600)
        clock[0] += 0.5
    assert starts == [30.0, 60.5]
    assert crew.pid("notify") is not None


def test_stopping_asks_first_and_kills_who_does_not_end(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], tmp_path: Path
) -> None:
    """SIGTERM to all of them, SIGKILL only to those that do not end in time."""
    crew = Workers(Settings(state_dir=tmp_path))
    crew.start(["enrich"])
    monkeypatch.setenv("stubborn", "1")
    crew.start(["index"])
    crew.stop()
    assert [process.signals for process in Process.made] == [[signal.SIGTERM], [signal.SIGTERM, signal.SIGKILL]]
    assert crew.pid("enrich") is crew.pid("index") is None
