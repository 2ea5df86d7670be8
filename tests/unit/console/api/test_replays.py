"""Results of replays over HTTP: listed, read, compared, and as the report that people read."""

from __future__ import annotations

from pathlib import Path

from console.replay.shelf import keep
from streams.settings import Settings
from tests.unit.console.api.serving import READ, serving
from tests.unit.console.replay import past
from tests.unit.console.replay.test_shelf import result

STRICT = past.RULES.replace("at_least: 3", "at_least: 7")


async def test_results_are_listed_and_read(tmp_path: Path) -> None:
    """The newest first, with the figures of each rule; each whole as the command wrote it."""
    async with serving(tmp_path) as api:
        assert (await api.ask("GET", "/replays", READ))[1] == {"results": [], "runs": []}
        id_ = keep(Settings(state_dir=tmp_path), result(), "Invented day")
        status, found = await api.ask("GET", "/replays", READ)
        _, whole = await api.ask("GET", f"/replays/{id_}", READ)
    assert status == 200
    (brief,) = found["results"]
    assert (brief["id"], brief["name"], brief["sources"]) == (id_, "Invented day", ["past.jsonl"])
    assert {rule["name"]: rule["alerts"] for rule in brief["rules"]} == {"three-stories": 2, "far-more": 1}
    assert whole["rules"].keys() == {"three-stories", "far-more"}
    assert (whole["v"], whole["title"]) == (1, "Invented day")


async def test_what_a_result_cannot_show_is_said_in_the_callers_language(tmp_path: Path) -> None:
    """The file keeps its sentences in English; whoever reads the page need not."""
    id_ = keep(Settings(state_dir=tmp_path), result())
    async with serving(tmp_path) as api:
        _, english = await api.ask("GET", f"/replays/{id_}", READ, headers={"Accept-Language": "en"})
        _, chinese = await api.ask("GET", f"/replays/{id_}", READ, headers={"Accept-Language": "zh"})
    assert english["said"] == {"caveats": english["caveats"], "labelled": english["labelled"]}
    assert english["caveats"]
    assert len(chinese["said"]["caveats"]) == len(english["caveats"])
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in each) for each in chinese["said"]["caveats"])


async def test_two_results_are_compared_by_rule(tmp_path: Path) -> None:
    """Gained, lost, moved, figures with their tests, and what makes them hard to compare in words."""
    mine = Settings(state_dir=tmp_path)
    first, second = keep(mine, result()), keep(mine, result(STRICT))
    other = keep(mine, result(past.RULES[: past.RULES.index("  - name: far-more")].replace("three-stories", "other")))
    async with serving(tmp_path) as api:
        status, found = await api.ask("GET", f"/replays/compare?a={first}&b={second}", READ)
        refused, error = await api.ask("GET", f"/replays/compare?a={first}&b={other}", READ)
    assert status == 200
    pairs = {pair["rule"]: pair for pair in found["pairs"]}
    assert (pairs["three-stories"]["same_text"], pairs["far-more"]["same_text"]) == (False, True)
    changed = pairs["three-stories"]
    assert changed["lost_count"] + changed["moved_count"] == 2
    assert len(changed["lost"]) == changed["lost_count"]
    assert pairs["far-more"]["same"] == 1
    assert {change["figure"] for change in changed["changes"]} >= {"recall", "precision", "false_per_subject_day"}
    assert found["caveats"] == ["few"]
    assert len(found["caveats_said"]) == 1
    assert (refused, error["error"]["code"]) == (409, "replay_incomparable")


async def test_the_report_is_a_file_without_scripts(tmp_path: Path) -> None:
    """In the caller's language, with a policy of its own."""
    id_ = keep(Settings(state_dir=tmp_path), result())
    async with serving(tmp_path) as api:
        headers = {"Authorization": f"Bearer {READ}", "Accept-Language": "zh"}
        status, text, answered = await api.page("GET", f"/api/v1/replays/{id_}/report", headers=headers)
    assert status == 200
    assert 'lang="zh' in text
    assert "<script" not in text
    assert "default-src 'none'" in answered["Content-Security-Policy"]
    assert answered["Content-Disposition"].startswith("attachment")


async def test_what_is_not_there_is_said_to_be_unknown(tmp_path: Path) -> None:
    """Whatever the id looks like."""
    async with serving(tmp_path) as api:
        for path in ("nothing", "20260105T000000Z-0123456789abcdef", "compare?a=x&b=y", "%2e%2e"):
            status, found = await api.ask("GET", f"/replays/{path}", READ)
            assert status == 404, found
