"""A card as an e-mail: plain text, and HTML that any client shows without loading or running anything.

Styles are inline (many clients drop style sheets), all text is escaped, links open apart from the mail.
"""

from __future__ import annotations

from html import escape
from typing import Final

from alerts.delivery.card import Block, Button, Card, Line, Mail, Span
from alerts.delivery.phrases import cut, say

SUBJECT_LIMIT: Final = 200
COLOURS: Final = {"info": "#2563a8", "warning": "#b45309", "critical": "#b91c1c", "resolved": "#15803d"}
FONT: Final = "font-family:system-ui,-apple-system,'PingFang SC','Microsoft YaHei',sans-serif"
BODY: Final = f"margin:0;padding:16px;background:#f4f4f5;color:#18181b;{FONT};font-size:16px;line-height:1.5"
SHEET: Final = "max-width:640px;margin:0 auto;padding:16px 20px;background:#ffffff;border-top:4px solid {colour}"
BUTTON: Final = (
    "display:inline-block;margin:4px 8px 4px 0;padding:8px 14px;border:1px solid #a1a1aa;color:#18181b;"
    "text-decoration:none"
)
LINE: Final = "margin:0 0 4px;overflow-wrap:anywhere"
LINK: Final = 'target="_blank" rel="noopener noreferrer"'


def letter(card: Card, lang: str) -> Mail:
    """The card as a mail; the subject is its title on one line."""
    return Mail(subject=cut(card.title, SUBJECT_LIMIT), text=_text(card, lang), html=_html(card, lang))


def _text(card: Card, lang: str) -> str:
    parts = [card.title, *("\n".join(_plain(line) for line in block.lines) for block in card.blocks)]
    if card.buttons:
        parts.append("\n".join(say("pair", lang, name=button.label, value=button.href) for button in card.buttons))
    return "\n\n".join(parts) + "\n"


def _plain(line: Line) -> str:
    addresses = "".join(f"\n   {span.href}" for span in line if span.href)
    return "".join(span.text for span in line) + addresses


def _html(card: Card, lang: str) -> str:
    heading = escape(card.title)
    sheet = SHEET.format(colour=COLOURS[card.severity])
    return "".join(
        [
            f'<!doctype html><html lang="{escape(lang)}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{heading}</title></head>",
            f'<body style="{BODY}"><div style="{sheet}">',
            f'<h1 style="margin:0 0 12px;font-size:19px;line-height:1.35">{heading}</h1>',
            *(_block(block) for block in card.blocks),
            _buttons(card.buttons),
            "</div></body></html>\n",
        ]
    )


def _block(block: Block) -> str:
    lines = "".join(
        f'<p style="margin:0 0 4px;overflow-wrap:anywhere">{"".join(_span(s) for s in line)}</p>'
        for line in block.lines
    )
    return f'<div style="margin:0 0 14px">{lines}</div>'


def _span(span: Span) -> str:
    found = escape(span.text)
    if span.style == "bold":
        found = f"<strong>{found}</strong>"
    elif span.style == "mark":
        found = f'<mark style="background:#fde68a;color:#18181b">{found}</mark>'
    return f'<a href="{escape(span.href)}" {LINK} style="color:#2563a8">{found}</a>' if span.href else found


def _buttons(buttons: tuple[Button, ...]) -> str:
    if not buttons:
        return ""
    links = "".join(f'<a href="{escape(b.href)}" {LINK} style="{BUTTON}">{escape(b.label)}</a>' for b in buttons)
    return f'<p style="margin:0">{links}</p>'
