"""Alertmanager is given our alerts as its own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from alerts.delivery.channels.alertmanager import annotated, label_name, labels
from alerts.delivery.specs import AlertmanagerSpec
from tests.receivers.alertmanager import LABEL, AlertmanagerStub
from tests.receivers.serving import serving
from tests.ringing import START, event
from tests.unit.alerts.channels.cards import TEXTS, channel, message

NEVER = {"labels": {"team": "desk", "alertname": "mine", "9 lives-é": "x", "__x": "y", "empty": ""}}


async def post(stub: AlertmanagerStub, folder: Path, *messages: Any, **changes: Any) -> list[Any]:
    async with serving(stub.answer) as url:
        found = channel(folder, AlertmanagerSpec(name="am", url=str(url / "prefix/"), **changes))
        replies = [await found.send(part, "m", START) for one in messages for part in found.render(one)]
        await found.close()
    return replies


async def test_an_alert_fires_and_ends_there(tmp_path: Path) -> None:
    """The same labels tell the beginning and the end; until then its end lies far away."""
    stub = AlertmanagerStub()
    (reply,) = await post(stub, tmp_path, message(event(**NEVER)))
    assert (reply.answer, reply.status) == ("accepted", 200)
    assert stub.paths == ["/prefix/api/v2/alerts"]
    (firing,) = stub.firing(START + timedelta(days=6))
    assert firing == {
        "alertname": "negative-surge",
        "severity": "critical",
        "subject": "entity:BRW",
        "entity": "Brightwater",
        "team": "desk",
        "label_alertname": "mine",
        "label_9_lives__": "x",
        "label___x": "y",
    }
    await post(stub, tmp_path, message(event(1, "resolved", at=START + timedelta(hours=1), **NEVER), why="resolved"))
    assert stub.firing(START + timedelta(hours=1)) == []
    assert len(stub.alerts) == 1


async def test_growing_more_severe_ends_the_lower_one(tmp_path: Path) -> None:
    """Severity is part of the identity there: without this the warning would burn on beside the critical one."""
    stub = AlertmanagerStub()
    later = START + timedelta(minutes=5)
    await post(
        stub,
        tmp_path,
        message(event(severity="warning")),
        message(event(1, "updated", reason="severity", at=later), why="worse"),
    )
    assert [found["severity"] for found in stub.firing(later)] == ["critical"]


async def test_a_test_ends_by_itself(tmp_path: Path) -> None:
    """Nobody ends a test: it is over there after five minutes."""
    stub = AlertmanagerStub()
    await post(stub, tmp_path, message(why="test"))
    assert len(stub.firing(START)) == 1
    assert stub.firing(START + timedelta(minutes=5)) == []


async def test_logins_and_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token, or user and password, go into the header; a wrong one is told, and shown nowhere."""
    monkeypatch.setenv("AM_TOKEN", "token-canary")
    monkeypatch.setenv("AM_PASSWORD", "password-canary")
    (reply,) = await post(AlertmanagerStub("Bearer token-canary"), tmp_path, message(), token_env="AM_TOKEN")
    assert reply.answer == "accepted"
    basic = "Basic dG9jc2luOnBhc3N3b3JkLWNhbmFyeQ=="  # printf tocsin:password-canary | openssl base64
    login = {"user": "tocsin", "password_env": "AM_PASSWORD"}
    (reply,) = await post(AlertmanagerStub(basic), tmp_path, message(), **login)
    assert reply.answer == "accepted"
    (reply,) = await post(AlertmanagerStub("Bearer other"), tmp_path, message(), token_env="AM_TOKEN")
    assert (reply.answer, reply.code) == ("refused", "401")
    assert "canary" not in repr(reply)
    found = channel(tmp_path, AlertmanagerSpec(name="am", url="http://127.0.0.1:9/", token_env="AM_TOKEN"))
    assert "canary" not in repr(found)


async def test_a_malformed_alert_is_refused_for_good(tmp_path: Path) -> None:
    """What Alertmanager says to a 400 stands in the receipt; the same bytes are not sent again."""
    async with serving(AlertmanagerStub().answer) as url:
        found = channel(tmp_path, AlertmanagerSpec(name="am", url=str(url)))
        reply = await found.send(b'[{"labels":{"a-b":"c"},"annotations":{}}]', "m", START)
        await found.close()
    assert (reply.answer, reply.code, reply.final) == ("refused", "400", True)
    assert "alertname" in reply.meaning


@given(TEXTS, TEXTS)
def test_any_label_becomes_a_valid_one(name: str, value: str) -> None:
    """Names are Prometheus names, values are not empty, and ours cannot be overwritten."""
    found = labels(event(labels={name: value, "alertname": "x", "severity": "none"}), "desk")
    assert all(LABEL.fullmatch(one) and not one.startswith("__") for one in found)
    assert all(found.values())
    assert (found["alertname"], found["severity"], found["tocsin_namespace"]) == ("negative-surge", "critical", "desk")
    assert LABEL.fullmatch(label_name(name))


def test_both_languages_and_own_annotations_are_told() -> None:
    """The rule's sentences keep their names; ours is the description, Chinese first."""
    found = annotated(event(annotations={"runbook-url": "https://a.example/", "description": "theirs"}), "both")
    assert found["runbook_url"] == "https://a.example/"
    chinese, english = found["description"].split("\n\n")
    assert "严重" in chinese
    assert "Brightwater" in english
    assert found == json.loads(json.dumps(found))


def test_annotations_of_a_rule_move_no_cursor() -> None:
    """They are filled with names from outside: one line, without control or direction characters."""
    found = annotated(event(annotations={"summary": "a\x1b[31m\u202eb\nc"}), "en")
    assert found["summary"] == "a[31mb c"
