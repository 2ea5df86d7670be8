"""What feeds say, and what they try."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.feed import FeedError, Reading, item_mark, read_feed
from streams.sources.feedlist import Feed
from tests.unit.streams.sources.sink import NOW

FEED = Feed(url="https://news.example/rss", source="example", lang="en", may_store_body=False, retention_days=30)


def rss(*entries: str, head: str = "") -> bytes:
    listed = "".join(f"<item>{entry}</item>" for entry in entries)
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel><title>T</title>{listed}</channel></rss>'.encode()


def read(body: bytes, content_type: str = "application/rss+xml") -> Reading:
    return read_feed(body, content_type, FEED.url, FEED, NOW)


def test_rss() -> None:
    """An entry becomes an item with its own id, absolute link, its date and what the feed's owner allows."""
    body = rss(
        "<title>Borealis &amp; Co</title><link>/a/1</link><guid>g1</guid>"
        "<description>&lt;p&gt;Body&lt;/p&gt;</description>"
        "<pubDate>Sat, 21 Nov 2026 10:00:00 +0800</pubDate><author>a@news.example (Ann)</author>"
    )
    (item,) = read(body).items
    assert (item.native_id, item.title, item.text) == ("g1", "Borealis & Co", "<p>Body</p>")
    assert item.url == "https://news.example/a/1"
    assert (item.published_at, item.published_how) == (datetime(2026, 11, 21, 2, tzinfo=UTC), "feed")
    assert (item.source, item.kind, item.lang, item.collected_at) == ("example", "news", "en", NOW)
    assert (item.may_store_body, item.retention_days) == (False, 30)


def test_atom() -> None:
    """Atom is read as well, and the fuller of summary and content is the text."""
    body = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>urn:1</id><title>One</title>'
        b"<updated>2026-11-20T10:00:00Z</updated><summary>short</summary>"
        b'<content type="html">the whole story</content></entry></feed>'
    )
    (item,) = read(body, "application/atom+xml").items
    assert (item.native_id, item.text, item.published_at) == (
        "urn:1", "the whole story", datetime(2026, 11, 20, 10, tzinfo=UTC)
    )  # fmt: skip


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2099 00:00:00 GMT"])
def test_dates_that_are_none(date: str) -> None:
    """A missing or impossible date is unknown, and no reason to drop the entry."""
    (item,) = read(rss(f"<title>x</title><guid>1</guid><pubDate>{date}</pubDate>")).items
    assert (item.published_at, item.published_how) == (None, "unknown")


def test_identity() -> None:
    """Without a guid the link identifies an entry, without a link its words; long ones are shortened."""
    items = read(
        rss(
            "<title>a</title><link>https://news.example/1</link>",
            "<title>only words</title>",
            f"<title>b</title><guid>{'g' * 600}</guid>",
            "<title>c</title><link>javascript:alert(1)</link>",
        )
    ).items
    assert items[0].native_id == "https://news.example/1"
    assert len({item.native_id for item in items}) == 4
    assert all(len(item.native_id) <= 512 for item in items)
    assert items[3].url == ""


def test_edited_entry_is_news() -> None:
    """The same guid with another text is marked differently, the same text alike."""
    one, two, three = (read(rss(f"<title>{t}</title><guid>1</guid>")).items[0] for t in ("a", "b", "a"))
    assert item_mark(one) == item_mark(three) != item_mark(two)
    assert one.native_id == two.native_id


def test_too_many_and_empty_entries() -> None:
    """At most 500 entries count, the rest is told; an entry without words is refused by itself."""
    reading = read(rss(*[f"<title>t{n}</title><guid>{n}</guid>" for n in range(520)]))
    assert (len(reading.items), reading.cut) == (500, 20)
    reading = read(rss("<guid>1</guid>", "<title>x</title><guid>2</guid>"))
    assert len(reading.items) == 1
    assert reading.rejected[0][1].reason == "no_text"


def test_broken_but_readable() -> None:
    """Truncated XML still gives the entries before the cut, and GBK text under its own name is read."""
    body = rss(*[f"<title>t{n}</title><guid>{n}</guid>" for n in range(10)])[:-60]
    assert len(read(body).items) >= 9
    gbk = rss("<title>股市大跌</title>").decode().replace('version="1.0"?', 'version="1.0" encoding="gbk"?')
    assert read(gbk.encode("gbk"), "text/xml").items[0].title == "股市大跌"


LEVELS = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
LAUGHS = f'<!DOCTYPE lolz [<!ENTITY a "lol">{LEVELS}]>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rss("<title>&j;</title>", head=LAUGHS), "dtd"),
        (rss("<title>x</title>", head='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "dtd"),
        (rss("<title>x</title>", head='<!-- <a> --><?p <b ?>\n<!doctype r SYSTEM "http://evil.example/d">'), "dtd"),
        (rss("<title>x</title>", head="<!DOCTYPE r>").decode().encode("utf-16"), "dtd"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "dtd"),
        (b"<html><body>Not found</body></html>", "not_a_feed"),
        (b"/etc/passwd", "not_a_feed"),
        (b"http://127.0.0.1:9/", "not_a_feed"),
        (b"", "not_a_feed"),
        (b"\x1f\x8b\x08\x00" + b"\0" * 50, "not_a_feed"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "not_a_feed"),
    ],
)
def test_refused(body: bytes, reason: str) -> None:
    """Document types, entities and whatever is no feed are refused with a reason; no file or address is opened."""
    with pytest.raises(FeedError) as caught:
        read(body)
    assert caught.value.reason == reason


def test_doctype_in_a_text() -> None:
    """A document type quoted inside an entry is a text like any other."""
    body = rss("<title>x</title><description><![CDATA[<!DOCTYPE html><p>hello</p>]]></description>")
    assert "hello" in read(body).items[0].text


PRINTABLE = st.text(max_size=200).filter(str.isprintable).map(lambda t: rss(f"<title>{t}</title>"))


@given(st.one_of(st.binary(max_size=300), PRINTABLE))
def test_any_bytes(body: bytes) -> None:
    """Whatever a server sends, the answer is a reading or a FeedError."""
    try:
        reading = read(body, "text/xml")
    except FeedError:
        return
    assert all(item.collected_at - NOW == timedelta(0) for item in reading.items)
