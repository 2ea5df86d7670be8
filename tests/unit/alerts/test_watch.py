"""Alerts about Tocsin itself: what is measured in, events out; thresholds, causes, sentences, restarts."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from alerts import checks as table_of
from alerts.checks import ALL, Check, Probe, Seconds, Stretches, checks, letters_bound, settle
from alerts.watch import (
    LANGUAGES,
    MOST_UNSENT,
    Book,
    amount,
    catalogue,
    decode_book,
    encode_book,
    firing,
    restore,
    say,
    step,
)
from streams.records import AlertEvent, decode, encode
from streams.settings import Settings

TABLE = checks(Settings())
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
EVERY = 15
TEXTS = Path(table_of.__file__).parent / "texts"


def facts(what: str) -> dict[str, str | int | Seconds]:
    """Every fact that the sentences of a check name."""
    names = {name for part in ("name", "says", "fix", "over") for name in fields(catalogue("en")[f"{what}.{part}"])}
    return {name: f"<{name}>" for name in names - {"which", "value", "bound"}}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


class Play:
    """A watcher's rounds on a virtual clock."""

    def __init__(self) -> None:
        self.book = Book()
        self.now = START
        self.log: list[AlertEvent] = []

    def round(self, *probes: Probe, seconds: float = EVERY) -> list[str]:
        """One look; the states that were said in it. What is said is written at once."""
        said = step(self.book, settle(probes, TABLE), TABLE, self.now)
        self.log += self.book.unsent
        self.book.unsent = []
        self.now += timedelta(seconds=seconds)
        return [f"{event.subject.removeprefix('system:')} {event.state}" for event in said]


def bad(check: Check, times: float = 1.0) -> Probe:
    """The check at so many times its bound; drift has one of its own in each probe."""
    return Probe(check.name, "it", (check.bound or 0.1) * times, check.bound or 0.1, facts(check.name))


# ---- thresholds


