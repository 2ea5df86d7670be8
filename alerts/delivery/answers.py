"""What a channel's answer means and what to do about it, in the reader's language.

Receipts say it in English, once, whoever reads them later; the Chinese sentences stand in texts/answers.zh.yaml by the
English ones. What stands within a sentence (a platform's own words, a code) is repeated as it is.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

_PLACE: Final = re.compile(r"\\\{(\w+)\\\}")
_SAID: Final = re.compile(r"(.+?) \((.+)\)", re.DOTALL)  # a sentence, and the platform's own words


def translated(text: str, lang: str) -> str:
    """The sentence in this language; one without a translation stays as it is."""
    return _chinese(text) if lang == "zh" else text


def _chinese(text: str) -> str:
    known = _sentences()
    if text in known:
        return known[text]
    for form, sentence in _forms():
        if found := form.fullmatch(text):
            return sentence.format(**{name: _chinese(value) for name, value in found.groupdict().items()})
    said = _SAID.fullmatch(text)
    if said is None:
        return text
    told = _chinese(said[1])
    return text if told == said[1] else f"{told}（{said[2]}）"


@cache
def _sentences() -> dict[str, str]:
    source = (files("alerts.delivery") / "texts" / "answers.zh.yaml").read_text(encoding="utf-8")
    return {str(english): str(chinese) for english, chinese in yaml.safe_load(source).items()}


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Sentences with something to fill in, as patterns."""
    filled = {english: chinese for english, chinese in _sentences().items() if "{" in english}
    return tuple(
        (re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(english)), re.DOTALL), chinese)
        for english, chinese in filled.items()
    )
