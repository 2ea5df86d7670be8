"""`tocsin truth …` beside topics that the test holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from alerts import operations
from alerts.board import KEEP, MOST, Board
from alerts.evaluation.truth_files import read_truth
from console import alert_log, truth
from console.exits import WRONG_INPUT
from streams.records import MissedEvent, Opinion, Withdrawal, decode, digest, encode
from streams.topics import FEEDBACK
from tests.ringing import ALERT, START, Logs, event
from tests.unit.console.held import hold

NOW = START + timedelta(days=200)  # longer than the board of open alerts remembers a mark
OTHER = digest("another alert")

app = typer.Typer()
truth.register(app)


@pytest.fixture(autouse=True)
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """Two alerts that are over, one marked right and one wrong, on topics in memory; the clock stands still."""
    found = hold(monkeypatch, NOW)
    monkeypatch.setattr(truth, "user", lambda: "login")
    found.ring(event(0), event(1, "resolved", at=START + timedelta(hours=1)))
    found.ring(event(0, alert=OTHER, subject="entity:HLD"), event(1, "resolved", alert=OTHER, subject="entity:HLD"))
    for alert, right in ((ALERT, True), (OTHER, False)):
        marked = operations.mark(alert, right, author="li", at=START + timedelta(hours=2), reason="seen")
        found.append(FEEDBACK, encode(marked))
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["truth", *arguments])


def added(logs: Logs) -> list[Any]:
    """What the commands wrote."""
    said = [decode(message.value, Opinion) for message in logs.topics.get(FEEDBACK.name, [])]
    return [each for each in said if isinstance(each, MissedEvent | Withdrawal)]


STRIKE = ("add", "Apple", "--onset", "2026-04-01T09:30:00-05:00", "--note", "a strike")


def test_an_event_is_added_by_the_name_of_its_company(logs: Logs) -> None:
    """Durable under its id, with the company's own name, and who says so."""
    done = run(*STRIKE, "--end", "2026-04-02", "--risk", "outage")
    (made,) = added(logs)
    assert done.exit_code == 0, done.output
    assert (made.subject, made.name, made.author, made.note) == ("entity:AAPL", "Apple", "login", "a strike")
    assert (made.onset, made.end) == (datetime(2026, 4, 1, 14, 30, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC))
    assert (made.kind, made.risk, made.day_only) == ("negative", "outage", False)
    assert made.id[:8] in done.stdout
    assert run(*STRIKE, "--end", "2026-04-02", "--risk", "outage").exit_code == 0
    told = json.loads(run(*STRIKE, "--end", "2026-04-02", "--risk", "outage", "--json").stdout)
    assert (told["id"], told["subject"]) == (made.id, "entity:AAPL")
    assert len(added(logs)) == 1


def test_a_control_of_a_topic_is_known_to_the_day(logs: Logs) -> None:
    """A day is enough where nobody knows the hour."""
    run(
        "add",
        "topic:legal",
        "--onset",
        "2026-04-01",
        "--kind",
        "control",
        "--note",
        "an advertisement",
        "--author",
        "wu",
    )
    (made,) = added(logs)
    assert (made.subject, made.kind, made.day_only, made.author) == ("topic:legal", "control", True, "wu")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "Aple Inc", "--onset", "2026-04-01", "--note", "x"), "No company goes by Aple Inc"),
        (("add", "entity:X", "--onset", "soon", "--note", "x"), "Write a time with its zone"),
        (("add", "entity:X", "--onset", "2026-04-01T09:30", "--note", "x"), "Write a time with its zone"),
        (("add", "entity:X", "--onset", "2030-01-01", "--note", "x"), "lies in the future"),
        (("add", "entity:X", "--onset", "2026-04-01", "--end", "2026-03-01", "--note", "x"), "before the onset"),
        (("add", "entity:X", "--onset", "2026-04-01", "--note", " "), "Nothing says what happened"),
        (("add", "entity:X", "--onset", "2026-04-01", "--note", "x", "--risk", "strikes"), "no kind of risk event"),
        (("add", "topic:zzz", "--onset", "2026-04-01", "--note", "x"), "There is no topic topic:zzz"),
        (("withdraw", "ffffffff"), "Nothing begins with ffffffff"),
        (("withdraw", "ff"), "too short"),
    ],
)
def test_what_cannot_be_added_says_what_to_do(logs: Logs, arguments: tuple[str, ...], words: str) -> None:
    """And nothing is written."""
    done = run(*arguments)
    assert (done.exit_code, words in done.stderr) == (WRONG_INPUT, True), done.output
    assert added(logs) == []


