"""The watcher's probes against doubles of what they look at, and its rounds: what is saved, written, held."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from alerts.checks import ALL, HABIT_AFTER, Probe, checks, settle
from alerts.habits import DAY
from alerts.watch import Book, firing
from console import status
from console.running import Samples
from console.watch import kafka as kafka_module
from console.watch import process, workers
from console.watch.engines import Engines, blocked
from console.watch.kafka import Kafka
from console.watch.process import Watcher, read_book
from console.watch.sources import Sources, read_habits
from console.watch.workers import Seen, Workers, stage_of
from streams.deadletter import letter
from streams.drift import FOLDER
from streams.kafka import Message, Outgoing
from streams.lag import READS, Backlog
from streams.records import AlertEvent, Heartbeat, Reject, decode, encode
from streams.settings import Settings, SettingsError
from streams.sources import cursor
from streams.sources.poll import FeedState, state_path
from streams.topics import ALERTS, HEALTH

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = START.timestamp()
TABLE = checks(Settings())
BEGAN = "process_start_time_seconds"
FEEDS = """
- {url: "https://a.example/rss", source: wire, interval: 60}
- {url: "https://b.example/rss", source: slow, interval: 3600}
"""


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def one(samples: dict[str, dict[str, float]], label: str = "source", **others: str) -> Samples:
    """Metrics by name and by one label."""
    return {name: [({label: key} | others, value) for key, value in found.items()] for name, found in samples.items()}


def by_key(probes: Sequence[Probe]) -> dict[str, float | None]:
    return {probe.key: probe.value for probe in probes}


# ---- sources


class Collectors:
    """What `collect` tells; nobody, at first."""

    def __init__(self) -> None:
        self.samples: list[Samples] = []
        self.processes = 0

    def __call__(self) -> tuple[list[Samples], int]:
        return self.samples, self.processes

    def tell(self, seen: dict[str, float], sent: dict[str, float], began: float = NOW) -> None:
        told = one({"tocsin_source_last_success_timestamp_seconds": seen})
        told |= one({"tocsin_source_items_total": sent}, outcome="sent")
        self.samples, self.processes = [told | {BEGAN: [({}, began)]}], 1


@pytest.fixture
def collectors() -> Collectors:
    return Collectors()


@pytest.fixture
def sources(tmp_path: Path, collectors: Collectors) -> Sources:
    """Two feeds: every minute, and every hour."""
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    settings = Settings(state_dir=tmp_path, feeds=tmp_path / "feeds.yaml")
    return Sources(settings, TABLE, collectors, tmp_path / "habits.json")


async def test_sources_that_nobody_collects_are_told(sources: Sources) -> None:
    """With feeds set and no collector, that is bad, and what each source does is unknown."""
    assert by_key(await sources.look(START)) == {
        "collect": 1.0, "sources": None, "source": None, "quiet": None, "silent": None
    }  # fmt: skip


async def test_nothing_is_expected_where_no_source_is_set(tmp_path: Path, collectors: Collectors) -> None:
    """Whoever only ingests files needs no collector; one that was there and is gone is missed."""
    none = Sources(Settings(state_dir=tmp_path), TABLE, collectors, tmp_path / "habits.json")
    assert await none.look(START) == []
    collectors.tell({}, {})
    await none.look(START)
    collectors.samples, collectors.processes = [], 0
    assert by_key(await none.look(START))["collect"] == 1.0


async def test_a_source_is_late_by_its_own_interval(sources: Sources, collectors: Collectors) -> None:
    """Age since its last answer, or since the collector began; bounds follow the interval of each feed."""
    collectors.tell({"wire": NOW}, {}, began=NOW - 500)
    found = {probe.key: probe for probe in await sources.look(after(1700))}
    assert found["source/wire"].value == 1700
    assert found["source/wire"].bound == 1800
    assert found["source/slow"].value == 2200
    assert found["source/slow"].bound == 4 * 3600


async def test_a_feed_that_asked_to_wait_is_not_late(sources: Sources, collectors: Collectors, tmp_path: Path) -> None:
    """It answered, and its next time has not come; after a failure it is late all the same."""
    collectors.tell({"wire": NOW}, {})
    path = state_path(Settings(state_dir=tmp_path), "https://a.example/rss")
    cursor.save(path, FeedState(next_at=NOW + 50_000).as_dict())
    assert by_key(await sources.look(after(9000)))["source/wire"] == 0.0
    cursor.save(path, FeedState(next_at=NOW + 50_000, failures=1).as_dict())
    assert by_key(await sources.look(after(9000)))["source/wire"] == 9000


async def test_many_failing_sources_are_one_fault(tmp_path: Path, collectors: Collectors) -> None:
    """When half of many do not answer, their number has its bound reached; with few sources it never has."""
    for total, failing, reached in ((20, 9, False), (20, 10, True), (3, 3, False)):
        lines = [f'- {{url: "https://a.example/{n}", source: s{n}}}' for n in range(total)]
        (tmp_path / "feeds.yaml").write_text("\n".join(lines))
        settings = Settings(state_dir=tmp_path, feeds=tmp_path / "feeds.yaml")
        collectors.tell({f"s{n}": NOW + (0 if n < failing else 9000) for n in range(total)}, {})
        probes = await Sources(settings, TABLE, collectors, tmp_path / "h.json").look(after(9000))
        [all_of_them] = [probe for probe in probes if probe.what == "sources"]
        assert all_of_them.value == failing
        assert (all_of_them.value >= (all_of_them.bound or 0)) is reached


async def test_silence_of_most_sources_is_one_alert(tmp_path: Path, collectors: Collectors) -> None:
    """A holiday of many feeds is one word, not one for each."""
    names = [f"s{n}" for n in range(8)]
    (tmp_path / "feeds.yaml").write_text("\n".join(f'- {{url: "https://a.example/{n}", source: {n}}}' for n in names))
    settings = Settings(state_dir=tmp_path, feeds=tmp_path / "feeds.yaml")
    sources = Sources(settings, TABLE, collectors, tmp_path / "habits.json")
    for n in range(600):
        end, count = 300 * n, min(n, 300)  # from the second day on nothing comes
        collectors.tell(dict.fromkeys(names, NOW + end), dict.fromkeys(names, float(count)))
        found = await sources.look(after(end))
    probes = settle(found, TABLE)
    [quiet] = [probe for probe in probes if probe.what == "quiet"]
    assert (quiet.value, quiet.bound, quiet.held) == (8, 4, False)
    assert [probe.held for probe in probes if probe.what == "silent"] == [True] * 8


async def test_a_source_is_silent_only_against_a_habit_and_habits_last(
    sources: Sources, collectors: Collectors, tmp_path: Path
) -> None:
    """Eight arrivals and a day make a habit, which another watcher reads from the file; the gap between the two
    watchers is no silence."""
    for n in range(int(DAY) // 300 + HABIT_AFTER):
        collectors.tell({"wire": NOW}, {"wire": float(n), "file": 9.0 * n})
        probes = await sources.look(after(300 * n))
    assert by_key(probes)["silent/wire"] == 0.0
    assert "silent/file" not in by_key(probes)
    saved = read_habits(tmp_path / "habits.json")
    assert saved["wire"].arrivals[-1] == NOW + 300 * n
    settings = Settings(state_dir=tmp_path, feeds=tmp_path / "feeds.yaml")
    again = Sources(settings, TABLE, collectors, tmp_path / "habits.json")
    for at, counted in ((30_000, 0), (30_300, 300), (60_000, 300), (60_200, 500)):
        [silent] = [p for p in await again.look(after(300 * n + at)) if p.what == "silent"]
        assert (silent.value, silent.bound, silent.facts["quiet"]) == (counted, 6 * 3600, at)


async def test_a_broken_list_of_feeds_raises(sources: Sources, tmp_path: Path) -> None:
    """The watcher makes it unknown; a list that is mended is read again."""
    (tmp_path / "feeds.yaml").write_text("- {url: nonsense}")
    with pytest.raises(ValueError, match=r"feeds\.yaml"):
        await sources.look(START)
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    assert await sources.look(START)


# ---- workers


class Processes:
    """Stands for `see`: what is there in each round."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[Seen] = []
        self.ended: list[str] = []
        monkeypatch.setattr(workers, "see", lambda _: (self.seen, self.ended))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    return Processes(monkeypatch)


