"""English that stands in the code (help of commands, descriptions of settings) in Chinese, by its very words.

A text that is changed in the code is no longer found here: a test is red until its Chinese follows.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from console.messages import language

FILES: Final = ("help_zh.yaml", "settings_zh.yaml")


@cache
def chinese() -> dict[str, str]:
    """Every text that has a translation, its white space made one space each."""
    folder = files("console").joinpath("messages")
    pairs = [pair for name in FILES for pair in yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))]
    return {plain_spaces(pair["en"]): pair["zh"] for pair in pairs}


def plain_spaces(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def translated(text: str, lang: str | None = None) -> str:
    """The text in `lang` (default: the user's language); as it is where no translation is known."""
    if (lang or language()) != "zh":
        return text
    return chinese().get(plain_spaces(text), text)
