"""Feishu's and Lark's group robot: an interactive card, signed in the body, judged by `code`.

Source of the form: the platform's guides "custom bot" and "card JSON 2.0", which also say that characters of Markdown
are written as HTML entities. Signature: base64 of HMAC-SHA256 with `seconds LF secret` as the KEY over nothing; good
for an hour.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from pydantic import SecretStr
from yarl import URL

from alerts.delivery.card import Button, Card, Line, Span
from alerts.delivery.channel import Limit
from alerts.delivery.channels.layout import Part, clean
from alerts.delivery.channels.markup import address, marked, opening, target, unlinked
from alerts.delivery.channels.robot import titled
from alerts.delivery.channels.verdicts import Codes, Verdict

HOSTS: Final = frozenset({"open.feishu.cn"})
LARK_HOSTS: Final = frozenset({"open.larksuite.com"})
HOOK: Final = "/open-apis/bot/v2/hook/"  # before the token in the path of a robot's address
SIGNATURE: Final = 120  # bytes that time and signature add to a body
LIMIT: Final = 20_000 - SIGNATURE  # bytes of a request
RATE: Final = (Limit(100, 60.0), Limit(5, 1.0))
COLOURS: Final = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green"}
MEANINGFUL: Final = re.compile(r"[&<>@*_~\[\]#\\`|$]|:(?=[A-Za-z_])")  # the colon opens an emoji
_ADDRESS: Final = "Copy the robot's address again from the group's settings"
_SLOWER: Final = Verdict(
    "throttled", "Feishu takes no more for now", "Group alerts in the route (group_wait, group_interval)", pause=60.0
)
CODES: Final = Codes(
    "Feishu",
    ("code", "StatusCode"),
    ("msg", "StatusMessage"),
    {
        19001: (Verdict("refused", "Feishu knows no robot of this address", _ADDRESS, True),),
        19002: (
            Verdict("refused", "Feishu takes the request for malformed", "Report this as a fault of Tocsin", True),
        ),
        19007: (Verdict("refused", "the robot is switched off", "Switch it on in the group's settings"),),
        19021: (
            Verdict(
                "refused",
                "the signature does not match",
                "Copy the robot's signing secret again into the place that `secret_env` or `secret_file` names",
                True,
                clock=True,
            ),
        ),
        19022: (
            Verdict(
                "refused",
                "this machine's address is not on the robot's list",
                "Add this machine's public address to the robot's security settings",
            ),
        ),
        19024: (
            Verdict(
                "refused",
                "the robot's keyword is missing",
                "Set `keyword` of this receiver to one of the robot's custom keywords",
                True,
            ),
        ),
        9499: (
            Verdict(_SLOWER.answer, _SLOWER.meaning, _SLOWER.fix, pause=60.0, words=("too many", "frequen", "limit")),
            Verdict("refused", "Feishu takes the request for malformed", "Report this as a fault of Tocsin", True),
        ),
        11232: (_SLOWER,),
        99991400: (_SLOWER,),
    },
    "Feishu's guide to custom bots",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feishu:
    """One robot's address, secret, keyword and whom it calls by id."""

    url: URL = field(repr=False)
    secret: SecretStr | None = field(default=None, repr=False)
    keyword: str = ""
    users: tuple[str, ...] = ()
    type: str = "feishu"
    limit: int = LIMIT
    limits: tuple[Limit, ...] = RATE
    codes: Codes = field(default=CODES, repr=False)

    @property
    def secrets(self) -> Sequence[str]:
        """Token and secret."""
        return (self.url.name, self.secret.get_secret_value() if self.secret else "")

    def arranged(self, card: Card) -> Card:
        """As it is: this platform has blocks and buttons of its own."""
        return card

    def request(self, part: Part) -> bytes:
        """The card of one part."""
        texts = ["\n".join(_line(line) for line in block.lines) for block in part.card.blocks]
        if part.mentions and self.users:
            texts.append(" ".join(f"<at id={user}></at>" for user in self.users))
        elements: list[dict[str, Any]] = [{"tag": "markdown", "content": text} for text in texts if text.strip()]
        buttons = [b for b in part.card.buttons if address(b.href)]
        if buttons:
            elements.append({"tag": "column_set", "flex_mode": "flow", "columns": [_column(b) for b in buttons]})
        title = unlinked(titled(part.title, self.keyword, "\n".join(texts), part))
        header = {"title": {"tag": "plain_text", "content": title}, "template": COLOURS[part.card.severity]}
        card = {"schema": "2.0", "header": header, "body": {"elements": elements}}
        return msgspec.json.encode({"msg_type": "interactive", "card": card})

    def signed(self, part: bytes, at: datetime) -> tuple[URL, bytes]:
        """The body with time and signature before the rest, where the robot has a secret."""
        if self.secret is None:
            return self.url, part
        stamp = str(int(at.timestamp()))
        head = msgspec.json.encode({"timestamp": stamp, "sign": sign(self.secret.get_secret_value(), stamp)})
        return self.url, head[:-1] + b"," + part[1:]


def sign(secret: str, seconds: str) -> str:
    """The signature of one moment."""
    return base64.b64encode(hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def _column(button: Button) -> dict[str, Any]:
    element = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": button.label},
        "behaviors": [{"type": "open_url", "default_url": address(button.href)}],
    }
    return {"tag": "column", "width": "auto", "elements": [element]}


def escaped(text: str) -> str:
    """Text from outside within the platform's Markdown: as entities, and without addresses that it would link."""
    return MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", unlinked(clean(text)))


def _line(line: Line) -> str:
    return opening("".join(map(_span, line)))


def _span(span: Span) -> str:
    text = escaped(span.text)
    href = target(span.href) if span.href and text.strip() else ""
    if span.style == "mark" and not href:
        return marked(text, "<font color='red'>", "</font>")
    text = marked(text, "**", "**") if span.style else text
    return marked(text, "[", f"]({href})") if href else text