def detect(watermark: float, waiting: float, partition: str = "0") -> Seen:
    figures = {"tocsin_watermark_timestamp_seconds": watermark, "tocsin_detect_waiting": waiting}
    samples = one({name: {partition: value} for name, value in figures.items()}, "partition")
    return Seen("detect", "http://here/metrics", samples)


async def test_event_time_that_does_not_move_is_told_while_mentions_wait(tmp_path: Path, processes: Processes) -> None:
    """The seconds since it last moved; zero when nothing waits, and what another process once had is old."""
    prober = Workers(Settings(state_dir=tmp_path), TABLE)
    told = []
    for at, watermark, waiting in ((0, 10, 3), (15, 20, 3), (30, 20, 3), (330, 20, 3), (345, 20, 0), (360, 30, 1)):
        processes.seen = [detect(5, 99), detect(watermark, waiting)]
        told.append(by_key(await prober.look(after(at)))["time/0"])
    assert told == [0, 0, 15, 315, 0, 0]


async def test_notifications_that_wait_are_told(tmp_path: Path, processes: Processes) -> None:
    """The age of the oldest; none when none waits."""
    prober = Workers(Settings(state_dir=tmp_path), TABLE)
    told = []
    for rows, oldest in ((0, 0.0), (2, NOW - 1000), (1, NOW - 5)):
        figures = {"tocsin_outbox_rows": rows, "tocsin_outbox_oldest_timestamp_seconds": oldest}
        processes.seen = [Seen("notify", "u", {name: [({}, value)] for name, value in figures.items()})]
        [outbox] = [probe for probe in await prober.look(START) if probe.what == "outbox"]
        told.append((outbox.value, outbox.facts["rows"]))
    assert told == [(0, 0), (1000, 2), (5, 1)]


