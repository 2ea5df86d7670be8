"""Personal data replaced by typed tokens before anything else sees the text.

Masked: e-mail addresses, telephone numbers, Chinese identity numbers (checksum), payment cards (issuer prefix and
Luhn), WeChat/QQ/Telegram accounts, @handles, secrets in links. Left alone, because markets speak in numbers: prices,
amounts, dates, stock and ISIN codes, cashtags, share counts, long ids without a checksum. Detection reads a copy of the
text with full-width and other digits folded to ASCII, character for character.

Not recognised: names of people, postal addresses, numbers spelled out in words.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from datetime import date
from functools import cache
from typing import Final, NamedTuple

import phonenumbers
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

ROUNDS: Final = 4  # masking one thing may lay bare the edge of the next
TOKENS: Final = ("email", "phone", "id", "card", "account", "handle", "secret")
_SIGNS = re.compile(r"[0-9][ -]?[0-9][ -]?[0-9][ -]?[0-9]|[@=]")
_WIDE_SIGNS = re.compile(r"\d[ -]?\d[ -]?\d[ -]?\d|[@＠=＝]")
_HINTS: Final = tuple(
    "微信 薇信 v信 加v 加薇 加微 vx wx weixin wechat telegram t.me/ 电报 飞机号 扣扣 企鹅 at) at]".split()
)


class Span(NamedTuple):
    """Characters `start:end` of the text hold personal data of this kind."""

    start: int
    end: int
    kind: str


def mask(text: str, public: Collection[str] = frozenset()) -> tuple[str, dict[str, int]]:
    """The text with personal data as `[email]`, `[phone]` …, and how many of each kind. Idempotent.

    `public` are handles in lower case that belong to organisations and stay readable.
    """
    counts: dict[str, int] = {}
    for _ in range(ROUNDS):
        spans = find(text, public)
        if not spans:
            return text, counts
        text = _replace(text, spans, counts)
    if find(text, public):  # built to unfold for ever: nothing that could be personal data stays
        text, blunted = _BLUNT.subn("[secret]", text)
        counts["secret"] = counts.get("secret", 0) + blunted
    return text, counts


def find(text: str, public: Collection[str] = frozenset()) -> list[Span]:
    """The personal data in `text`, in order, not overlapping. Linear in the text."""
    ascii_only = text.isascii()
    if not (_SIGNS if ascii_only else _WIDE_SIGNS).search(text):
        lower = text.lower()
        if not any(hint in lower for hint in _HINTS):
            return []
    folded = text if ascii_only else text.translate(_folding())
    links = [match.span() for match in _LINK.finditer(folded)] if "://" in folded else []
    found = [span for finder in _FINDERS for span in finder(folded, links)]
    found += _handles(folded, links, public)
    found.sort(key=lambda span: span.start)  # stable: at one start the earlier finder wins
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def pseudonym(author: str, key: bytes) -> str:
    """`p_` and 16 hex digits (keyed BLAKE2b) that stand for this author; empty for no author.

    The same author and key always give the same name; without the key it cannot be undone by trying names.
    """
    if not key:
        raise ValueError("the key of pseudonyms is empty: set TOCSIN_PSEUDONYM_KEY")
    name = unicodedata.normalize("NFC", author.strip())
    if not name:
        return ""
    short = key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(key).digest()
    data = name.encode("utf-8", "surrogatepass")
    return "p_" + hashlib.blake2b(data, key=short, digest_size=8, person=b"tocsin author").hexdigest()


def _replace(text: str, spans: list[Span], counts: dict[str, int]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, kind in spans:
        parts += text[at:start], f"[{kind}]"
        at = end
        counts[kind] = counts.get(kind, 0) + 1
    parts.append(text[at:])
    return "".join(parts)


def _inside(at: int, links: Links) -> bool:
    before = bisect_right(links, (at, sys.maxsize)) - 1
    return before >= 0 and at < links[before][1]


@cache
def _folding() -> dict[int, str]:
    """Every decimal digit to ASCII, and the full-width signs that numbers and addresses are written with."""
    folded = {point: str(unicodedata.digit(chr(point))) for point in range(0x80, 0x20000) if chr(point).isdecimal()}
    wide = dict(zip("＠．－（）＋：＝／＿　‐‑–—", "@.-()+:=/_ ----", strict=True))
    return folded | {ord(sign): narrow for sign, narrow in wide.items()}


Links = list[tuple[int, int]]
Finder = Callable[[str, Links], Iterator[Span]]

_LINK = re.compile(r"https?://[!-~]+")
_LINK_SECRET = re.compile(
    r"(?i)[?&;#](?:(?:access_?|auth_?|refresh_?|id_?)?token|api_?key|secret|passw(?:or)?d|pwd|sig(?:nature)?|"
    r"session(?:_?id)?|auth|e?mail|phone|mobile|tel)=(?!\[)([^&;#\s\[\]]+)"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
    r"(?:@|\s?[(\[]at[)\]]\s?)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9_])"
)
_UNITS = "%|元|股|手|万|亿|千|港元|美元|点|份|吨|桶|shares|yuan|dollars|USD|RMB|HKD|CNY"
_NUMBER = re.compile(  # 7 to 21 digits, single separators between; no part of a word, a code or a decimal number
    r"(?<![A-Za-z0-9_])(?<![0-9][.,])(?<![$€£¥￥#])(?:\(\+?[0-9]{2,4}\)[ -]?|\+)?"
    r"[0-9](?:[ .-]?(?:\([0-9]{1,4}\)[ -]?)?[0-9]){6,20}[Xx]?"
    rf"(?![A-Za-z0-9_])(?![.,][0-9])(?!\s?(?:{_UNITS}))"
)
_DATE = re.compile(r"(?:19|20)[0-9]{2}[ .-]?(?:0[1-9]|1[0-2])[ .-]?(?:[0-2][0-9]|3[01])")
_CALL = re.compile(
    r"(?i)(?:tel|phone|call|mobile|cell|whatsapp|fax|hotline|电话|手机|联系|热线|致电|咨询|传真|拨打|加微|微信)[^0-9\n]{0,12}$"
)
_IDENTITY = re.compile(r"(?:身份证|证件号|identity card|ID card|ID no)[^0-9\n]{0,12}$", re.IGNORECASE)
_PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_CARD = re.compile(  # issuer prefixes with the lengths they use
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|62[0-9]{14,17}|6011[0-9]{12}|"
    r"65[0-9]{14}|35[0-9]{14}|3[068][0-9]{12}"
)
_CARD_GROUPS = re.compile(r"[0-9]+|[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}")
_MOBILE = re.compile(
    r"(?:\(?(?:\+?86|0086)\)?[ -]?)?(?:1[3-9][0-9](?:[ .-]?[0-9]{4}){2}|1[3-9][0-9]{2}[ -][0-9]{3}[ -][0-9]{4}"
    r"|1[3-9][0-9][ -][0-9]{3}[ -][0-9]{5}|1[ -][3-9](?:[ -][0-9]){9})"
)
_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([0-9]{3}\)[ -]?[0-9]{3}[ .-][0-9]{4}|[0-9]{3}([.-])[0-9]{3}\1[0-9]{4})")
_ACCOUNT = re.compile(
    r"""(?ix) (?<![A-Za-z0-9])
    (?: (?:微信|薇信|v信|vx|wx)\s?(?:公众)?(?:号|id)?\s?[:=]\s?@?(?P<wechat>[A-Za-z0-9][A-Za-z0-9_-]{4,29})
      | (?:加|添加|\+)\s?(?:我|个)?(?:微信|薇信|薇|微|v信|v|vx|wx)\s?(?:号|id)?(?:\s?[:=]\s?|\s)
        (?P<added>[A-Za-z0-9][A-Za-z0-9_-]{4,29})
      | (?:微信|薇信)号?\s?(?P<bare>(?=[A-Za-z_-]{0,29}[0-9])[A-Za-z][A-Za-z0-9_-]{5,29})
      | (?:qq|扣扣|企鹅)\s?(?:群|号|号码|群号)?\s?[:=]?\s?(?P<qq>[1-9][0-9]{4,11})
      | (?:wechat|weixin|telegram)\s?(?:id)?\s?[:=]\s?@?
        (?P<western>(?=[A-Za-z-]{0,29}[0-9_])[A-Za-z0-9][A-Za-z0-9_-]{4,31})
      | (?:wechat|weixin|telegram)\s?id\s?[:=]?\s?@?(?P<stated>[A-Za-z0-9][A-Za-z0-9_-]{4,31})
      | (?:电报|飞机号)\s?(?:群|号|id)?\s?[:=]?\s?@?(?P<telegram>[A-Za-z][A-Za-z0-9_]{4,31})
      | (?:https?://)?(?:t\.me|telegram\.me)/(?P<link>[A-Za-z0-9_+][A-Za-z0-9_+/]{3,63})
      | (?:https?://)?wa\.me/(?P<whatsapp>[0-9]{7,15})
    ) (?![A-Za-z0-9_])"""
)
_HANDLE = re.compile(  # a Weibo name runs to the next space or mark; one in Latin letters ends where Chinese begins
    r"(?:(?<![A-Za-z0-9_@.])(?<![^/]/)|(?<=\bRT))@(?P<name>[A-Za-z0-9_]{2,30}(?:@[A-Za-z0-9.-]{1,60}[A-Za-z0-9])?"
    r"|[A-Za-z0-9_]?[\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff-]{1,15}|[A-Za-z0-9_])"
)
_PRICE = re.compile(r"[0-9]+(?:[kmb]|bn|c|p|x|st|nd|rd|th|am|pm|calls?|puts?)?", re.IGNORECASE)
_BLUNT = re.compile(r"[@＠][^\s@＠]*|\d[\d\s.()-]{3,}|[A-Za-z0-9_]{5,}(?=[:：=])|[:：=]")


def _link_secrets(text: str, _links: Links) -> Iterator[Span]:
    if "=" in text:
        for match in _LINK_SECRET.finditer(text):
            yield Span(*match.span(1), "secret")


def _emails(text: str, _links: Links) -> Iterator[Span]:
    if "@" in text or "at)" in text or "at]" in text:
        for match in _EMAIL.finditer(text):
            yield Span(*match.span(), "email")


def _accounts(text: str, _links: Links) -> Iterator[Span]:
    for match in _ACCOUNT.finditer(text):
        if match.lastgroup:
            yield Span(*match.span(match.lastgroup), "account")


def _numbers(text: str, links: Links) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        start = match.start()
        before = text[max(0, start - 24) : start]
        for pieces in _WHOLE, _SPACED, _GROUPS:  # a date may stand before a telephone number
            spans = [
                Span(start + piece.start(), start + piece.end(), kind)
                for piece in pieces.finditer(match[0])
                if (kind := _kind_of(piece[0], before)) and (kind == "id" or not _inside(start, links))
            ]
            if spans:
                yield from spans
                break


_WHOLE = re.compile(r".+")
_SPACED = re.compile(r"[^ ]{7,}")
_GROUPS = re.compile(r"[0-9]{7,}[Xx]?")


def _kind_of(number: str, before: str) -> str:
    """What a number is: `id`, `card`, `phone`, or nothing personal."""
    digits = re.sub("[^0-9Xx]", "", number)
    if len(digits) == 18 and _is_identity(digits.upper()):
        return "id"
    if digits[-1] in "Xx":
        return ""
    if len(digits) == 15 and _IDENTITY.search(before):
        return "id"
    if len(digits) >= 13 and _CARD.fullmatch(digits) and _CARD_GROUPS.fullmatch(number) and luhn.is_valid(digits):
        return "card"
    return "phone" if _is_phone(number, digits, bool(_CALL.search(before))) else ""


def _is_identity(number: str) -> bool:
    """Whether province, birth date and checksum fit (`ric.is_valid` raises KeyError on some retired counties)."""
    if not _PROVINCE.match(number) or "X" in number[:17]:
        return False
    try:
        born: date = ric.get_birth_date(number)
    except ValidationError:
        return False
    return born.year >= 1900 and bool(ric.calc_check_digit(number) == number[17])


def _is_phone(number: str, digits: str, announced: bool) -> bool:
    """Whether the number can be dialled: by its own form, or because the words before it say that it is one."""
    if _MOBILE.fullmatch(number):
        return True
    if number.startswith(("+", "(+")):
        return _valid("+" + digits)
    if _DATE.match(number) or len(digits) > 13:
        return False
    if digits.startswith("0"):
        separated = len(digits) >= 10 and any(sign in number for sign in "-() ")
        return ((separated or announced) and _valid(digits, "CN")) or (announced and _valid(digits, "JP", "KR", "GB"))
    if _AMERICAN.fullmatch(number):
        return _valid(digits, "US")
    return announced and _valid(digits, "CN", "HK", "US", "SG")


def _valid(digits: str, *regions: str) -> bool:
    """Whether the number plan of one of the regions (of any country, when it starts with +) knows such a number."""
    for region in regions or (None,):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _handles(text: str, links: Links, public: Collection[str]) -> Iterator[Span]:
    if "@" not in text:
        return
    for match in _HANDLE.finditer(text):
        name = match["name"].lower()
        if _PRICE.fullmatch(name) or not name.strip("_-") or name in public:
            continue
        if not _inside(match.start(), links):
            yield Span(*match.span(), "handle")


_FINDERS: Final[tuple[Finder, ...]] = (_link_secrets, _emails, _accounts, _numbers)