@pytest.mark.parametrize("check", TABLE.values(), ids=lambda check: check.name)
def test_every_check_rings_at_its_bound_and_ends_below_it(check: Check) -> None:
    """Just below the bound nothing begins; at it the alert rings after its time, and ends once it was well for long."""
    below, play = Play(), Play()
    for _ in range(60):
        assert below.round(bad(check, 0.999)) == []
        play.round(bad(check))
    [*before, last] = play.log
    assert (last.state, last.reason, last.kind, last.rule) == ("firing", "held", "system", f"tocsin-{check.name}")
    assert last.subject == f"system:{check.name}/it"
    assert (last.at - last.since).total_seconds() == -(-check.for_ // EVERY) * EVERY
    assert [event.state for event in before] == (["pending"] if check.for_ else [])
    ended = play.now
    for _ in range(60):
        play.round(bad(check, 0.999))
    assert (play.log[-1].state, play.log[-1].reason) == ("resolved", "ended")
    held_last = ended - timedelta(seconds=EVERY)
    assert 0 <= (play.log[-1].at - held_last).total_seconds() - check.keep <= EVERY
    assert [event.sequence for event in play.log] == list(range(len(play.log)))
    assert play.book.open == {}


@pytest.mark.parametrize("check", [c for c in TABLE.values() if c.for_], ids=lambda check: check.name)
def test_what_passes_soon_rings_nobody(check: Check) -> None:
    """What is over before its time lapses."""
    play = Play()
    play.round(bad(check))
    play.round(bad(check, 0.5))
    assert [(e.state, e.reason) for e in play.log] == [("pending", "began"), ("resolved", "lapsed")]


@pytest.mark.parametrize("check", [c for c in TABLE.values() if len(c.ladder) > 1], ids=lambda check: check.name)
def test_what_grows_is_told_once_more(check: Check) -> None:
    """Four times the bound is critical; going back does not take that away, and it is said once."""
    play = Play()
    for times in (1, 1, 1, 1, 1, 1, 3.99, 4, 4, 2):
        play.round(bad(check, times))
    told = [(e.state, e.reason, e.severity) for e in play.log if e.state != "pending"]
    assert told == [("firing", "held", "warning"), ("updated", "severity", "critical")]


def test_a_short_relief_does_not_end_an_alert() -> None:
    """It goes on while it was well for less than it takes to be over, and is one alert."""
    play = Play()
    triton = TABLE["triton"]
    for value in (1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0):
        play.round(bad(triton, value))
    assert [event.state for event in play.log] == ["pending", "firing"]


def test_dead_letters_are_judged_by_number_and_share() -> None:
    """Twenty of few are an alert; twenty of a hundred thousand are the world."""
    check = TABLE["deadletters"]
    assert letters_bound(check, 20, 100) == 20
    assert letters_bound(check, 20, 100_000) > 2000
    assert letters_bound(check, 2100, 100_000) < 2100


@pytest.mark.parametrize(
    ("gaps", "bound"),
    [([60.0] * 6, None), ([60.0] * 7, 6 * 3600), ([3600.0] * 7, 8 * 3600), ([60.0, *[7200.0] * 7, 60.0], 16 * 3600)],
    ids=["too few", "busy", "hourly", "slow"],
)
def test_a_source_is_silent_against_its_own_habit(gaps: list[float], bound: float | None) -> None:
    """Eight median gaps, the setting at least, and nothing before there is a habit."""
    arrivals = [0.0]
    for gap in gaps:
        arrivals.append(arrivals[-1] + gap)
    gap = table_of.usual_gap(arrivals)
    assert (None if gap is None else table_of.silence_bound(TABLE["silent"], gap)) == bound


# ---- causes, and what cannot be known


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        (Probe("kafka", value=1.0), Probe("lag", "enrich", 9e9)),
        (Probe("kafka", value=1.0), Probe("worker", "index", 1.0)),
        (Probe("kafka", value=1.0), Probe("unknown", "deadletters", 1.0)),
        (Probe("triton", value=1.0), Probe("standstill", "enrich", 9e9)),
        (Probe("elasticsearch", value=1.0), Probe("lag", "index", 9e9)),
        (Probe("worker", "detect", 1.0), Probe("time", "0", 9e9)),
        (Probe("worker", "detect", 1.0), Probe("unknown", "time", 1.0)),
        (Probe("standstill", "notify", 9e9), Probe("lag", "notify", 9e9)),
        (Probe("sources", value=9e9), Probe("source", "wire", 9e9)),
        (Probe("collect", value=1.0), Probe("silent", "wire", 9e9)),
        (Probe("source", "wire", 9e9), Probe("silent", "wire", 9e9)),
    ],
    ids=lambda probe: probe.key,
)
def test_a_consequence_is_not_told_beside_its_cause(cause: Probe, effect: Probe) -> None:
    """While the cause is bad only the cause is told; afterwards the other rings if it is still bad."""
    play = Play()
    well = Probe(cause.what, cause.which, 0.0)
    for _ in range(40):
        play.round(cause, effect)
    assert {event.subject for event in play.log} == {f"system:{cause.key}"}
    for _ in range(TABLE[effect.what].after // EVERY - 1):
        play.round(well, effect)
    assert {event.subject for event in play.log} == {f"system:{cause.key}"}
    for _ in range(40):
        play.round(well, effect)
    assert f"system:{effect.key}" in {event.subject for event in play.log if event.state == "firing"}


def test_not_knowing_explains_nothing() -> None:
    """A round in which Triton could not be asked does not put off what it is bad for."""
    play = Play()
    for value in (1.0, None, 1.0, 1.0, 1.0):
        play.round(Probe("triton", value=value))
    assert [event.state for event in play.log if event.subject == "system:triton"] == ["pending", "firing"]


def test_after_an_outage_of_kafka_stages_get_time_to_move() -> None:
    """During it nothing of a stage can be measured; what had stood still before it is over is no news at once."""
    play = Play()
    for _ in range(40):
        play.round(Probe("kafka", value=1.0), Probe("standstill", ALL))
    for n in range(7):
        assert play.round(Probe("kafka", value=0.0), Probe("standstill", "enrich", 600.0 + EVERY * n)) in (
            [], ["kafka resolved"]
        )  # fmt: skip
    assert play.round(Probe("kafka", value=0.0), Probe("standstill", "enrich", 720.0)) == ["standstill/enrich firing"]


def test_what_stood_still_because_of_another_gets_time_to_move() -> None:
    """When Triton is back after ten minutes, enrich has stood still for as long: it rings nobody if it moves within two
    minutes, also when it was pending before."""
    play = Play()
    for n in range(8):
        play.round(Probe("triton", value=0.0), Probe("lag", "enrich", 0.0 if n < 6 else 400.0))
    for n in range(40):
        play.round(Probe("triton", value=1.0), *(Probe(w, "enrich", 400.0 + EVERY * n) for w in ("standstill", "lag")))
    for n in range(6):
        play.round(Probe("triton", value=0.0), *(Probe(w, "enrich", 1000.0 + EVERY * n) for w in ("standstill", "lag")))
    for _ in range(20):
        play.round(Probe("triton", value=0.0), Probe("standstill", "enrich", 0.0), Probe("lag", "enrich", 0.0))
    assert {event.subject for event in play.log if event.state == "firing"} == {"system:triton"}
    assert play.book.open == {}


def test_another_stage_is_told_beside_it() -> None:
    """Triton explains why enrich waits, and nothing about index."""
    play = Play()
    for _ in range(10):
        play.round(Probe("triton", value=1.0), Probe("lag", "index", 9e9), Probe("lag", "enrich", 9e9))
    assert {event.subject for event in play.log} == {"system:triton", "system:lag/index"}


def test_what_cannot_be_measured_becomes_an_alert_and_ends_none() -> None:
    """Not knowing changes nothing about what was known; after five minutes it is told itself."""
    play = Play()
    for _ in range(10):
        play.round(Probe("source", "wire", 9e9), Probe("source", "blog", 9e9))
    for _ in range(30):
        play.round(Probe("source", ALL, facts={"detail": "OSError"}))
    assert [e.subject for e in firing(play.book)] == [
        "system:source/wire",
        "system:source/blog",
        "system:unknown/source",
    ]
    unknown = next(e for e in play.log if e.subject == "system:unknown/source" and e.state == "firing")
    assert (unknown.at - unknown.since).total_seconds() == 300
    assert "OSError" in unknown.annotations["en"]
    for _ in range(10):
        play.round(Probe("source", "wire", 9e9))  # the other was taken out of the list
    assert [e.subject for e in firing(play.book)] == ["system:source/wire"]


def test_what_was_not_seen_to_move_since_the_start_is_not_called_well() -> None:
    """After a restart nobody can know for how long a stage has stood still: its alert neither ends nor begins anew."""
    play, still = Play(), Stretches()
    check = TABLE["standstill"]
    play.round(Probe("standstill", "enrich", 500.0, facts=facts("standstill")))
    for passed in range(0, 240, EVERY):
        play.round(still.probe(check, "enrich", "offset 7", passed))
    assert [event.state for event in play.log] == ["firing"]
    for passed in range(240, 600, EVERY):
        play.round(still.probe(check, "enrich", f"offset {passed}", passed))
    assert [event.state for event in play.log] == ["firing", "resolved"]


# ---- sentences


def test_both_languages_say_the_same() -> None:
    """Every check has all its sentences, with the same facts, in English and in Chinese."""
    english, chinese = (yaml.safe_load((TEXTS / f"watch.{lang}.yaml").read_text()) for lang in LANGUAGES)
    assert english.keys() == chinese.keys() == {*TABLE, "units"}
    for what, parts in english.items():
        assert parts.keys() == chinese[what].keys()
        assert what == "units" or parts.keys() == {"name", "says", "fix", "over"}
        for part, text in parts.items():
            assert fields(text) == fields(chinese[what][part]), f"{what}.{part}"
            assert re.search(r"[一-鿿]|^Kafka$|^Triton$|^Elasticsearch$", chinese[what][part]), f"{what}.{part}"


@pytest.mark.parametrize("check", TABLE.values(), ids=lambda check: check.name)
def test_every_alert_says_what_is_wrong_and_what_to_do(check: Check) -> None:
    """A firing alert has a sentence and a remedy in both languages, a resolved one says that it is over."""
    play = Play()
    for _ in range(60):
        play.round(bad(check))
    for _ in range(60):
        play.round()
    fired, over = (next(e for e in play.log if e.state == state) for state in ("firing", "resolved"))
    assert all(fired.annotations[name] for name in ("en", "zh", "fix_en", "fix_zh", "name_en", "name_zh"))
    assert fired.name == fired.annotations["name_en"] == over.annotations["name_en"]
    assert (over.annotations["fix_en"], over.annotations["fix_zh"]) == ("", "")
    assert all("?" not in fired.annotations[name] and "{" not in fired.annotations[name] for name in LANGUAGES)
    assert over.annotations["en"] != fired.annotations["en"]
    assert "?" not in over.annotations["en"]
    assert decode(encode(fired), AlertEvent) == fired


def test_facts_from_outside_stay_one_plain_line() -> None:
    """Braces mean nothing, control characters are gone, and a long text is cut."""
    play = Play()
    for _ in range(10):
        play.round(Probe("triton", value=1.0, facts={"detail": "{0} \x1b[31m\n‮" + "x" * 500}))
    text = play.log[-1].annotations["en"]
    assert "{0} [31m" in text
    assert not set(text) & {"\x1b", "\n", "‮"}
    assert len(text) < 400


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [(0, "0 s", "0 秒"), (59.6, "60 s", "60 秒"), (90, "1.5 min", "1.5 分钟"), (7200, "2 h", "2 小时"),
     (100_000, "27.8 h", "27.8 小时"), (200_000, "2.3 days", "2.3 天")],
)  # fmt: skip
def test_durations_are_read_at_a_glance(seconds: float, en: str, zh: str) -> None:
    """The largest unit of which there are two, in the words of the language."""
    assert (amount(seconds, "seconds", "en"), amount(seconds, "seconds", "zh")) == (en, zh)


