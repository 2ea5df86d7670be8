"""The preview: charts that say what the numbers say, and text from outside that stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.dashboards import charts
from console.dashboards.checking import Answers
from console.dashboards.preview import html, render
from console.dashboards.series import chart, label, written
from console.dashboards.words import words
from deploy.dashboards import measures as m
from deploy.dashboards.asking import Row, Window
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.naming import Names
from deploy.dashboards.spec import OverTime, Panel, Terms

END = datetime(2026, 3, 2, 10, tzinfo=UTC)
WINDOWS = {board.id: Window(END - timedelta(hours=board.hours), END) for board in BOARDS}
SAID = words("en")
EVIL = "<script>alert(1)</script>\"'&\u202e岭"
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "div", "figure"),
    *("figcaption", "h1", "h2", "h3", "p", "a", "b", "i", "code", "span", "time", "ul", "li", "svg", "path", "rect"),
    *("text", "table", "thead", "tbody", "tr", "th", "td"),
}


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def hostile() -> Answers:
    """Answers for all panels in which every value comes from a hostile source."""
    answers = Answers()
    times = [(END - timedelta(hours=n)).isoformat() for n in (3, 2, 1)]
    for board in BOARDS:
        for panel, _ in board.panels():
            keys = [
                tuple(at if isinstance(b, OverTime) else EVIL if isinstance(b, Terms) else "negative" for b in panel.by)
                for at in times
            ]
            values = tuple(0.5 if metric.of == "share" else 3.0 for metric in panel.metrics)
            answers.rows[board.id, panel.id] = [Row(key, values, 3) for key in dict.fromkeys(keys)]
    return answers


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_text_from_outside_stays_text(lang: str) -> None:
    """No tag, no attribute and no turned text comes out of a company's name."""
    source = render(BOARDS, Names("demo-1"), words(lang), WINDOWS, hostile(), lang)
    page = Page(source)
    assert page.tags - {"title"} <= ALLOWED - {"title"}
    assert {name for name, _ in page.attributes if name.startswith("on") or name == "style"} == set()
    assert all(value.startswith("#") for name, value in page.attributes if name in ("href", "src"))
    assert "\u202e" not in source
    assert "&lt;script&gt;" in source


def test_the_policy_allows_the_page_s_own_style_and_nothing_else() -> None:
    """The checksum in the head is that of the style sheet."""
    source = render(BOARDS, Names(), SAID, WINDOWS, hostile(), "en")
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = [value for name, value in Page(source).attributes if name == "content" and "default-src" in value]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_the_same_answers_give_the_same_page() -> None:
    """No clock, no order of a set."""
    assert render(BOARDS, Names(), SAID, WINDOWS, hostile(), "en") == render(
        BOARDS, Names(), SAID, WINDOWS, hostile(), "en"
    )


def test_an_empty_index_says_no_data_and_not_nought() -> None:
    """Every panel says so in words."""
    answers = Answers()
    answers.empty = [(board.id, panel.id) for board in BOARDS for panel, _ in board.panels()]
    source = render(BOARDS, Names(), SAID, WINDOWS, answers, "en")
    assert source.count('<p class="nothing">no data</p>') == len(answers.empty)


def test_that_nothing_rang_is_nought() -> None:
    """Where alerts are written and none is in the window, the number is 0."""
    answers = Answers()
    answers.empty = [(board.id, panel.id) for board in BOARDS for panel, _ in board.panels()]
    answers.rows["alerts", "alerts-number"] = [Row((), (0.0,), 0)]
    source = render(BOARDS, Names(), SAID, WINDOWS, answers, "en")
    assert source.count('<p class="nothing">no data</p>') == len(answers.empty) - 1
    assert '<p class="number red">0</p>' in source


def test_demo_data_cannot_be_taken_for_real() -> None:
    """In the title and in the help of each dashboard."""
    source = render(BOARDS, Names("demo-1"), SAID, WINDOWS, hostile(), "en")
    assert source.count("Tocsin [Demo] ·") == len(BOARDS)
    assert source.count("Invented data:") == len(BOARDS)


def test_links_lead_within_the_page() -> None:
    """Where Kibana would open another dashboard, the page goes to its place."""
    made = html("### Head\nSee *this* `code` [Alerts](#/view/tocsin-alerts) <b>", BOARDS, Names())
    assert made == ('<h3>Head</h3><p>See <i>this</i> <code>code</code> <a href="#alerts">Alerts</a> &lt;b&gt;</p>')


def test_values_are_written_with_their_unit() -> None:
    """Shares in per cent, times with their zone, and a dash where there is nothing."""
    assert written(m.NEGATIVE_SHARE, 0.482) == "48%"
    assert written(m.LAST, 1_772_445_600_000.0) == "2026-03-02 10:00 UTC"
    assert written(m.DOCUMENTS, 12_345.0) == "12,345"
    assert written(m.CONFIDENCE, 0.8) == "0.80"
    assert written(m.NEGATIVE_SHARE, None) == "–"


def test_values_of_ours_have_names_and_others_stay_as_they_are() -> None:
    """A topic is called as the reader calls it; a company's name is its own."""
    zh = words("zh")
    assert label(Terms("topic.label", "topic"), "earnings", zh) == "业绩"
    assert label(Terms("entities.name", "company"), "Corvane", zh) == "Corvane"
    assert label(Terms("_index", "index"), "replay.desk.strict.alerts-2026", zh) == "strict.alerts-2026"


def test_a_breakdown_is_a_series_for_each_value() -> None:
    """With a gap where a value has nothing."""
    panel = Panel("l", "line", "documents", (m.DOCUMENTS,), (OverTime(), Terms("topic.label", "topic")))
    first, second = "2026-03-01T10:00:00.000Z", "2026-03-01T11:00:00.000Z"
    made = chart(
        panel,
        [Row((second, "legal"), (4.0,), 4), Row((first, "legal"), (2.0,), 2), Row((second, "ipo"), (1.0,), 1)],
        SAID,
    )
    assert made.places == (first, second)
    assert [(series.name, series.values) for series in made.series] == [
        (SAID.values["topic.label"]["legal"], (2.0, 4.0)), (SAID.values["topic.label"]["ipo"], (None, 1.0)),
    ]  # fmt: skip


@given(st.floats(0, 1e9, allow_nan=False), st.booleans())
def test_an_axis_reaches_over_its_greatest_value(most: float, whole: bool) -> None:
    """From nought, in round steps, few enough to read; what is counted has no halves."""
    found = charts.ticks(most, whole=whole)
    assert found[0] == 0
    assert found[-1] >= most * 0.999999
    assert 2 <= len(found) <= 6
    assert not whole or all(value == int(value) for value in found)


@given(st.text(max_size=60), st.integers(2, 30))
def test_a_name_is_cut_to_its_room(name: str, limit: int) -> None:
    """Chinese characters count twice; the mark of a cut comes on top."""
    made = charts.cut(name, limit)
    assert name.startswith(made.removesuffix("…").rstrip()) or made == name
    assert len(made) <= limit + 1


def test_the_whole_of_a_ring_is_drawn() -> None:
    """One part alone is a full ring, which an arc of SVG cannot be."""
    made = charts.pie([("only", 5.0, "k0")], 200, "ring")
    assert made.count("<path") == 1
    assert "only: 5 (100%)" in made
