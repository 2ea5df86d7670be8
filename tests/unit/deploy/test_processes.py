"""Child processes: ours, and nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import processes
from deploy.processes import Process

STUBBORN = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess,sys,time;"
    "p=subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)']); print(p.pid, flush=True); time.sleep(60)"
)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    found: list[Process] = []
    yield found
    for process in found:
        processes.send(process, signal.SIGKILL)
        processes.wait(process, 5)


def spawn(started: list[Process], tmp_path: Path, code: str, **env: str) -> Process:
    process = processes.start([sys.executable, "-c", code], {**os.environ, **env}, tmp_path / "out")
    started.append(process)
    return process


def output(tmp_path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (text := (tmp_path / "out").read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return text


def test_a_process_is_alone_in_its_session_and_ends_when_asked(started: list[Process], tmp_path: Path) -> None:
    """Ctrl-C in the terminal that started an engine does not reach it; `end` does."""
    process = spawn(started, tmp_path, "import time; print(1, flush=True); time.sleep(60)")
    output(tmp_path)
    assert os.getsid(process.pid) == process.pid
    assert processes.alive(process)
    processes.end(process, 5)
    assert not processes.alive(process)


def test_a_process_that_ignores_the_request_is_ended_by_force(started: list[Process], tmp_path: Path) -> None:
    """After the patience is over, SIGKILL."""
    process = spawn(started, tmp_path, STUBBORN)
    output(tmp_path)
    processes.end(process, 0.1)
    assert not processes.alive(process)


def test_a_paused_process_can_be_ended(started: list[Process], tmp_path: Path) -> None:
    """A stopped process would not hear the request; it is woken for it."""
    process = spawn(started, tmp_path, "import time; print(1, flush=True); time.sleep(60)")
    output(tmp_path)
    processes.send(process, signal.SIGSTOP)
    time.sleep(0.05)
    assert processes.stopped(process)
    processes.end(process, 5)
    assert not processes.alive(process)


def test_sigkill_takes_the_children_along(started: list[Process], tmp_path: Path) -> None:
    """Triton's backend processes go with their server."""
    process = spawn(started, tmp_path, PARENT)
    child = Process(int(output(tmp_path)), 0)
    processes.send(process, signal.SIGKILL)
    assert processes.wait(process, 5)
    deadline = time.monotonic() + 5
    while (Path("/proc") / str(child.pid)).exists() and time.monotonic() < deadline:
        state = (Path("/proc") / str(child.pid) / "stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "Z":
            break
        time.sleep(0.02)
    else:
        assert not (Path("/proc") / str(child.pid)).exists()


def test_a_reused_process_id_is_never_signalled() -> None:
    """A record whose start time does not fit the process of that id means: ours is gone, this is a stranger."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        stale = Process(stranger.pid, 12345)
        assert not processes.alive(stale)
        processes.send(stale, signal.SIGKILL)
        processes.end(stale, 0.1)
        time.sleep(0.05)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_secret_among_the_arguments_is_hidden_once_it_was_read(started: list[Process], tmp_path: Path) -> None:
    """Other users of the machine see stars, the program has read the secret."""
    code = "import sys,time; print(sys.argv[1:], flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", code, "--first=guard:key=sesame-4711", "--second=sesame-4711"]
    process = processes.start(argv, os.environ, tmp_path / "out")
    started.append(process)
    processes.hide(process, "sesame-4711", tmp_path / "out")
    assert output(tmp_path).count("sesame-4711") == 2
    shown = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
    assert shown[3:5] == ["--first=guard:key=***********", "--second=***********"]
    processes.end(process, 5)
    processes.hide(process, "sesame-4711", tmp_path / "out")  # one that has ended is no fault


def test_marked_processes_are_found_without_any_file(started: list[Process], tmp_path: Path) -> None:
    """Engines whose state folder was deleted under them are still recognised, and only those of that folder."""
    wanted = processes.mark(tmp_path / "state", "kafka")
    process = spawn(started, tmp_path, "import time; print(1, flush=True); time.sleep(60)", TOCSIN_ENGINE=wanted)
    output(tmp_path)
    assert processes.marked(wanted) == [process]
    assert processes.marked(processes.mark(tmp_path / "other", "kafka")) == []
    assert processes.marked(processes.mark(tmp_path / "state", "triton")) == []


def test_processes_of_a_dead_owner_are_abandoned_and_of_a_living_one_are_not(
    started: list[Process], tmp_path: Path
) -> None:
    """A test run that was killed leaves engines; the next one recognises them by their owner."""
    code = "import time; print(1, flush=True); time.sleep(60)"
    orphan = spawn(started, tmp_path, code, TOCSIN_ENGINE_OWNER="999999999:1")
    kept = spawn(started, tmp_path, code, TOCSIN_ENGINE_OWNER=processes.owner())
    deadline = time.monotonic() + 10
    while orphan not in (found := processes.abandoned()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert kept not in found
