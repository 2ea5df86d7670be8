"""The same report as page, Markdown, PDF and JSON: hostile text stays text, and nothing is loaded or run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from console.report.contents import Row
from console.report.data import report_data, short_data
from console.report.markdown import markdown
from console.report.page import page
from console.report.pdf import Loads, _refuse, painted, pdf
from streams.records import Mark
from tests.ringing import ALERT, START, event, evidence
from tests.unit.alerts.reading import HOSTILE
from tests.unit.console.report.parts import MADE, counts, opinion, rang, report, sheet, story

VOID = {"meta", "br", "hr", "img", "path", "rect"}
MALICE = "<img src=x onerror=alert(1)>\"'&lt;]]>{{7*7}}"


class Tags(HTMLParser):
    """The page taken apart: tags in order, attributes, whether every tag is closed where it must be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.hrefs: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.hrefs += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def hostile(text: str) -> Any:
    """A day on which every text from outside is this."""
    told = event(0, name=text, rule=text, evidence=(evidence(headline=text, source=text, url=text),))
    bad = story(headline=text, source=text, url=text, topic=text, risk=text)
    mark = Mark(id="m", alert=ALERT, right=False, author=text or "-", at=START, reason=text)
    row = Row(text, text, counts(3, 1), counts(1, 1), (bad,))
    rows: dict[str, Any] = dict.fromkeys(("companies", "topics", "risks", "sources"), (row,))
    happened = tuple(replace(each, event=told, operations=(mark,)) for each in rang())
    made = opinion(stories=(bad,), unjudged={text: 2}, gone=(text,), **rows)
    return {"opinion": made, "rang": happened, "namespace": text}


@given(text=HOSTILE)
@hypothesis_settings(max_examples=40)
def test_a_page_shows_hostile_text_as_text(text: str) -> None:
    """Whatever a headline says: the same tags as with harmless text, links of the web alone, no script, no handler."""
    tags, plain = Tags(page(sheet(**hostile(text)))), Tags(page(sheet(**hostile("harmless"))))
    assert set(tags.tags) <= set(plain.tags) | {"a"}
    assert tags.tags.count("svg") == plain.tags.count("svg")
    assert not tags.open
    assert not {"script", "img", "iframe", "link", "object"} & set(tags.tags)
    assert not [name for name in tags.attributes if name.startswith("on") or name == "style"]
    assert all(href.startswith(("https://", "http://")) for href in tags.hrefs)


def test_a_page_forbids_everything_but_its_own_style() -> None:
    """Its policy names the checksum of its style sheet, and nothing in it needs more."""
    html = unescape(page(sheet()))
    assert re.search(r"content=\"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'", html)
    assert "url(" not in html
    assert MALICE not in page(sheet(**hostile(MALICE)))


def test_the_same_report_gives_the_same_page() -> None:
    """Nothing of the moment is in it but what it says of itself."""
    assert page(sheet("zh")) == page(sheet("zh"))


def test_charts_are_told_in_words_too() -> None:
    """For who does not see them: each has a label, and its meaning stands below it."""
    html = page(sheet())
    assert html.count('<svg class="chart"') == 2
    assert len(re.findall(r'role="img" aria-label="[^"]{20,}"', html)) == 2


@given(text=HOSTILE)
def test_markdown_holds_no_markup_from_outside(text: str) -> None:
    """No tag, no link, no picture, no table cell that a headline made."""
    told, plain = markdown(sheet(**hostile(text))), markdown(sheet(**hostile("harmless")))
    assert not re.search(r"(?<!\\)<[a-zA-Z/!]", told)
    assert not re.search(r"(?<!\\)\]\((?!https?://)", told)
    heads = [re.findall(r"^#+ ", each, re.MULTILINE) for each in (told, plain)]
    assert heads[0] == heads[1]
    rows = [len(re.findall(r"^\|", each, re.MULTILINE)) for each in (told, plain)]
    assert rows[0] == rows[1]


def test_a_pdf_is_made_and_loads_nothing() -> None:
    """Both languages on A4; whatever wants to be fetched is refused."""
    for lang in ("en", "zh"):
        made = pdf(sheet(lang, **hostile('<img src="http://evil.example/x.png">')))
        assert made.startswith(b"%PDF-")
    with pytest.raises(Loads):
        _refuse("http://evil.example/x.png")


def test_drawings_keep_their_colours_in_a_pdf() -> None:
    """A PDF shows a drawing without the page's style sheet: it gets its own."""
    assert painted(page(sheet())).count("<style>") == 3


def test_json_differs_by_the_time_of_making_alone() -> None:
    """A report of a day is the same whenever it is made; only what came afterwards is added, under its name."""
    late = Mark(id="m", alert=ALERT, right=True, author="Wei", at=MADE)
    first = report_data(report(rang=rang()))
    second = report_data(report(rang=rang(operations=(late,)), made_at=MADE.replace(month=5)))
    assert first != second
    for each in (first, second):
        del each["made_at"]
        for alert in each["alerts"]["rang"]:
            del alert["afterwards"]
    assert first == second
    json.dumps(second)


def test_what_a_webhook_gets_is_short() -> None:
    """Whatever texts from outside are like, it fits one request with room to spare."""
    long = hostile("风险🔥" * 3000)
    long["opinion"] = replace(long["opinion"], stories=long["opinion"].stories * 50)
    long |= {"rang": long["rang"] * 50, "namespace": "n" * 32}
    assert len(json.dumps(short_data(report(**long)), ensure_ascii=False).encode()) < 16_000
