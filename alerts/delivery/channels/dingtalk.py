"""DingTalk's group robot: Markdown or an action card, signed in the query, judged by `errcode`.

Source of the form: the platform's guide "custom robot access". Signature: base64 of HMAC-SHA256 with the secret as key
over `milliseconds LF secret`, percent-encoded once; refused when the time is an hour off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from pydantic import SecretStr
from yarl import URL

from alerts.delivery.card import Card, Line, Span
from alerts.delivery.channel import Limit
from alerts.delivery.channels.layout import Part
from alerts.delivery.channels.markup import address, disarmed, marked, opening, target
from alerts.delivery.channels.robot import titled, with_links
from alerts.delivery.channels.verdicts import Codes, Verdict

HOSTS: Final = frozenset({"oapi.dingtalk.com"})
KEY: Final = "access_token"  # in the query of a robot's address
LIMIT: Final = 20_000  # bytes of a request
RATE: Final = (Limit(20, 60.0),)
MUTED: Final = 600.0  # seconds a robot is mute after it was too fast
_KEYWORD: Final = "Set `keyword` of this receiver to one of the robot's custom keywords"
_SLOWER: Final = "Group alerts in the route (group_wait, group_interval); the robot is mute for ten minutes"
_ADDRESS: Final = "Copy the robot's address again from the group's settings"
_TOO_FAST: Final = Verdict("throttled", "more than 20 messages a minute", _SLOWER, pause=MUTED)
_NO_ROBOT: Final = Verdict("refused", "DingTalk knows no robot of this token", _ADDRESS, final=True)
CODES: Final = Codes(
    "DingTalk",
    ("errcode",),
    ("errmsg",),
    {
        -1: (Verdict("unreachable", "DingTalk is busy", "Nothing to do: it is tried again"),),
        310000: (
            Verdict("refused", "the robot's keyword is missing", _KEYWORD, True, words=("keyword", "关键词")),
            Verdict(
                "refused",
                "the time of the signature is refused",
                "Set this machine's clock, e.g. with chrony or systemd-timesyncd; where the robot has a signature and "
                "this receiver no secret, give it one",
                words=("timestamp is invalid", "invalid timestamp", "签名过期", "时间戳无效"),
            ),
            Verdict(
                "refused",
                "the signature does not match",
                "Copy the secret (SEC…) of the robot's signature again into the place that `secret_env` or "
                "`secret_file` names",
                True,
                words=("sign", "签名"),
                clock=True,
            ),
            Verdict(
                "refused",
                "this machine's address is not on the robot's list",
                "Add this machine's public address to the robot's security settings",
                words=("whitelist", "白名单"),
            ),
            Verdict("refused", "the robot's security settings refuse it", "Compare them with this receiver"),
        ),
        300001: (_NO_ROBOT,),
        300005: (_NO_ROBOT,),
        400101: (_NO_ROBOT,),
        400106: (_NO_ROBOT,),
        400013: (Verdict("refused", "the group was dissolved", "Give this receiver another robot's address", True),),
        400102: (Verdict("refused", "the robot is switched off", "Switch it on in the group's settings"),),
        130101: (_TOO_FAST,),
        302033: (_TOO_FAST,),
        410100: (_TOO_FAST,),
        460101: (Verdict("refused", "the message is too large", "Report this as a fault of Tocsin", True),),
        430101: (Verdict("refused", "DingTalk takes a link in it for unsafe", "Leave links of that site out", True),),
        430104: (Verdict("refused", "DingTalk takes a word in it for improper", "See the alert in the page", True),),
    },
    "DingTalk's guide to custom robots",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DingTalk:
    """One robot's address, secret, keyword and whom it calls by name."""

    url: URL = field(repr=False)
    secret: SecretStr | None = field(default=None, repr=False)
    keyword: str = ""
    mobiles: tuple[str, ...] = ()
    type: str = "dingtalk"
    limit: int = LIMIT
    limits: tuple[Limit, ...] = RATE
    codes: Codes = field(default=CODES, repr=False)

    @property
    def secrets(self) -> Sequence[str]:
        """Token and secret."""
        return (self.url.query.get(KEY, ""), self.secret.get_secret_value() if self.secret else "")

    def arranged(self, card: Card) -> Card:
        """Buttons stay; only a message that calls people has links instead (an action card cannot mention)."""
        return with_links(card) if self._calls(card) else card

    def _calls(self, card: Card) -> bool:
        return bool(self.mobiles) and card.severity == "critical"

    def request(self, part: Part) -> bytes:
        """An action card where there are buttons, else Markdown."""
        mobiles = self.mobiles if part.mentions else ()
        text = "\n\n".join("  \n".join(_line(line) for line in block.lines) for block in part.card.blocks)
        if mobiles:
            text = f"{text}\n\n{' '.join(f'@{mobile}' for mobile in mobiles)}"
        title = disarmed(titled(part.title, self.keyword, text, part))
        text = f"#### {title}\n\n{text}"
        buttons = [(b.label, href) for b in part.card.buttons if (href := address(b.href))]
        if buttons:
            return msgspec.json.encode(_action_card(title, text, buttons))
        body: dict[str, Any] = {"msgtype": "markdown", "markdown": {"title": title, "text": text}}
        return msgspec.json.encode(body | ({"at": {"atMobiles": mobiles, "isAtAll": False}} if mobiles else {}))

    def signed(self, part: bytes, at: datetime) -> tuple[URL, bytes]:
        """The address with time and signature in its query, where the robot has a secret."""
        if self.secret is None:
            return self.url, part
        stamp = str(int(at.timestamp() * 1000))
        extra = f"timestamp={stamp}&sign={quote(sign(self.secret.get_secret_value(), stamp), safe='')}"
        return URL(f"{self.url}&{extra}", encoded=True), part


def sign(secret: str, milliseconds: str) -> str:
    """The signature of one moment, before it is percent-encoded."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _action_card(title: str, text: str, buttons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    links = [{"title": label, "actionURL": href} for label, href in buttons]
    card = {"title": title, "text": text, "btnOrientation": "1" if len(links) == 2 else "0", "btns": links}
    return {"msgtype": "actionCard", "actionCard": card}


def _line(line: Line) -> str:
    return opening("".join(map(_span, line)))


def _span(span: Span) -> str:
    text = disarmed(span.text)
    href = target(span.href) if span.href and text.strip() else ""
    text = marked(text, "**", "**") if span.style else text
    return marked(text, "[", f"]({href})") if href else text
