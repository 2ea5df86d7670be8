"""Child processes that outlive the command which started them, told apart from strangers with certainty.

A process is ours when it carries the mark (an environment variable naming the state folder and the engine) that we
gave it. A process id alone proves nothing: ids are used again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "TOCSIN_ENGINE"
OWNER: Final = "TOCSIN_ENGINE_OWNER"
PROC: Final = Path("/proc")
HIDE_WITHIN: Final = 10.0  # seconds for a program's first word


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its id, and its start in clock ticks since boot, which no later process with this id shares."""

    pid: int
    started: int


def mark(state: Path, name: str) -> str:
    """What the processes of engine `name` of this state folder carry."""
    return f"{name}@{os.path.realpath(state)}"


def start(argv: Sequence[str], env: Mapping[str, str], output: Path) -> Process:
    """Start a program in a session and process group of its own, without input, its output appended to a file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        dict(env),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT],
    )
    return Process(pid, (_stat(pid) or ("", 0))[1])


def hide(process: Process, secret: str, output: Path) -> None:
    """Overwrite a secret in the arguments of a program just started, which every user of the machine can read.

    Waits for the program's first word in `output`, which must be empty before: it has read its arguments then, for
    Triton about 20 ms after its start. Where the system forbids writing into a child, the secret stays readable.
    """
    deadline = time.monotonic() + HIDE_WITHIN
    while not output.stat().st_size and alive(process) and time.monotonic() < deadline:
        time.sleep(0.002)
    with contextlib.suppress(OSError):
        fields = (PROC / str(process.pid) / "stat").read_text().rpartition(")")[2].split()
        first, last = int(fields[45]), int(fields[46])
        with (PROC / str(process.pid) / "mem").open("r+b", buffering=0) as memory:
            memory.seek(first)
            arguments = memory.read(last - first)
            hidden = arguments.replace(secret.encode(), b"*" * len(secret.encode()))
            memory.seek(first)
            memory.write(hidden)


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process; None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the program's name may hold spaces and parentheses
    return fields[0], int(fields[19])


def _reap(pid: int) -> None:
    """Collect the exit status if it was our own child, so that it does not stay as a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def alive(process: Process) -> bool:
    """Whether this very process still runs (stopped counts as running, a zombie does not)."""
    _reap(process.pid)
    found = _stat(process.pid)
    return found is not None and found[0] not in "ZX" and found[1] == process.started


def stopped(process: Process) -> bool:
    """Whether the process was paused by a signal."""
    return (_stat(process.pid) or (" ",))[0] == "T"


def send(process: Process, number: signal.Signals) -> None:
    """Signal the process and its children (its process group), unless it is gone."""
    if alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def end(process: Process, patience: float) -> None:
    """Ask the process to end; after `patience` seconds end it and its children by force. Returns when it is gone."""
    if alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
            os.killpg(process.pid, signal.SIGCONT)  # a paused process would not hear
    if not wait(process, patience):
        send(process, signal.SIGKILL)
        wait(process, 10)


def wait(process: Process, seconds: float) -> bool:
    """Wait until the process is gone; False when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def marked(wanted: str) -> list[Process]:
    """All processes of this user that carry exactly this mark."""
    return [process for process, variables in _all() if variables.get(MARK) == wanted]


def abandoned() -> list[Process]:
    """Processes whose owner (a test run, say) ended without ending them."""
    return [process for process, variables in _all() if OWNER in variables and not _lives(variables[OWNER])]


def owner() -> str:
    """This process, as the value of OWNER."""
    found = _stat(os.getpid())
    return f"{os.getpid()}:{found[1] if found else 0}"


def _lives(value: str) -> bool:
    pid, _, started = value.partition(":")
    return alive(Process(int(pid), int(started)))


def _all() -> Iterator[tuple[Process, dict[str, str]]]:
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            content = (entry / "environ").read_bytes()
        except OSError:
            continue  # gone meanwhile, or another user's
        found = _stat(int(entry.name))
        if content and found and found[0] not in "ZX":
            pairs = (item.partition("=") for item in content.decode(errors="replace").split("\0"))
            yield Process(int(entry.name), found[1]), {name: value for name, _, value in pairs}


def resident_mib(process: Process) -> int:
    """Memory the process and its group hold in RAM, in MiB; 0 when it is gone."""
    pages = 0
    for entry in PROC.iterdir():
        if entry.name.isdigit() and _group(int(entry.name)) == process.pid:
            with contextlib.suppress(OSError):
                pages += int((entry / "statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
