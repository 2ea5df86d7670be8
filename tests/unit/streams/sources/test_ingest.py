"""Files into the raw topics: order, ticks, resumption, and a word about every bad row."""

import base64
import gzip
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.kafka import Outgoing
from streams.records import Raw, RawItem, RawTick, decode
from streams.settings import Settings
from streams.sources.files import InputError
from streams.sources.ingest import Options, Summary, ingest
from streams.sources.mapping import Columns, MappingError, parse_map
from tests.unit.streams.sources.sink import NOW, FakeSink, FakeTime, Lost

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", partitions=2, record_limit=4096)


def row(number: int, **changes: Any) -> dict[str, Any]:
    at = BEGIN + timedelta(minutes=number)
    text = f"Message {number} about Borealis Foods"
    return {"id": f"m{number}", "text": text, "created_at": at.isoformat(), "source": "forum"} | changes


def write(path: Path, rows: Sequence[dict[str, Any] | bytes]) -> str:
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
    return str(path)


async def run(paths: Sequence[str], settings: Settings, sink: FakeSink, **options: Any) -> Summary:
    return await ingest(paths, Options(**options), sink, settings, clock=FakeTime().clock)


def check_promises(sent: Sequence[Outgoing]) -> None:
    """No item follows, in its partition's log, a tick that promised there was none."""
    promised: dict[str, datetime] = {}
    for record in sent:
        value = decode(record.value, Raw)
        if isinstance(value, RawTick):
            promised[record.topic.name] = value.at
        elif isinstance(value, RawItem) and record.topic.name in promised:
            assert value.collected_at > promised[record.topic.name]


async def test_sorted_with_ticks(tmp_path: Path, settings: Settings) -> None:
    """Items of several unsorted files come in order of time, with ticks in every partition that keep their promise."""
    a = write(tmp_path / "a.jsonl", [row(n) for n in range(1500, -1, -3)])
    b = write(
        tmp_path / "b.jsonl", [row(n, title="News") for n in range(1, 1500, 3)] + [row(n) for n in range(2, 1500, 3)]
    )
    sink = FakeSink()
    summary = await run([a, b], settings, sink)
    times = [item.collected_at for item in sink.items]
    assert times == sorted(times)
    assert (summary.read, summary.sent, summary.rejections) == (1501, 1501, 0)
    check_promises(sink.sent)
    assert sink.tick_times[-1] == times[-1]
    ticks = [(r.topic.name, r.partition) for r in sink.calls[-1]]
    assert sorted(ticks) == [("chat.raw", 0), ("chat.raw", 1), ("news.raw", 0), ("news.raw", 1)]
    assert {item.kind for item in sink.items} == {"news", "chat"}


async def test_same_day_for_all(tmp_path: Path, settings: Settings) -> None:
    """An archive that knows only days never ticks over items of the day still to come."""
    path = write(tmp_path / "a.jsonl", [row(n, created_at="2026-03-02") for n in range(1200)])
    sink = FakeSink()
    await run([path], settings, sink)
    assert len(sink.items) == 1200
    check_promises(sink.sent)
    assert sink.tick_times[-1] == datetime(2026, 3, 2, tzinfo=UTC)


async def test_every_fault_is_told(tmp_path: Path, settings: Settings) -> None:
    """Bad rows become dead letters with file, line, reason and bytes, and the good ones between them are sent."""
    faults: list[tuple[dict[str, Any] | bytes, str]] = [
        (b"{not json", "bad_json"),
        (row(1, id=None), "missing_field"),
        (row(2, text=7), "bad_schema"),
        (row(3, text="x" * 10_000_000), "too_large"),
        (row(4, text="a\0b"), "bad_text"),
        (b'{"id":"5","text":"\\ud800","created_at":"2026-03-02"}', "bad_unicode"),
        (b'{"id":"6","text":"\xff","created_at":"2026-03-02"}', "bad_utf8"),
        (row(7, created_at="1970-01-01"), "bad_time"),
        (row(8, created_at="2099-01-01T00:00:00Z"), "bad_time"),
        (row(9, created_at="2020-07-17T19:51-XT"), "bad_time"),
        (row(10, text=""), "no_text"),
        (b"[1,2]", "bad_schema"),
        (b'{"type":"tick","at":"2026-03-02T08:00:00Z","source":"x"}', "bad_schema"),
    ]
    rows = [part for number, (bad, _) in enumerate(faults) for part in (bad, row(100 + number))]
    path = write(tmp_path / "bad.jsonl", rows)
    sink = FakeSink()
    summary = await run([path], settings, sink)
    letters = {letter.offset: letter for letter in sink.letters}
    assert [letters[1 + 2 * n].reason for n in range(len(faults))] == [reason for _, reason in faults]
    assert summary.sent == len(faults) == summary.rejections
    assert summary.read == summary.sent + summary.rejections
    first = letters[1]
    assert (first.topic, first.stage, base64.b64decode(first.value or "")) == ("file:bad.jsonl", "ingest", b"{not json")
    assert letters[7].size > 10_000_000
    assert letters[7].truncated
    assert summary.as_dict()["reasons"]["bad_json"]["first"][0].startswith("bad.jsonl:1:")


