"""WeCom's group robot: Markdown, or text where it must be readable in WeChat too; judged by `errcode`.

Source of the form: document 91770 of the platform. The key in the address is the only secret; there is no signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from yarl import URL

from alerts.delivery.card import Card, Line, Span
from alerts.delivery.channel import Limit
from alerts.delivery.channels.layout import Part
from alerts.delivery.channels.markup import address, disarmed, marked, opening, target
from alerts.delivery.channels.robot import with_links
from alerts.delivery.channels.verdicts import Codes, Verdict

HOSTS: Final = frozenset({"qyapi.weixin.qq.com"})
KEY: Final = "key"  # in the query of a robot's address
# The platform counts the bytes of the content; the request around it is counted too here, so it is always enough.
SIZES: Final = {"markdown": 4096, "text": 2048}
RATE: Final = (Limit(20, 60.0),)
TEXT_LINK: Final = 1000  # bytes of an address within a text of 2,048
COLOURS: Final = {"critical": "warning", "warning": "warning", "info": "info", "resolved": "info"}
_ADDRESS: Final = "Copy the robot's address again from the group's settings"
_TOO_LARGE: Final = Verdict("refused", "the message is too large", "Report this as a fault of Tocsin", True)
CODES: Final = Codes(
    "WeCom",
    ("errcode",),
    ("errmsg",),
    {
        -1: (Verdict("unreachable", "WeCom is busy", "Nothing to do: it is tried again"),),
        45009: (
            Verdict(
                "throttled",
                "more than 20 messages a minute",
                "Group alerts in the route (group_wait, group_interval)",
                pause=60.0,
            ),
        ),
        93000: (Verdict("refused", "WeCom knows no robot of this key", _ADDRESS, True),),
        93004: (Verdict("refused", "the robot was removed", "Give this receiver another robot's address", True),),
        93008: (Verdict("refused", "the robot is not in the group any more", "Add it to the group again"),),
        45002: (_TOO_LARGE,),
        40058: (
            Verdict("refused", "the message is too large", _TOO_LARGE.fix, True, words=("exceed", "length")),
            Verdict("refused", "WeCom takes the request for malformed", _TOO_LARGE.fix, True),
        ),
        44004: (Verdict("refused", "WeCom takes the message for empty", _TOO_LARGE.fix, True),),
    },
    "open.work.weixin.qq.com/devtool/query",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeCom:
    """One robot's address, form, and whom it calls by name."""

    url: URL = field(repr=False)
    form: Literal["markdown", "text"] = "markdown"
    users: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()  # of the form `text` alone
    type: str = "wecom"
    limits: tuple[Limit, ...] = RATE
    codes: Codes = field(default=CODES, repr=False)

    @property
    def limit(self) -> int:
        """Bytes, by the form."""
        return SIZES[self.form]

    @property
    def secrets(self) -> Sequence[str]:
        """The key."""
        return (self.url.query.get(KEY, ""),)

    def arranged(self, card: Card) -> Card:
        """Buttons become links."""
        return with_links(card)

    def request(self, part: Part) -> bytes:
        """The request of one part."""
        return msgspec.json.encode(self._text(part) if self.form == "text" else self._markdown(part))

    def _markdown(self, part: Part) -> dict[str, Any]:
        colour = COLOURS[part.card.severity]
        title = f'<font color="{colour}">**{disarmed(part.title) or " "}**</font>'
        blocks = ["\n".join(_line(line) for line in block.lines) for block in part.card.blocks]
        called = " ".join(f"<@{user}>" for user in self.users) if part.mentions else ""
        content = "\n\n".join(text for text in (title, *blocks, called) if text)
        return {"msgtype": "markdown", "markdown": {"content": content}}

    def _text(self, part: Part) -> dict[str, Any]:
        blocks = ["\n".join("".join(map(_plain_span, line)) for line in block.lines) for block in part.card.blocks]
        text: dict[str, Any] = {"content": "\n\n".join((disarmed(part.title), *blocks))}
        if part.mentions:
            lists = {"mentioned_list": self.users, "mentioned_mobile_list": self.mobiles}
            text |= {name: people for name, people in lists.items() if people}
        return {"msgtype": "text", "text": text}

    def signed(self, part: bytes, at: datetime) -> tuple[URL, bytes]:  # noqa: ARG002 - the contract's
        """As it is."""
        return self.url, part


def _line(line: Line) -> str:
    return opening("".join(map(_span, line)))


def _span(span: Span) -> str:
    text = disarmed(span.text)
    href = target(span.href) if span.href and text.strip() else ""
    if href:
        return marked(text, "[", f"]({href})")
    if span.style == "mark":
        return marked(text, '<font color="warning">', "</font>")
    return marked(text, "**", "**") if span.style else text


def _plain_span(span: Span) -> str:
    href = address(span.href, TEXT_LINK) if span.href and span.text.strip() else ""
    return f"{disarmed(span.text)} {href} " if href else disarmed(span.text)
