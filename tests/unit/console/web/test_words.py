"""What the page says: every message that a script asks for exists, and none is there that nobody asks for."""

from __future__ import annotations

import re

import pytest

from alerts.delivery.phrases import catalogue as told
from console.messages import LANGUAGES
from console.web import STATIC
from console.web.words import SHARED, words

SOURCES = {
    path.relative_to(STATIC).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(STATIC.rglob("*.js"))
    if "vendor" not in path.parts
}
TEXT = "\n".join(SOURCES.values())
ASKED = re.compile(r"""(?<![\w.$])(?:t|rich|page\.t)\(\s*(?:"([^"]+)"|`([^`]+)`)""")
LITERAL = re.compile(r""""([a-z_]+(?:\.[\w ]+)+)\"""")
TEMPLATE = re.compile(r"`([a-z_]+\.(?:[^`$]|\$\{[^{}`]*\})*)`")
HOLE = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")
LABELLED = re.compile(r"""\blabel\(\s*"(\w+)\"""")
LABELS = "common.${kind}"  # the template by which `label` finds any word: it would stand for every message there


def pattern(template: str) -> re.Pattern[str]:
    """What a template such as `alert.${what}.title` may become."""
    return re.compile("[^.]+".join(re.escape(part) for part in HOLE.split(template)))


def asked() -> list[tuple[str, str]]:
    """Every first argument of `t` and `rich`, with its file."""
    return [(name, literal or template) for name, text in SOURCES.items() for literal, template in ASKED.findall(text)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_that_is_asked_for_exists(lang: str) -> None:
    """A person would read a key in place of a sentence."""
    known = words(lang)
    missing = [
        (name, key)
        for name, key in asked()
        if (not any(pattern(key).fullmatch(each) for each in known) if "${" in key else key not in known)
    ]
    assert missing == []


def test_every_message_of_the_page_is_asked_for() -> None:
    """A message that nobody shows is translated for nothing, and stays wrong for long."""
    literals = set(LITERAL.findall(TEXT))
    patterns = [pattern(each) for each in TEMPLATE.findall(TEXT) if not each.startswith(LABELS)]
    kinds = {*LABELLED.findall(TEXT), "sentiment", "risk"}  # heads of a model are named by variables
    unused = [
        key
        for key in words("en")
        if not key.startswith(SHARED)
        and key not in literals
        and not (key.startswith("common.") and key.split(".")[1] in kinds)
        and not any(each.fullmatch(key) for each in patterns)
    ]
    assert unused == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_speaks_of_alerts_in_the_words_of_notifications(lang: str) -> None:
    """Whoever was told of an alert in a chat finds the same words on the page."""
    found = words(lang)
    assert {key.removeprefix(SHARED): text for key, text in found.items() if key.startswith(SHARED)} == told(lang)
    assert found["shell.views.now"]
