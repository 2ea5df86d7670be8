"""Commands of the documents as their reader gives them: run by bash, in a folder of the reader's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.documents import ROOT

PATIENCE: Final = 240.0
# A command that fails ends the script and is named; what runs behind it ends with it.
BEFORE: Final = r"""
set -Eeuo pipefail
set -m
trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
trap 'trap - ERR; kill $(jobs -p) 2>/dev/null || true' EXIT
until_so() {
    for _ in $(seq "$1"); do if "${@:2}" 2>/dev/null; then return; fi; command sleep 1; done
    return 1
}
"""


async def run(text: str, folder: Path, environment: Mapping[str, str], patience: float = PATIENCE) -> tuple[int, str]:
    """Exit code and everything that was said; nothing that was started stays."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", text, cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), patience)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")


def surroundings(**more: str) -> dict[str, str]:
    """The variables of a reader who has set nothing of Tocsin's, in English; the tests' Python is the first found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kept | {"TOCSIN_LANG": "en", "PATH": path, "PYTHONPATH": str(ROOT)} | more


def free(count: int = 1) -> int:
    """The first of some ports in a row that nobody has."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError, OverflowError):
            first = int(held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1])
            for port in range(first + 1, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
