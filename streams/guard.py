"""Outgoing HTTP that cannot be turned inward: which addresses may be connected to, decided when the socket is made.

A host name can resolve to anything, differently each time, and one address has many spellings. So the verdict falls
on the address the socket is about to connect to, after every resolution and every redirect, not on the URL's text.
Use the connector in a session with `trust_env=False`: a proxy from the environment would connect in our place.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

import aiohttp
from yarl import URL

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

PORTS: Final = frozenset({80, 443, 8080, 8443})  # ports of public hosts where HTTP lives; others are other protocols
# Python calls some of these global, yet a packet to them ends at an address written inside, or at an unknown relay.
TUNNELS: Final = tuple(
    ip_network(block)
    for block in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated (SIIT)
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "192.88.99.0/24",  # 6to4 relays
        "fec0::/10",  # site-local
    )
)
_USERINFO: Final = re.compile(r"[^:/?#]*://[^/?#]*@")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")


class Refused(OSError):  # noqa: N818 - reads as what it says
    """A connection or URL that is not allowed. The message names host or address, never path, query or userinfo."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EACCES, message)

    def __str__(self) -> str:
        return str(self.strerror)


def parse_allow(text: str) -> tuple[Network, ...]:
    """CIDR blocks out of `10.1.2.0/24, ::1/128`. Raises ValueError naming the part that is none."""
    networks: list[Network] = []
    for part in re.split(r"[,\s]+", text.strip()):
        if not part:
            continue
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ValueError(f"{part!r} is not a CIDR block such as 10.1.2.0/24: {error}") from None
    return tuple(networks)


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside `::ffff:a.b.c.d`, else the address itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def check_address(
    host: str, port: int, allow: Sequence[Network] = (), *, public: bool = True, ports: Collection[int] = PORTS
) -> None:
    """Raise Refused unless the numeric address may be connected to.

    Addresses in `allow` may be, on every port. Others only with `public`, on `ports`, and when they are global,
    neither multicast nor reserved, without a zone, and no tunnel to an address that they contain.
    """
    address = unwrapped(ip_address(host))
    if _within(address, allow):
        return
    private = not address.is_global or address.is_multicast or address.is_reserved
    if private or "%" in host or _within(address, TUNNELS):
        raise Refused(f"{address} is not a public address; name its block in the allow list if you mean it")
    if not public:
        raise Refused(f"{address} is outside the allow list: plain http goes only to addresses named there")
    if port not in ports:
        raise Refused(f"port {port} of {address} is none of {sorted(ports)}; name its block in the allow list")


def check_url(url: str, allow: Sequence[Network] = (), *, plain: bool = False, ports: Collection[int] = PORTS) -> URL:
    """The parsed URL, or Refused: an early word about what the connector would refuse, and about what it cannot see.

    Scheme https; http with `plain`, or when `allow` names blocks (then build the connector with `public=False`, so
    that the readable request reaches those blocks only). No user name or password, no control character, no zone.
    """
    if _UNPRINTABLE.search(url):
        raise Refused("the URL holds a space, a backslash or a control character")
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        raise Refused("this is not a URL") from None
    if parsed.scheme not in ("http", "https") or not host or not port:
        raise Refused("the URL must look like https://host/path")
    if _USERINFO.match(url):
        raise Refused(f"the URL of {host} holds a user name or password")
    if parsed.scheme == "http" and not (plain or allow):
        raise Refused(f"the URL of {host} is not https")
    literal = _literal(host)
    if literal is not None:
        check_address(literal, port, allow, public=parsed.scheme == "https" or plain, ports=ports)
    elif not allow and port not in ports:
        raise Refused(f"port {port} of {host} is none of {sorted(ports)}; name its block in the allow list")
    return parsed


def _literal(host: str) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        return None
    return host


def guarded_connector(
    allow: Sequence[Network], *, public: bool = True, ports: Collection[int] = PORTS, limit_per_host: int = 2
) -> aiohttp.TCPConnector:
    """A connector whose sockets are made only for addresses that `check_address` lets pass.

    A refused one raises `aiohttp.ClientConnectorError` before any packet leaves (`refusal(error)` tells it apart).
    """

    def make_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, target = info
        host, port, *scope = target
        if len(scope) == 2 and scope[1]:
            host = f"{host}%{scope[1]}"
        check_address(host, port, allow, public=public, ports=ports)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(socket_factory=make_socket, limit_per_host=limit_per_host)


def refusal(error: BaseException) -> bool:
    """Whether a client error is this guard's refusal rather than a fault of the network."""
    inner = getattr(error, "os_error", error)
    return isinstance(inner, OSError) and inner.errno == errno.EACCES