async def test_what_stays_past_its_retention_is_told(tmp_path: Path, processes: Processes) -> None:
    """The time since one of the workers had removed all of it; others do not even try."""
    prober = Workers(Settings(state_dir=tmp_path), TABLE)
    name = "tocsin_expired_removed_timestamp_seconds"
    processes.seen = [Seen("index", "u", {name: [({}, at)]}) for at in (NOW - 90_000.0, NOW - 5.0)]
    assert by_key(await prober.look(START))["expiry"] == 5
    processes.seen = processes.seen[:1]
    assert by_key(await prober.look(START))["expiry"] == 90_000 >= TABLE["expiry"].bound
    processes.seen = [Seen("index", "u", {})]
    assert "expiry" not in by_key(await prober.look(START))


async def test_who_tells_nothing_is_unknown(tmp_path: Path, processes: Processes) -> None:
    """Neither a missing process nor one that does not answer is taken for well."""
    processes.seen = [Seen("detect", "http://10.0.0.9:9100/metrics", None)]
    found = by_key(await Workers(Settings(state_dir=tmp_path), TABLE).look(START))
    assert found == {"unknown/metrics/10.0.0.9:9100": 1.0, "time": None, "outbox": None}


@pytest.mark.parametrize(("daily", "told"), [("", [None] * 4), ("08:00", [None, 0.0, 1.0, 0.0])])
async def test_who_makes_reports_is_missed_once_seen(
    tmp_path: Path, processes: Processes, daily: str, told: list[float | None]
) -> None:
    """It may run elsewhere, so nothing is said before it was seen here; nor where no report is planned."""
    prober = Workers(Settings(state_dir=tmp_path, report_daily_at=daily), TABLE)
    found = []
    for at, runs in enumerate((False, True, False, True)):
        processes.seen = [Seen("report", "u", {}, 7)] if runs else []
        found.append(by_key(await prober.look(after(15 * at))).get("worker/report"))
    assert found == told


