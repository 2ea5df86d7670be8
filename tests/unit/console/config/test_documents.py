"""The reference of settings and the commented example are what the code makes, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.config import documents
from console.config.lines import BEGINS, groups
from console.messages import LANGUAGES, say
from console.translations import chinese, plain_spaces
from streams.settings import Settings, unknown_variables

ROOT = Path(__file__).parents[4]
AGAIN = "tocsin config show"
NAMES = {f"TOCSIN_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("docs/settings.md", documents.markdown("en")),
        ("docs/settings.zh.md", documents.markdown("zh")),
        ("deploy/tocsin.env.example", documents.example("en")),
    ],
    ids=["reference", "Chinese reference", "example"],
)
def test_the_documents_of_settings_are_those_the_code_makes(file: str, made: str) -> None:
    """Make them again with `tocsin config show --markdown | --example > FILE` after a setting was changed."""
    assert (ROOT / file).read_text(encoding="utf-8") == made


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_setting_stands_in_the_documents(lang: str) -> None:
    """A setting that is missing in the reference or in the example is not documented."""
    assert set(re.findall(r"`(TOCSIN_\w+)` \|", documents.markdown(lang))) == NAMES
    shown = set(re.findall(r"^#(TOCSIN_\w+)=", documents.example(lang), re.M))
    assert shown >= NAMES
    assert unknown_variables(shown) == {}


def test_nothing_is_set_by_the_example() -> None:
    """Whoever uses it unchanged gets the defaults."""
    assert [line for line in documents.example("en").splitlines() if line and not line.startswith("#")] == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_in_chinese(name: str) -> None:
    """A description that was changed needs its Chinese changed."""
    assert plain_spaces(Settings.model_fields[name].description or "") in chinese()


def test_every_setting_belongs_to_a_group_that_has_a_name() -> None:
    """A first setting of a group that was renamed or removed is found here."""
    assert set(BEGINS) <= set(Settings.model_fields)
    for lang in LANGUAGES:
        assert all(say(f"config.groups.{group}", lang) for group in groups().values())
