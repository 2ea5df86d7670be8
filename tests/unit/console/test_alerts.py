"""`tocsin alerts …` beside topics that the test holds."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import typer
from aiokafka.errors import KafkaConnectionError
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner, Result

from alerts import operations
from alerts.entries import Entry
from console import alert_display, alert_log, alerts
from console.api import shapes
from console.exits import UNAVAILABLE, WRONG_INPUT
from streams.records import (
    Acknowledgement,
    Escalation,
    Feedback,
    Mark,
    Operation,
    Opinion,
    Receipt,
    Silence,
    decode,
    digest,
    encode,
)
from streams.topics import ALERTS, FEEDBACK, RECEIPTS
from tests.ringing import ALERT, START, Logs, event, evidence
from tests.unit.console.held import hold

NOW = START + timedelta(hours=1)
ZH = "远岭生物" * 3
OTHER = digest("another alert")
CODES = "\x1b[31m\u202e\n"
LINK = "[link=https://evil.example]x[/link]"

app = typer.Typer()
alerts.register(app)


@pytest.fixture(autouse=True)
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """Two alerts, one of them over, on topics in memory; the clock stands still."""
    found = hold(monkeypatch, NOW)
    monkeypatch.setattr(alerts, "user", lambda: "login")
    found.ring(event(0, "pending"), event(1), event(alert=OTHER, name=ZH, rule="other", severity="warning"))
    found.ring(event(1, "resolved", alert=OTHER, name=ZH, rule="other", severity="warning"))
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["alerts", *arguments])


def written(logs: Logs) -> list[Operation]:
    return [decode(message.value, Opinion) for message in logs.topics.get(FEEDBACK.name, [])]


def test_open_alerts_are_listed_and_all_on_request() -> None:
    """What is over is left out; rule and severity narrow it; names in Chinese stay whole."""
    assert ALERT[:8] in run("list").stdout
    assert OTHER[:8] not in run("list").stdout
    everything = run("list", "--all").stdout
    assert ALERT[:8] in everything
    assert ZH in everything
    assert ALERT[:8] not in run("list", "--all", "--rule", "other").stdout
    assert "No alert" in run("list", "--severity", "info").stdout
    wrong = run("list", "--severity", "grave")
    assert wrong.exit_code == WRONG_INPUT
    assert "info, warning, critical" in wrong.stderr


def test_an_alert_that_rings_is_escalated_and_no_other(logs: Logs) -> None:
    """The record is there for the notifier, the history tells it, and what is over would reach nobody."""
    done = run("escalate", ALERT[:8], "--reason", "the press calls", "--author", "Li Wei")
    assert done.exit_code == 0
    assert "Escalated by Li Wei" in done.stdout
    (made,) = written(logs)
    assert isinstance(made, Escalation)
    assert (made.alert, made.author, made.reason) == (ALERT, "Li Wei", "the press calls")
    shown = run("show", ALERT).stdout
    assert "told further people" in shown
    assert "the press calls" in shown
    over = run("escalate", OTHER)
    assert over.exit_code == WRONG_INPUT
    assert "does not ring" in over.stderr
    assert len(written(logs)) == 1


def test_columns_stay_in_line_whatever_the_width_of_their_letters(logs: Logs) -> None:
    """A Chinese name takes two cells a letter: what follows it still begins below the other rows."""
    logs.ring(event(alert=digest("third"), name="A", demo=True))
    rows = [line for line in run("list", "--all").stdout.splitlines() if "03-02 09:25" in line]
    assert len(rows) == 3
    assert len({cell_len(row.partition("03-02 09:25")[0]) for row in rows}) == 1
    assert sum("[demo]" in row for row in rows) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [80, 100, 140])
def test_ids_and_names_are_never_broken(monkeypatch: pytest.MonkeyPatch, width: int, lang: str) -> None:
    """A terminal of 80 columns shows every word whole, on two lines where one has no room; all lines fit."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    names = {"name": "Quenlith Semiconductor Manufacturing", "rule": "negative-surge-of-banks", "demo": True}
    held = Acknowledgement(id="1", alert=ALERT, at=NOW, author="anna.lindqvist", reason="", until=None)
    entries = [
        Entry(event(**names), 1, True, held, (), 0, 0),
        Entry(event(name=ZH, rule="other", severity="warning", expected=None), 1, True, None, (), 3, 1),
    ]
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(alert_display.alerts(entries, console))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for word in (ALERT[:8], *names["name"].split(), names["rule"], "anna.lindqvist", "other", ZH):  # type: ignore[attr-defined]
        assert word in shown
    assert f"[{'演示' if lang == 'zh' else 'demo'}]" in shown
    assert max(map(cell_len, shown.splitlines())) <= width


def test_what_goes_into_a_pipe_is_one_line_an_alert(logs: Logs) -> None:
    """For grep and awk: a line holds the whole of an alert, however long its names are."""
    logs.ring(event(alert=digest("third"), name="A name " * 20, rule="a-rule-" * 9))
    (line,) = [line for line in run("list").stdout.splitlines() if digest("third")[:8] in line]
    assert "a-rule-" * 9 in line


