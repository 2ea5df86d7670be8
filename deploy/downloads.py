"""Run a download tool, say how far it is, and turn its failure into a clear word."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from deploy.faults import EngineError

SAY_EVERY: Final = 1.0
KEEP_LINES: Final = 40


def fetch(
    command: Sequence[str], *, tool: str, say: Callable[[str], None], env: Mapping[str, str] | None = None
) -> None:
    """Run `command` to its end; `say` hears the progress about once a second.

    Raises EngineError `download` with the tool's last lines when it fails.
    """
    tail: deque[str] = deque(maxlen=KEEP_LINES)
    files, said = 0, time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip())
                files += _finished(line)
                if files and time.monotonic() - said >= SAY_EVERY:
                    said = time.monotonic()
                    say(str(files))
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise EngineError("download", tool=tool, tail=_essence(tail))


def _finished(line: str) -> bool:
    """Whether the line of Maven, uv or pip reports one finished file."""
    return line.lstrip("[INFO] ").startswith(("Downloaded ", "Saved ", "Using cached", "Downloading https"))


def _essence(tail: Sequence[str]) -> str:
    errors = [line for line in tail if "ERROR" in line or "error" in line]
    return "\n".join((errors or list(tail))[:12])
