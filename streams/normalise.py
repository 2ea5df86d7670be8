"""Text from outside made plain: no markup, no invisible characters, one kind of space, a bounded length.

The letter case stays. Everything is linear in the input and total: any `str` gives a `str`. Lone surrogates, which no
UTF-8 can carry, become U+FFFD rather than a rejection: the rest of such a text is still news. `clean` and `clean_line`
are idempotent.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

LOOK_AHEAD: Final = 8  # markup rarely takes more than this many times the room of its text; further input is not read
ROUNDS: Final = 4  # escaped markup is nested once or twice in the wild; more is an attack
MARKS: Final = 4  # combining marks on one letter; no living orthography of ours stacks more

_SURROGATES = re.compile(r"[\ud800-\udfff]")
_INVISIBLE = re.compile(  # controls, bidi marks and overrides, zero-width, fillers, variation selectors, tags
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_ASCII_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_OFTEN_MARKS = re.compile(  # anything outside the large blocks that hold no combining marks
    "[^\x00-\u02ff\u2000-\u20cf\u2100-\u2cee\u2e00-\u3029\u3030-\u3098\u309b-\ua66e\uac00-\ud7ff\uff00-\uffff"
    "\U0001f000-\U0003ffff]"
)
_MARKUP = re.compile("[<>&]")
_HUGE_REFERENCE = re.compile("&#[0-9]{20,};?")  # more digits than any character has; `int` refuses thousands of them
_SPACES = re.compile("[^\\S\n\x0b\x0c\r\x85\u2028\u2029]+")
_BREAKS = re.compile(" ?[\n\x0b\x0c\r\x85\u2028\u2029]\\s*")

_DROPPED: Final = frozenset(
    """
    script style noscript template iframe object svg math head title textarea
    """.split()
)
_BLOCKS: Final = frozenset(
    """
    address article aside blockquote body br center dd details div dl dt fieldset figcaption figure footer form h1
    h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section select summary table tbody td tfoot th thead
    tr ul video audio
    """.split()
)
_INLINE: Final = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em embed font i img input ins kbd label link map mark meta
    meter nobr picture q rp rt ruby s samp small source span strike strong sub sup time tt u var wbr button area
    base canvas caption col colgroup param progress track
    """.split()
)
# A quoted value holds no "<", so no attempt runs past the next "<" and the scan stays linear on any input.
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]{0,40})
        (?P<attributes>(?:\s|/)(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+|(?:\s|/)[^<>]*+)?>
      | <!--(?P<comment>) | <!\[CDATA\[(?P<data>) | <[!?][A-Za-z][^<>]*+>""",
    re.VERBOSE,
)


def clean(text: str, limit: int) -> tuple[str, bool]:
    """Plain text of at most `limit` characters with its line breaks, and whether anything was cut off."""
    return _clean(text, limit, lines=True)


def clean_line(text: str, limit: int) -> tuple[str, bool]:
    """Like `clean`, on one line: for titles and names."""
    return _clean(text, limit, lines=False)


def _clean(text: str, limit: int, *, lines: bool) -> tuple[str, bool]:
    read = text[: limit * LOOK_AHEAD]
    for _ in range(ROUNDS):
        before, read = read, _tidy(_visible(read), lines=lines)
        if "<" not in read and "&" not in read:
            break
        read = _tidy(_visible(_plain(read)), lines=lines)
        if read == before:
            break
    else:  # still unfolding: leave nothing that could be taken for markup
        read = _tidy(_MARKUP.sub(" ", read), lines=lines)
    return read[:limit].rstrip(), len(read) > limit or len(text) > limit * LOOK_AHEAD


def _plain(text: str) -> str:
    """Text with its elements taken out and its character references resolved, one level of each."""
    if "<" in text:
        text = _strip_markup(text)
    if "&" in text:
        text = html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))
    return text


def _visible(text: str) -> str:
    """Text in NFC without surrogates, controls and other characters that show nothing."""
    if text.isascii():
        return _ASCII_CONTROLS.sub("", text)
    text = _INVISIBLE.sub("", _SURROGATES.sub("\ufffd", text))
    if _OFTEN_MARKS.search(text):  # ordering a long run of marks takes quadratic time
        text = _long_marks().sub(r"\1", text)
        return _long_marks().sub(r"\1", unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", text)


def _tidy(text: str, *, lines: bool) -> str:
    return _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip() if lines else " ".join(text.split())


@cache
def _long_marks() -> re.Pattern[str]:
    marks = "".join(chr(point) for point in range(0x300, 0x1E950) if unicodedata.combining(chr(point)))
    return re.compile(f"([{marks}]{{{MARKS}}})[{marks}]+")


def _strip_markup(text: str) -> str:
    """Text without HTML: blocks become line breaks; scripts, styles and comments go with what they hold."""
    parts: list[str] = []
    at = 0
    unclosed = False  # a comment that never ends is text: looked for once, so the scan stays linear
    match = _TAG.search(text)
    while match:
        parts.append(text[at : match.start()])
        at = match.end()
        if match["name"]:
            name = match["name"].lower()
            parts.append(_replacement(name, match))
            if name in _DROPPED and not match["close"] and not (match["attributes"] or "").endswith("/"):
                at = _end_of(name, text, at)
        elif match["comment"] is not None or match["data"] is not None:
            closing = "-->" if match["comment"] is not None else "]]>"
            end = -1 if unclosed else text.find(closing, at)
            unclosed = unclosed or end < 0
            if end >= 0:
                parts.append(text[at:end] if match["data"] is not None else "")
                at = end + 3
        match = _TAG.search(text, at)
    parts.append(text[at:])
    return "".join(parts)


def _replacement(name: str, match: re.Match[str]) -> str:
    """What stands where a tag stood. Words in angle brackets that are no HTML stay: "margin <expected>"."""
    if name in _BLOCKS:
        return "\n"
    if name in _INLINE or name in _DROPPED or ":" in name or "-" in name or "=" in (match["attributes"] or ""):
        return ""
    return match[0]


def _end_of(name: str, text: str, at: int) -> int:
    """Where the element that opened before `at` ends; the end of the text when it never does, as browsers do."""
    found = re.compile(rf"</{name}\b[^<>]*>?", re.IGNORECASE).search(text, at)
    return found.end() if found else len(text)


_SECRETS = re.compile(
    r"(?i)(?<=[?&;#])((?:access_?|auth_?|refresh_?|id_?)?token|api_?key|key|secret|passw(?:or)?d|pwd|sig(?:nature)?|"
    r"session(?:_?id)?|sid|auth|e?mail|phone|mobile|tel)=[^&;#\s]*"
)


def clean_url(url: str) -> str:
    """An http(s) address without user, password and secrets in its query; empty when it is anything else."""
    text = "".join(_INVISIBLE.sub("", _SURROGATES.sub("", url)).split())
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host or any(c in host for c in "<>\"'`\\"):
        return ""
    host = f"[{host}]" if ":" in host else host
    where = f"{host}:{port}" if port is not None else host
    cleaned = urlunsplit((parts.scheme.lower(), where, parts.path, parts.query, parts.fragment))
    return re.sub("[<>\"'`\\\\]", "", _SECRETS.sub(r"\1=", cleaned))[:2048]