def test_marks_and_events_are_listed_with_who_says_so() -> None:
    """However long ago somebody marked; what was withdrawn is gone."""
    run(*STRIKE)
    shown = run("list").stdout
    assert all(word in shown for word in ("Apple", "a strike", "added by login", "marked by li", "must not ring"))
    lines = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [(line["subject"], line["kind"]) for line in lines] == [
        ("entity:BRW", "negative"), ("entity:HLD", "control"), ("entity:AAPL", "negative"),
    ]  # fmt: skip
    assert run("withdraw", lines[2]["source"][6:14]).exit_code == 0
    assert "Apple" not in run("list").stdout


def test_hostile_text_moves_no_cursor(logs: Logs) -> None:
    """A note is a person's words, not a terminal's commands."""
    run("add", "entity:X", "--onset", "2026-04-01", "--note", "\x1b[31m\u202e[link=https://evil.example]x[/link]")
    shown = run("list").stdout
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "[link=https://evil.example]x[/link]" in shown


def test_the_export_is_a_truth_file(tmp_path: Path) -> None:
    """It reads back as it was, is written again, and never over a file that a person wrote."""
    run(*STRIKE)
    out = tmp_path / "truth.yaml"
    done = run("export", "--out", str(out))
    assert done.exit_code == 0, done.output
    found = read_truth(out)
    assert [(each.subject, each.kind) for each in found.events] == [
        ("entity:BRW", "negative"), ("entity:HLD", "control"), ("entity:AAPL", "negative"),
    ]  # fmt: skip
    assert found.events[0].source == f"alert {ALERT[:8]}, marked by li"
    assert found.labelled is None
    assert run("export", "--out", str(out)).exit_code == 0
    told = json.loads(run("export", "--out", str(out), "--json").stdout)
    assert told == {"file": str(out), "negative": 2, "controls": 1}
    out.write_text("events: []\n", encoding="utf-8")
    assert run("export", "--out", str(out)).exit_code == WRONG_INPUT
    assert run("export", "--out", str(out), "--force").exit_code == 0


def test_what_was_added_long_ago_is_exported_and_can_be_withdrawn(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board of the API forgets events; these commands read every record, however old and however many."""
    monkeypatch.setattr(alert_log, "TRIM_EVERY", 1)
    monkeypatch.setattr(Board.__init__, "__defaults__", (KEEP, MOST, 1))
    old = [
        operations.missed(f"entity:{name}", START, author="li", at=START + timedelta(hours=1), note="a strike")
        for name in ("X", "Y", "Z")
    ]
    for each in old:
        logs.append(FEEDBACK, encode(each))
    out = tmp_path / "truth.yaml"
    assert run("export", "--out", str(out)).exit_code == 0
    assert {each.subject for each in read_truth(out).events} >= {"entity:X", "entity:Y", "entity:Z"}
    assert run("withdraw", old[0].id[:8]).exit_code == 0
    assert run("export", "--out", str(out)).exit_code == 0
    assert "entity:X" not in {each.subject for each in read_truth(out).events}


def test_nothing_said_is_no_error(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to begin."""
    logs.topics.clear()
    assert "tocsin truth add" in run("list").stdout
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    assert "补充" in run("list").stdout
