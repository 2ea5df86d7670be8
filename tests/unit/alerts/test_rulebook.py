"""The rules in force follow their files, and a faulty file changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerts.rule_files import RuleError, read_rules
from alerts.rulebook import Rulebook
from alerts.rules import Rule
from streams.settings import Settings

ONE = "rules:\n  - {name: one, type: threshold, at_least: 3, window: 30m, scope: {subject: entity}}\n"


def book(folder: Path, text: str = ONE, **settings: object) -> Rulebook:
    """Rules in a file of their own."""
    (folder / "desk.yaml").write_text(text)
    return Rulebook(Settings(rules=folder / "desk.yaml", **settings))  # type: ignore[arg-type, call-arg]


async def test_a_change_is_taken_over_and_a_fault_is_not(tmp_path: Path) -> None:
    """A good change within a moment; a bad one is told in the log with file and line; the next good one is taken."""
    rules = book(tmp_path)
    assert [r.name for r in rules.read()] == ["one"]
    taken: list[list[str]] = []

    async def use(found: Sequence[Rule]) -> None:
        taken.append([r.name for r in found])

    path = tmp_path / "desk.yaml"
    with capture_logs() as logs:
        watching = asyncio.create_task(rules.watch(use, every=0.01))
        path.write_text(ONE.replace("one", "other"))
        await _until(lambda: taken == [["other"]])
        path.write_text(ONE.replace("at_least", "at_leest"))
        await _until(lambda: any(line["event"] == "rules.refused" for line in logs))
        path.write_text(ONE.replace("one", "third-name"))
        await _until(lambda: taken == [["other"], ["third-name"]])
        watching.cancel()
    (refused,) = [line for line in logs if line["event"] == "rules.refused"]
    assert "desk.yaml:2: unknown field 'at_leest'" in refused["faults"][0]


async def _until(holds: object, patience: float = 5.0) -> None:
    async with asyncio.timeout(patience):
        while not holds():  # type: ignore[operator]  # noqa: ASYNC110 - files and logs send no event
            await asyncio.sleep(0.01)


def test_what_is_included_and_the_watchlist_are_looked_at_too(tmp_path: Path) -> None:
    """Every file that the rules depend on counts."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "shared.yaml").write_text(ONE)
    (tmp_path / "mine.yaml").write_text("- {id: ACM, name: Acme Holdings, lists: [banks]}\n")
    rules = book(
        tmp_path,
        "include: [more/shared.yaml]\nrules:\n  - {name: listed, type: threshold, at_least: 1, window: 1h, scope: "
        "{subject: entity, lists: [banks]}}\n",
        watchlist=tmp_path / "mine.yaml",
    )
    found = {r.name: r for r in rules.read()}
    assert found["listed"].scope.ids == ("ACM",)
    assert not rules.changed()
    for path in (tmp_path / "more" / "shared.yaml", tmp_path / "mine.yaml"):
        path.write_text(path.read_text() + "# changed\n")
        assert rules.changed()
        rules.read()
        assert not rules.changed()


def test_a_rule_about_what_nobody_follows_is_refused(tmp_path: Path) -> None:
    """It would never ring; the message says what to set."""
    text = ONE.replace("subject: entity", "subject: source")
    with pytest.raises(RuleError, match=r"desk.yaml:2: rule one .* set TOCSIN_FOLLOW=source"):
        book(tmp_path, text).read()
    assert book(tmp_path, text, follow="source").read()


def test_a_faulty_file_that_is_newly_included_is_looked_at(tmp_path: Path) -> None:
    """Mending it is a change, though the rules before do not know of it."""
    rules = book(tmp_path)
    rules.read()
    (tmp_path / "more.yaml").write_text(ONE.replace("one", "two").replace("at_least", "at_leest"))
    (tmp_path / "desk.yaml").write_text("include: [more.yaml]\n" + ONE)
    with pytest.raises(RuleError):
        rules.read()
    assert not rules.changed()
    (tmp_path / "more.yaml").write_text(ONE.replace("one", "two"))
    assert rules.changed()
    assert len(rules.read()) == 2


def test_a_file_that_changes_while_it_is_read_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing written between two looks is lost."""
    rules = book(tmp_path)

    def slow(*paths: Path) -> object:
        found = read_rules(*paths)
        (tmp_path / "desk.yaml").write_text(ONE.replace("one", "another-name"))
        return found

    monkeypatch.setattr("alerts.rulebook.read_rules", slow)
    assert [r.name for r in rules.read()] == ["one"]
    assert rules.changed()


async def test_rules_that_could_not_be_taken_over_are_tried_again(tmp_path: Path) -> None:
    """A broker that is away for a moment does not end the watching."""
    rules = book(tmp_path)
    rules.read()
    tries: list[int] = []

    async def use(found: Sequence[Rule]) -> None:
        tries.append(len(found))
        if len(tries) == 1:
            raise ConnectionError("no broker")

    with capture_logs() as logs:
        watching = asyncio.create_task(rules.watch(use, every=0.01))
        (tmp_path / "desk.yaml").write_text(ONE.replace("one", "other"))
        await _until(lambda: len(tries) == 2)
        watching.cancel()
    assert next(line["event"] for line in logs if line["event"].startswith("rules.")) == "rules.not_taken"
