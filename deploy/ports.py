"""Ports on loopback: the preferred one when it is free, else another, and none given to two engines at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from deploy.faults import EngineError

# Below the range the system takes client ports from. There, a client that keeps trying a dead server's port can be
# given that very port and connect to itself, and the server cannot come back.
OTHERS: Final = range(15_000, 32_000)
TRIES: Final = 200


def free(port: int) -> bool:
    """Whether a server could listen on this port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is still closing is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def claim(wanted: Mapping[str, int], folder: Path) -> Iterator[dict[str, int]]:
    """A free port for each use in `wanted`, the wanted number where possible (0: any).

    While the block runs, no other stack of this machine's user is given the same: between choosing a port and the
    engine's listening on it there are seconds. `folder` holds the locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        yield {use: _take(number, folder, held) for use, number in wanted.items()}


def _take(number: int, folder: Path, held: contextlib.ExitStack) -> int:
    for port in _candidates(number):
        handle = os.open(folder / str(port), os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        if free(port):
            held.callback(os.close, handle)
            return port
        os.close(handle)
    raise EngineError("no_port", first=OTHERS.start, last=OTHERS.stop - 1)


def _candidates(number: int) -> Iterable[int]:
    if number:
        yield number
    yield from random.sample(OTHERS, TRIES)