async def test_restarts_are_counted_for_ten_minutes(tmp_path: Path, processes: Processes) -> None:
    """What had ended at the start is old; afterwards each that ended and began again counts, also one that did both
    between two looks, until it is ten minutes ago."""
    prober = Workers(Settings(state_dir=tmp_path), TABLE)
    told = []
    for at, running, ended in (
        (0, [1], ["index"] * 9),
        (15, [2], ["index"]),  # ended and back
        (30, [], ["index", "watch"]),  # ended …
        (45, [3], []),  # … and back
        (60, [4], ["index", "index"]),  # one between was never seen
        (640, [4], []),
        (650, [4], []),
        (661, [4], []),
    ):
        processes.seen = [Seen("index", "u", {}, pid) for pid in running]
        processes.ended = ended
        told.append(by_key(await prober.look(after(at))).get("restarts/index"))
    assert told == [None, 1, 1, 2, 4, 3, 2, None]


async def test_what_is_taken_away_is_no_restart(tmp_path: Path, processes: Processes) -> None:
    """Ending most of many processes, or all, rings nothing; neither does starting more an hour later."""
    prober = Workers(Settings(state_dir=tmp_path), TABLE)
    for at, running, ended in ((0, range(1, 9), 0), (15, range(1, 3), 6), (30, (), 2), (3600, range(11, 19), 0)):
        processes.seen = [Seen("index", "u", {}, pid) for pid in running]
        processes.ended = ["index"] * ended
        assert "restarts/index" not in by_key(await prober.look(after(at)))


