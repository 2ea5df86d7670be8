"""Parts for tests of channels: cards by hand, hostile texts, messages, and what a text is made of besides text."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from pydantic import SecretStr

from alerts.delivery.card import Block, Button, Card, Span
from alerts.delivery.channel import Message
from alerts.delivery.receivers import Spec, build
from streams.records import AlertEvent
from streams.settings import Settings
from tests.ringing import START, event

HOSTILE = (
    "[Brightwater](https://evil.example/a)",
    "![x](https://evil.example/p.png)",
    "<at id=all></at> @all @13800000000 <@all>",
    '<font color="info">all clear</font><a href="https://evil.example">x</a>',
    "**bold** __bold__ *i* _i_ ~~gone~~ `code` ```",
    "# heading",
    "> quote",
    "- item",
    "+ item",
    "---",
    "===",
    "1. item",
    "2) item",
    "    code",
    "a | b |\n|---|---|",
    "line\r\nbreak\u2028and\u202eturn",
    "&lt;at id=all&gt; &#60;at&#62;",
    "\\[x\\](y) \\<at>",
    "https://evil.example/x www.evil.example dingtalk://dingtalkclient/page/link?url=evil",
    ":DONE: :OK:",
    "](https://evil.example) [",
    "\ud800 lone",
    "</font>**](x)",
)
PIECES = st.sampled_from([*HOSTILE, *"[]()<>*_`#~|\\@!&:/ ", "风险", "https://", "www.", "\n", "👩‍👩‍👧", "é"])
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=8).map("".join))
LONG = st.one_of(st.text(min_size=500, max_size=3000), st.lists(PIECES, min_size=50, max_size=400).map("".join))
SHOW = Button("Show", "https://tocsin.example/a?t=a_b-c")


def card(*texts: str, title: str = "Critical: Brightwater", severity: Any = "critical", buttons: Any = (SHOW,)) -> Card:
    """A card with a block of two lines for each text."""
    blocks = (
        Block(((Span("Told most: "), Span(text, "mark")), (Span("wire", "", "https://news.example/1"),)))
        for text in texts
    )
    return Card(title, severity, tuple(blocks), tuple(buttons))


def message(*events: AlertEvent, why: Any = "first", **changes: Any) -> Message:
    events = events or (event(),)
    links = {events[0].alert: {"show": "https://tocsin.example/a", "acknowledge": "https://tocsin.example/k?t=1"}}
    given: dict[str, Any] = {"id": "msg_abc", "at": START, "why": why, "events": events, "links": links}
    return Message(**(given | changes))


def storm(number: int = 30) -> Message:
    """A message of many alerts, each on another subject."""
    found = [event(alert=f"{n:032x}", subject=f"entity:S{n}", name=f"Company {n}") for n in range(number)]
    return message(*found, why="more", suppressed=37, suppressed_since=START - timedelta(minutes=30))


def settings(folder: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {"state_dir": folder, "webhook_allow": "127.0.0.0/8", "webhook_timeout": 5.0}
    return Settings(**(given | changes))


def channel(folder: Path, spec: Spec, **changes: Any) -> Any:
    return build(spec, settings(folder, **changes))


def hidden(value: str) -> SecretStr:
    return SecretStr(value)


def written(part: bytes) -> str:
    """All strings of a request, in order: what a reader, or a keyword, finds."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    walk(json.loads(part))
    return "\n".join(found)


def folded(text: str) -> str:
    """Letters and digits alone, marks apart and twins back to what they stand for: what must not be lost."""
    plain = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    return "".join(c for c in plain if c.isalnum())
