"""Rules tried subject by subject ring as they do together."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.replay.apart import Apart
from alerts.replay.log import key, line
from alerts.replay.playback import Playback
from alerts.snapshots import SnapshotError
from streams.records import AlertEvent, Mention, Signal, Tick
from tests.unit.alerts.signals import A, B, at, mention, rule, tick
from tests.unit.alerts.test_properties import LAST, RULES, logs

SETTLE = 12 * 3600.0
TOPICS = rule("type: threshold, at_least: 2, window: 1h", scope="{subject: topic}", name="topics")


def rows(events: list[AlertEvent]) -> list[bytes]:
    """The log of these events."""
    return [line(event) for event in sorted(events, key=key)]


@settings(max_examples=40, deadline=None)
@given(logs, st.integers(0, 79))
def test_an_archive_rings_as_in_one_engine(log: list[Mention], pause: int) -> None:
    """The same events, byte for byte, wherever it was stopped and continued."""
    together, apart = Playback(RULES, lateness=5), Apart(RULES, lateness=5)
    wanted: list[AlertEvent] = []
    found: list[AlertEvent] = []
    for number, one in enumerate(log):
        if number == pause % len(log):
            apart = Apart(RULES, lateness=5, state=apart.snapshot())
        wanted += together.mention(one)
        found += apart.mention(one)
    assert rows(found + apart.finish(SETTLE)) == rows(wanted + together.finish(SETTLE))


@settings(max_examples=40, deadline=None)
@given(logs, st.integers(0, 2**32), st.sampled_from([0.0, 30.0, 3600.0]), st.sampled_from([0.0, SETTLE]))
def test_a_log_rings_as_in_one_engine(log: list[Mention], seed: int, delay: float, settle: float) -> None:
    """With ticks of two channels of its own, in two partitions, and with mentions that come too late."""
    signals = _log(log, random.Random(seed), delay)
    together, apart = (make(RULES, lateness=60, channels=(A, B)) for make in (Playback, Apart))
    wanted: list[AlertEvent] = []
    found: list[AlertEvent] = []
    for number, (partition, signal) in enumerate(signals):
        if number == len(signals) // 2:
            apart = Apart(RULES, lateness=60, channels=(A, B), state=apart.snapshot())
        wanted += together.signal(signal, partition)
        found += apart.signal(signal, partition)
    assert rows(found + apart.finish(settle)) == rows(wanted + together.finish(settle))


def _log(log: list[Mention], chance: random.Random, delay: float) -> list[tuple[int, Signal]]:
    """Mentions as they arrive, after up to `delay` seconds, with ticks between them in every partition."""
    arrivals = sorted(log, key=lambda m: m.collected_at + timedelta(seconds=chance.uniform(0, delay)))
    signals: list[tuple[int, Signal]] = []
    newest = at(0)
    for one in arrivals:
        newest = max(newest, one.collected_at)
        signals.append((int(one.subject == "entity:x"), one))
        if chance.random() < 0.3:
            signals += [(p, Tick(channel=c, offset=0, at=newest)) for p in (0, 1) for c in (A, B)]
    return [*signals, *((p, tick(LAST, c)) for p in (0, 1) for c in (A, B))]


def test_only_what_is_asked_about_is_judged() -> None:
    """Subjects that nobody asks about, and those that no rule looks at, ring nothing; the others as ever."""
    log = [mention(n, f"d{n}{who}", subject=who) for n in range(4) for who in ("entity:a", "entity:b", "topic:legal")]
    three = rule("type: threshold, at_least: 3, window: 20m")
    apart = Apart([three, TOPICS], lateness=0, subjects={"entity:a", "topic:legal"})
    events = [event for one in log for event in apart.mention(one)] + apart.finish(3600)
    assert {(event.rule, event.subject) for event in events} == {("r", "entity:a"), ("topics", "topic:legal")}
    assert all(event.replay for event in events)
    none = Apart([TOPICS], lateness=0)
    assert [event for one in log if one.subject != "topic:legal" for event in none.mention(one)] == []


def test_time_goes_on_while_others_are_spoken_of() -> None:
    """The end of the archive is everybody's: silence rings about a subject that is mentioned no more."""
    log = [mention(48 * n, f"d{n}", 0.1, subject="entity:a") for n in range(30 * 30)]
    log.append(mention(31 * 24 * 60, "last", subject="entity:b"))
    silence = rule("type: silence, window: 12h, at_most: 0, min_expected: 5, p: 0.001")
    together, apart = Playback([silence], lateness=0), Apart([silence], lateness=0, subjects={"entity:a"})
    wanted = [event for one in log for event in together.mention(one)] + together.finish(0)
    found = [event for one in log for event in apart.mention(one)] + apart.finish(0)
    assert rows(found) == rows([event for event in wanted if event.subject == "entity:a"])
    assert found


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x81\xa1x\x01"])
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    """They raise SnapshotError, as a damaged snapshot does."""
    with pytest.raises(SnapshotError, match="not the state of a playback"):
        Apart(RULES, lateness=0, state=data)
