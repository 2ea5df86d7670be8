"""What a text of rules means before it is saved: faults with their places, what is new, and no way to other files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from console.messages import language, say, speaking
from console.rule_check import MOST, WORDS, check
from streams.settings import Settings

ONE = "rules:\n  - name: one\n    type: threshold\n    at_least: 3\n    scope: {subject: entity}\n    window: 30m\n"
TWO = ONE.replace("one", "two")


def settings(folder: Path, **changes: object) -> Settings:
    """A folder of rules with two files."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "a.yaml").write_text(ONE, encoding="utf-8")
    (rules / "b.yaml").write_text(TWO, encoding="utf-8")
    return Settings(state_dir=folder / "state", rules=rules, **changes)  # type: ignore[arg-type]


def test_what_is_new_and_what_is_gone_is_told(tmp_path: Path) -> None:
    """Against the rules in use by name and text; rules of other files are no matter of this one."""
    mine = settings(tmp_path)
    text = ONE.replace("at_least: 3", "at_least: 4") + "".join(TWO.splitlines(True)[1:]).replace("two", "three")
    found = check(mine, text, tmp_path / "rules" / "a.yaml")
    assert not found.faults
    assert found.changed == {"one": "changed", "three": "new"}
    assert {rule.name for rule in found.rules} == {"one", "two", "three"}
    assert found.gone == ()
    assert check(mine, ONE, tmp_path / "rules" / "a.yaml").changed == {"one": "same"}
    gone = check(mine, TWO.replace("two", "other"), tmp_path / "rules" / "a.yaml")
    assert gone.gone == ("one",)


def test_a_name_that_another_file_has_is_a_fault(tmp_path: Path) -> None:
    """The folder is read as a whole, with the text in the file's place; no path of this machine is told."""
    found = check(settings(tmp_path), TWO, tmp_path / "rules" / "a.yaml")
    assert len(found.faults) == 1
    assert "a rule named two exists already" in found.faults[0].message
    assert str(tmp_path) not in found.faults[0].message


@pytest.mark.parametrize(
    ("text", "line", "column", "meant"),
    [
        (ONE.replace("window", "windw"), 6, 5, "window"),
        (ONE.replace("threshold", "treshold"), 3, 11, "threshold"),
        (ONE.replace("{subject: entity}", "{subject: entitty}"), 5, 22, "entity"),
        ("rules:\n  - {name: [x\n", 3, 1, ""),
        ("include: [preset:bank-em]\n", 1, 18, "bank-en"),
        (ONE.replace(": 3\n", ": 'three'\n"), 4, 5, ""),
    ],
)
def test_a_fault_has_its_place(tmp_path: Path, text: str, line: int, column: int, meant: str) -> None:
    """Line, column where it is known, and the word that was probably meant."""
    (fault, *_) = check(settings(tmp_path), text, tmp_path / "rules" / "a.yaml").faults
    assert (fault.file, fault.line, fault.column, fault.meant) == ("", line, column, meant)


def test_a_rule_that_would_never_ring_is_warned_of(tmp_path: Path) -> None:
    """A company that nobody links, with the one that was meant; the file could be used."""
    text = ONE.replace("{subject: entity}", "{subject: entity, ids: [AAPLX]}")
    found = check(settings(tmp_path), text, tmp_path / "rules" / "a.yaml")
    assert not found.faults
    (warning,) = found.warnings
    assert (warning.line, warning.column, warning.meant) == (5, 36, "AAPL")


def test_lists_and_kinds_of_subject_are_those_of_the_settings(tmp_path: Path) -> None:
    """What the detector would refuse is a fault here, too."""
    for scope in ("{subject: entity, lists: [banks]}", "{subject: source}"):
        assert check(settings(tmp_path), ONE.replace("{subject: entity}", scope), tmp_path / "rules" / "a.yaml").faults
    follows = settings(tmp_path, follow="source")
    assert not check(follows, ONE.replace("entity", "source"), tmp_path / "rules" / "a.yaml").faults


@pytest.mark.parametrize(
    "name",
    ["../secret.yaml", "/etc/passwd", "sub/x.yaml", "link.yaml", "secret.txt", "../rules/b.yaml/../../secret.yaml"],
)
def test_no_other_file_can_be_looked_into(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An include leads to presets and files of the folder alone; what another file holds is not to be guessed from
    its faults."""
    mine = settings(tmp_path)
    (tmp_path / "secret.yaml").write_text("password: hidden\n", encoding="utf-8")
    (tmp_path / "rules" / "sub").mkdir()
    if name == "link.yaml":
        (tmp_path / "rules" / name).symlink_to(tmp_path / "secret.yaml")
    monkeypatch.chdir(tmp_path / "rules")
    for file in (tmp_path / "rules" / "a.yaml", None):
        found = check(mine, f"include: ['{name}']\n", file)
        own = [fault for fault in found.faults if fault.file == ""]
        assert "in this folder" in own[0].message
        assert not any("password" in fault.message or "hidden" in fault.message for fault in own)


def test_a_file_of_the_folder_may_be_included(tmp_path: Path) -> None:
    """Beside presets."""
    found = check(settings(tmp_path), "include: [b.yaml, 'preset:formulas']\n", tmp_path / "rules" / "a.yaml")
    assert not found.faults
    assert "keyword-list" in {rule.name for rule in found.rules}
    assert found.own == ()


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "rules: &r\n  - *r\n",
        "[" * 5000,
        "rules:\n" + "  - {name: x, type: threshold}\n" * 2000,
        "? [a, b]\n: 1\n",
        "rules: !!python/object/apply:os.system ['true']\n",
        "rules:\n  - {name: x, type: '" + "y" * 60_000 + "'}\n",
        "\x00",
        "x" * 70_000,
        "",
    ],
)
def test_a_hostile_text_costs_little_and_says_little(tmp_path: Path, text: str) -> None:
    """Anchors that multiply, depth, tags, length: refused in a moment, with bounded words."""
    began = time.perf_counter()
    found = check(settings(tmp_path), text, tmp_path / "rules" / "a.yaml")
    assert found.faults
    assert len(found.faults) <= MOST
    assert all(len(fault.message) <= WORDS and len(fault.meant) <= WORDS for fault in found.faults)
    assert time.perf_counter() - began < 5


@given_settings(max_examples=60, deadline=None)
@given(st.text(alphabet="rules:\n -{}[]&*!'\"#name1", max_size=120))
def test_no_text_breaks_the_check(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever it is, it is rules or has faults."""
    folder = tmp_path_factory.mktemp("any")
    found = check(settings(folder), text, folder / "rules" / "a.yaml")
    assert bool(found.faults) != bool(found.rules)


def test_a_caller_s_language_is_spoken_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language of a caller, whatever that of the process is; afterwards the former one."""
    monkeypatch.setenv("TOCSIN_LANG", "en")
    with speaking("zh"):
        assert language() == "zh"
        assert say("jobs.done") == say("jobs.done", "zh")
    assert language() == "en"
