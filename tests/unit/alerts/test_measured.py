"""What a person reads about how good a rule is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.delivery.channel import Message
from alerts.delivery.measured import lasting, measured, period, rate
from alerts.delivery.message import LIMIT, alert_body
from alerts.delivery.render import card, mail
from alerts.delivery.written import badges_for
from alerts.evaluation.badge import Badge
from alerts.evaluation.result import Interval
from tests.ringing import event

BADGE = Badge(
    rule="surge", hash="h" * 16, data="StockNet", begin=datetime(2014, 1, 1, tzinfo=UTC),
    end=datetime(2015, 1, 1, tzinfo=UTC), events=17, alerts=35, subject_days=31_000.0, precision=0.31,
    precision_interval=Interval(low=0.18, high=0.47), recall=0.65, recall_interval=None, false_per_subject_day=0.0012,
    delay_median_s=2520.0, made_at=datetime(2026, 1, 5, tzinfo=UTC), code="0.1.0",
)  # fmt: skip


def test_the_sentence_says_precision_recall_delay_and_what_they_are_of() -> None:
    """In both languages, from the fields of the badge alone."""
    assert measured(BADGE, "en") == (
        "This rule, measured: precision 0.31 (0.18 to 0.47), recall 0.65, median delay 42 min, "
        "0.0012 false alarms per subject and day (StockNet 2014, 17 events)."
    )
    assert measured(BADGE, "zh") == (
        "本规则实测：精确率 0.31（0.18 至 0.47）、召回率 0.65、延迟中位数 42 分钟、"
        "每个对象每天误报 0.0012 次（StockNet 2014，17 起事件）。"
    )


def test_what_could_not_be_computed_is_left_out() -> None:
    """A rule that never rang has no precision and no delay."""
    silent = replace(BADGE, precision=None, delay_median_s=None, false_per_subject_day=None, recall=0.0)
    assert measured(silent, "en") == "This rule, measured: recall 0.00 (StockNet 2014, 17 events)."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 min"), (2520, "42 min"), (7199, "120 min"), (7200, "2 h"), (9000, "2.5 h"), (172_800, "2 days"),
     (-1800, "-30 min"), (-9000, "-2.5 h")],
)  # fmt: skip
def test_delays_are_told_in_a_unit_that_fits(seconds: float, said: str) -> None:
    """An alert before the onset has a negative one."""
    assert lasting(seconds, "en") == said


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [((2014, 1, 1), (2015, 1, 1), "2014"), ((2014, 1, 1), (2016, 1, 1), "2014–2015"),
     ((2026, 3, 2), (2026, 5, 1), "2026-03–2026-04"), ((2026, 3, 2), (2026, 3, 2), "2026-03")],
)  # fmt: skip
def test_a_period_is_told_in_years_or_months(begin: tuple[int, int, int], end: tuple[int, int, int], said: str) -> None:
    """The end is not included."""
    assert period(datetime(*begin, tzinfo=UTC), datetime(*end, tzinfo=UTC)) == said


@given(st.floats(0, 100))
def test_a_rate_is_never_rounded_to_none(false: float) -> None:
    """Nor written as a power of ten."""
    said = rate(false)
    assert (said == "0") == (false == 0)
    assert "e" not in said


def message(badge: Badge | None, **fields: Any) -> Message:
    told = event(rule_hash=BADGE.hash, **fields)
    badges = badges_for((told,), lambda hash_: badge if badge and hash_ == badge.hash else None)
    return Message(id="m", at=told.at, why="first", events=(told,), badges=badges)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_chat_card_and_a_mail_carry_it(lang: Any) -> None:
    """Whoever has to decide whether to get up reads how often such alerts are right."""
    said = measured(BADGE, lang)
    assert said in mail(message(BADGE), lang).text
    assert any(said == "".join(s.text for s in line) for b in card(message(BADGE), lang).blocks for line in b.lines)
    assert said not in mail(message(None), lang).text


def test_a_badge_of_another_text_of_the_rule_reaches_no_message() -> None:
    """Its figures are not those of the rule that rang."""
    assert message(replace(BADGE, hash="another")).badges == {}


def test_a_webhook_gets_the_figures_and_the_sentences() -> None:
    """Beside the record, within the limit of the body."""
    told = message(BADGE)
    body = alert_body(told.events[0], "r", badge=told.badges[BADGE.hash])
    data = msgspec.json.decode(body)["data"]
    assert (data["measured"]["recall"], data["measured"]["events"]) == (0.65, 17)
    assert data["measured"]["text"]["en"] == measured(BADGE, "en")
    assert len(body) < LIMIT
    assert "measured" not in msgspec.json.decode(alert_body(told.events[0], "r"))["data"]


def test_no_name_of_data_can_move_a_terminal_or_break_a_line() -> None:
    """A file of badges may have been written by anybody."""
    said = measured(replace(BADGE, data="a\x1b[2J\nb‮" + "x" * 500), "en")
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 400
