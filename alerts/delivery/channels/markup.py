"""Text from outside inside somebody else's markup: how it is kept text, and which links are links.

DingTalk and WeCom document no way to escape their Markdown, and their clients differ. So what could mean something
there is replaced by its full-width twin (`<` by `＜`), which every client shows and none obeys; NFKC gives the
original back.
"""

from __future__ import annotations

import re
from typing import Final

from yarl import URL

from alerts.delivery.channels.layout import clean

TWINS: Final = str.maketrans("<>[]*_`#~|\\@", "＜＞［］＊＿｀＃～｜＼＠")
ADDRESS: Final = re.compile(r"://|www\.", re.IGNORECASE)  # clients make links of bare addresses
ENTITY: Final = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")
# What makes a list, a rule or the underline of a heading out of a line.
OPENING: Final = re.compile(r"^(?:([0-9]{1,9})([.)])(?=[ \t]|$)|([-+])(?=[ \t]|$)|([-=])(?=[-= \t]*$))")
UNSAFE: Final = re.compile(r"[\s<>\"\\^`{|}]")
MEANINGFUL: Final = re.compile(r"[()\[\]'*_~!]")
LINK_LIMIT: Final = 1500  # bytes of an address in a message


def disarmed(text: str) -> str:
    """The text with everything that Markdown, HTML or a mention is made of replaced by its full-width twin."""
    return ENTITY.sub("＆", unlinked(clean(text)).translate(TWINS))


def unlinked(text: str) -> str:
    """The text without addresses that a client would turn into links of its own."""
    return ADDRESS.sub(lambda found: "：//" if found[0] == "://" else found[0][:-1] + "．", text)


def opening(line: str) -> str:
    """A finished line whose beginning is no list, rule or underline of a heading, and no block of code."""
    line = line.lstrip(" \t")
    found = OPENING.match(line)
    if found is None:
        return line
    sign = next(filter(None, found.groups()[1:]))
    twin = chr(ord(sign) + 0xFEE0)  # the full-width forms lie in the order of ASCII
    return f"{found[1] or ''}{twin}{line[found.end() :]}"


def address(href: str, limit: int = LINK_LIMIT) -> str:
    """The address where it is one that may be followed, else nothing: http(s), without user name, short enough."""
    try:
        url = URL(clean(href).strip())
        if url.scheme not in ("http", "https") or not url.host or url.user is not None or url.password is not None:
            return ""
        text = str(url)
    except ValueError:
        return ""
    return text if text.isascii() and len(text) <= limit and not UNSAFE.search(text) else ""


def target(href: str) -> str:
    """An `address` in a form that ends neither a Markdown link nor an attribute."""
    return MEANINGFUL.sub(lambda found: f"%{ord(found[0]):02X}", address(href))


def marked(text: str, before: str, after: str) -> str:
    """Markup around the text proper: blanks at its ends stay outside, where Markdown wants them."""
    core = text.strip()
    if not core:
        return text
    start = text.index(core)
    return f"{text[:start]}{before}{core}{after}{text[start + len(core) :]}"
