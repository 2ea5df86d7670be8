"""The search: seeded, within its budget, chosen on one period and checked on another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.evaluation.result import Episode, Measure
from alerts.evaluation.spaces import Parameter, space_of
from alerts.evaluation.tune import NoPeriod, Proposal, Search, Trial, halve, named, propose
from tests.unit.alerts.evaluation.cases import BOLT, alert, everyone, ground, hour
from tests.unit.alerts.evaluation.results import figures, many
from tests.unit.alerts.signals import rule

RULE = rule("type: surge, window: 2h, p: 0.001, min_count: 4")
SPACE = (
    Parameter(path="window", values=("1h", "2h", "6h", "12h", "1d")),
    Parameter(path="min_count", values=(2, 3, 4, 6, 8, 12)),
    Parameter(path="min_ratio", values=(1.0, 1.5, 2.0, 3.0, 4.0)),
)


def search(trials: int = 40, budget: float = 0.01, seed: int = 0) -> Search:
    return Search(RULE, SPACE, budget=budget, trials=trials, seed=seed)


def played(one: Search, judge: Callable[[Trial], Measure], batch: int = 8) -> list[Trial]:
    """All trials, each judged by a function of its setting."""
    tried: list[Trial] = []
    while trials := one.propose(batch):
        for trial in trials:
            one.hear(trial, judge(trial))
        tried += trials
    return tried


def lenient(trial: Trial) -> Measure:
    """Longer windows find more, fewer stories ring falsely more."""
    window, count, *_ = (*trial.place, 0)
    return figures(recall=window / 4, false=0.02 / (count + 1), score=0.5)


def test_the_rule_as_it_is_comes_first_and_no_setting_twice() -> None:
    """So that there is something to compare with, and no trial is wasted."""
    tried = played(search(), lenient)
    assert (tried[0].values, tried[0].rule.hash) == ({}, RULE.hash)
    assert len(tried) == len({trial.place for trial in tried}) == 40


def test_the_same_seed_tries_the_same_settings() -> None:
    """A search can be repeated; another seed is another search."""
    first, again, other = (played(search(seed=seed), lenient) for seed in (3, 3, 4))
    assert [trial.place for trial in first] == [trial.place for trial in again]
    assert [trial.place for trial in first] != [trial.place for trial in other]


def test_the_best_within_the_budget_is_found_and_only_what_matters_is_changed() -> None:
    """The longest window with a count strict enough; the ratio, which changes nothing, stays as it is."""
    one = search(trials=150)
    played(one, lenient)
    best, heard = one.ranked()[0]
    assert heard.recall == 1.0
    assert (heard.false_per_subject_day or 0) <= 0.01
    assert best.values == {"window": "1d"}


def test_a_small_space_is_tried_whole_and_then_it_is_over() -> None:
    """More trials than settings: no endless search."""
    one = Search(RULE, SPACE[:1], budget=1.0, trials=500)
    assert len(played(one, lenient)) == 5


def test_where_nothing_keeps_the_budget_the_fewest_false_alarms_come_first() -> None:
    """The budget is not silently given up: the proposal says it."""
    one = search(trials=150, budget=0.0)
    played(one, lenient)
    assert one.ranked()[0][0].place[1] == 5


def test_settings_that_contradict_each_other_are_passed_over() -> None:
    """A rule cannot look back longer than it may: such trials cost nothing."""
    one = Search(RULE, (Parameter(path="window", values=("2h", "9d")), SPACE[1]), budget=1.0, trials=20)
    assert all(trial.values.get("window") != "9d" for trial in played(one, lenient))


def test_ties_go_to_the_better_delay_then_to_fewer_changes() -> None:
    """Equal recall: the score decides; equal score: the rule as it is."""
    one = search(trials=30)
    played(one, lambda trial: figures(recall=0.5, false=0.0, score=0.9 if trial.place[0] == 3 else 0.1))
    assert one.ranked()[0][0].values == {"window": "12h"}
    still = search(trials=30)
    played(still, lambda trial: figures(recall=0.5, false=0.0, score=0.5))
    assert still.ranked()[0][0].values == {}


@settings(max_examples=25, deadline=None)
@given(trials=st.integers(2, 60), batch=st.integers(1, 30), seed=st.integers(0, 5))
def test_no_more_trials_than_asked_for(trials: int, batch: int, seed: int) -> None:
    """However many are proposed at once."""
    one = Search(RULE, space_of(RULE), budget=0.01, trials=trials, seed=seed)
    assert len(played(one, lenient, batch)) == trials


# ---- two periods

EVENTS = many(12)  # every two days from the third day on, each found until a day after its onset


def test_the_first_part_of_the_time_chooses_unless_told_otherwise() -> None:
    """60 % of seventy days; events before and after the cut in their own period."""
    halves = halve(ground(EVENTS))
    assert halves.cut == hour(1680 * 0.6)
    assert (len(halves.choosing.events), len(halves.checking.events)) == (12, 0)
    told = halve(ground(EVENTS), hour(72 + 48 * 6 - 10))
    assert (len(told.choosing.events), len(told.checking.events), told.straddling) == (6, 6, ())
    assert told.choosing.days + told.checking.days == pytest.approx(70)


@pytest.mark.parametrize("at", [-1.0, 0.0, 1680.0, 9999.0])
def test_a_cut_outside_the_history_is_refused(at: float) -> None:
    """With between when it must lie."""
    with pytest.raises(NoPeriod, match="must end between 2026-01-05 00:00 and 2026-03-16 00:00"):
        halve(ground(EVENTS), hour(at))


def test_an_event_across_the_cut_belongs_to_neither_nor_do_its_alerts() -> None:
    """It could be found on both sides; an alert of it would otherwise be false on one."""
    halves = halve(ground(EVENTS), hour(72 + 48 * 6 + 3))
    assert [each.onset for each in halves.straddling] == [EVENTS[6].onset]
    alerts = [alert(72 + 48 * 6 + 1), alert(72 + 48 * 6 + 5), alert(72 + 48 * 6 + 1, BOLT)]
    assert halves.period(alerts, everyone, choosing=True).figures.false == 1  # of Bolt: no event straddles there
    assert halves.period(alerts, everyone, choosing=False).figures.false == 0


def test_alerts_of_one_period_do_not_count_in_the_other() -> None:
    """Neither as found nor as false."""
    halves = halve(ground(EVENTS), hour(72 + 48 * 6 - 10))
    alerts = [alert(72 + 48 * n + 1) for n in range(12)] + [alert(1000)]
    chosen, checked = (halves.period(alerts, everyone, choosing=choosing) for choosing in (True, False))
    assert (chosen.figures.found, chosen.figures.false, chosen.figures.precision) == (6, 0, 1.0)
    assert (checked.figures.found, checked.figures.false) == (6, 1)
    assert chosen.found == checked.found == tuple(range(6))


def test_an_alert_at_the_cut_counts_once() -> None:
    """On the side that chooses."""
    halves = halve(ground(EVENTS), hour(72 + 48 * 6 - 10))
    sides = [halves.period([alert(72 + 48 * 6 - 10)], everyone, choosing=choosing) for choosing in (True, False)]
    assert [side.figures.false for side in sides] == [1, 0]


def proposal(before: list[Episode], after: list[Episode], budget: float = 0.01, events: int = 24) -> Proposal:
    """Of a setting that rang `after` where the rule rang `before`; half of the events choose."""
    one = search(trials=4, budget=budget)
    trials = played(one, lenient)
    halves = halve(ground(many(events)), hour(72 + 48 * (events // 2) - 10))
    return propose(one, halves, trials[1], (before, after), everyone, rounds=0, seed=0)


def alerts_at(*places: int) -> list[Episode]:
    return [alert(72 + 48 * place + 1) for place in places]


def test_a_proposal_that_finds_more_on_both_periods_has_no_warning() -> None:
    """And says how sure that is."""
    found = proposal(alerts_at(0, 1, 12), alerts_at(*range(24)))
    assert found.warnings == ()
    assert (found.chosen_before.figures.recall, found.chosen_after.figures.recall) == (2 / 12, 1.0)
    assert (found.checked_before.figures.recall, found.checked_after.figures.recall) == (1 / 12, 1.0)
    assert found.check_p == pytest.approx(2 / 2**11)
    assert found.values
    assert found.proposed.name == RULE.name


def test_a_gain_that_the_check_does_not_confirm_is_told() -> None:
    """More on the period that chose, less on the other: luck."""
    found = proposal(alerts_at(0, 12, 13), [*alerts_at(*range(13)), *(alert(1400 + 20 * n, BOLT) for n in range(9))])
    assert set(found.warnings) == {"dearer", "not_confirmed"}


def test_a_gain_that_the_check_does_not_show_is_told() -> None:
    """More on the period that chose, as much as before on the other."""
    assert proposal(alerts_at(0, 12), alerts_at(0, 1, 2, 13)).warnings == ("no_gain",)
    assert proposal(alerts_at(0, 12), alerts_at(1, 13)).warnings == ()  # it promised none


def test_few_events_and_a_broken_budget_are_told() -> None:
    """Four events say little; nothing kept the budget."""
    found = proposal([], [*alerts_at(0), alert(60), alert(1500)], budget=0.0, events=8)
    assert set(found.warnings) == {"over_budget", "few_chosen", "few_checked", "dearer", "no_gain"}


def test_a_setting_is_replayed_under_a_name_of_its_own_and_switched_on() -> None:
    """Also of a rule that is off: tuning it is a good reason to look."""
    off = rule("type: surge, window: 2h, enabled: false")
    assert (named(off, "setting-1").name, named(off, "setting-1").enabled) == ("setting-1", True)
