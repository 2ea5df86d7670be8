"""What is wrong with a file, in both languages: a code with its values; `texts/faults.yaml` holds the sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from streams.settings import SettingsError


class ToldFault(SettingsError):  # noqa: N818 - reads as what it says
    """What cannot be used, in words of both languages; as text it is English."""

    def shown(self, lang: str) -> str:
        """All that is wrong, in a language (en, zh)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Saying:
    """One fault. `about`: the field that is named in front of it. As text it is English."""

    code: str
    values: Mapping[str, Any]
    about: str = ""

    def said(self, lang: str) -> str:
        """The sentence in a language (en, zh)."""
        values = self.values if lang == "en" else {name: _in_chinese(name, of) for name, of in self.values.items()}
        found = sentences()[self.code][lang].format_map(values)
        return sentences()["at"][lang].format(field=self.about, said=found) if self.about else found

    def __str__(self) -> str:
        """In English, as logs and programs read it."""
        return self.said("en")


def saying(code: str, **values: Any) -> Saying:
    """The fault of this code."""
    return Saying(code, values)


def _in_chinese(name: str, value: Any) -> Any:
    """A value that is a kind of value, another saying, or words that are known; any other as it is."""
    if isinstance(value, Saying):
        return value.said("zh")
    if not isinstance(value, str):
        return value
    kinds = sentences()["kinds"]
    if name in ("wanted", "got") and all(part in kinds for part in value.split(" | ")):
        return "或".join(kinds[part] for part in value.split(" | "))
    return sentences()["words"].get(value, value)


def hinted(said: str, meant: str, lang: str) -> str:
    """The sentence with what was probably meant, where that is known."""
    return sentences()["hint"][lang].format(said=said, meant=meant) if meant else said


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Every sentence by code and language."""
    text = (files("alerts") / "texts" / "faults.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return found