def test_an_unknown_fact_is_a_question_mark() -> None:
    """A sentence never fails for want of a fact."""
    assert say("lag.says", "en", which="enrich").startswith("The stage enrich is ? behind")


# ---- restarts

KEYS = (("triton", ""), ("source", "wire"), ("deadletters", ""))
Round = st.fixed_dictionaries({key: st.sampled_from(["good", "bad", "worse", "unknown"]) for key in KEYS})
Crash = st.sampled_from(["no", "restart", "unsent", "stale", "lost"])


def probes(states: dict[tuple[str, str], str]) -> Iterable[Probe]:
    for (what, which), state in states.items():
        bound = TABLE[what].bound
        value = {"good": 0.0, "bad": bound, "worse": 5 * bound, "unknown": None}[state]
        yield Probe(what, which, value)


@settings(max_examples=300)
@given(st.lists(st.tuples(Round, Crash), max_size=60))
def test_a_restart_neither_loses_nor_doubles_an_alert(rounds: list[tuple[dict[tuple[str, str], str], str]]) -> None:
    """Whatever the crash left: the file, an older file, no file, written or unwritten events: every episode is told
    once, in order, with all its steps; with the file it is byte for byte what an undisturbed run tells."""
    calm, shaken = Play(), Play()
    saved = encode_book(shaken.book)
    for states, crash in rounds:
        calm.round(*probes(states))
        older = saved
        step(shaken.book, settle(probes(states), TABLE), TABLE, shaken.now)
        saved = encode_book(shaken.book)  # 1: saved with what is not written
        if crash == "unsent":
            shaken.book = decode_book(saved)
        shaken.log += shaken.book.unsent  # 2: written
        if crash in ("stale", "lost"):
            shaken.book = decode_book(older) if crash == "stale" else Book()
            restore(shaken.book, shaken.log[shaken.book.offset :], TABLE)
            shaken.log += shaken.book.unsent
        shaken.book.unsent = []
        shaken.book.offset = len(shaken.log)
        saved = encode_book(shaken.book)  # 3: saved without
        if crash == "restart":
            shaken.book = decode_book(saved)
            restore(shaken.book, shaken.log[shaken.book.offset :], TABLE)
        shaken.now += timedelta(seconds=EVERY)
    check_log(shaken.log)
    if not {crash for _, crash in rounds} & {"stale", "lost"}:
        assert [encode(event) for event in shaken.log] == [encode(event) for event in calm.log]
    assert {e.subject for e in firing(shaken.book)} == open_in(shaken.log)


