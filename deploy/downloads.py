"""Run a download tool, say how far it is, and turn its failure into a clear word."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.faults import EngineError

SAY_EVERY: Final = 1.0
KEEP_LINES: Final = 40
# Maven says "[INFO] Downloaded from ...", uv " Downloaded name", pip "Downloading name.whl (1.2 MB)".
FINISHED: Final = re.compile(r"(\[INFO\] )?\s*(Downloaded |Downloading \S+\.whl )")


class _Counter:
    """Files finished so far, told to `say` once a second until the block ends: a large file gives no line for long."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.files = 0
        self._say = say
        self._begun = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Counter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(SAY_EVERY):
            self._say(f"{self.files} · {time.monotonic() - self._begun:.0f} s")


def fetch(command: Sequence[str], say: Callable[[str], None], env: Mapping[str, str] | None = None) -> None:
    """Run `command` to its end; `say` hears once a second how many files came and for how long it has been at it.

    Raises EngineError `download` with the tool's last lines when it fails.
    """
    tail: deque[str] = deque(maxlen=KEEP_LINES)
    pipe = subprocess.PIPE
    with (
        _Counter(say) as counter,
        subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip())
                counter.files += FINISHED.match(line) is not None
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise EngineError("download", tool=Path(command[0]).name, tail=_essence(tail))


def _essence(tail: Sequence[str]) -> str:
    errors = [line for line in tail if "error" in line.lower()]
    return "\n".join((errors or list(tail))[:12])
