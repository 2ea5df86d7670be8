"""The console of the demo: the API as a process of its own, so that neither waits for the other. What goes wrong with
it is told and changes nothing else: the day is played, and the verdict given, without it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console import open as opening
from console.workers import GRACE, PARENT
from streams.settings import Settings, environment

PATIENCE: Final = 30.0  # seconds in which it answers; on a busy machine a start takes a few
LOOK_EVERY: Final = 0.25


@dataclass(slots=True)
class Page:
    """One process; `start` it, ask for its `address`, `stop` it. It ends with this process, however that ends."""

    settings: Settings
    logs: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where it says what goes wrong."""
        return self.logs / "api.log"

    def start(self) -> None:
        """Begin to serve on the usual port, or on a free one where that is taken. Does not wait."""
        port = self.settings.api_port if is_free(self.settings.api_host, self.settings.api_port) else 0
        mine = self.settings.model_copy(update={"api_port": port})
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "console.cli", "api"],
                env=os.environ | environment(mine) | {PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C in the terminal reaches only the demo, which stops in order
            )

    async def address(self, patience: float = PATIENCE) -> str:
        """The page's address, signed in, as soon as it can be used; empty when it cannot."""
        try:
            async with asyncio.timeout(patience):
                while self._process is not None and self._process.poll() is None:
                    url, ready = await asyncio.to_thread(opening.serving, self.settings)
                    if ready:
                        return opening.signed_in(url, opening.local_token(self.settings))
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            pass
        return ""

    def stop(self) -> None:
        """End it: asked first, killed after a grace period."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_free(host: str, port: int) -> bool:
    """Whether the port can be had."""
    try:
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False
