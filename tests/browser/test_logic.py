"""The page's pure parts, run by a real browser: they write numbers, times and addresses as the rest of Tocsin does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.delivery import phrases
from alerts.delivery.phrases import pieces, voice
from alerts.delivery.samples import sample_events
from streams.records import Evidence
from tests.browser.conftest import Evaluate

pytestmark = pytest.mark.browser
few = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOW = datetime(2026, 3, 2, 4, 12, tzinfo=UTC)
LINES = [
    "event: tick",
    'data: {"now": "x"}',
    "",
    ": a comment",
    "",
    "event: alert",
    'data: {"name": "禾川"}',
    "",
    "event: half",
]
FIGURES = [0.0, 0.004, 0.0931, 0.1, 1.0, 1.4, 2.67, 12.0, 99.4, 100.2, 1234.5, 1_234_567.0]
SHARES = [0.0, 0.0001, 0.004, 0.01, 0.5, 0.62, 0.995, 0.9999, 1.0]


def test_numbers_read_as_in_notifications(module: Evaluate) -> None:
    """Whoever compares the page with a message finds the same figures."""
    assert module("format", "a.map(m.number)", FIGURES) == [phrases.number(each) for each in FIGURES]
    assert module("format", "a.map(m.percent)", SHARES) == [phrases.percent(each) for each in SHARES]
    chances = [0.5, 0.001, 3.2e-7, 1e-12]
    assert module("format", "a.map(m.odds)", chances) == [phrases.odds(each) for each in chances]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_figures_and_windows_read_as_in_notifications(module: Evaluate, lang: str) -> None:
    """Units, their plurals and their tails, and lengths of time, in both languages."""
    speaker = voice(lang, NOW)
    units = [event.unit for events in sample_events().values() for event in events]
    units += ["stories of a risk not seen before", "negative stories since the level changed", "things without a word"]
    for unit in dict.fromkeys(units):
        for value in (1.0, 0.62 if "share" in unit else 24.0):
            assert module("format", "m.counted(...a)", [value, unit], lang) == speaker.counted(value, unit)
        assert module("format", "m.unitName(a)", unit, lang) == speaker.unit(unit)
    for seconds in (60, 1800, 5400, 7200, 86_400, 172_800, 604_800):
        assert module("format", "m.span(a)", seconds, lang) == speaker.window(seconds)


@few
@given(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), max_size=5),
)
def test_marked_words_are_those_that_were_meant(module: Evaluate, text: str, ranges: list[tuple[int, int]]) -> None:
    """Offsets count code points: an emoji or a rare Chinese character before a word moves nothing."""
    story = Evidence(
        document="d" * 32, headline=text, url="", source="s", collected_at=NOW, negative=0.5, copies=1, authors=1,
        highlights=tuple(ranges),
    )  # fmt: skip
    found = module("format", "m.segments(a[0], a[1])", [text, [list(each) for each in ranges]])
    assert "".join(piece for piece, _ in found) == text
    hits = [phrases.plain(piece) for piece, hit in found if hit]
    assert hits == [piece for piece, hit in pieces(story, limit=1000) if hit] or any(
        not phrases.plain(piece) for piece in hits
    )


def test_segments_with_characters_beyond_the_basic_plane(module: Evaluate) -> None:
    """The very case that UTF-16 gets wrong."""
    assert module("format", "m.segments(a, [[2, 4]])", "𠮷🔥起火了") == [["𠮷🔥", False], ["起火", True], ["了", False]]


def test_what_turns_the_direction_of_text_is_left_out(module: Evaluate) -> None:
    """A headline cannot disguise what stands around it."""
    assert module("format", "m.plain(a)", "a\u202eb\u2066c\u0007\nd") == "abc d"


@few
@given(
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=30),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=30),
)
def test_addresses_give_back_what_was_put_in(module: Evaluate, id_: str, value: str) -> None:
    """Subjects hold colons, slashes, blanks and any script: a link leads to the thing it was made for."""
    found = module("routes", 'm.parse(m.link("subjects", {q: a[1]}, a[0]))', [id_, value])
    assert found["view"] == "subjects"
    assert found["id"] == id_
    assert found["params"] == ({"q": value} if value else {})


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "JAVASCRIPT:1",
        "data:text/html,x",
        "//evil.example/x",
        "file:///x",
        "https://a@b.example",
    ],
)
def test_a_link_that_could_run_or_mislead_is_no_link(module: Evaluate, address: str) -> None:
    """Text remains, and the address is left out."""
    assert module("dom", 'm.h("a", {href: a}, "text").outerHTML', address) == "<a>text</a>"


def test_links_elsewhere_open_apart_and_tell_nothing(module: Evaluate) -> None:
    """The other side does not learn from where somebody came, nor gets hold of the page."""
    made = module("dom", 'm.h("a", {href: a}, "x").outerHTML', "https://news.example/a?b=1")
    assert made == '<a href="https://news.example/a?b=1" target="_blank" rel="noopener noreferrer">x</a>'


def test_children_are_text_and_handlers_are_functions(module: Evaluate) -> None:
    """Markup within a string stays a string; a handler given as a string is refused."""
    assert module("dom", 'm.h("p", null, a).innerHTML', "<img src=x onerror=alert(1)>").startswith("&lt;img")
    assert (
        module("dom", '(() => { try { m.h("p", {onclick: "x"}); return "made"; } catch (e) { return e.name; } })()')
        == "TypeError"
    )


@few
@given(st.lists(st.integers(1, 60), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_events_are_read_whole_however_the_stream_is_cut(module: Evaluate, cuts: list[int], end: str) -> None:
    """A network cuts where it likes."""
    text = end.join(LINES)
    parts, rest = list[str](), text
    for cut in cuts:
        parts, rest = [*parts, rest[:cut]], rest[cut:]
    found = module(
        "stream",
        "(() => { const all = []; const read = m.reading((...e) => all.push(e)); a.forEach(read); return all; })()",
        [*parts, rest],
    )
    assert found == [["tick", {"now": "x"}], ["alert", {"name": "禾川"}]]


def test_times_are_told_in_the_readers_zone_with_utc_beside(module: Evaluate) -> None:
    """A time without its zone is read wrong by whoever sits elsewhere."""
    assert module("format", 'm.time(a, "stamp").textContent', "2026-03-02T04:12:00Z") == "2026-03-02 12:12 UTC+8"
    assert (
        module("format", "m.time(a).title", "2026-03-02T04:12:00Z") == "2026-03-02 12:12 UTC+8 · 2026-03-02 04:12 UTC"
    )
    assert (
        module("format", "m.ago(a[0], new Date(a[1]))", ["2026-03-02T04:12:00Z", "2026-03-02T05:00:00Z"], "zh")
        == "48 分钟前"
    )


CALLED = """(async () => {
    const held = globalThis.fetch;
    globalThis.fetch = async () => new Response(JSON.stringify(a.answer), {status: a.status});
    const names = await import("/static/js/names.js");
    await names.load();
    globalThis.fetch = held;
    return a.asked.map((each) => m.subjectName(...each));
})()"""
ASKED = [["entity:halden", "Halden"], ["entity:orrin", "Orrin"], ["entity:toString", ""], ["source:halden", "halden"]]


def test_companies_go_by_their_chinese_names_in_chinese_alone(module: Evaluate) -> None:
    """What the list does not know keeps its name; where there is no answer, what was known before holds."""
    known = {"status": 200, "answer": {"zh": {"halden": "海登汽车"}}, "asked": ASKED}
    assert module("format", CALLED, known, "en") == ["Halden", "Orrin", "entity:toString", "halden"]
    assert module("format", CALLED, known, "zh") == ["海登汽车", "Orrin", "entity:toString", "halden"]
    away = known | {"status": 503, "answer": {"error": {"code": "starting", "message": "", "fix": ""}}}
    assert module("format", CALLED, away, "zh")[0] == "海登汽车"
    assert module("format", CALLED, known, "en")[0] == "Halden"
