"""The catalogues of messages."""

from __future__ import annotations

from string import Formatter

import pytest

from console.messages import catalogue, language, say


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_messages_and_placeholders() -> None:
    """A message added in one language only, or with another placeholder, is found here."""
    english, chinese = catalogue("en"), catalogue("zh")
    assert english.keys() == chinese.keys()
    differing = [key for key in english if placeholders(english[key]) != placeholders(chinese[key])]
    assert differing == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "TOCSIN_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TOCSIN_LANG": ""}, "zh"),
    ],
)
def test_the_language_follows_the_system_unless_told(environment: dict[str, str], expected: str) -> None:
    """TOCSIN_LANG wins, then the locale; empty means not set."""
    assert language(environment) == expected


def test_an_unknown_message_is_a_fault() -> None:
    """A misspelt key does not reach a user as a key."""
    with pytest.raises(KeyError):
        say("engines.lines.nowhere", "en")
