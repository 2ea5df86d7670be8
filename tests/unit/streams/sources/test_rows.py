"""Rows with their places, whatever the bytes hold."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import Reject
from streams.sources.rows import BOM, Header, Row, csv_rows, json_rows, parse_csv, parse_header, parse_json, whole

LIMIT = 100


def rows(data: bytes, *, csv: bool = False) -> list[Row]:
    stream = io.BytesIO(data)
    return list(csv_rows(stream, LIMIT) if csv else json_rows(stream, LIMIT))


def test_json_places() -> None:
    """Each line is a row with its number and offset; a byte order mark, CRLF and blank lines are no part of any."""
    found = rows(b'\xef\xbb\xbf{"a":1}\r\n\n{"b":2}\n{"c":3}')
    assert [(r.line, r.offset, r.data) for r in found] == [
        (1, 3, b'{"a":1}'),
        (3, 13, b'{"b":2}'),
        (4, 21, b'{"c":3}'),
    ]


@pytest.mark.parametrize("csv", [False, True])
def test_long_line(csv: bool) -> None:
    """A line of megabytes is kept up to the limit, its true size is known, and the next line is read."""
    found = rows(b"x" * 3_000_000 + b"\nnext\n", csv=csv)
    assert (found[0].line, len(found[0].data)) == (1, LIMIT)
    assert found[0].size in (3_000_000, 3_000_001)
    assert (found[1].line, found[1].data) == (2, b"next")
    with pytest.raises(Reject) as caught:
        whole(found[0], LIMIT)
    assert caught.value.reason == "too_large"


def test_csv_quoted_lines() -> None:
    """A quoted field spans lines and the row keeps the number of its first."""
    found = rows(b'a,b\n1,"x\ny ""z"""\n2,w\n', csv=True)
    assert [(r.line, r.data) for r in found] == [(1, b"a,b"), (2, b'1,"x\ny ""z"""'), (4, b"2,w")]


def test_csv_stray_quote_costs_one_row() -> None:
    """A quote that never closes costs its own line, not the rest of the file."""
    found = rows(b'1,"x\n' + b"2,y\n" * 40 + b"3,z\n", csv=True)
    assert len(found) == 42
    header = Header(("a", "b"), ",")
    with pytest.raises(Reject):
        parse_csv(found[0].data, header, "utf-8")
    assert parse_csv(found[-1].data, header, "utf-8") == {"a": "3", "b": "z"}


def test_csv_quotes_within_a_text_are_text() -> None:
    """Inches and quotes inside unquoted fields swallow no other rows; a field that begins with one is quoted."""
    lines = [
        b'1;a 24" tv; x',
        b"2;plain; x",
        b'3;5" and 7" ; x',
        b'4;"two\nlines; ""said"""; x',
        b'5;end"; x',
        b'6;,"z; x',
    ]
    found = [r.data for r in csv_rows(io.BytesIO(b"\n".join(lines)), 1000, ";")]
    assert found == lines
    header = Header(("a", "b", "c"), ";")
    texts = [parse_csv(data, header, "utf-8")["b"] for data in found]
    assert texts == ['a 24" tv', "plain", '5" and 7" ', 'two\nlines; "said"', 'end"', ',"z']


@given(st.lists(st.lists(st.text('ab",;\n\r ', max_size=5), min_size=2, max_size=2), max_size=12), st.booleans())
def test_csv_as_a_writer_writes_it_is_read_as_it_was(table: list[list[str]], bom: bool) -> None:
    """Whatever the fields hold, the rows of a well-formed file are the writer's rows."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["id", "text"], *table])
    data = (BOM if bom else b"") + out.getvalue().encode()
    found = list(csv_rows(io.BytesIO(data), 10_000, ","))
    header = parse_header(found[0].data, "utf-8")
    assert [list(parse_csv(r.data, header, "utf-8").values()) for r in found[1:]] == table


@given(st.lists(st.sampled_from([b'"', b"\n", b"a", b",", b"\r\n", b"b" * 60]), max_size=60), st.booleans())
def test_rows_cover_the_input(parts: list[bytes], csv: bool) -> None:
    """Rows are found at the offsets they name, in order, without overlap."""
    data = b"".join(parts)
    end = 0
    for row in rows(data, csv=csv):
        assert row.offset >= end
        assert data[row.offset : row.offset + len(row.data)] == row.data
        end = row.offset + row.size


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{not json", "bad_json"),
        (b'{"a":1,}', "bad_json"),
        (b'{"a":NaN}', "bad_json"),
        (b'{"a":1e400}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"a":"\x00"}', "bad_json"),
        (b'{"a":"\\ud800"}', "bad_unicode"),
        (b'{"a":"\\udc00 "}', "bad_unicode"),
        (b'{"a":"\xff"}', "bad_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "bad_utf8"),
        (b'["a"]', "bad_schema"),
        (b"null", "bad_schema"),
        (b'"text"', "bad_schema"),
    ],
)
def test_bad_json(data: bytes, reason: str) -> None:
    """Broken JSON, broken characters and JSON that is no object are told apart."""
    with pytest.raises(Reject) as caught:
        parse_json(data)
    assert caught.value.reason == reason


def test_csv_header() -> None:
    """The delimiter is seen from the header; a doubled or empty name is refused."""
    assert parse_header(b"id;text; date", "utf-8") == Header(("id", "text", "date"), ";")
    assert parse_header(b"id\ttext", "utf-8").delimiter == "\t"
    for data in (b"id,id", b"id,,text", b'"id', b"\xff,a"):
        with pytest.raises(Reject):
            parse_header(data, "utf-8")


@pytest.mark.parametrize(("data", "reason"), [(b"1", "bad_csv"), (b"1,2,3", "bad_csv"), (b"1,\xff", "bad_utf8")])
def test_csv_mismatch(data: bytes, reason: str) -> None:
    """A row that does not fit the header is refused, never shifted."""
    with pytest.raises(Reject) as caught:
        parse_csv(data, Header(("a", "b"), ","), "utf-8")
    assert caught.value.reason == reason


def test_csv_encoding() -> None:
    """A stated encoding is used for every row."""
    assert parse_csv("1,股市".encode("gb18030"), Header(("a", "b"), ","), "gb18030") == {"a": "1", "b": "股市"}