def check_log(log: list[AlertEvent]) -> None:
    """Every alert's steps in order, none twice, and never two alerts of one subject at once."""
    assert len({event.id for event in log}) == len(log)
    steps: dict[str, list[AlertEvent]] = {}
    under_way: dict[str, str] = {}
    for event in log:
        steps.setdefault(event.alert, []).append(event)
        assert under_way.setdefault(event.subject, event.alert) == event.alert
        if event.state == "resolved":
            del under_way[event.subject]
    for events in steps.values():
        assert [event.sequence for event in events] == list(range(len(events)))
        states = "".join(event.state[0] for event in events)
        assert re.fullmatch(r"p?(f(u?)r?|r)?", states), states


def open_in(log: list[AlertEvent]) -> set[str]:
    last = {event.subject: event.state for event in log}
    return {subject for subject, state in last.items() if state in ("firing", "updated")}


def test_events_of_others_are_left_alone() -> None:
    """The channels' own alerts and those of rules stand in the same topic and belong to others."""
    play = Play()
    play.round(Probe("source", "wire", 9e9))
    [own] = play.log
    foreign = [
        json.decode(json.encode(own) .replace(b"tocsin-source", b"tocsin-channel"), type=AlertEvent),
        json.decode(json.encode(own).replace(b'"kind":"system"', b'"kind":"threshold"'), type=AlertEvent),
    ]  # fmt: skip
    book = Book()
    restore(book, foreign, TABLE)
    assert book == Book()
    restore(book, [own], TABLE)
    assert firing(book) == [own]


@pytest.mark.parametrize("data", [b"", b"{", b'{"open": 3}', b"\xff"])
def test_a_damaged_book_is_an_empty_one(data: bytes) -> None:
    """Then the whole topic is read."""
    assert decode_book(data) == Book()


def test_what_is_held_while_nothing_can_be_written_stays_small() -> None:
    """What began and lapsed meanwhile is forgotten; what rang is kept to the last step."""
    book = Book()
    now = START
    for n in range(3 * MOST_UNSENT):
        now += timedelta(seconds=EVERY)
        found = [Probe("triton", value=float(n % 2)), Probe("source", "wire", 9e9 if 50 < n < 99 else 0.0)]
        step(book, settle(found, TABLE), TABLE, now)
    assert len(book.unsent) <= MOST_UNSENT + 2
    assert [e.state for e in book.unsent if e.subject == "system:source/wire"] == ["firing", "resolved"]
