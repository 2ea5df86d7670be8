"""Ports on loopback: the preferred one when it is free, else another, and none given to two engines at once."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable, Iterator, Mapping
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


def listening(port: int) -> bool:
    """Whether a server takes connections on this port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def claim(wanted: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """A free port for each use in `wanted`, the wanted number where possible (0: any).

    While the block runs, no other stack on this machine is given the same: between choosing a port and the engine's
    listening on it there are seconds. A name in the system's table of sockets is the lock; it goes with the process.
    """
    with contextlib.ExitStack() as held:
        yield {use: _take(number, held) for use, number in wanted.items()}


def _take(number: int, held: contextlib.ExitStack) -> int:
    for port in _candidates(number):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0tocsin-port-{port}")
        except OSError:
            lock.close()
            continue
        if free(port):
            held.callback(lock.close)
            return port
        lock.close()
    raise EngineError("no_port", first=OTHERS.start, last=OTHERS.stop - 1)


def _candidates(number: int) -> Iterable[int]:
    if number:
        yield number
    yield from random.sample(OTHERS, TRIES)
