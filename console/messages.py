"""What a person reads, in English and Chinese: `messages/en.yaml` and `messages/zh.yaml`, key by key the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

LANGUAGES: Final = ("en", "zh")
# The one in C, where PyYAML was built with it, takes 0.03 s in place of 0.2 s: every command waits for it.
SAFE: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_spoken: ContextVar[str] = ContextVar("spoken", default="")


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Within the body `language` is this one: for a caller over HTTP, whose language is not that of the process."""
    before = _spoken.set(lang)
    try:
        yield
    finally:
        _spoken.reset(before)


def language(environment: Mapping[str, str] = os.environ) -> str:
    """The language within `speaking`; else `zh` when TOCSIN_LANG, or else the system's LC_ALL, LC_MESSAGES or LANG,
    names Chinese; `en` otherwise."""
    if spoken := _spoken.get():
        return spoken
    for name in ("TOCSIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def catalogue(lang: str) -> dict[str, str]:
    """All messages of one language, by dotted key."""
    text = files("console").joinpath("messages", f"{lang}.yaml").read_text(encoding="utf-8")
    return dict(_flat("", yaml.load(text, Loader=SAFE)))  # noqa: S506 - it is safe


def _flat(prefix: str, tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        found += _flat(f"{prefix}{key}.", value) if isinstance(value, Mapping) else [(f"{prefix}{key}", str(value))]
    return found


def say(key: str, lang: str | None = None, **values: Any) -> str:
    """The message `key` in `lang` (default: the user's language), its `{placeholders}` filled from `values`.

    Raises KeyError for an unknown key or a placeholder without a value: a test finds both before a user does.
    """
    return catalogue(lang or language())[key].format_map(values)
