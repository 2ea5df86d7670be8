"""A replay measured: bootstrap, curves, notes, and everything together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation import bootstrap, notes
from alerts.evaluation.curve import at_alerts_a_week, at_false_rates
from alerts.evaluation.evaluate import evaluate
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Evaluation, Matching, Note, Point
from alerts.evaluation.truth import TruthEvent
from alerts.rules import Rule
from streams.records import AlertEvent
from tests.unit.alerts.evaluation.cases import ACME, event, hour, mention, observed, step
from tests.unit.alerts.signals import rule

RULE = rule("type: threshold, window: 2h, at_least: 3")
TOPICAL = rule("type: threshold, window: 2h, at_least: 3", "{subject: topic}", "topical")
EVENTS = [event(100), event(300), event(500, kind="control")]
RANG = [step("a", 0, "firing", 101), step("b", 0, "firing", 501), step("c", 0, "firing", 700)]


def evaluated(
    rang: Sequence[AlertEvent] = RANG,
    events: Sequence[TruthEvent] = EVENTS,
    rules: Sequence[Rule] = (RULE, TOPICAL),
    seen: Observed | None = None,
    **how: Any,
) -> Evaluation:
    seen = seen or observed(events, [mention(101, "x")])
    known: dict[str, Any] = {
        "matching": seen.matching, "sources": ["a.jsonl"], "code": "0", "made_at": datetime(2026, 6, 1, tzinfo=UTC),
        "bootstrap": 50,
    }  # fmt: skip
    return evaluate(rang, rules, seen.truth, seen, **(known | how))


def point(value: float, recall: float, rate: float, delay: float | None = 60.0, alerts: int = 10) -> Point:
    return Point(value=value, precision=0.5, recall=recall, false_per_subject_day=rate, delay_median_s=delay,
                 controls_fired=0, alerts=alerts, found=1)  # fmt: skip


def test_each_rule_has_its_figures() -> None:
    """Of the events it could find, with its own alerts."""
    found = evaluated()
    first, second = found.rules["r"], found.rules["topical"]
    assert (first.alerts, first.found, first.false, first.controls_fired, first.type) == (3, 1, 2, 1, "threshold")
    assert (first.hash, first.precision, first.recall) == (RULE.hash, 1 / 3, 0.5)
    assert (second.alerts, second.events, second.recall) == (0, 0, None)
    assert (found.subjects, found.subject_days, found.mentions) == (1, 70.0, 3)
    assert list(found.timelines) == [ACME]
    assert {dimension: set(values) for dimension, values in first.by.items()} == {
        "subject": {ACME}, "topic": {"unknown"}, "risk": {"unknown"}, "lang": {"en", "unknown"}
    }  # fmt: skip


def test_the_result_is_data() -> None:
    """It goes through JSON and comes back the same."""
    found = evaluated(variants={"r": [(3.0, RANG), (5.0, RANG[:1])]}, knobs={"r": "at_least"})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evaluation) == found


@given(order=st.permutations(RANG))
def test_the_order_of_events_does_not_matter(order: list[AlertEvent]) -> None:
    """To any figure."""
    assert evaluated(order) == evaluated()


def test_variants_make_the_curve() -> None:
    """Whatever they are called; and what is best within a budget."""
    quiet = [step("v", 0, "firing", 102, rule="r-5")]
    found = evaluated(variants={"r": [(5.0, quiet), (3.0, RANG)]}, knobs={"r": "at_least"}).rules["r"]
    assert [(each.value, each.recall, each.alerts) for each in found.curve] == [(3.0, 0.5, 3), (5.0, 0.5, 1)]
    assert found.knob == "at_least"
    assert {each.value for each in found.at_false_rates} == {5.0}
    assert (found.at_alerts_a_week[0].limit, found.at_alerts_a_week[0].value) == (1, 3.0)  # as many events, sooner
    assert evaluated().rules["r"].at_false_rates == ()


def test_a_stream_followed_for_another_truth_is_refused() -> None:
    """It counted other windows."""
    seen = observed(EVENTS)
    with pytest.raises(ValueError, match="another truth"):
        evaluated(seen=seen, matching=Matching(before_s=1))


def test_an_alert_after_the_last_mention_is_judged() -> None:
    """The minute that closes the replay lies behind it."""
    late = [step("late", 0, "firing", 1680.1)]
    found = evaluated(late, seen=observed(EVENTS, matching=Matching(unlabelled="excluded")))
    assert found.rules["r"].false == 1


@pytest.mark.parametrize(("limit", "value"), [(0.0001, None), (0.001, 9.0), (0.005, 5.0), (0.01, 3.0), (1.0, 2.0)])
def test_the_best_setting_within_a_rate(limit: float, value: float | None) -> None:
    """The most recall; of equals the least delay, then the fewest false alarms."""
    curve = [
        point(2, 0.9, 0.05), point(3, 0.6, 0.009, 30), point(4, 0.6, 0.006, 90), point(5, 0.4, 0.004, 20),
        point(6, 0.4, 0.004, 40), point(9, 0.2, 0.001),
    ]  # fmt: skip
    (found,) = at_false_rates(curve, [limit])
    assert found.value == value
    assert (found.recall is None) == (value is None)


def test_the_best_setting_within_a_budget_of_alerts() -> None:
    """Alerts a week, right and wrong ones."""
    curve = [point(2, 0.9, 0.05, alerts=100), point(5, 0.4, 0.004, alerts=20)]
    assert [each.value for each in at_alerts_a_week(curve, 70, [1, 2, 9, 10])] == [None, 5, 5, 2]


def test_a_truth_of_our_own_alerts_is_told() -> None:
    """A rule finds by itself what it rang and people found right."""
    marked = event(300, source="alert 1a2b3c4d, marked by li; event 5e6f7a8b, added by wu")
    added = event(400, source="event 5e6f7a8b, added by wu")
    found = evaluated(events=[marked, added], seen=observed([marked, added], [mention(301, "1")]))
    (note,) = (each for each in found.notes if each.code == "from_marks")
    assert note.values == {"count": 1, "events": 2}
    assert "1 of 2 negative events are alerts that people marked right" in notes.sentence(note)


def test_every_caveat_is_computed() -> None:
    """From figures, and said in both languages."""
    day = event(300, day_only=True, source="falls in price")
    listed = event(400, source="dated events", name="Acme \x1b[31m")
    elsewhere = event(300, subject="entity:none", stream="elsewhere")
    far = event(9000)
    told = [mention(n, str(n), None, published_at=hour(n)) for n in (301, 302, 303, 304)]
    found = evaluated(events=[day, listed, elsewhere, far], seen=observed([day, listed, elsewhere, far], told))
    assert [each.code for each in found.notes] == [
        "few_events", "day_only", "outside", "foreign", "unmentioned", "from_prices", "from_list", "few_documents",
        "unjudged", "archive_times", "rare_subjects",
    ]  # fmt: skip
    assert found.caveats == tuple(map(notes.sentence, found.notes))
    assert all("\x1b" not in caveat for caveat in found.caveats)
    for note in found.notes:
        assert notes.sentence(note, "zh") != notes.sentence(note, "en")


def test_a_clean_case_has_no_caveat() -> None:
    """Many events, many documents, a live source, a subject that is spoken of."""
    events = [event(40 * n) for n in range(1, 41)]
    told = [mention(40 * n + at / 60, f"{n}-{at}") for n in range(1, 41) for at in range(30)]
    assert evaluated([], events, seen=observed(events, told)).caveats == ()


def test_curves_are_the_best_of_their_settings() -> None:
    """And the result says so."""
    codes = [each.code for each in evaluated(variants={"r": [(3.0, RANG), (5.0, RANG)]}).notes]
    assert "best_of_settings" in codes
    assert "no_events" in [each.code for each in evaluated(events=[event(500, kind="control")]).notes]


def test_without_a_truth_nothing_is_judged() -> None:
    """And the result says so, instead of that no event was found."""
    seen = observed([], [mention(101, "x")], Matching(unlabelled="excluded"))
    found = evaluated(events=[], seen=seen)
    assert [each.code for each in found.notes][:1] == ["no_truth"]
    assert found.labelled.startswith("Nobody")


def test_chat_of_nobody_is_told() -> None:
    """Rules that want several authors hear one voice in it; news without an author is not meant."""
    chat = [mention(101, f"c{n}", kind="chat", author="") for n in range(4)]
    news = [mention(102, f"n{n}", author="") for n in range(2)]
    (note,) = [each for each in evaluated(seen=observed(EVENTS, chat + news)).notes if each.code == "unsigned_chat"]
    assert note.values == {"share": 0.5}
    assert "--kind news" in notes.sentence(note)
    codes = [each.code for each in evaluated(seen=observed(EVENTS, chat[:3] + news)).notes]
    assert "unsigned_chat" not in codes


@pytest.mark.parametrize(
    ("how", "chosen", "code"),
    [("false", None, "everything"), ("excluded", None, "named"), ("excluded", [ACME], "stated")],
)
def test_the_result_says_what_is_labelled(how: Any, chosen: list[str] | None, code: str) -> None:
    """In words, too."""
    seen = observed(EVENTS, matching=Matching(unlabelled=how))
    found = evaluated(seen=seen, labelled_subjects=chosen)
    assert found.labelled_as is not None
    assert found.labelled_as.code == f"labelled_{code}"
    assert found.labelled == notes.sentence(found.labelled_as)


def test_every_sentence_is_there_in_both_languages() -> None:
    """With the same placeholders."""
    for code, said in yaml.safe_load(files("alerts.evaluation").joinpath("notes.yaml").read_text("utf-8")).items():
        assert set(said) == {"en", "zh"}, code
        assert set(re.findall(r"{(\w+)", said["en"])) == set(re.findall(r"{(\w+)", said["zh"])), code
    with pytest.raises(KeyError):
        notes.sentence(Note(code="none"))


@given(found=st.integers(0, 30), more=st.integers(0, 30), seed=st.integers(0, 9))
def test_draws_of_events_are_shares_of_them(found: int, more: int, seed: int) -> None:
    """Between none and all, the same with the same seed."""
    one, other = (bootstrap.found_draws(found, found + more, 50, np.random.default_rng(seed)) for _ in "ab")
    assert (one == other).all()
    assert ((one >= 0) & (one <= found + more)).all()


def test_draws_of_weeks_keep_what_belongs_together() -> None:
    """Two false alarms of one week come and go together; on average as many as there were."""
    draws = bootstrap.false_draws([2, 2, 2], 100, 4000, np.random.default_rng(1))
    assert set(draws % 2) == {0.0}
    assert draws.mean() == pytest.approx(6, abs=0.3)
    assert bootstrap.false_draws([], 100, 3, np.random.default_rng(1)).tolist() == [0, 0, 0]
    assert bootstrap.false_draws([1, 1], 0, 3, np.random.default_rng(1)).tolist() == [2, 2, 2]


def test_the_interval_of_a_median_lies_within_the_values() -> None:
    """One value says nothing of others, and none nothing at all."""
    rng = np.random.default_rng(1)
    found = bootstrap.median_interval([1.0, 2.0, 3.0, 50.0], 200, rng)
    assert found is not None
    assert 1.0 <= found.low <= 2.5 <= found.high <= 50.0
    assert bootstrap.median_interval([], 200, rng) is None
    assert bootstrap.median_interval([7.0], 200, rng) is None
    assert bootstrap.interval(np.array([np.nan])) is None
