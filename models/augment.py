"""More training rows out of written ones: texts run together, noise, casing, synonyms. Pure, seeded.

Composition teaches what the corpus alone is too small for: a verdict about *one* of several companies. Texts about
one company each are joined and the question is put about one of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from models.corpus.texts import Text
from models.data import Row
from models.labels import HEADS
from models.text import TARGET, mark, prepare

COMPOSED: Final = "composed"  # data set name
JOINTS: Final = {"zh": ("", "", "", "，", "；", " ", "，而"), "en": ("; ", ". ", ", while ", " as ", " | ", ", but ")}
LONGEST: Final = {"zh": 60, "en": 160}  # characters of a part
# How many texts stand beside the one asked about: Chinese feeds run titles together.
OTHERS: Final = {"zh": (1, 1, 1, 2, 2, 3), "en": (1,)}
CODED: Final = 0.4  # share of Chinese companies that get a stock code behind the name
Augment = Callable[[str, random.Random], str]


def parts(written: Sequence[Text], lang: str) -> list[Text]:
    """Texts that can be part of a composed one: short, about exactly one company, which they name."""
    return [
        text
        for text in written
        if text.lang == lang and len(text.companies) == 1 and len(text.text) <= LONGEST[lang]
        and text.register in ("headline", "flash", "denial", "rumour", "forum", "chat")
    ]  # fmt: skip


def _piece(text: Text, asked: bool, chance: random.Random) -> str:
    plain, name = prepare(text.text), prepare(text.companies[0][0])
    if text.lang == "zh":
        plain = plain.rstrip("。！")
        if chance.random() < CODED:
            plain = plain.replace(name, f"{name}({chance.randrange(1_000_000):06d})", 1)
    else:
        plain = plain.rstrip(".")
    return mark(plain, [name]) if asked else plain


def compose(pool: Sequence[Text], chance: random.Random) -> Row:
    """One row: texts of the pool joined, asked about the company of one of them."""
    lang = pool[0].lang
    asked, *others = chance.sample(pool, min(len(pool), 1 + chance.choice(OTHERS[lang])))
    pieces = [_piece(text, text is asked, chance) for text in (asked, *others)]
    chance.shuffle(pieces)
    labels = {"topic": asked.topic, "risk": asked.risk, "sentiment": asked.companies[0][1]}
    return Row(
        "+".join(text.id for text in (asked, *others)), chance.choice(JOINTS[lang]).join(pieces),
        {head: HEADS[head].index(label) for head, label in labels.items()}, COMPOSED, "A", lang,
    )  # fmt: skip


def composed(written: Sequence[Text], count: int, langs: Sequence[str], chance: random.Random) -> list[Row]:
    """`count` composed rows for each language that has at least two parts."""
    pools = [pool for lang in langs if len(pool := parts(written, lang)) > 1]
    return [compose(pool, chance) for pool in pools for _ in range(count)]


_LOOKALIKE: Final = {"a": "@", "o": "0", "i": "1", "e": "3", "s": "$"}
_WIDE: Final = {chr(code): chr(code + 0xFEE0) for code in range(0x30, 0x3A)}


def noise(text: str, chance: random.Random) -> str:
    """The text as careless or evasive writers type it: one or two letters dropped, doubled, swapped or disguised.

    Amounts and the mark of a company stay: a digit is at most written wide, and signs are left alone.
    """
    letters = list(text)
    for _ in range(chance.choice((1, 1, 2))):
        places = [at for at in range(1, len(letters) - 1) if letters[at].isalnum()]
        if len(letters) < 8 or not places:
            break
        at = chance.choice(places)
        if letters[at].isdigit():
            letters[at] = _WIDE.get(letters[at], letters[at])
            continue
        match chance.randrange(4):
            case 0:
                del letters[at]
            case 1:
                letters.insert(at, letters[at])
            case 2 if letters[at + 1].isalpha():
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
            case _:
                letters[at] = _LOOKALIKE.get(letters[at], letters[at])
    return "".join(letters)


def casing(text: str, chance: random.Random) -> str:
    """All capitals, all small letters, or every word capitalised: what of these changes the text, if anything does."""
    return chance.choice(sorted({form(text) for form in (str.upper, str.lower, str.title)} - {text}) or [text])


# Words that may stand for each other without a change of sentiment, topic or risk.
SYNONYMS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "en": (
        ("shares", "stock"), ("falls", "drops", "slides", "declines"), ("rises", "climbs", "gains", "advances"),
        ("fell", "dropped", "slid", "declined"), ("rose", "climbed", "gained", "advanced"),
        ("plunges", "tumbles", "slumps"), ("plunged", "tumbled", "slumped"), ("jumps", "surges", "soars"),
        ("jumped", "surged", "soared"), ("probe", "investigation"), ("quarterly profit", "quarterly earnings"),
        ("revenue", "sales"), ("lay-offs", "job cuts"), ("lawsuit", "suit"), ("firm", "company"),
        ("forecast", "outlook"), ("beats", "tops", "exceeds"), ("misses", "falls short of"), ("cuts", "lowers"),
        ("raises", "lifts"), ("deal", "agreement"), ("takeover", "acquisition"), ("workers", "staff", "employees"),
        ("regulator", "watchdog"), ("bankruptcy", "insolvency"),
    ),
    "zh": (
        ("下跌", "走低", "下挫"), ("上涨", "走高", "上扬"), ("大跌", "暴跌", "重挫"), ("大涨", "飙升", "暴涨"),
        ("减持", "抛售"), ("公告", "披露"), ("公司", "企业"), ("同比增长", "同比上升"), ("同比下降", "同比下滑"),
        ("辞职", "请辞"), ("起诉", "提起诉讼"), ("立案调查", "立案"), ("净利润", "净利"), ("预计", "料将"),
        ("裁员", "缩减人员"), ("欠薪", "拖欠工资"), ("处罚", "罚处"), ("收购", "并购"), ("董事长", "董事会主席"),
        ("超预期", "好于预期"), ("不及预期", "低于预期"), ("消费者", "顾客"), ("营收", "营业收入"), ("股民", "投资者"),
    ),
}  # fmt: skip
# The longest word first, so that no word is taken for a part of another; English ones only as whole words.
_WORDS: Final = {
    lang: re.compile(
        ("(?i:\\b(?:%s)\\b)" if lang == "en" else "%s")
        % "|".join(sorted((re.escape(word) for group in groups for word in group), key=len, reverse=True))
    )
    for lang, groups in SYNONYMS.items()
}
_GROUP_OF: Final = {word.casefold(): group for groups in SYNONYMS.values() for group in groups for word in group}


def synonyms(text: str, chance: random.Random) -> str:
    """One word of the text replaced by another of its group; the text itself when it has none."""
    found = list(_WORDS["zh" if re.search("[\u4e00-\u9fff]", text) else "en"].finditer(text))
    if not found:
        return text
    place = chance.choice(found)
    word = chance.choice([other for other in _GROUP_OF[place[0].casefold()] if other != place[0].casefold()])
    word = word.upper() if place[0].isupper() else word[0].upper() + word[1:] if place[0][0].isupper() else word
    return text[: place.start()] + word + text[place.end() :]


AUGMENTS: Final[Mapping[str, Augment]] = {"noise": noise, "casing": casing, "synonyms": synonyms}


def varied(rows: Sequence[Row], ways: Sequence[Augment], share: float, chance: random.Random) -> list[Row]:
    """The rows, a `share` of them changed by one of the ways. A way that loses the mark of a company is not taken."""
    if not ways:
        return list(rows)
    out = []
    for row in rows:
        text = chance.choice(ways)(row.text, chance) if chance.random() < share else row.text
        kept = text and (TARGET in text) == (TARGET in row.text)
        out.append(replace(row, text=text) if kept else row)
    return out
