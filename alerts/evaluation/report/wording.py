"""Words, numbers and times of the report: one catalogue for each language, one way to round.

What could not be computed is a dash, never a zero. Times are UTC and say so.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import yaml

from alerts.delivery import measured, phrases
from alerts.delivery.phrases import cut
from alerts.evaluation.result import Interval

Lang = Literal["en", "zh"]
NONE: Final = "–"
NAME_LIMIT: Final = 60
GROUPS: Final = ("topic", "risk")  # whose values have names of ours
SHORT: Final = 600  # seconds are told of what is shorter
STEPS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@cache
def catalogue(lang: Lang) -> dict[str, str]:
    """The sentences of one language, by key."""
    source = (files(__package__) / "texts" / f"{lang}.yaml").read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in yaml.safe_load(source).items()}


def say(lang: Lang, key: str, **values: object) -> str:
    """One sentence, filled. Values are inserted as they are: braces in them mean nothing."""
    return catalogue(lang)[key].format(**values)


def share(value: float | None) -> str:
    """A share of one or a score, to two digits."""
    return NONE if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def rate(value: float | None) -> str:
    """A small number as messages write it."""
    return NONE if value is None else measured.rate(value)


def setting(value: float | None) -> str:
    """A value of a knob, as a person would write it into a rule."""
    if value is None:
        return NONE
    return f"{value:.12f}".rstrip("0").rstrip(".") if 0 < abs(value) < 0.001 else f"{value:g}"


def between(interval: Interval | None, small: bool = False) -> str:
    """The bounds of an interval; empty where there is none."""
    if interval is None:
        return ""
    show = rate if small else share
    return f"{show(interval.low)}–{show(interval.high)}"


def length(seconds: float | None, lang: Lang) -> str:
    """A length of time by its two largest units: `2 h 5 min`; what comes before its time has a minus."""
    if seconds is None:
        return NONE
    rest, parts = round(abs(seconds)), list[str]()
    if rest >= SHORT:
        rest = round(rest / 60) * 60
    for name, size in STEPS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(say(lang, f"length.{name}", count=count))
        elif parts:
            break
    return ("−" if seconds < 0 and parts else "") + (" ".join(parts[:2]) or say(lang, "length.s", count=0))


def stamp(at: datetime | None) -> str:
    """Date, time and zone."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def told(text: str, limit: int = NAME_LIMIT) -> str:
    """Text from outside on one line, without characters that hide or turn others, cut at `limit`."""
    return cut(text, limit)


def group(of: str, value: str, lang: Lang) -> str:
    """The name of a topic or a kind of risk in this language, or the value where there is none."""
    known = phrases.catalogue(lang) if of in GROUPS else {}
    return known.get(f"{of}.{value}", value) or NONE
