"""The guard of outgoing connections: no spelling of an inner address is ever connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from streams.guard import Refused, check_address, check_url, guarded_connector, parse_allow, refusal

LOOPBACK = [
    *("localhost", "LOCALHOST", "127.0.0.1", "127.1", "127.0.0.1.", "0.0.0.0", "0x7f000001", "0177.0.0.1"),  # noqa: S104 - called, not bound
    *("2130706433", "017700000001", "①②⑦.0.0.1", "127。0。0。1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%lo]"),
]


@dataclass(slots=True)
class Canary:
    """A listener on loopback, IPv4 and IPv6, that counts whoever connects."""

    port: int
    connections: list[object] = field(default_factory=list)


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    heard: list[object] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer.get_extra_info("peername"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    four = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = int(four.sockets[0].getsockname()[1])
    six = await asyncio.start_server(answer, "::1", port)
    try:
        yield Canary(port, heard)
    finally:
        for server in (four, six):
            server.close()
            await server.wait_closed()


async def get(connector: aiohttp.BaseConnector, url: str) -> int:
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(connector=connector, trust_env=False, timeout=timeout) as session,
        session.get(url) as response,
    ):
        return response.status


@pytest.mark.parametrize("host", LOOPBACK)
async def test_no_spelling_of_loopback_is_connected_to(canary: Canary, host: str) -> None:
    """Whatever the URL writes for loopback, the listener there sees no connection."""
    with pytest.raises((aiohttp.ClientError, ValueError)):
        await get(guarded_connector(()), f"http://{host}:{canary.port}/")
    assert canary.connections == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_named_block_is_connected_to(canary: Canary, host: str) -> None:
    """Loopback named in the allow list may be called, on any port."""
    connector = guarded_connector(parse_allow("127.0.0.0/8, ::1/128"), public=False)
    assert await get(connector, f"http://{host}:{canary.port}/") == 204


class Turning(AbstractResolver):
    """A name that resolves to a public address first and to loopback afterwards."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = "93.184.216.34" if self.asked == 1 else "127.0.0.1"
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0),
        ]

    async def close(self) -> None: ...


async def test_a_name_that_turns_inward_is_refused_at_the_socket(canary: Canary) -> None:
    """A resolver that flips after its first answer gains nothing: the connected address is what is judged."""
    connector = guarded_connector(())
    connector._resolver = resolver = Turning()
    await resolver.resolve("rebind.example")
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await get(connector, f"http://rebind.example:{canary.port}/")
    assert refusal(caught.value)
    assert canary.connections == []


async def test_a_redirect_inward_is_refused(canary: Canary) -> None:
    """A permitted host cannot send the client on to one that is not."""

    async def redirect(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: http://[::1]:{canary.port}/\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(guarded_connector(parse_allow("127.0.0.1/32")), f"http://127.0.0.1:{port}/")
    assert canary.connections == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104 - as above
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%2", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "::127.0.0.1", "2001:0:53aa::1", "fec0::1"),
        *("2606:4700:4700::1111%2",),
    ],
)
def test_inner_addresses_are_refused(host: str) -> None:
    """Private, local, reserved, multicast and tunnelled addresses are refused."""
    with pytest.raises(Refused):
        check_address(host, 443)


@pytest.mark.parametrize("host", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_pass_on_web_ports_alone(host: str) -> None:
    """A public address may be called on the ports of the web, not on others, and not when only the list may be."""
    check_address(host, 443)
    for arguments in ({"port": 25}, {"port": 443, "public": False}):
        with pytest.raises(Refused):
            check_address(host, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "allow", "word"),
    [
        ("http://example.com/", "", "not https"),
        ("ftp://example.com/", "", "must look like"),
        ("file:///etc/passwd", "", "must look like"),
        ("//example.com/", "", "must look like"),
        ("nonsense", "", "must look like"),
        ("", "", "must look like"),
        ("https://user:secret@example.com/", "", "user name"),
        ("https://user@example.com/", "", "user name"),
        ("https://@example.com/", "", "user name"),
        ("https://example.com/a b", "", "control character"),
        ("https://example.com/\r\nX: y", "", "control character"),
        ("https://example.com\\@127.0.0.1/", "", "control character"),
        ("https://example.com:99999/", "", "not a URL"),
        ("https://[::1/", "", "not a URL"),
        ("https://127.0.0.1/", "", "not a public address"),
        ("https://[fe80::1%25eth0]/", "", "not a public address"),
        ("http://1.1.1.1/", "127.0.0.0/8", "outside the allow list"),
        ("https://example.com:25/", "", "port 25"),
        ("https://1.1.1.1:6379/", "127.0.0.0/8", "port 6379"),
    ],
)
def test_wrong_urls_are_named(url: str, allow: str, word: str) -> None:
    """Each wrong URL is refused with a word that says why, and without its path or password."""
    with pytest.raises(Refused, match=word) as caught:
        check_url(url, parse_allow(allow))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "allow", "plain"),
    [
        ("https://example.com/hook?token=1", "", False),
        ("https://example.com:8443/hook", "", False),
        ("http://127.0.0.1:9000/hook", "127.0.0.0/8", False),
        ("http://receiver.internal:9000/hook", "10.0.0.0/8", False),
        ("https://[::1]:9000/", "::1/128", False),
        ("http://example.com/feed.xml", "", True),
    ],
)
def test_right_urls_pass(url: str, allow: str, plain: bool) -> None:
    """What an operator may reasonably write is accepted and comes back parsed."""
    assert str(check_url(url, parse_allow(allow), plain=plain)) == url


def test_an_allow_list_is_read_or_its_wrong_part_named() -> None:
    """Commas and spaces separate; host bits and nonsense are refused by name."""
    assert [str(n) for n in parse_allow(" 10.0.0.0/8,::1/128 192.168.1.7 ")] == [
        *("10.0.0.0/8", "::1/128", "192.168.1.7/32")
    ]
    assert parse_allow("") == ()
    for wrong in ("10.0.0.1/8", "loopback", "10.0.0.0/33"):
        with pytest.raises(ValueError, match=wrong):
            parse_allow(f"127.0.0.0/8,{wrong}")
