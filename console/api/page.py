"""The page behind a signed link: what would be done, and one button. No script, nothing loaded, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from alerts.delivery.channel import Message
from alerts.delivery.message import text as paragraph
from alerts.delivery.render import mail
from alerts.entries import Entry
from alerts.links import Link
from console.messages import say
from streams.plain import plain

NOTE_LIMIT: Final = 200
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:36em;padding:0 1em;color:#1b1b1b}"
    "h1{font-size:1.2em}button{font:inherit;padding:.6em 1.2em}input{font:inherit;width:100%;box-sizing:border-box}"
    "p{overflow-wrap:anywhere}.quiet{color:#666;font-size:.9em}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def told(title: str, lines: list[str], lang: str, status: int = 200, form: str = "") -> HTMLResponse:
    """A page of a title and paragraphs, each escaped here; `form` is markup of ours."""
    body = "".join(f"<p>{escape(plain(line))}</p>" for line in lines if line)
    return HTMLResponse(
        f'<!doctype html><html lang="{escape(lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(plain(title))}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(plain(title))}</h1>{body}{form}</body></html>",
        status,
        {"Content-Security-Policy": POLICY},
    )


def question(link: Link, entry: Entry, lang: str) -> HTMLResponse:
    """What pressing the button would do to which alert."""
    lines = [paragraph(entry.event, lang), say(f"api.page.{link.action}.asks", lang)]
    lines.append(say("api.page.as", lang, receiver=link.receiver, until=_time(link.expires)))
    form = (
        '<form method="post" autocomplete="off">'
        f"<p><label>{escape(say('api.page.note', lang))}<br>"
        f'<input name="note" maxlength="{NOTE_LIMIT}"></label></p>'
        f"<button>{escape(say(f'api.page.{link.action}.button', lang))}</button></form>"
    )
    return told(say(f"api.page.{link.action}.title", lang), lines, lang, form=form)


def alert(entry: Entry, lang: str) -> HTMLResponse:
    """The alert to read, as an e-mail tells it. Addresses are text: nothing here leads away by a careless touch."""
    event = entry.event
    message = Message(id="show", at=event.at, why="first", events=(event,))
    letter = mail(message, "zh" if lang == "zh" else "en")
    lines = letter.text.splitlines()[1:]  # the first is the title
    held = entry.acknowledged
    if held is not None:
        lines.append(say("api.page.held", lang, author=held.author, at=_time(held.at)))
    lines += [say("api.page.silent", lang, author=s.author, until=_time(s.until)) for s in entry.silences]
    return told(letter.subject, lines, lang)


def done(link: Link, author: str, at: datetime, new: bool, lang: str) -> HTMLResponse:
    """What was done, now or before."""
    key = "api.page.done" if new else "api.page.before"
    lines = [say(f"api.page.{link.action}.done", lang), say(key, lang, author=author, at=_time(at))]
    return told(say(f"api.page.{link.action}.title", lang), lines, lang)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
