"""One guarded HTTP call: no redirect, no proxy, no cookie, and no address but those that are allowed.

Whatever the network does comes back as a value. No error text of the network is kept: it may hold the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import aiohttp
from yarl import URL

from alerts.delivery.schedule import Reply
from streams.guard import Network, guarded_connector, refusal
from streams.records import Answer as Said
from streams.version import VERSION

CONNECT_LIMIT: Final = 5.0  # seconds for TCP and TLS together
BODY_LIMIT: Final = 65_536  # bytes read of a reply
TLS_PORTS: Final = frozenset({443, 8443})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, at most `BODY_LIMIT` bytes of it."""

    status: int
    body: bytes = b""
    retry_after: str = ""
    date: str = ""


class Caller:
    """Calls one receiver over connections of its own. With `public` False only addresses in `allow` are called."""

    def __init__(
        self,
        allow: Sequence[Network],
        timeout: float,
        *,
        public: bool,
        headers: Mapping[str, str],
        ports: frozenset[int] = TLS_PORTS,
    ) -> None:
        self._allow = allow
        self._timeout = timeout
        self._public = public
        self._ports = ports
        self._headers = {"User-Agent": f"tocsin/{VERSION}", "Accept-Encoding": "identity"} | dict(headers)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str] | None = None) -> Answer | Reply:
        """One request and its answer, or a Reply that says why there is none. Only bugs raise."""
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as response:
                given = response.headers
                read = await _read(response)
                return Answer(response.status, read, given.get("Retry-After", "")[:64], given.get("Date", "")[:64])
        except TimeoutError:
            return Reply(None, "timeout")
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return Reply(None, word(error))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=guarded_connector(self._allow, public=self._public, ports=self._ports),
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(CONNECT_LIMIT, self._timeout)),
                headers=self._headers,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    while len(found) < BODY_LIMIT and (chunk := await response.content.read(BODY_LIMIT - len(found))):
        found += chunk
    return bytes(found)


def word(error: Exception) -> str:
    """A stable word for a fault of the network. Never the error's own text: it may hold the address."""
    if refusal(error):
        return "address_refused"
    words: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorDNSError, "dns"),
        (aiohttp.ClientSSLError, "tls"),
        (aiohttp.ClientConnectorCertificateError, "tls"),
        (aiohttp.ClientConnectorError, "connect"),
        (aiohttp.ServerDisconnectedError, "disconnected"),
        (aiohttp.ClientOSError, "disconnected"),
        (aiohttp.ClientPayloadError, "disconnected"),
        (OSError, "connect"),
    )
    return next((word for kind, word in words if isinstance(error, kind)), "protocol")


FAULTS: Final[Mapping[str, tuple[Said, str, str]]] = {
    "timeout": (
        "timed_out",
        "no answer in time",
        "See whether the receiver is slow; TOCSIN_WEBHOOK_TIMEOUT is how long we wait",
    ),
    "dns": ("unreachable", "the receiver's name has no address", "Check the host name and this machine's name servers"),
    "tls": (
        "unreachable",
        "no TLS connection that can be trusted",
        "Check the receiver's certificate: host name, expiry, issuer",
    ),
    "connect": (
        "unreachable",
        "nobody answers at that address",
        "See whether the receiver runs and a firewall lets this machine out",
    ),
    "disconnected": (
        "unreachable",
        "the connection was dropped",
        "See the receiver's log, and whether a proxy cuts connections",
    ),
    "protocol": ("unreachable", "what answers does not speak HTTP", "Check host and port of the address"),
    "address_refused": (
        "refused",
        "the receiver's name leads to an address that may not be called",
        "If the receiver is meant to be inside your network, name its block in TOCSIN_WEBHOOK_ALLOW",
    ),
}
STATUSES: Final[Mapping[int, tuple[Said, str, str]]] = {
    400: ("refused", "the receiver could not use the request", "See the receiver's log for what it missed"),
    401: ("refused", "the receiver did not accept the signature or login", "Check the secret on both sides"),
    403: ("refused", "the receiver forbids it", "Check the secret, and whether this machine's address is allowed"),
    404: ("refused", "there is nothing at that path", "Check the path of the address"),
    405: ("refused", "the address takes no POST", "Check the path of the address"),
    410: ("refused", "the receiver wants no more", "Give it a new address or secret to enable it again"),
    413: ("refused", "the message is too large for the receiver", "Let the receiver take 20 kB"),
    429: (
        "throttled",
        "the receiver takes no more for now",
        "Group alerts in the route, or raise the receiver's limit",
    ),
}


def explained(reply: Reply) -> Reply:
    """The reply with what it means and what to do, told from the status or the word of the fault."""
    if reply.answer:
        return reply
    status = reply.status
    if status is None:
        answer, meaning, fix = FAULTS.get(reply.error, FAULTS["protocol"])
    elif 200 <= status < 300:
        return replace(reply, answer="accepted")
    elif 300 <= status < 400:
        answer, meaning, fix = "refused", "redirects are not followed", "Give the address that it leads to"
    elif status >= 500:
        answer, meaning, fix = "unreachable", "the receiver failed", "See the receiver's log"
    else:
        answer, meaning, fix = STATUSES.get(status, ("refused", "the receiver refused it", "See the receiver's log"))
    return replace(reply, answer=answer, code=reply.code or str(status or reply.error), meaning=meaning, fix=fix)