async def test_open_drifts_are_probes(tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each drift of a running worker is bad, with its figures."""
    change = {
        "id": "x", "state": "firing", "reason": "r", "subject": "model:opinion-en", "at": START.isoformat(),
        "since": START.isoformat(), "window_seconds": 3600, "observed": 0.2, "expected": 0.1, "unit": "bits",
        "p_value": 0.0, "support": 900,
        "labels": {"version": "1", "lang": "en", "kind": "news", "feature": "length", "against": "reference"},
    }  # fmt: skip
    path = tmp_path / FOLDER / f"enrich-{os.getpid()}.json"
    path.parent.mkdir()
    path.write_text(json.dumps([change]))
    monkeypatch.setattr(workers, "runs", lambda _, __: True)
    found = await Workers(Settings(state_dir=tmp_path), TABLE).look(START)
    [drift] = [probe for probe in found if probe.what == "drift"]
    assert (drift.which, drift.value, drift.bound) == ("opinion-en@1/en/news/length/reference", 0.2, 0.1)


def test_processes_elsewhere_are_told_apart_by_what_they_tell(tmp_path: Path) -> None:
    """A stage by its lag, a collector by its sources; and addresses come from the settings."""
    assert stage_of(one({"tocsin_lag_records": {"notify": 0.0}}, "stage")) == "notify"
    assert stage_of(one({"tocsin_source_polls_total": {"wire": 0.0}})) == "collect"
    assert (stage_of({}), stage_of(None)) == ("", "")
    settings = Settings(state_dir=tmp_path, watch_metrics="http://127.0.0.1:1/metrics, http://127.0.0.1:2/metrics")
    seen, ended = workers.see(settings)
    assert [(process.url[-9:-8], process.samples) for process in seen] == [("1", None), ("2", None)]
    assert ended == []


# ---- engines


async def test_an_engine_without_an_address_is_unknown(tmp_path: Path) -> None:
    """Nothing was started here and nothing is set: that is not the same as being away."""
    found = await Engines(Settings(state_dir=tmp_path)).look(START)
    assert [(p.what, p.which, p.value) for p in found] == [("triton", ALL, None), ("elasticsearch", ALL, None)]


async def test_engines_that_do_not_answer_are_bad(tmp_path: Path) -> None:
    """A closed port is a fault with its reason."""
    settings = Settings(state_dir=tmp_path, triton_url="127.0.0.1:1", elasticsearch_url="http://127.0.0.1:1")
    found = await Engines(settings).look(START)
    assert by_key(found) == {"triton": 1.0, "elasticsearch": 1.0}
    assert all(probe.facts["detail"] for probe in found)


async def test_indices_that_a_full_disk_made_read_only_are_told() -> None:
    """A block that somebody set for an old index is none of ours."""

    class Indices:
        held: dict[str, Any] = {}  # noqa: RUF012 - set by the test

        async def get_settings(self, **_: Any) -> dict[str, Any]:
            return {name: {"settings": blocks} for name, blocks in self.held.items()}

    elastic: Any = SimpleNamespace(indices=Indices(), options=lambda **_: elastic)
    Indices.held = {"documents-old": {"index.blocks.write": "true"}}
    assert await blocked(elastic, Settings()) == ""
    Indices.held |= {"documents-2026.03": {"index.blocks.read_only_allow_delete": "true"}}
    assert "documents-2026.03" in await blocked(elastic, Settings())


# ---- Kafka


class Broker:
    """Stands for everything that is asked of Kafka."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.done, self.end = 0, 0
        self.wrote = NOW  # when the oldest record that waits was written
        self.read = 0
        self.members = dict.fromkeys(READS, 1)
        self.since: dict[str, int] = {"deadletters": 0, "documents": 0}
        self.letters: list[str] = []
        for name in ("asking", "backlogs", "oldest", "members", "partitions", "written_since", "read_topic"):
            monkeypatch.setattr(kafka_module, name, getattr(self, f"_{name}"))

    @asynccontextmanager
    async def _asking(self, *_: Any) -> AsyncIterator[tuple[None, None]]:
        if self.away:
            raise KafkaConnectionError
        yield None, None

    async def _backlogs(self, *_: Any) -> dict[str, dict[TopicPartition, Backlog]]:
        place = {TopicPartition("documents", 0): Backlog(self.done, self.end)}
        return {"index": place | {TopicPartition("alerts", 0): Backlog(40, 40)}}

    async def _oldest(self, *_: Any) -> float:
        self.read += 1
        return self.wrote

    async def _members(self, *_: Any) -> dict[str, int]:
        return self.members

    async def _partitions(self, *_: Any) -> dict[str, int]:
        return dict.fromkeys(self.since, 1)

    async def _written_since(self, _: Any, tps: Sequence[TopicPartition], __: float) -> int:
        return self.since[tps[0].topic]

    async def _read_topic(self, *_: Any, last: int) -> AsyncIterator[Message]:
        for n, reason in enumerate(self.letters[-last:]):
            dead = letter("enrich", "news.raw", 0, n, b"x", Reject(reason, "text"), START)
            yield Message("deadletters", 0, n, None, encode(dead), NOW)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(monkeypatch)


async def test_a_broker_that_is_away_makes_the_rest_unknown(broker: Broker) -> None:
    """One fault, and nothing is called well that was not looked at."""
    broker.away = True
    found = await Kafka(Settings(), "b:1", TABLE).look(START)
    assert by_key(found) == {"kafka": 1.0, "worker": None, "standstill": None, "lag": None, "deadletters": None}
    assert found[0].facts["detail"] == "KafkaConnectionError"  # the address is in the settings, and may be long


async def test_a_question_without_an_answer_is_unknown_alone(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal leaves the other questions answered; one that hangs leaves those after it open, not well."""

    async def refuse(*_: Any) -> None:
        raise KafkaConnectionError

    async def hang(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(kafka_module, "members", refuse)
    found = by_key(await Kafka(Settings(), "b:1", TABLE).look(START))
    assert [what for what, value in found.items() if value is None] == ["worker"]
    monkeypatch.setattr(kafka_module, "backlogs", hang)
    monkeypatch.setattr(kafka_module, "LOOKING", 0.05)
    found = by_key(await Kafka(Settings(), "b:1", TABLE).look(START))
    assert found == {"kafka": 0.0, "worker": None, "standstill": None, "lag": None, "deadletters": None}


async def test_lag_is_the_age_of_what_waits_and_standstill_the_time_without_progress(broker: Broker) -> None:
    """What came since the last look is young and is not read; a stage that moves does not stand still."""
    prober = Kafka(Settings(), "b:1", TABLE)
    told = []
    for at, done, end in ((0, 0, 0), (15, 0, 9), (30, 0, 12), (45, 5, 14), (60, 5, 14), (180, 5, 14), (195, 14, 14)):
        broker.done, broker.end = done, end
        found = by_key(await prober.look(after(at)))
        told.append((found["lag/index"], found["standstill/index"]))
    assert told == [(0, 0), (0, 0), (30, 15), (45, 0), (60, 15), (180, 135), (0, 0)]
    assert broker.read == 4
    assert prober.alerts_end == 40


async def test_a_stage_without_a_member_is_told(broker: Broker) -> None:
    """Wherever its processes run, their group knows."""
    broker.members = {"enrich": 2, "index": 0, "detect": 1}
    found = by_key(await Kafka(Settings(), "b:1", TABLE).look(START))
    assert [found[f"worker/{stage}"] for stage in ("enrich", "index", "detect", "notify")] == [0, 1, 0, 1]


async def test_marks_of_retries_are_no_dead_letters(broker: Broker) -> None:
    """Letters sent again leave marks in the topic: they are left out, and the most frequent reason is named."""
    broker.since = {"deadletters": 40, "documents": 100}
    broker.letters = ["retried"] * 30 + ["bad_json"] * 8 + ["bad_time"] * 2
    [probe] = [p for p in await Kafka(Settings(), "b:1", TABLE).look(START) if p.what == "deadletters"]
    assert (probe.value, probe.bound) == (10, 20)
    assert probe.facts == {"documents": 100, "most": "enrich bad_json"}


# ---- rounds


class Sink:
    """Stands for Kafka's producer; away, it takes nothing for ever."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.away = False
        self.before: list[Book] = []
        self.settings: Settings | None = None

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        if self.settings is not None:
            self.before.append(read_book(self.settings))
        if self.away:
            await asyncio.sleep(60)
        self.records += records

    @property
    def events(self) -> list[AlertEvent]:
        return [decode(r.value, AlertEvent) for r in self.records if r.topic is ALERTS]

    @property
    def beats(self) -> list[Heartbeat]:
        return [decode(r.value, Heartbeat) for r in self.records if r.topic is HEALTH]


class Fixed:
    """A prober that says what it is told to; `whats` as a real one has them."""

    whats = ("triton", "source")

    def __init__(self) -> None:
        self.probes: list[Probe] = []
        self.fault: Exception | None = None

    async def look(self, _: datetime) -> list[Probe]:
        if self.fault is not None:
            raise self.fault
        return self.probes


class Rounds:
    """A watcher whose clock the test turns."""

    def __init__(self, tmp_path: Path) -> None:
        self.settings = Settings(state_dir=tmp_path, namespace="night")
        self.sink = Sink()
        self.sink.settings = self.settings
        self.prober = Fixed()
        self.time = START
        self.watcher = self.start()

    def start(self) -> Watcher:
        book = read_book(self.settings)
        return Watcher(self.settings, book, [[self.prober]], self.sink, lambda: self.time, lambda: 7)

    async def go(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            await self.watcher.round()
            self.time += timedelta(seconds=15)


@pytest.fixture
def rounds(tmp_path: Path) -> Rounds:
    return Rounds(tmp_path)


async def test_the_book_is_saved_before_and_after_what_it_says_is_written(rounds: Rounds) -> None:
    """A crash in between finds the events that may not have been written."""
    rounds.prober.probes = [Probe("source", "wire", 9e9)]
    await rounds.go()
    assert [[event.state for event in book.unsent] for book in rounds.sink.before] == [["firing"]]
    saved = read_book(rounds.settings)
    assert (saved.unsent, saved.offset) == ([], 7)
    assert [event.subject for event in firing(saved)] == ["system:source/wire"]
    assert [event.state for event in rounds.sink.events] == ["firing"]


async def test_what_kafka_does_not_take_is_held_across_a_restart(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are held in order while it is away, also by the next process, and written when it is back."""
    monkeypatch.setattr(process, "WRITING", 0.01)
    rounds.sink.away = True
    rounds.prober.probes = [Probe("source", "wire", 9e9)]
    await rounds.go(2)
    rounds.watcher = rounds.start()
    rounds.prober.probes = []
    await rounds.go(6)
    assert rounds.sink.records == []
    rounds.sink.away = False
    await rounds.go()
    assert [(e.state, e.sequence) for e in rounds.sink.events] == [("firing", 0), ("resolved", 1)]
    assert len(rounds.sink.beats) == 1  # old ones would prove nothing
    assert rounds.sink.beats[0].at > after(100)


async def test_heartbeats_come_every_thirty_seconds_with_what_is_open(rounds: Rounds) -> None:
    """Each says how many alerts about Tocsin fire."""
    await rounds.go(3)
    rounds.prober.probes = [Probe("source", "wire", 9e9)]
    await rounds.go(2)
    assert [(beat.at, beat.open) for beat in rounds.sink.beats] == [(START, 0), (after(30), 0), (after(60), 1)]


async def test_a_prober_that_fails_is_unknown_and_the_others_go_on(rounds: Rounds) -> None:
    """Whatever it raises: after five minutes that is an alert, and what it had told stays as it is."""
    rounds.prober.probes = [Probe("source", "wire", 9e9)]
    await rounds.go()
    rounds.prober.fault = RuntimeError("a bug of ours")
    await rounds.go(22)
    subjects = {event.subject for event in firing(rounds.watcher.book)}
    assert subjects == {"system:source/wire", "system:unknown/source", "system:unknown/triton"}


async def test_a_refusal_by_kafka_ends_the_watcher(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting does not mend permissions: the process says so and ends."""

    async def refuse(_: Sequence[Outgoing]) -> None:
        raise TopicAuthorizationFailedError

    monkeypatch.setattr(rounds.sink, "send_all", refuse)
    with pytest.raises(SettingsError, match="Kafka refuses us"):
        await rounds.go()


async def test_one_watcher_works_for_each_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one says so and ends, one of another namespace does not; after the first has ended the next may work."""
    monkeypatch.setattr(process, "TAKEOVER", 0.3)
    settings = Settings(state_dir=tmp_path)
    async with process.alone(settings), process.alone(Settings(state_dir=tmp_path, namespace="night")):
        with pytest.raises(SettingsError, match="another watcher"):
            async with process.alone(settings):
                pytest.fail("two at once")
    async with process.alone(settings):
        pass


async def test_status_shows_what_is_open(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the remedy, in the reader's language; and whether the watcher still runs."""
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "300")
    rounds.prober.probes = [Probe("source", "wire", 9e9)]
    await rounds.go()
    alerts = [status.describe(event) for event in firing(read_book(rounds.settings))]
    status._show({"engines": [], "workers": [], "lag": None, "drift": [], "alerts": alerts})
    shown = capsys.readouterr().out
    assert "来源 wire" in shown
    assert "TOCSIN_FEEDS" in shown
    assert "监视进程没有运行" in shown
