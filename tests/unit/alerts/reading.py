"""Parts for tests of what people read: messages, all that a card says, the bones of an HTML page, hostile text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, get_args

from hypothesis import strategies as st

from alerts.delivery.card import Card
from alerts.delivery.channel import Message, Why
from alerts.delivery.render import Lang, card
from alerts.delivery.samples import sample_messages
from streams.records import AlertEvent
from tests.ringing import START, event

BOTH: tuple[Lang, ...] = ("en", "zh")
WHYS: tuple[Why, ...] = get_args(Why)
SAMPLES = sample_messages(demo=False)
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</p></div><h1>Over</h1>",
        "<!-- ",
        "]]>",
        "&lt;b&gt; &amp;amp;",
        "{demo}{0.__class__}%s",
        "a\u202eb\r\nBcc: x\x00",
        "[x](javascript:alert(1)) @all <at id=all></at>",
        "</title><style>*{display:none}",
    ]
)


def message(*events: AlertEvent, why: Why = "first", **fields: Any) -> Message:
    return Message(id="m", at=START, why=why, events=events or (event(),), **fields)


def words(shown: Card) -> str:
    """Everything a card says."""
    lines = ["".join(span.text for span in line) for block in shown.blocks for line in block.lines]
    return "\n".join([shown.title, *lines])


class Skeleton(HTMLParser):
    """Tags and names of attributes in order, addresses, and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", ()))

    def handle_data(self, data: str) -> None:
        self.text += data


def said(of: AlertEvent, lang: Lang = "en") -> str:
    return words(card(message(of), lang))
