"""Every other service, through apprise (extra `channels`): one receiver an address, so each has receipts of its own.

Apprise says only whether a service took a message; what it said is for its own log. For the three Chinese robots even
that is not so (it takes HTTP 200 for success), and Tocsin has types of its own for them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from pydantic import SecretStr

from alerts.delivery.card import Line, Span
from alerts.delivery.channel import Limit, Message
from alerts.delivery.channels.calls import explained
from alerts.delivery.channels.layout import Part, split
from alerts.delivery.channels.markup import address, disarmed
from alerts.delivery.channels.robot import with_links
from alerts.delivery.channels.threads import Threads
from alerts.delivery.channels.wording import Reader
from alerts.delivery.schedule import Reply
from alerts.sayings import Saying, saying
from streams.records import Bulletin

OURS: Final = {"dingtalk": "dingtalk", "wecombot": "wecom", "feishu": "feishu", "lark": "feishu"}
SHORT: Final = 500  # characters; a service that takes fewer gets what a lock screen shows
LONGEST: Final = 30_000
KINDS: Final = {"critical": "failure", "warning": "warning", "info": "info", "resolved": "success"}
INSTALL: Final = "pip install 'tocsin[channels]'"


class Unusable(ValueError):  # noqa: N818 - reads as what it says
    """An address that cannot be used; the message does not show it."""

    def __init__(self, told: Saying) -> None:
        super().__init__(str(told))
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """A channel to one address of apprise."""

    id: str
    name: str
    settings: str = field(repr=False)
    demo: bool
    reader: Reader
    url: SecretStr = field(repr=False)
    title_limit: int
    body_limit: int
    timeout: float
    threads: Threads = field(default_factory=Threads, repr=False)
    type: str = "apprise"
    grouped: bool = True
    limits: tuple[Limit, ...] = ()

    def render(self, message: Message) -> tuple[bytes, ...]:
        """Title and text, in parts that the service takes whole."""
        short = self.body_limit < SHORT
        card = self.reader.glance(message) if short else with_links(self.reader.card(message))
        return tuple(map(self._encoded, split(card, self._fits)))

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:  # noqa: ARG002 - apprise takes none
        """Title and text; of a service that takes few characters only the title."""
        card = with_links(self.reader.report(bulletin))
        card = replace(card, blocks=()) if self.body_limit < SHORT else card
        return tuple(map(self._encoded, split(card, self._fits)))

    def _fits(self, part: Part) -> bool:
        return len(self._body(part)) <= min(self.body_limit, LONGEST)

    def _title(self, part: Part) -> str:
        return disarmed(part.title)[: self.title_limit] if self.title_limit > 0 else ""

    def _body(self, part: Part) -> str:
        title = disarmed(part.title)
        shown = () if self._title(part) == title else (title,)
        return "\n\n".join((*shown, *("\n".join(map(_line, block.lines)) for block in part.card.blocks)))

    def _encoded(self, part: Part) -> bytes:
        kind = KINDS[part.card.severity]
        # A body is never empty: apprise refuses it.
        return msgspec.json.encode({"title": self._title(part), "body": self._body(part) or part.title, "kind": kind})

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:  # noqa: ARG002 - apprise takes neither
        """One attempt, in a thread, and whether the service took it."""
        try:
            taken = await self.threads.call(lambda: notified(self.url.get_secret_value(), part), self.timeout)
        except TimeoutError:
            return explained(Reply(None, "timeout"))
        if taken:
            return Reply(200, answer="accepted", code="accepted")
        return Reply(
            None,
            "apprise",
            answer="refused",
            code="failure",
            meaning="the service did not take it; apprise does not say why",
            fix="Try the address by hand on this machine: apprise -vv -b test ADDRESS",
        )

    async def close(self) -> None:
        """Nothing is held open."""


def _line(line: Line) -> str:
    return "".join(map(_span, line))


def _span(span: Span) -> str:
    href = address(span.href) if span.href and span.text.strip() else ""
    return f"{disarmed(span.text)} {href} " if href else disarmed(span.text)


def notified(url: str, part: bytes) -> bool:
    """Whether the service took the part; blocks."""
    apprise = _apprise()
    given = msgspec.json.decode(part)
    asset = apprise.AppriseAsset()
    asset.http_redirects = False  # one would lead anywhere, into the own network too, and its 200 is no receipt
    service = apprise.Apprise(asset=asset)
    return bool(service.add(url)) and bool(
        service.notify(
            title=given["title"], body=given["body"], notify_type=given["kind"], body_format=apprise.NotifyFormat.TEXT
        )
    )


def sizes(url: str) -> tuple[int, int]:
    """Characters of a title and of a body that the service at the address takes. Unusable when it cannot be used."""
    apprise = _apprise()
    service = apprise.Apprise.instantiate(url)
    scheme = url.partition("://")[0].strip().lower()
    ours = OURS.get(scheme) or OURS.get(str(getattr(service, "secure_protocol", "")))  # or the platform's own https://…
    if ours is not None:
        raise Unusable(saying("apprise_ours", type=ours))
    if service is None:
        raise Unusable(saying("apprise_none"))
    return int(service.title_maxlen), int(service.body_maxlen)


def _apprise() -> Any:
    """The library, silenced: its log, and that of its HTTP client, show addresses with the tokens in them."""
    try:
        import apprise
    except ImportError:
        raise Unusable(saying("apprise_missing", command=INSTALL)) from None
    for name in ("apprise", "urllib3.connectionpool"):
        logging.getLogger(name).disabled = True
    return apprise
