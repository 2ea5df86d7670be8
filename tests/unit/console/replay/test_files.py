"""Files as the source of a replay: recognised, in order, faults told with their line, bounded by a span."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.replay.files import Files, Reading
from console.replay.source import Batch, SourceError
from console.replay.span import Span
from models.data import data_folder
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.records import Document, Mention, RawItem, Tick, encode
from streams.sources.mapping import Columns, parse_map
from tests.unit.alerts.signals import at
from tests.unit.console.replay.past import crises, items, lines, settings

ROWS = "\n".join(
    [
        "wann,was,wer",
        "2026-01-05T10:00:00Z,Acme falls,a",
        "2026-01-05T09:00:00Z,Acme rises,b",
        "never,Acme stops,c",
        "2026-01-05,Acme dated,d",
    ]
)


def opened(paths: Sequence[Path | str], tmp_path: Path, reading: Reading | None = None, **more: io.BytesIO) -> Files:
    """The source of these files."""
    return Files([str(path) for path in paths], reading or Reading(), settings(tmp_path), **more)


async def read(source: Files, position: str = "") -> list[Batch]:
    """Everything it gives out."""
    found = [batch async for batch in source.items(position)]
    source.close()
    return found


def records(batches: Sequence[Batch]) -> list[Mention | Document | RawItem]:
    """The records of batches, each of one sort."""
    assert all(sum(map(bool, (b.mentions, b.documents, b.raw))) == 1 for b in batches)
    return [each for b in batches for each in (*b.mentions, *b.documents, *b.raw)]


async def test_mentions_come_as_they_are(tmp_path: Path) -> None:
    """A file of mentions needs no mapping, and nothing of it is changed."""
    source = opened([lines(tmp_path / "m.jsonl", crises())], tmp_path)
    assert records(await read(source)) == crises()
    assert (source.notes.total, source.notes.read, source.notes.faults) == (37, 37, {})


async def test_documents_and_items_are_recognised_too(tmp_path: Path) -> None:
    """One file may hold items, documents, mentions and ticks; ticks are passed over."""
    pipeline = Pipeline(settings(tmp_path), Gazetteer.load(None), b"k" * 32, "1")
    raw = items(2)
    document = pipeline.document(pipeline.prepare(raw[0], "o", at(60)), None, "no_model")
    mixed = [raw[1], document, Tick(channel="news.raw/0", offset=1, at=at(2)), crises()[0]]
    found = records(await read(opened([lines(tmp_path / "x.jsonl", mixed)], tmp_path)))
    assert {type(each) for each in found} == {RawItem, Document, Mention}
    assert len(found) == 3


@pytest.mark.parametrize("files", [1, 3])
async def test_files_out_of_order_are_put_in_order(files: int, tmp_path: Path) -> None:
    """Whatever the order of lines and files, records come in order of time."""
    log = crises()
    parts = [lines(tmp_path / f"{n}.jsonl", log[::-1][n::files]) for n in range(files)]
    assert records(await read(opened(parts, tmp_path))) == sorted(log, key=lambda m: m.collected_at)


async def test_files_in_order_are_merged(tmp_path: Path) -> None:
    """Several archives are one past."""
    log = crises()
    parts = [lines(tmp_path / f"{n}.jsonl", log[n::2]) for n in range(2)]
    found = records(await read(opened(parts, tmp_path)))
    assert [m.collected_at for m in found] == [m.collected_at for m in log]


@pytest.mark.parametrize("reverse", [False, True])
async def test_reading_is_continued(reverse: bool, tmp_path: Path) -> None:
    """From any position the rest comes, and nothing twice."""
    log = crises()[::-1] if reverse else crises()
    path = lines(tmp_path / "m.jsonl", log)
    whole = records(await read(opened([path], tmp_path)))
    source = opened([path], tmp_path)
    assert records(await read(source, "10")) == whole[10:]
    assert source.notes.read == len(whole)


async def test_rows_of_any_shape_are_mapped(tmp_path: Path) -> None:
    """Columns become fields as by `ingest`; a bad row is told with its line, days alone are counted."""
    path = tmp_path / "rows.csv"
    path.write_text(ROWS, encoding="utf-8")
    columns = Columns(parse_map(["published_at=wann", "title=was", "native_id=wer"]), source="desk")
    source = opened([path], tmp_path, Reading(columns))
    found = records(await read(source))
    assert [each.native_id for each in found if isinstance(each, RawItem)] == ["d", "b", "a"]
    assert {reason: fault.first for reason, fault in source.notes.faults.items()} == {
        "bad_time": ["rows.csv:4: published_at (column 'wann') 'never' is not a time: write "
                     "2026-01-31T09:30:00Z or +08:00"],
    }  # fmt: skip
    assert source.notes.day_only == 1
    (told,) = source.notes.caveats
    assert (told.code, told.values) == ("day_only_records", {"count": 1, "records": 3, "zone": "UTC"})


async def test_a_damaged_record_of_our_own_is_told_once(tmp_path: Path) -> None:
    """A mention that is none is counted with its line, whether or not the file is in order."""
    for log in (crises(), crises()[::-1]):
        path = lines(tmp_path / "m.jsonl", log)
        path.write_bytes(path.read_bytes() + encode(log[0]).replace(b'"relevance":1.0', b'"relevance":7.0') + b"\n")
        source = opened([path], tmp_path)
        assert len(records(await read(source))) == 37
        (fault,) = source.notes.faults.values()
        assert fault.count == 1
        assert fault.first[0].startswith("m.jsonl:38: ")


async def test_only_the_span_is_given_out(tmp_path: Path) -> None:
    """Begin included, end not; what lies outside counts nowhere."""
    for log in (crises(), crises()[::-1]):
        source = opened([lines(tmp_path / "m.jsonl", log)], tmp_path, Reading(span=Span(at(60), at(120))))
        assert [each.collected_at for each in records(await read(source))] == [at(60)]
        assert source.notes.total == 1


async def test_packed_files_and_standard_input(tmp_path: Path) -> None:
    """A .gz and a pipe are read like a file."""
    data = lines(tmp_path / "m.jsonl", crises()).read_bytes()
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(data))
    assert records(await read(opened([tmp_path / "m.jsonl.gz"], tmp_path))) == crises()
    assert records(await read(opened(["-"], tmp_path, stdin=io.BytesIO(data)))) == crises()


@pytest.mark.parametrize("name", ["none.jsonl", "folder", "unknown.ending"])
def test_a_file_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    """Before anything is read, with its name."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "unknown.ending").touch()
    with pytest.raises(SourceError, match=name):
        opened([tmp_path / name], tmp_path)


async def test_foreign_rows_with_our_words_stay_rows(tmp_path: Path) -> None:
    """A row whose `type` is another's, or whose fields look like ours, is read by its columns."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"id":"1","type":"post","title":"x","created_at":"2026-01-05T00:00:00Z"}\n'
        '{"id":"2","collected_at":"2026-01-05T00:00:00Z","origin":"me","title":"y","entities":["a"]}\n',
        encoding="utf-8",
    )
    found = records(await read(opened([path], tmp_path)))
    assert [each.title for each in found if isinstance(each, RawItem)] == ["x", "y"]


@pytest.mark.data
@pytest.mark.parametrize(("name", "refused"), [("stocknet", 0), ("headlines_guardian", 40), ("rss_2025_2026", 146)])
async def test_public_streams_are_read_in_order(name: str, refused: int, tmp_path: Path) -> None:
    """Every line is a record, or told: headlines without a time, rows whose source is no text."""
    path = data_folder() / "streams" / f"{name}.jsonl"
    source = opened([path], tmp_path)
    times = [each.collected_at for each in records(await read(source))]
    assert times == sorted(times)
    assert sum(fault.count for fault in source.notes.faults.values()) == refused
    assert len(times) + refused == path.read_bytes().count(b"\n")
