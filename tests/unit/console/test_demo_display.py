"""What the demo prints, on a terminal and elsewhere, in both languages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from rich.console import Console

from console.demo.display import Display, Progress
from console.demo.report import report
from console.demo.texts import companies
from console.demo.verdict import checks, rings
from console.messages import LANGUAGES
from tests.unit.console.test_demo_verdict import DAY, GOOD, STATED

NOW = Progress(
    total=1769, sent=812, rejected=15, indexed=790, unjudged=160, duplicates=3, alerts=1, per_second=31.4,
    event_time=datetime(2026, 1, 15, 12, 21, tzinfo=UTC),
)  # fmt: skip
ALERT = {
    "state": "firing",
    "severity": "critical",
    "text": {"en": "Critical: Quenlith \x1b[31m[bold]", "zh": "严重：昆砾半导体"},
    "evidence": [
        {"copies": 3, "headline": f"Probe [red]{n}[/red]\u202e", "source": "demo-openbell", "negative": 0.97}
        for n in range(9)
    ],
}


def display(out: io.StringIO, lang: str = "en", terminal: bool = False) -> Display:
    """A display that writes into `out` and counts a second at each look at its clock."""
    ticks: Iterator[int] = count()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None)
    return Display(console, lang, monotonic=lambda: float(next(ticks)))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_alert_is_shown_with_its_why(lang: str) -> None:
    """An alert shows what is said of it, three stories, and that the signature was verified."""
    out = io.StringIO()
    display(out, lang).alert(ALERT, "msg_1")
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert ("Quenlith" if lang == "en" else "昆砾") in lines[0]
    assert "Probe [red]0[/red]" in lines[1]
    assert "97%" in lines[1]
    assert "msg_1" in lines[4]


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    """Escape sequences, direction marks and rich markup come out as nothing or as they were typed."""
    out = io.StringIO()
    display(out).alert(ALERT, "msg_1")
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    assert "[bold]" in out.getvalue()


def test_progress_without_a_terminal_is_a_line_now_and_then() -> None:
    """Lines appear at most every five seconds and hold every count."""
    out = io.StringIO()
    shown = display(out)
    for _ in range(12):
        shown.progress(NOW)
    lines = out.getvalue().splitlines()
    assert 2 <= len(lines) <= 4
    for word in ("12:21", "812/1769", "790", "160", "31/s"):
        assert word in lines[0]


def test_progress_on_a_terminal_is_redrawn_and_marked_as_demo() -> None:
    """The panel says that the data are invented and holds the counts; leaving the display ends the redrawing."""
    out = io.StringIO()
    with display(out, terminal=True) as shown:
        shown.progress(NOW)
        shown.progress(NOW)
    assert "invented" in out.getvalue()
    assert "812/1769" in out.getvalue()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("good", [True, False])
def test_verdict_names_companies_checks_and_times(lang: str, good: bool) -> None:
    """The end tells every company and every check, in the language asked for."""
    facts = GOOD if good else replace(GOOD, leaks=["phone in x"], events=[])
    names = companies()
    phases = dict.fromkeys(("engines", "workers", "first_alert", "day", "rest", "verification"), 1.0)
    answers = checks(STATED, names, facts, DAY)
    result = report(DAY, "demo-1", facts, answers, rings(STATED, names, facts.events, DAY), phases)
    out = io.StringIO()
    display(out, lang).verdict(result)
    assert all(company.called(lang) in out.getvalue() for company in names.values())
    assert len(out.getvalue().splitlines()) == len(names) + len(answers) + 2
    assert ("WRONG" in out.getvalue() or "错误" in out.getvalue()) is not good


@pytest.mark.parametrize("lang", LANGUAGES)
def test_downloads_are_told_now_and_then(lang: str) -> None:
    """Hundreds of files make a few lines."""
    out = io.StringIO()
    shown = display(out, lang)
    for n in range(20):
        shown.engine("kafka", "downloading", f"{n}/100")
    shown.engine("kafka", "ready", "3.1")
    assert 2 <= len(out.getvalue().splitlines()) <= 12
