"""What was measured of a rule stays with that text of the rule, and with no other."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alerts.evaluation.badge import Badge, as_data
from alerts.evaluation.badges import (
    FILE,
    Badges,
    BadgesUnreadable,
    Shelf,
    badges_of,
    beside,
    merged,
    read_badges,
    write_badges,
)
from streams.settings import Settings
from tests.unit.alerts.evaluation.cases import event, hour
from tests.unit.alerts.evaluation.results import HASH, at_events, many, result, rule

EVENTS = many(10)
RESULT = result(EVENTS, {"surge": rule(at_events(7), EVENTS, rounds=50), "other": rule(at_events(2), EVENTS, hash="b")})


def badge(**changes: Any) -> Badge:
    """One of the rule `surge`."""
    return replace(badges_of(RESULT)[0], **changes)


def test_a_badge_says_what_the_result_says() -> None:
    """Period, figures with their intervals, and what made them."""
    found = badge()
    assert (found.rule, found.hash, found.events, found.recall, found.precision) == ("surge", HASH, 10, 0.7, 1.0)
    assert (found.begin, found.end, found.code) == (RESULT.begin, RESULT.end, "0.1.0+abc")
    assert found.recall_interval is not None
    assert found.delay_median_s == 3600.0
    assert found.data == "archive"
    assert as_data(found)["recall"] == 0.7


def test_the_history_may_be_named_and_no_name_can_harm_a_terminal() -> None:
    """What stands in a file reaches messages."""
    [found, _] = badges_of(RESULT, "StockNet\x1b[2J\n 2014", "truth.yaml")
    assert (found.data, found.truth) == ("StockNet[2J 2014", "truth.yaml")


def test_without_events_nothing_is_known_of_a_rule() -> None:
    """No badge rather than an empty one; controls alone are no events either."""
    assert badges_of(result([], {"r": []})) == ()
    assert badges_of(result([event(100, kind="control")], {"r": []})) == ()


def test_a_newer_measurement_replaces_the_older_of_the_same_rule_and_data() -> None:
    """Whatever its hash was; other data stay."""
    old, other, new = badge(hash="old"), badge(data="weibo"), badge(recall=0.9)
    assert merged([old, other], [new]) == (new, other)
    assert merged([], [old]) == (old,)


def test_a_badge_of_another_text_of_the_rule_is_out_of_date() -> None:
    """It is never shown as what the rule does, and told only while there is no newer one."""
    badges = Badges([badge(hash="old"), badge(hash="older", made_at=hour(1))])
    assert badges.best("now") is None
    assert badges.outdated("surge", "now") == badge(hash="old")
    assert badges.outdated("elsewhere", "now") is None
    assert Badges([badge(hash="old"), badge(hash="now")]).outdated("surge", "now") is None


def test_of_several_histories_that_with_the_most_events_is_shown() -> None:
    """Then the newest."""
    few, many_, newer = badge(events=3), badge(events=30), badge(events=30, made_at=hour(9000))
    assert Badges([few, many_, newer]).of(HASH) == (newer, many_, few)


def test_badges_are_kept_beside_the_rules_and_read_again(tmp_path: Path) -> None:
    """Beside a file or in the folder of them; shipped ones are read with them."""
    path = tmp_path / "desk.yaml"
    path.write_text("rules: []\n")
    assert write_badges(path, RESULT, "StockNet") == beside(tmp_path) == tmp_path / FILE
    write_badges(tmp_path, RESULT, "Weibo")
    found = read_badges(path)
    assert {each.data for each in found.of(HASH)} == {"StockNet", "Weibo"}
    assert os.stat(tmp_path / FILE).st_mode & 0o777 == 0o644
    assert set(tmp_path.iterdir()) == {path, tmp_path / FILE}


def test_replays_that_end_together_lose_no_badge(tmp_path: Path) -> None:
    """Each reads what the other wrote."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_badges(tmp_path, RESULT, f"history {n}"), range(24)))
    assert {each.data for each in read_badges(tmp_path).of(HASH)} == {f"history {n}" for n in range(24)}
    assert set(tmp_path.iterdir()) == {tmp_path / FILE}


def test_a_folder_of_rules_with_badges_in_it_is_still_a_folder_of_rules(tmp_path: Path) -> None:
    """What a measurement leaves there must not stop the detector."""
    from alerts.rule_files import load_rules

    text = "rules: [{name: r, type: threshold, scope: {subject: entity}, window: 1h, at_least: 2}]\n"
    (tmp_path / "desk.yaml").write_text(text)
    write_badges(tmp_path, RESULT)
    assert [each.name for each in load_rules(tmp_path)] == ["r"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"v": 2}', '{"badges": [{"rule": "r"}]}', "\xff"])
def test_a_damaged_file_is_told_and_never_overwritten(tmp_path: Path, text: str) -> None:
    """Somebody's measurements may be in it."""
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    with pytest.raises(BadgesUnreadable, match="measure again"):
        read_badges(tmp_path)
    with pytest.raises(BadgesUnreadable):
        write_badges(tmp_path, RESULT)
    assert (tmp_path / FILE).read_text(encoding="latin-1") == text


def test_the_shelf_reads_again_what_has_changed(tmp_path: Path) -> None:
    """A measurement made while the notifier runs stands in its next message; a damaged file changes nothing."""
    rules = tmp_path / "desk.yaml"
    shelf = Shelf(Settings(rules=rules))
    assert shelf.best(HASH) is None
    write_badges(rules, RESULT)
    assert (found := shelf.best(HASH)) is not None
    assert found.recall == 0.7
    (tmp_path / FILE).write_text("damaged, and longer or shorter than before")
    assert shelf.best(HASH) == found
    (tmp_path / FILE).unlink()
    assert shelf.best(HASH) is None


def test_a_badge_survives_its_file() -> None:
    """Every field, to the last digit."""
    found = badge()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Badge) == found