def test_json_is_one_object_a_line() -> None:
    """For programs: the event and what people did."""
    run("ack", ALERT[:6])
    (line,) = run("list", "--json").stdout.splitlines()
    found = json.loads(line)
    assert (found["alert"], found["status"]["acknowledged"]["author"]) == (ALERT, "login")


def test_an_alert_is_shown_with_everything_that_happened(logs: Logs) -> None:
    """Its steps, its stories, what people did, who was told and answered what, and how often its rule is right."""
    receipt = Receipt(
        notification="n", event=f"{ALERT}.1", receiver="desk-robot", attempt=1, at=NOW, outcome="retry", status=200,
        reason="http 200", channel="dingtalk", answer="throttled", code="130101", meaning="too many", fix="wait",
    )  # fmt: skip
    logs.append(RECEIPTS, encode(receipt))
    logs.append(RECEIPTS, encode(Receipt(
        notification="m", event=f"{OTHER}.0", receiver="elsewhere", attempt=1, at=NOW, outcome="delivered", status=204,
        reason="http 204", events=(f"{OTHER}.0",),
    )))  # fmt: skip
    logs.append(RECEIPTS, b"no receipt")
    run("ack", ALERT, "--reason", "calling the company", "--for", "2h", "--author", "Li Wei")
    run("silence", "subject=entity:BRW", "--for", "1h", "--reason", "known")
    run("mark", ALERT, "right")
    shown = run("show", ALERT[:7])
    assert shown.exit_code == 0
    for words in (
        *("Brightwater", "critical", "pending", "firing", "held long enough", "Brightwater recalls pump number 1"),
        *("Li Wei", "calling the company", "took it in hand until 2026-03-02 12:30", "marked it right"),
        *("silenced subject=entity:BRW", "desk-robot", "130101", "too many", "wait", "right in 1 of 1"),
    ):
        assert words in shown.stdout
    assert "elsewhere" not in shown.stdout
    found = json.loads(run("show", ALERT, "--json").stdout)
    assert [e["sequence"] for e in found["events"]] == [0, 1]
    assert {o["type"] for o in found["operations"]} == {"acknowledgement", "silence", "mark"}
    assert found["receipts"][0]["code"] == "130101"


def test_words_from_outside_move_no_cursor_and_are_no_markup(logs: Logs) -> None:
    """A headline with terminal codes, marks of direction or markup is shown as its letters."""
    logs.ring(event(2, "updated", name=f"{LINK}{CODES}", evidence=(evidence(headline=f"{CODES}{LINK}"),)))
    for arguments in (("list",), ("show", ALERT)):
        shown = run(*arguments).stdout
        assert LINK in shown.replace("\n", "")
        assert "\x1b[31m" not in shown
        assert "\u202e" not in shown


def test_operations_are_records_with_an_author(logs: Logs) -> None:
    """Each command leaves one record, in the name given or the login's, and says what follows."""
    assert "In the hands of login" in run("ack", ALERT[:6], "--reason", "mine").stdout
    assert "right in 0 of 1" in run("mark", ALERT, "wrong", "--author", "wu").stdout
    done = run("silence", "rule=negative-surge", "severity=warning,critical", "--for", "2h", "--reason", "known")
    assert "covers 1 open alert" in done.stdout
    ack, mark, quiet = written(logs)
    assert isinstance(ack, Acknowledgement)
    assert (ack.alert, ack.author, ack.at, ack.reason, ack.until) == (ALERT, "login", NOW, "mine", None)
    assert isinstance(mark, Mark)
    assert (mark.alert, mark.author, mark.right) == (ALERT, "wu", False)
    assert isinstance(quiet, Silence)
    assert quiet.match == {"rule": ("negative-surge",), "severity": ("warning", "critical")}
    assert quiet.until == NOW + timedelta(hours=2)
    assert quiet.id[:8] in run("silences").stdout
    assert json.loads(run("silences", "--json").stdout)["id"] == quiet.id
    assert run("unsilence", quiet.id[:8]).exit_code == 0
    assert run("unsilence", quiet.id[:8]).exit_code == 0
    assert "No silence" in run("silences").stdout
    assert len(written(logs)) == 4


