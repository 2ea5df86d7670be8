"""Two results of one history: alerts gained, lost, moved; figures with their verdicts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.evaluation.changes import Change
from alerts.evaluation.compare import ALL, NothingToCompare, Pair, compare
from alerts.evaluation.result import Episode, Evaluation
from tests.unit.alerts.evaluation.cases import ACME, BOLT, alert, event
from tests.unit.alerts.evaluation.results import at_events, many, result, rule

EVENTS = many(8)


def pair(before: list[Episode], after: list[Episode], within: float = 6.0) -> Pair:
    """One rule before and after a change, against eight events."""
    found = compare(result(EVENTS, {"r": before}), result(EVENTS, {"r": after}), within=within * 3600)
    [only] = found.pairs
    return only


def change(of: Pair, figure: str) -> Change:
    return next(each for each in of.changes if each.figure == figure)


def test_equal_results_differ_in_nothing() -> None:
    """Every alert is the same, every figure equal, no p below one."""
    same = pair(at_events(8), at_events(8))
    assert (same.same, same.gained, same.lost, same.moved) == (8, (), (), ())
    assert [(c.before == c.after, c.p, c.better) for c in same.changes] == [(True, 1.0, None)] * 4


def test_alerts_are_gained_lost_and_moved() -> None:
    """Near in time about one subject is the same alert; the nearest are brought together, one to one."""
    before = [alert(10), alert(20), alert(300), alert(500, BOLT)]
    after = [alert(10), alert(21), alert(23), alert(500)]
    found = pair(before, after)
    assert found.same == 1
    assert [(m.before.at, m.seconds) for m in found.moved] == [(before[1].at, 3600.0)]
    assert [e.at for e in found.gained] == [after[2].at, after[3].at]
    assert [(e.at, e.subject) for e in found.lost] == [(before[2].at, before[2].subject), (before[3].at, BOLT)]


def test_the_tolerance_decides_what_is_the_same_alert() -> None:
    """Six hours apart is moved within six hours, and lost and gained within five."""
    assert len(pair([alert(10)], [alert(16)]).moved) == 1
    apart = pair([alert(10)], [alert(16)], within=5)
    assert (len(apart.gained), len(apart.lost), len(apart.moved)) == (1, 1, 0)


def test_events_found_by_one_side_alone_are_told_and_tested() -> None:
    """Seven events more are more than chance, of eight; their places are given."""
    found = pair(at_events(1), at_events(8))
    assert found.events_gained == tuple(range(1, 8))
    assert found.events_lost == ()
    recall = change(found, "recall")
    assert (recall.before, recall.after, recall.n, recall.better) == (1 / 8, 1.0, 8, True)
    assert recall.p == pytest.approx(2 / 2**7)
    assert recall.more_than_chance


def test_two_events_more_could_be_chance() -> None:
    """The difference is there, and says nothing."""
    recall = change(pair(at_events(8, skip=[0, 1]), at_events(8)), "recall")
    assert (recall.better, recall.more_than_chance) == (True, False)


def test_false_alarms_are_compared_by_subject_and_week() -> None:
    """Seven weeks with a false alarm each against none; fewer is better."""
    wrong = [alert(80 + 168 * n, BOLT) for n in range(7)]
    found = pair(wrong, [])
    false = change(found, "false_per_subject_day")
    assert false.after == 0
    assert false.before == pytest.approx(0.1)  # 7 alerts in 70 days of the one company that is spoken of
    assert (false.n, false.better, false.p) == (7, True, pytest.approx(2 / 2**7))
    assert change(found, "precision").p is None


def test_delay_is_compared_on_events_that_both_found() -> None:
    """What one side alone found has no delay to compare with."""
    delay = change(pair(at_events(8, after=5), at_events(6, after=2)), "delay_median_s")
    assert (delay.before, delay.after, delay.n, delay.better) == (5 * 3600, 2 * 3600, 6, True)
    assert delay.p == pytest.approx(2 / 2**6)


def test_controls_that_ring_are_worse() -> None:
    """A control is no event: its recall is counted apart."""
    events = [*EVENTS, event(1000, kind="control")]
    found = compare(result(events, {"r": at_events(8)}), result(events, {"r": [*at_events(8), alert(1001)]}))
    [only] = found.pairs
    controls = change(only, "controls_fired")
    assert (controls.before, controls.after, controls.n, controls.better) == (0.0, 1.0, 1, False)
    assert change(only, "recall").n == 8


def test_rules_are_paired_by_name_and_sets_as_a_whole() -> None:
    """What only one side has is told; both sets together are a pair of their own."""
    before = result(EVENTS, {"a": at_events(3), "b": at_events(6, skip=[0]), "old": []})
    after = result(EVENTS, {"a": at_events(3), "b": at_events(6), "new": []})
    found = compare(before, after)
    assert [(p.before, p.after) for p in found.pairs] == [("a", "a"), ("b", "b"), (ALL, ALL)]
    assert (found.only_before, found.only_after) == (("old",), ("new",))
    together = change(found.pairs[-1], "recall")
    assert (together.before, together.after) == (6 / 8, 6 / 8)  # a found the first one already


def test_of_two_rules_that_find_an_event_one_alert_is_right() -> None:
    """Precision of a set does not grow because its rules say the same."""
    both = result(EVENTS, {"a": at_events(4), "b": at_events(4, after=2)})
    precision = change(compare(both, both).pairs[-1], "precision")
    assert precision.before == precision.after == 1.0
    found = compare(both, both).pairs[-1]
    assert change(found, "delay_median_s").before == 3600.0  # of the first to ring


def test_false_alarms_are_compared_by_the_days_they_are_of() -> None:
    """A rule that looks at ten times as many subjects may ring falsely ten times as often."""
    few = rule([alert(24 * 7 * n + 20) for n in range(2)], [], subject_days=70.0)
    wrong = [alert(24 * 7 * n + 20, subject) for n in range(10) for subject in (ACME, BOLT)]
    loud = rule(wrong, [], subject_days=700.0)
    [found] = compare(result([], {"r": few}), result([], {"r": loud})).pairs
    false = change(found, "false_per_subject_day")
    assert false.before == false.after
    assert (false.p, false.better) == (1.0, None)


def test_a_set_is_of_all_days_that_its_rules_look_at() -> None:
    """Not of those of the rule that looks at most."""
    rules = {name: rule([alert(20)], [], subject_days=70.0) for name in ("a", "b")}
    whole = compare(result([], rules, subject_days=140.0), result([], rules, subject_days=140.0)).pairs[-1]
    assert change(whole, "false_per_subject_day").before == 2 / 140


def test_one_rule_against_another() -> None:
    """The only rule of each side is meant; of several a name must be given, and a wrong one is told."""
    one, other = result(EVENTS, {"surge": at_events(2)}), result(EVENTS, {"spike": at_events(3)})
    assert [(p.before, p.after) for p in compare(one, other).pairs] == [("surge", "spike")]
    several = result(EVENTS, {"spike": [], "share": []})
    with pytest.raises(NothingToCompare, match="name two to compare"):
        compare(one, several)
    [named] = compare(one, several, rules=[("surge", "share")]).pairs
    assert (named.before, named.after) == ("surge", "share")
    assert compare(one, several, rules=[("surge", "share")]).only_after == ("spike",)
    with pytest.raises(NothingToCompare, match="the second result has no rule spke; it has: spike, share"):
        compare(one, several, rules=[("surge", "spke")])


def test_only_common_events_are_compared() -> None:
    """Events stand by subject, onset and kind, wherever they stand in either list; alerts point at the common ones."""
    fewer = EVENTS[2:]
    before, after = result(EVENTS, {"r": at_events(8)}), result(fewer, {"r": at_events(8, after=2)})
    found = compare(before, after)
    assert len(found.events) == 6
    assert "events" in found.caveats
    assert change(found.pairs[0], "recall").n == 6
    assert {moved.after.event for moved in found.pairs[0].moved} == {None, *range(6)}


def caveats(before: Evaluation, after: Evaluation) -> set[str]:
    return set(compare(before, after).caveats)


def test_what_makes_two_results_hard_to_compare_is_told() -> None:
    """Another period, another stream, other models, another matching, few events."""
    one = result(many(25), {"r": []})
    assert caveats(one, one) == set()
    assert caveats(one, replace(one, end=one.end + timedelta(days=1))) == {"period"}
    assert caveats(one, replace(one, mentions=99)) == {"mentions"}
    assert caveats(one, replace(one, models={"m@2": 10})) == {"models"}
    assert caveats(one, replace(one, matching=replace(one.matching, after_s=1))) == {"matching"}
    assert caveats(result(EVENTS, {"r": []}), result(EVENTS, {"r": []})) == {"few"}


def test_without_truth_alerts_are_compared_all_the_same() -> None:
    """No event, no recall; gained and lost stay what they are."""
    found = compare(result([], {"r": [alert(10)]}), result([], {"r": [alert(30)]}))
    [only] = found.pairs
    assert (len(only.gained), len(only.lost)) == (1, 1)
    assert change(only, "recall").p is None


hours = st.lists(st.integers(0, 1500).map(float), max_size=12, unique=True)


@given(first=hours, second=hours)
def test_nothing_is_counted_twice_and_the_sides_mirror_each_other(first: list[float], second: list[float]) -> None:
    """Every alert is the same, moved, or gained or lost; turned round, gained is lost."""
    before, after = [alert(at) for at in first], [alert(at) for at in second]
    one, turned = pair(before, after), pair(after, before)
    assert one.same + len(one.moved) + len(one.lost) == len(before)
    assert one.same + len(one.moved) + len(one.gained) == len(after)
    assert {e.at for e in one.gained} == {e.at for e in turned.lost}
    assert [c.p for c in one.changes] == pytest.approx([c.p for c in turned.changes], nan_ok=True)
