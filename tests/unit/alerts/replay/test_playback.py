"""The past plays to the live engine: point in time, and the same alerts whatever the speed, density or pause."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.engine import Engine
from alerts.replay.log import key, line
from alerts.replay.playback import ARCHIVE, OutOfOrder, Playback
from alerts.snapshots import SnapshotError
from streams.records import AlertEvent, Mention, Tick, decode
from tests.unit.alerts.signals import START, A, B, at, fold, mention, rule, tick
from tests.unit.alerts.test_properties import LAST, RULES, logs

THREE = rule("type: threshold, at_least: 3, window: 20m, keep_firing_for: 5m")
SETTLE = 12 * 3600.0


def play(log: list[Mention], *, lateness: float = 5.0, every: float = 60.0, pause: int | None = None) -> list[bytes]:
    """The log of playing these mentions, in order; with `pause` it is stopped and continued after so many."""
    playback = Playback(RULES, lateness=lateness, every=every)
    events: list[AlertEvent] = []
    for number, one in enumerate(log):
        if number == pause:
            playback = Playback(RULES, lateness=lateness, every=every, state=playback.snapshot())
        events += playback.mention(one)
    return [line(event) for event in sorted(events + playback.finish(SETTLE), key=key)]


def test_events_are_the_live_engine_s_and_marked() -> None:
    """What the live engine says of the same mentions, with `replay` set and nothing else changed."""
    log = [mention(n, f"d{n}") for n in range(1, 5)]
    engine = Engine([THREE], lateness=0, channels=(A,))
    live = fold(engine, *log, tick(60))
    playback = Playback([THREE], lateness=0)
    played = [event for one in log for event in playback.mention(one)] + playback.finish(3600)
    assert played
    assert all(event.replay for event in played)
    assert [line(e).replace(b'"replay":true', b'"replay":false') for e in played] == [line(e) for e in live]


def test_an_event_comes_once_the_minute_after_is_known() -> None:
    """It is given out with the first mention of a later minute, not before: until then more could come."""
    playback = Playback([THREE], lateness=0)
    assert [playback.mention(mention(m, f"d{m}")) for m in (1.1, 1.2, 1.3)] == [[], [], []]
    (event,) = playback.mention(mention(2.5, "later"))
    assert (event.at, event.documents, event.state) == (at(2), 3, "firing")


@settings(max_examples=25, deadline=None)
@given(logs, st.integers(0, 79), st.floats(0.7, 1.0))
def test_a_future_document_changes_nothing_before_its_time(log: list[Mention], where: int, tone: float) -> None:
    """A document planted at some time leaves every event before that time as it was, byte for byte."""
    planted = mention(0, "planted", tone, subject="entity:w")
    when = log[where % len(log)].collected_at + timedelta(seconds=1)
    changed = sorted([*log, replace(planted, collected_at=when)], key=lambda m: (m.collected_at, m.document))
    before = {row for row in play(log) if _time(row) < when}
    assert before == {row for row in play(changed) if _time(row) < when}


def test_a_future_document_is_heard_in_its_time() -> None:
    """The document that completes a crowd rings at its own minute: the test above is no empty promise."""
    log = [mention(1, "a"), mention(2, "b"), mention(9, "c")]
    assert _rung(log[:-1]) == []
    assert _rung(log) == [at(9)]


def _rung(log: list[Mention]) -> list[datetime]:
    playback = Playback([THREE], lateness=5)
    events = [event for one in log for event in playback.mention(one)] + playback.finish(60)
    return [event.at for event in events if event.state == "firing"]


@settings(max_examples=30, deadline=None)
@given(logs, st.sampled_from([1.0, 60.0, 600.0, 7200.0]), st.integers(0, 79), st.sampled_from([0.0, 5.0, 90.0]))
def test_density_pause_and_lateness_change_nothing(
    log: list[Mention], every: float, pause: int, lateness: float
) -> None:
    """The log is the same bytes on a second run, with other ticks, after a pause, under another allowed lateness."""
    once = play(log)
    assert once == play(log)
    assert once == play(log, every=every, pause=pause % len(log), lateness=lateness)


@settings(max_examples=30, deadline=None)
@given(logs, st.integers(0, 2**32))
def test_arrival_order_within_the_lateness_changes_nothing(log: list[Mention], seed: int) -> None:
    """Mentions that come up to the allowed lateness after their time ring as if they had come in order."""
    late = 120.0
    chance = random.Random(seed)
    arrivals = sorted(log, key=lambda m: (m.collected_at + timedelta(seconds=chance.uniform(0, late)), m.document))
    playback = Playback(RULES, lateness=late, channels=(A,))
    events: list[AlertEvent] = []
    newest = START
    for one in arrivals:
        newest = max(newest, one.collected_at)
        events += playback.signal(one)
        events += playback.signal(Tick(channel=A, offset=0, at=newest - timedelta(microseconds=1)))
    events += playback.signal(tick(LAST))
    inorder = Playback(RULES, lateness=late, channels=(A,))
    wanted = [e for one in log for e in inorder.signal(one)] + inorder.signal(tick(LAST))
    assert sorted(map(line, events)) == sorted(map(line, wanted))
    assert playback.counters["late"] == 0


def test_an_archive_out_of_order_is_refused() -> None:
    """A mention older than the newest by more than the lateness is refused with the reason, and harms nothing."""
    playback = Playback([THREE], lateness=5)
    playback.mention(mention(10, "b"))
    state = playback.snapshot()
    with pytest.raises(OutOfOrder, match=r"300 s before .* sort by collected_at"):
        playback.mention(mention(5, "a"))
    assert playback.snapshot() == state
    assert playback.mention(mention(9.95, "c")) == []


def test_mentions_of_any_channel_move_one_clock() -> None:
    """A channel of the archive that ends early holds nothing back."""
    playback = Playback([THREE], lateness=0)
    log = [mention(1, "a", channel=B), *(mention(100 + n, f"d{n}", channel=A) for n in range(4))]
    events = [event for one in log for event in playback.mention(one)]
    assert [event.state for event in events] == ["firing"]


def test_a_log_is_judged_by_its_own_ticks() -> None:
    """Nothing of a log is judged before all its channels ticked; each partition has its own engine."""
    playback = Playback([THREE], lateness=0, channels=(A, B))
    for n in range(3):
        assert playback.signal(mention(n, f"d{n}"), 0) == []
        assert playback.signal(mention(n, f"e{n}", subject="entity:other"), 1) == []
    assert playback.signal(tick(10, A), 0) == []
    assert playback.evaluated is None
    (event,) = playback.signal(tick(10, B), 0)
    assert event.subject == "entity:acme"
    assert playback.evaluated is None  # the other partition is not judged yet
    playback.signal(tick(10, A), 1)
    (other,) = playback.signal(tick(9, B), 1)
    assert (other.subject, playback.evaluated) == ("entity:other", at(9))


def test_the_end_of_a_log_is_what_its_ticks_say() -> None:
    """Without a settling time nothing is added to a log; with one, alerts resolve."""
    playback = Playback([THREE], lateness=0, channels=(A,))
    for one in (*(mention(n, f"d{n}") for n in range(3)), tick(3)):
        playback.signal(one)
    assert playback.finish(0) == []
    assert [event.state for event in playback.finish(7200)] == ["resolved"]


def test_the_last_minute_of_an_archive_is_judged() -> None:
    """Mentions of the last minute ring without any settling time."""
    playback = Playback([THREE], lateness=5)
    for n in range(3):
        playback.mention(mention(1.1 + n / 10, f"d{n}"))
    assert [event.at for event in playback.finish(0)] == [at(2)]


def test_nothing_is_played() -> None:
    """An empty archive gives no event and no fault."""
    playback = Playback([THREE], lateness=5)
    assert playback.finish(60) == []
    assert Playback([THREE], lateness=5, state=playback.snapshot()).evaluated is None


@pytest.mark.parametrize("data", [b"", b"no state", b"\x85"])
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    """Foreign bytes raise SnapshotError."""
    with pytest.raises(SnapshotError):
        Playback([THREE], lateness=5, state=data)


def test_the_archive_s_channel_is_one_name() -> None:
    """The channel of archives has the form of a channel, topic/partition."""
    assert ARCHIVE.partition("/")[2] == "0"


def _time(row: bytes) -> datetime:
    return decode(row, AlertEvent).at
