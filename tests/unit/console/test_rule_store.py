"""Rule files are replaced in one step, never the shipped ones, never over somebody else's change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.rule_files import SHIPPED
from console.rule_store import (
    HISTORY,
    KEPT,
    Draft,
    FileChanged,
    NoSuchFile,
    NotWritable,
    alone,
    former_texts,
    hash_of,
    path_of,
    rule_file,
    why_not,
)
from streams.settings import Settings

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def settings(folder: Path) -> Settings:
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "desk.yaml").write_text("rules: []\n", encoding="utf-8")
    return Settings(state_dir=folder / "state", rules=rules)


def save(mine: Settings, name: str, text: str, was: str, at: datetime = AT) -> None:
    with alone(mine):
        Draft(mine, name, text, was).put(at)


def test_a_file_is_replaced_and_what_it_said_is_kept(tmp_path: Path) -> None:
    """With its mode, in one step; the former text lies in the state folder."""
    mine = settings(tmp_path)
    path = tmp_path / "rules" / "desk.yaml"
    path.chmod(0o640)
    save(mine, "desk.yaml", "rules: [1]\r\n", hash_of("rules: []\n"))
    assert path.read_bytes() == b"rules: [1]\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(former_texts(mine)) == ["rules: []\n"]
    assert [each.name for each in path.parent.iterdir()] == ["desk.yaml"]


def test_a_new_file_needs_to_be_new(tmp_path: Path) -> None:
    """`was` is empty where there was none, and only there."""
    mine = settings(tmp_path)
    save(mine, "new.yaml", "rules: []\n", "")
    assert (tmp_path / "rules" / "new.yaml").exists()
    assert list(former_texts(mine)) == []
    for was in ("", hash_of("something else")):
        with pytest.raises(FileChanged):
            Draft(mine, "desk.yaml", "x", was)
    with pytest.raises(FileChanged):
        Draft(mine, "other.yaml", "x", hash_of("x"))


def test_a_file_with_other_line_ends_can_be_saved(tmp_path: Path) -> None:
    """What is read and what is compared are the same bytes."""
    mine = settings(tmp_path)
    path = tmp_path / "rules" / "desk.yaml"
    path.write_bytes(b"rules: []\r\n")
    save(mine, "desk.yaml", "rules: [1]\n", rule_file(mine, path).hash)
    assert path.read_bytes() == b"rules: [1]\n"


def test_a_draft_that_is_not_put_leaves_nothing(tmp_path: Path) -> None:
    """The file is what it was."""
    mine = settings(tmp_path)
    Draft(mine, "desk.yaml", "rules: [2]\n", hash_of("rules: []\n")).discard()
    assert [each.name for each in (tmp_path / "rules").iterdir()] == ["desk.yaml"]
    assert (tmp_path / "rules" / "desk.yaml").read_text() == "rules: []\n"


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """A draft that was never put does not stay for ever, and nothing else is taken for one."""
    mine = settings(tmp_path)
    Draft(mine, "desk.yaml", "rules: [2]\n", hash_of("rules: []\n"))
    (tmp_path / "rules" / ".other.yaml.x.new").write_text("x", encoding="utf-8")
    save(mine, "desk.yaml", "rules: [3]\n", hash_of("rules: []\n"))
    assert {each.name for each in (tmp_path / "rules").iterdir()} == {"desk.yaml", ".other.yaml.x.new"}


@pytest.mark.parametrize(
    "name",
    [
        *("../x.yaml", "/etc/x.yaml", "a/b.yaml", "x.yml", "x_test.yaml", ".hidden.yaml", "", "..", "x.yaml\n"),
        *("a\x00.yaml", "badges.json"),
    ],
)
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    """Only a plain name of a rule file, directly in the folder."""
    with pytest.raises(NoSuchFile):
        path_of(settings(tmp_path), name)


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """A file that is a link stays one, and what it leads to stays as it is."""
    mine = settings(tmp_path)
    outside = tmp_path / "outside.yaml"
    outside.write_text("rules: []\n", encoding="utf-8")
    (tmp_path / "rules" / "link.yaml").symlink_to(outside)
    with pytest.raises(NotWritable) as refused:
        Draft(mine, "link.yaml", "x", hash_of("rules: []\n"))
    assert refused.value.why == "link"
    assert not rule_file(mine, tmp_path / "rules" / "link.yaml").writable
    assert rule_file(mine, tmp_path / "rules" / "desk.yaml").writable


@pytest.mark.parametrize("rules", [None, SHIPPED, SHIPPED / "presets", SHIPPED / "default.yaml"])
def test_shipped_rules_are_never_written(tmp_path: Path, rules: Path | None) -> None:
    """However they are named."""
    mine = Settings(state_dir=tmp_path, rules=rules)
    assert why_not(mine) == "shipped"
    with pytest.raises(NotWritable), alone(mine):
        raise AssertionError("written")


def test_of_a_single_file_only_that_one_is_written(tmp_path: Path) -> None:
    """TOCSIN_RULES may name a file instead of a folder."""
    path = tmp_path / "one.yaml"
    path.write_text("rules: []\n", encoding="utf-8")
    mine = Settings(state_dir=tmp_path / "state", rules=path)
    save(mine, "one.yaml", "rules: [3]\n", hash_of("rules: []\n"))
    assert path.read_text() == "rules: [3]\n"
    with pytest.raises(NoSuchFile):
        path_of(mine, "two.yaml")
    assert why_not(Settings(rules=tmp_path / "gone")) == "missing"


def test_the_newest_former_texts_are_kept(tmp_path: Path) -> None:
    """A hundred of them, the newest first."""
    mine = settings(tmp_path)
    text = "rules: []\n"
    for number in range(KEPT + 5):
        fresh = f"rules: [{number}]\n"
        save(mine, "desk.yaml", fresh, hash_of(text), AT + timedelta(seconds=number))
        text = fresh
    found = list(former_texts(mine))
    assert len(found) == KEPT == len(list((tmp_path / "state" / HISTORY).iterdir()))
    assert found[0] == f"rules: [{KEPT + 3}]\n"
