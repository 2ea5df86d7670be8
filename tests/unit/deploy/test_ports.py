"""Ports that give way."""

from __future__ import annotations

import socket
from pathlib import Path

from deploy.ports import OTHERS, claim, free


def listening() -> socket.socket:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


def test_a_free_port_is_taken_as_wished() -> None:
    """The well-known port is used where nobody else uses it."""
    with listening() as server:
        wished = server.getsockname()[1]
    with claim({"http": wished}) as ports:
        assert ports == {"http": wished}


def test_a_taken_port_gives_way() -> None:
    """A program on the wished port is no fault: another port is taken."""
    with listening() as server:
        taken = server.getsockname()[1]
        assert not free(taken)
        with claim({"http": taken}) as ports:
            assert ports["http"] != taken
            assert free(ports["http"])


def test_two_stacks_starting_at_once_get_different_ports() -> None:
    """Between choosing a port and listening on it lie seconds, in which nobody else is given it."""
    with claim({"a": 0, "b": 0}) as first, claim(first) as second:
        assert len({*first.values(), *second.values()}) == 4
    with claim(first) as again:
        assert again == first


def test_other_ports_lie_below_those_of_clients() -> None:
    """A client that keeps calling a dead server's port cannot be given that port for itself."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert OTHERS.stop <= lowest
    with claim({"x": 0}) as ports:
        assert ports["x"] in OTHERS
