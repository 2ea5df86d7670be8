"""Nothing that a person reads was left in one language: messages, help, settings, notifications, the page's scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from console.web import STATIC

ROOT: Final = Path(__file__).parents[3]
PAIRS: Final = tuple(
    (ROOT / folder / english, ROOT / folder / chinese)
    for folder, english, chinese in (
        ("console/messages", "en.yaml", "zh.yaml"),
        ("alerts/delivery/texts", "en.yaml", "zh.yaml"),
        ("alerts/texts", "watch.en.yaml", "watch.zh.yaml"),
        ("alerts/texts", "channel.en.yaml", "channel.zh.yaml"),
    )
)
# The same in every language: names, units, marks.
NAMES: Final = re.compile(r"\b(?:Dashboards API|API|Elasticsearch|English|F1|Kafka|Maven|MiB|Tocsin|Triton)\b")
COMMAND: Final = re.compile(r"(?:tocsin |sudo |chmod |kafka-configs\.sh |rule=)")
HOLE: Final = re.compile(r"\{[^{}]*\}")
LATIN: Final = re.compile(r"[A-Za-z]{2,}")
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
# Comments and literals of a line. Rules and other files that the page begins with run over several.
TOKEN: Final = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\\n])*`")
VALUE: Final = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")
SENTENCE: Final = re.compile(r"[A-Za-z]{2,}[,.:;!?]? [A-Za-z]{2,}")
# Literals of several words that nobody reads as a sentence: by what stands before them, or by what they are.
STYLED: Final = re.compile(r"(?:class: (?:[^,{}\"]*\? )?|(?:closest|matches|querySelector(?:All)?)(?:\?\.)?\(\s*)$")
CODE: Final = re.compile(r"noopener|system-ui|prefers-|^tocsin |^curl |-H |^a, |^input, ")
UNITS: Final = re.compile(r"^(?:since the level|of a (?:risk|topic|source))")  # how units end, as records have them


def messages(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every message with its key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from messages(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from messages(inner, f"{at}.{number}")
    else:
        yield at, str(value)


def read(path: Path) -> dict[str, str]:
    return dict(messages(yaml.safe_load(path.read_text(encoding="utf-8"))))


def speaks(text: str) -> bool:
    """Whether it has words of a language, beyond names, places for values and commands."""
    bare = NAMES.sub(" ", HOLE.sub(" ", text))
    return bool(LATIN.search(bare)) and not COMMAND.match(text.strip())


def relative(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=relative)
def test_every_message_exists_in_both_languages(english: Path, chinese: Path) -> None:
    """A key of one language is a key of the other."""
    assert set(read(english)) == set(read(chinese))


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=relative)
def test_no_message_was_left_in_english(english: Path, chinese: Path) -> None:
    """A Chinese message that has words has Chinese ones, and none is a copy of the English one."""
    first, second = read(english), read(chinese)
    assert {key for key, text in second.items() if text == first[key] and speaks(text)} == set()
    assert {key for key, text in second.items() if speaks(text) and not CHINESE.search(text)} == set()


@pytest.mark.parametrize("name", ["help_zh.yaml", "settings_zh.yaml"])
def test_help_and_settings_are_translated(name: str) -> None:
    """Every pair has Chinese words."""
    pairs = yaml.safe_load((ROOT / "console" / "messages" / name).read_text(encoding="utf-8"))
    left = [pair["en"] for pair in pairs if speaks(pair["en"]) and not CHINESE.search(pair["zh"])]
    assert len(pairs) > 50
    assert left == []


@pytest.mark.parametrize("path", sorted({STATIC / "app.js", *STATIC.glob("js/**/*.js")}), ids=relative)
def test_scripts_hold_no_sentence(path: Path) -> None:
    """What the page says comes from messages: a literal of several words is a style, a selector or a command, or it is
    said in both languages."""
    text = path.read_text(encoding="utf-8")
    found = []
    for token in TOKEN.finditer(text):
        literal = VALUE.sub(" ", token[0][1:-1])
        if token[0].startswith("/") or not SENTENCE.search(literal) or CHINESE.search(literal):
            continue
        if not (STYLED.search(text[: token.start()]) or CODE.search(literal) or UNITS.search(literal)):
            found.append(literal)
    assert found == []


@pytest.mark.parametrize("text", ["tocsin up", "MiB", "{index}  {count}", "{before} → {after}", " · ", "F1", ""])
def test_what_is_the_same_in_every_language(text: str) -> None:
    """Commands, units, marks and places for values need no translation."""
    assert not speaks(text)
    assert speaks("no data")
