"""Whom an alert concerns, and the hours of people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.channel import Limit
from alerts.delivery.limiter import Limiter
from alerts.delivery.routing import DAYS, Match, Schedule, broken_channel, group_of, may_hear, value_of
from tests.unit.alerts.desk import step


def match(**said: Any) -> Match:
    return msgspec.convert(said, Match)


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({}, True),
        ({"rule": "negative-surge"}, True),
        ({"rule": ["other", "negative-*"]}, True),
        ({"rule": "negative"}, False),
        ({"severity": "warning"}, True),
        ({"severity": ["info", "critical"]}, False),
        ({"severity": {"at_least": "warning"}}, True),
        ({"severity": {"at_least": "critical"}}, False),
        ({"subject": "entity:*", "name": "Brightwater"}, True),
        ({"subject": "entity:*", "name": "Other"}, False),
        ({"kind": "surge"}, True),
        ({"labels": {"desk": ["risk", "treasury"]}}, True),
        ({"labels": {"desk": "ris"}}, False),
        ({"labels": {"team": "*"}}, False),
    ],
)
def test_a_match_holds_when_every_field_does(said: dict[str, Any], holds: bool) -> None:
    """Several values of one field are alternatives; a star stands for any end; a label must be there."""
    assert match(**said).holds(step("a", kind="surge", labels={"desk": "risk"})) is holds


def schedule(**said: Any) -> Schedule:
    return msgspec.convert(said, Schedule)


SHANGHAI_NIGHT = schedule(**{"from": "22:00", "to": "07:00", "zone": "Asia/Shanghai", "days": ["fri"]})


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("2026-03-06T13:59:00Z", False),  # Friday 21:59 in Shanghai
        ("2026-03-06T14:00:00Z", True),
        ("2026-03-06T22:59:00Z", True),  # Saturday 06:59: the night began on Friday
        ("2026-03-06T23:00:00Z", False),
        ("2026-03-07T14:00:00Z", False),  # Saturday night
        ("2026-03-05T20:00:00Z", False),  # Friday 04:00 belongs to Thursday's night
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(text: str, inside: bool) -> None:
    """Days and hours are those of the schedule's own zone."""
    assert SHANGHAI_NIGHT.inside(datetime.fromisoformat(text)) is inside


def test_summer_time_moves_the_hours() -> None:
    """22:00 in New York is another moment before and after the clocks change."""
    night = schedule(**{"from": "22:00", "to": "24:00", "zone": "America/New_York"})
    assert night.inside(datetime(2026, 3, 8, 3, 0, tzinfo=UTC))  # 7 March, 22:00 EST
    assert not night.inside(datetime(2026, 3, 9, 1, 59, tzinfo=UTC))
    assert night.inside(datetime(2026, 3, 9, 2, 0, tzinfo=UTC))  # 8 March, 22:00 EDT


ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"]
CLOCKS = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(
    zone=st.sampled_from(ZONES),
    first=CLOCKS,
    last=CLOCKS,
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
)
def test_nothing_changes_before_the_next_boundary(
    zone: str, first: str, last: str, days: list[str], at: datetime
) -> None:
    """`change` lies ahead, within two days, and until then `inside` says the same: quiet hours never end unseen.

    Around a change of the clocks a boundary may come twice or not at all; an hour is allowed for there.
    """
    hours = schedule(**{"from": first, "to": last, "zone": zone, "days": days})
    change = hours.change(at)
    assert at < change <= at + timedelta(hours=49)
    inside = hours.inside(at)
    shifting = at.astimezone(hours._zone).utcoffset() != change.astimezone(hours._zone).utcoffset()
    for share in (0.25, 0.5, 0.75, 0.999):
        moment = at + (change - at) * share
        assert shifting or hours.inside(moment) is inside


@given(st.booleans(), st.booleans(), st.booleans())
def test_the_one_gate(demo: bool, replay: bool, wants_demo: bool) -> None:
    """Replay never passes; demo data passes to those who asked for it; everything else passes."""
    assert may_hear(step("a", demo=demo, replay=replay), demo=wants_demo) is (not replay and (wants_demo or not demo))


def test_fields_and_labels_make_a_group() -> None:
    """What is missing is empty, and no error: such alerts are a group too."""
    event = step("a", labels={"desk": "risk"})
    assert group_of(event, ("rule", "labels.desk", "labels.none")) == {
        "rule": "negative-surge", "labels.desk": "risk", "labels.none": "",
    }  # fmt: skip
    assert value_of(event, "severity") == "warning"


def test_only_our_own_alert_names_a_broken_channel() -> None:
    """A rule of a user with such a subject does not keep a channel from being told."""
    about = {"rule": "tocsin-channel", "subject": "system:channel/desk"}
    assert broken_channel(step("a", kind="system", **about)) == "desk"
    assert broken_channel(step("a", kind="surge", **about)) == ""


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 20)), min_size=1, max_size=2),
)
def test_no_window_holds_more_than_the_limit(pauses: list[float], limits: list[tuple[int, int]]) -> None:
    """Whoever waits as told never makes more requests within any window than the platform takes."""
    limiter = Limiter([Limit(requests, float(seconds)) for requests, seconds in limits])
    now, made = 0.0, []
    for pause in pauses:
        now += pause
        now += limiter.wait(now)
        assert limiter.wait(now) < 1e-6
        limiter.took(now)
        made.append(now)
    for requests, seconds in limits:
        for first, last in zip(made, made[requests:], strict=False):
            assert last - first >= seconds - 1e-6


def test_a_block_outlasts_the_windows() -> None:
    """What a platform said of a pause counts, and never shortens another."""
    limiter = Limiter([])
    assert limiter.wait(5.0) == 0.0
    limiter.block(20.0)
    limiter.block(10.0)
    assert limiter.wait(5.0) == 15.0
    assert limiter.wait(20.0) == 0.0


def test_hours_that_come_twice_end_twice() -> None:
    """Where clocks are set back, quiet hours to 02:30 end at the second 02:30 too, and not a day later."""
    night = Schedule(from_="22:00", to="02:30", zone="Europe/Berlin")
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert night.inside(second)
    assert night.change(second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert not night.inside(night.change(second))


def test_a_clock_that_is_set_back_blocks_nobody() -> None:
    """A limiter whose requests lie in the future by hours waits no longer than a new one."""
    limiter = Limiter([Limit(1, 60.0)])
    limiter.took(30_000.0)
    limiter.block(30_500.0)
    assert limiter.wait(30_000.0) == 500.0
    assert limiter.wait(1_000.0) == 0.0
    limiter.took(1_000.0)
    assert limiter.wait(1_010.0) == 50.0