def test_operations_are_told_as_the_api_tells_them(logs: Logs) -> None:
    """With --json each prints its record, so that a program has the id and need not read a sentence."""
    silence = ("silence", "rule=x", "--for", "2h", "--reason", "known")
    for arguments in (("ack", ALERT), ("escalate", ALERT), ("mark", ALERT, "right"), silence):
        told = json.loads(run(*arguments, "--json").stdout)
        assert told == json.loads(json.dumps(shapes.operation(written(logs)[-1])))
    ended = json.loads(run("unsilence", told["id"], "--json").stdout)
    assert ended == json.loads(json.dumps(shapes.operation(written(logs)[-1])))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "ffffff"), "Nothing begins with ffffff"),
        (("ack", "ab"), "at least 6"),
        (("ack", ALERT, "--for", "soon"), "30m"),
        (("ack", ALERT, "--for", "31d"), "30 days"),
        (("mark", ALERT, "wrong", "--author", "x" * 200), "too long"),
        (("silence", "rule=x", "--for", "2h", "--reason", " "), "reason"),
        (("silence", "serverity=info", "--for", "2h", "--reason", "r"), "did you mean severity"),
        (("silence", "subject=BRW", "--for", "2h", "--reason", "r"), "entity:BRW"),
        (("unsilence", "abcdefgh"), "Nothing begins with abcdefgh"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(logs: Logs, arguments: tuple[str, ...], words: str) -> None:
    """Wrong input has its exit code and a remedy, in both languages, and writes nothing."""
    found = run(*arguments)
    assert found.exit_code == WRONG_INPUT
    assert words in found.stderr
    assert written(logs) == []


def test_the_same_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables and refusals speak the user's language."""
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    assert "严重" in run("list").stdout
    assert "请至少写编号的前 6 位" in run("show", "ab").stderr
    assert "尚无人处理" in run("show", ALERT).stdout
    assert "持续足够久，触发" in run("show", ALERT).stdout


def test_alerts_about_tocsin_itself_are_told_in_words(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the reader's language: their name, and what is wrong, instead of a count of faults."""
    told = {
        "en": "Kafka does not answer.",
        "zh": "Kafka 无应答。",
        "name_en": "Lag of enrich",
        "name_zh": "enrich 落后",
    }
    logs.ring(event(0, alert="c" * 32, kind="system", unit="fault", name="Lag of enrich", annotations=told))
    for lang, words in (("en", ("Lag of enrich", "Kafka does not answer.")), ("zh", ("enrich 落后", "Kafka 无应答。"))):
        monkeypatch.setenv("TOCSIN_LANG", lang)
        for shown in (run("list").stdout, run("show", "c" * 8).stdout):
            assert all(word in shown for word in words)
            assert "fault" not in shown


def test_receipts_are_told_in_chinese(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platform's code means and what to do; its own words stay."""
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    receipt = Receipt(
        notification="n", event=f"{ALERT}.1", receiver="desk", attempt=1, at=NOW, outcome="retry", status=200,
        reason="http 200, code 93000", channel="wecom", answer="refused", code="93000",
        meaning="WeCom knows no robot of this key (invalid webhook url)",
        fix="Copy the robot's address again from the group's settings",
    )  # fmt: skip
    logs.append(RECEIPTS, encode(receipt))
    shown = run("show", ALERT).stdout
    assert "企业微信没有此 key 对应的机器人（invalid webhook url）" in shown
    assert "从群设置中重新复制机器人的地址" in shown


def test_json_moves_no_cursor_either(logs: Logs) -> None:
    """Control characters that JSON lets pass are written as escapes; whoever reads the JSON gets the very text."""
    logs.ring(event(2, "updated", name="a\x9b31mb\u202ec\x7f"))
    for arguments in (("list", "--json"), ("show", ALERT, "--json")):
        shown = run(*arguments).stdout
        assert not {"\x9b", "\u202e", "\x7f"} & set(shown)
    assert json.loads(run("list", "--json").stdout)["name"] == "a\x9b31mb\u202ec\x7f"


def test_precision_is_listed_by_rule() -> None:
    """Every rule with alerts, its marks and the interval."""
    run("mark", ALERT, "right")
    run("mark", OTHER, "wrong", "--author", "wu")
    table = run("precision").stdout
    assert "100%" in table
    assert "21% - 100%" in table
    (line,) = run("precision", "--rule", "other", "--json").stdout.splitlines()
    assert json.loads(line)["wrong"] == 1
    assert "No alert" in run("precision", "--rule", "nothing").stdout


def test_what_is_not_ours_on_the_topics_is_passed_over(logs: Logs) -> None:
    """Unreadable records, and corrections of labels, are no fault."""
    logs.append(ALERTS, b"\xff")
    label = Feedback(document="d" * 32, head="topic", label="legal", judged="", author="p", at=NOW)
    logs.append(FEEDBACK, encode(label))
    assert ALERT[:8] in run("list").stdout


def test_kafka_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command may work later: the exit code says so."""

    async def away(*_: Any) -> None:
        raise KafkaConnectionError

    monkeypatch.setattr(alert_log, "ensure_topics", away)
    found = run("list")
    assert found.exit_code == UNAVAILABLE
    assert "KafkaConnectionError" in found.stderr


def test_an_acknowledgement_is_told_until_its_time_is_over(logs: Logs) -> None:
    """The list says who has it, by the time that the topic got the record."""
    logs.append(FEEDBACK, encode(operations.acknowledge(ALERT, author="li", at=NOW, lasting=timedelta(hours=1))), NOW)
    assert "with li" in run("list").stdout