async def test_csv_and_gzip(tmp_path: Path, settings: Settings) -> None:
    """CSV, compressed or not, maps by header; a row that does not fit it is refused; ignored columns are named."""
    head, one = "no;published;body;extra", '1;2026-03-02T08:00:00Z;"Two\nlines";x'
    data = "\n".join([head, one, "2;2026-03-02T07:00:00Z;Short", "3;2026-03-01;B;y", ""])
    path = tmp_path / "posts.csv.gz"
    path.write_bytes(gzip.compress(data.encode()))
    sink = FakeSink()
    summary = await run([str(path)], settings, sink, columns=Columns(parse_map(["native_id=no"]), source="board"))
    assert [(i.native_id, i.text) for i in sink.items] == [("3", "B"), ("1", "Two\nlines")]
    assert (sink.letters[0].reason, sink.letters[0].offset) == ("bad_csv", 4)
    assert summary.unused == ["extra"]


async def test_a_hostile_header_is_told_harmlessly(tmp_path: Path, settings: Settings) -> None:
    """The names of columns in a message cannot act on the terminal that shows it."""
    path = tmp_path / "posts.csv"
    path.write_text("id,\x1b[2Jtext\n1,x\n")
    with pytest.raises(MappingError, match=r"it has id, \[2Jtext$"):
        await run([str(path)], settings, FakeSink(), columns=Columns(parse_map(["text=words"])))


async def test_stdin(settings: Settings) -> None:
    """Standard input is spooled, sorted like a file, and leaves nothing behind."""
    lines = "\n".join(json.dumps(row(n)) for n in (2, 1)).encode()
    sink = FakeSink()
    await ingest(["-"], Options(), sink, settings, stdin=io.BytesIO(lines), clock=FakeTime().clock)
    assert [item.native_id for item in sink.items] == ["m1", "m2"]
    assert not list((settings.state_dir / "spool").iterdir())
    assert not (settings.state_dir / "ingest").exists()


@pytest.mark.parametrize("dies_at", [0, 400, 1100, 2100, 2504])
async def test_killed_and_started_again(tmp_path: Path, settings: Settings, dies_at: int) -> None:
    """A run that dies anywhere and starts again loses nothing, and repeats no more than one step."""
    path = write(tmp_path / "a.jsonl", [row(n) for n in range(2500)])
    first, second = FakeSink(fail_after=dies_at), FakeSink()
    with pytest.raises(Lost):
        await run([path], settings, first)
    summary = await run([path], settings, second)
    together = first.items + second.items
    assert {item.native_id for item in together} == {f"m{n}" for n in range(2500)}
    assert len(together) - 2500 <= 500
    assert summary.resumed + summary.sent == 2500
    check_promises(second.sent)


async def test_finished_or_changed_starts_at_the_beginning(tmp_path: Path, settings: Settings) -> None:
    """A finished run, a changed file and --from-start read everything."""
    path = write(tmp_path / "a.jsonl", [row(n) for n in range(1200)])
    assert (await run([path], settings, FakeSink())).sent == 1200
    assert (await run([path], settings, FakeSink())).sent == 1200
    with pytest.raises(Lost):
        await run([path], settings, FakeSink(fail_after=700))
    assert (await run([path], settings, FakeSink(), from_start=True)).sent == 1200
    with pytest.raises(Lost):
        await run([path], settings, FakeSink(fail_after=700))
    write(Path(path), [row(n) for n in range(1300)])
    assert (await run([path], settings, FakeSink())).sent == 1300


async def test_damaged_cursor(tmp_path: Path, settings: Settings) -> None:
    """A damaged cursor means reading from the beginning, not a crash."""
    path = write(tmp_path / "a.jsonl", [row(n) for n in range(1200)])
    with pytest.raises(Lost):
        await run([path], settings, FakeSink(fail_after=700))
    (saved,) = (settings.state_dir / "ingest").iterdir()
    saved.write_text("{")
    assert (await run([path], settings, FakeSink())).sent == 1200


