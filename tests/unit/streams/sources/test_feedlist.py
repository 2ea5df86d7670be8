"""The file of feeds: every fault is told with its line."""

from pathlib import Path

import pytest

from streams.guard import parse_allow
from streams.sources.feedlist import Feed, FeedFileError, load_feeds, parse_feeds

GOOD = """
# comment
- url: https://news.example/rss
  source: example-news
  kind: news
  interval: 300
  lang: en
  may_store_body: false
  may_train: no
  retention_days: 90
- {url: "http://forum.example/atom", source: forum, kind: chat}
"""


def test_good() -> None:
    """Every field is read, and defaults fill the rest, under a key `feeds` too."""
    feeds, faults = parse_feeds(GOOD, ())
    assert not faults
    assert feeds[0] == Feed(
        url="https://news.example/rss", source="example-news", interval=300, lang="en", may_store_body=False,
        retention_days=90,
    )  # fmt: skip
    assert (feeds[1].kind, feeds[1].interval, feeds[1].may_store_body) == ("chat", 600, True)
    assert parse_feeds("feeds:\n- {url: https://a.example/x, source: a}", ())[0][0].source == "a"
    assert parse_feeds("", ()) == ((), [])


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("- url: https://a.example/x\n  source: a\n  intervall: 60", 3, "did you mean interval"),
        ("- url: https://a.example/x\n  source: a\n  interval: 5", 3, "interval"),
        ("- url: https://a.example/x\n  source: a\n  interval: soon", 3, "interval"),
        ("- url: https://a.example/x\n  source: a\n  kind: video", 3, "kind"),
        ("- url: https://a.example/x\n\n- source: a", 1, "source"),
        ("\n- source: a", 2, "url"),
        ("- url: ftp://a.example/x\n  source: a", 1, "https"),
        ("- url: http://127.0.0.1/x\n  source: a", 1, "TOCSIN_FEEDS_ALLOW"),
        ("- url: https://u:p@a.example/x\n  source: a", 1, "password"),
        ("- url: https://a.example/x\n  source: [a, b]", 2, "single value"),
        ("- url: https://a.example/x\n  source: a\n  source: b", 3, "twice"),
        ("- {url: https://a.example/x, source: a}\n- {url: https://a.example/x, source: b}", 2, "line 1"),
        ("- just a text", 1, "mapping"),
        ("feed: x", 1, "list"),
        ("- url: [", 1, "YAML"),
        ("- &a [*a]", 1, ""),
        ("- !!python/object:os.system {}", 1, ""),
    ],
)
def test_faults(text: str, line: int, word: str) -> None:
    """A fault names its line and what to write instead."""
    _, faults = parse_feeds(text, ())
    assert faults[0].line == line
    assert word in faults[0].message


def test_private_feeds() -> None:
    """A private address may be read when its block is allowed."""
    feeds, faults = parse_feeds("- {url: 'http://127.0.0.1:8080/x', source: a}", parse_allow("127.0.0.0/8"))
    assert len(feeds) == 1
    assert not faults


def test_unreadable(tmp_path: Path) -> None:
    """A missing or non-text file is told like any other fault, and all faults at once."""
    with pytest.raises(FeedFileError, match="cannot be read"):
        load_feeds(tmp_path / "none.yaml", ())
    path = tmp_path / "feeds.yaml"
    path.write_bytes(b"\xff")
    with pytest.raises(FeedFileError, match="UTF-8"):
        load_feeds(path, ())
    path.write_text("- {url: x, source: a}\n- {source: b}")
    with pytest.raises(FeedFileError) as caught:
        load_feeds(path, ())
    assert len(caught.value.faults) == 2
    assert f"{path}:2:" in str(caught.value)
