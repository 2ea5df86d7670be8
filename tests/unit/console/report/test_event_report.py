"""One alert as a report."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.board import Board
from console.messages import catalogue
from console.opinion.totals import Series
from console.report.event_report import EventReport, data, told, worst
from console.report.happenings import told as told_by
from console.report.page import page
from streams.records import Acknowledgement, Mark
from tests.ringing import ALERT, START, event
from tests.unit.console.report.parts import counts, text_of
from tests.unit.console.report.test_happenings import receipt

NOW = START + timedelta(days=2)
CELLS: Series = [(START + timedelta(minutes=10 * n), counts(n % 4, 2)) for n in range(-6, 12)]


def found(*events: Any, cells: Series | None = CELLS) -> EventReport:
    """An alert with what was done about it and what a receiver answered."""
    board = Board()
    for each in events or (event(), event(1, "resolved", at=START + timedelta(hours=1), reason="ended")):
        board.take(each)
    board.take(Acknowledgement(id="a", alert=ALERT, author="Wei", at=START + timedelta(minutes=4), reason="calling"))
    board.take(Mark(id="m", alert=ALERT, right=True, author="Mara", at=START + timedelta(days=1)))
    receipts = (receipt("desk-ding", "refused", meaning="wrong keyword"),)
    history = board.history(ALERT, NOW)
    return EventReport(
        made_at=NOW, namespace="", history=history, event=worst(history.events), told=told_by(receipts),
        receipts=receipts, precision=board.precision("negative-surge", NOW), badge=None, cells=cells,
    )  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_tells_evidence_steps_people_and_receivers(lang: str) -> None:
    """Everything that is recorded of the alert, in the reader's zone."""
    said = text_of(told(found(), lang, ZoneInfo("Asia/Shanghai")))
    for word in ("Brightwater", "Wei", "Mara", "calling", "desk-ding", ALERT, "2026-03-02 17:30 UTC+8"):
        assert word in said
    assert catalogue(lang)["report.section.evidence"] in said
    assert "Brightwater recalls pump number 2" in said


def test_an_alert_that_goes_on_says_so() -> None:
    """And when that was seen."""
    said = text_of(told(found(event()), "en", ZoneInfo("UTC")))
    assert "Rang 2026-03-02 09:30 UTC, and still rings (2026-03-04 09:30 UTC)." in said


def test_its_precision_is_that_of_people_s_marks() -> None:
    """One of one is singular."""
    assert "Of 1 alert of this rule marked in the last 90 days, 1 was right." in text_of(
        told(found(), "en", ZoneInfo("UTC"))
    )


def test_documents_that_could_not_be_read_are_said_to_be_missing() -> None:
    """The rest is told; an alert about Tocsin itself misses none."""
    sheet = told(found(cells=None), "en", ZoneInfo("UTC"))
    assert sheet.warnings == (catalogue("en")["report.event.no_documents"],)
    itself = found(event(kind="system", subject="system:kafka", annotations={"en": "No broker answers."}), cells=None)
    assert told(itself, "en", ZoneInfo("UTC")).warnings == ()


def test_the_chart_shows_when_it_rang_and_ended() -> None:
    """Two lines with their words."""
    html = page(told(found(), "en", ZoneInfo("UTC")))
    assert html.count("axis-line moment") == 2
    assert ">rang</text>" in html


def test_as_json_it_holds_every_record() -> None:
    """Steps, operations, receipts, and the series."""
    told_ = json.loads(json.dumps(data(found())))
    assert (len(told_["steps"]), len(told_["operations"]), len(told_["receipts"])) == (2, 2, 1)
    assert len(told_["series"]) == len(CELLS)