async def test_paced_by_event_time(tmp_path: Path, settings: Settings) -> None:
    """With pace `event` an hour takes a minute at speed 60, and ticks go on through a gap."""
    path = write(tmp_path / "a.jsonl", [row(0), row(1), row(60)])
    time, sink = FakeTime(), FakeSink()
    await ingest([path], Options(pace="event", speed=60), sink, settings, clock=time.clock)
    assert time.seconds == pytest.approx(60, abs=1.5)
    check_promises(sink.sent)
    assert len(sink.tick_times) > 50
    assert [item.native_id for item in sink.items] == ["m0", "m1", "m60"]


async def test_settle(tmp_path: Path, settings: Settings) -> None:
    """The last tick may promise that a stretch after the last item is empty."""
    path = write(tmp_path / "a.jsonl", [row(0)])
    sink = FakeSink()
    await run([path], settings, sink, settle=90.0)
    assert sink.tick_times == [BEGIN + timedelta(seconds=90)]


async def test_no_promise_beyond_now(tmp_path: Path, settings: Settings) -> None:
    """An item that claims to come from the future, or a long `settle`, does not make late what others write today."""
    ahead = (NOW + timedelta(hours=20)).isoformat()
    path = write(tmp_path / "a.jsonl", [row(0), row(1, created_at=ahead)])
    sink = FakeSink()
    await run([path], settings, sink, settle=7200.0)
    assert len(sink.items) == 2
    assert max(sink.tick_times) == NOW


@pytest.mark.parametrize(("told", "late"), [(None, 0), (0, 0), (6, 2), (5, 1), (3600, 3)])
async def test_late_items_are_counted(tmp_path: Path, settings: Settings, told: int | None, late: int) -> None:
    """Items no later than what was promised before, less the lateness that is allowed, are told as late."""
    times = [(BEGIN + timedelta(seconds=s)).isoformat() for s in (0, 1, 60)]
    path = write(tmp_path / "a.jsonl", [row(n, created_at=at) for n, at in enumerate(times)])
    promised = None if told is None else BEGIN + timedelta(seconds=told)
    assert (await run([path], settings, FakeSink(), told=promised)).late == late


async def test_what_is_past_its_retention_is_counted(tmp_path: Path, settings: Settings) -> None:
    """By a stated time of collection; an archive without one is kept from today."""
    old, kept = (NOW - timedelta(days=30)).isoformat(), {"retention_days": 30}
    rows = [row(0, collected_at=old, **kept), row(1, created_at=old, **kept), row(2, collected_at=old)]
    summary = await run([write(tmp_path / "a.jsonl", rows)], settings, FakeSink())
    assert (summary.sent, summary.expired, summary.as_dict()["expired"]) == (3, 1, 1)


async def test_any_speed(tmp_path: Path, settings: Settings) -> None:
    """The greatest speed does not leave the calendar, however long the run takes."""
    path = write(tmp_path / "a.jsonl", [row(n) for n in range(3)])
    hours = itertools.count(0.0, 3600.0)
    clock = replace(FakeTime().clock, monotonic=lambda: next(hours))
    assert (await ingest([path], Options(pace="event", speed=9e8), FakeSink(), settings, clock=clock)).sent == 3


async def test_only_bad_rows(tmp_path: Path, settings: Settings) -> None:
    """A file without a single good row ends without a tick."""
    sink = FakeSink()
    summary = await run([write(tmp_path / "a.jsonl", [b"x", b"y"])], settings, sink)
    assert (summary.read, summary.sent, summary.rejections) == (2, 0, 2)
    assert not sink.raw


async def test_unusable_files(tmp_path: Path, settings: Settings) -> None:
    """A file that cannot be read as a whole stops the run before anything is sent, and the message says why."""
    good = write(tmp_path / "good.jsonl", [row(0)])
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "twice.csv").write_bytes(b"id,id\n1,2\n")
    (tmp_path / "broken.jsonl.gz").write_bytes(gzip.compress(b"x" * 1000)[:-20])
    (tmp_path / "plain.gz.jsonl.gz").write_bytes(b"not gzip")
    (tmp_path / "a.csv").write_bytes(b"id,text\n1,b\n")
    cases: list[tuple[str, Options, str]] = [
        ("none.jsonl", Options(), "No such file"),
        ("", Options(), "folder"),
        ("file.dat", Options(), "--format"),
        ("empty.csv", Options(), "empty"),
        ("twice.csv", Options(), "twice"),
        ("broken.jsonl.gz", Options(), "cannot be read"),
        ("plain.gz.jsonl.gz", Options(), "cannot be read"),
        ("a.csv", Options(Columns(parse_map(["title=headline"]))), "no column headline"),
    ]
    for name, options, word in cases:
        sink = FakeSink()
        path = str(tmp_path / name)
        if not name:
            options = Options(form="jsonl")
        with pytest.raises((InputError, MappingError), match=word):
            await ingest([good, path], options, sink, settings)
        assert not sink.sent
