"""`tocsin rules init`: the shipped rules as a start for one's own."""

from __future__ import annotations

from pathlib import Path

from alerts.rule_files import SHIPPED, load_rules
from tests.unit.console.test_rules import run


def test_the_shipped_rules_are_copied_with_their_timelines(tmp_path: Path) -> None:
    """They say the same there, and their tests pass."""
    folder = tmp_path / "mine"
    code, said = run("init", folder)
    assert code == 0, said
    assert f"TOCSIN_RULES={folder}" in said.replace("\n", "")
    assert [rule.hash for rule in load_rules(folder)] == [rule.hash for rule in load_rules(SHIPPED)]
    assert (folder / "default_test.yaml").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that holds something is refused, in the user's language."""
    (tmp_path / "desk.yaml").write_text("rules: []\n", encoding="utf-8")
    code, said = run("init", tmp_path, lang="zh")
    assert code == 1
    assert "已有内容" in said
    assert [each.name for each in tmp_path.iterdir()] == ["desk.yaml"]
