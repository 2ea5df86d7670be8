"""Which Host headers a listening process answers to.

A page on the web can let its own name point at this machine (DNS rebinding); its requests then carry that name. So a
name that is not ours is refused before anything else is looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def local_address(host: str) -> bool:
    """Whether a listening address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def known_names(bound: str, named: str) -> frozenset[str]:
    """The names to answer to: local ones, the address that is listened on, and those named, comma separated."""
    own = f"[{bound.lower()}]" if ":" in bound else bound.lower()
    return LOCAL | {own} | {name.strip().lower() for name in named.split(",") if name.strip()}


def answers_to(header: str, names: Collection[str], bound: str) -> bool:
    """Whether a Host header names us. Listening everywhere, any numeric address does: names are what rebinding
    needs."""
    host = header.lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name in names:
        return True
    if bound not in EVERYWHERE:
        return False
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
