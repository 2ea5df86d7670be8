"""The webhook as a channel: today's bytes for one event, one request for a whole message where it is grouped."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from alerts.delivery.message import LIMIT, alert_body, notice_body, notification_id
from alerts.delivery.receivers import environment_receivers
from alerts.delivery.specs import WebhookSpec
from alerts.delivery.webhook import read_receivers, verify
from tests.ringing import SECRET, START, event, evidence, receiving, settings
from tests.unit.alerts.channels.cards import HOSTILE, channel, message, storm

URL = "https://hooks.example/one?t=canary"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", URL)
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def built(folder: Path, **changes: Any) -> Any:
    return channel(folder, WebhookSpec(name="desk", url_env="HOOK_URL", secret_env="HOOK_SECRET", **changes))


def test_one_event_is_the_body_it_always_was(tmp_path: Path) -> None:
    """A receiver of TOCSIN_WEBHOOK_URLS gets, byte for byte, what the renderer of webhooks makes."""
    (found,) = environment_receivers(settings(tmp_path, URL))
    (receiver,) = read_receivers(settings(tmp_path, URL))
    assert (found.id, found.name, found.settings) == (receiver.id, receiver.name, receiver.settings)
    assert (found.type, found.grouped, found.demo, found.limits) == ("webhook", False, False, ())
    one = event()
    told = message(one, id=notification_id(one.id, found.id), namespace="ns")
    assert found.render(told) == (alert_body(one, receiver.id, "ns"),)
    with pytest.raises(ValueError, match="one event a message, got 2"):
        found.render(message(one, event(alert="b" * 32)))


def test_what_was_held_back_is_told_with_the_next_event(tmp_path: Path) -> None:
    """A plain webhook is told too how many steps a silence or quiet hours kept from it, and since when."""
    (body,) = built(tmp_path).render(message(suppressed=3, suppressed_since=START))
    data = json.loads(body)["data"]
    assert (data["suppressed"], data["suppressed_since"]) == (3, START.isoformat().replace("+00:00", "Z"))
    assert "suppressed" not in json.loads(built(tmp_path).render(message())[0])["data"]


def test_the_identity_is_the_message_s(tmp_path: Path) -> None:
    """An event told a second time for another reason has another id, in the body too."""
    (body,) = built(tmp_path).render(message(why="repeat", id="msg_second"))
    assert json.loads(body)["id"] == "msg_second"


@pytest.mark.parametrize("grouped", [False, True])
def test_who_escalated_is_told_with_the_event(tmp_path: Path, grouped: bool) -> None:
    """A program that knows the step already learns why it comes again."""
    told = message(why="escalated", asked_by="li.wei\u202e", asked_why="the press calls")
    (body,) = built(tmp_path, grouped=grouped).render(told)
    data = json.loads(body)["data"]
    assert (data["why"], data["escalated_by"], data["escalated_why"]) == ("escalated", "li.wei", "the press calls")


def test_demo_is_a_setting(tmp_path: Path) -> None:
    """Receivers of the environment are told of demo data only when that is said."""
    (found,) = environment_receivers(settings(tmp_path, URL, webhook_demo=True))
    assert found.demo
    assert environment_receivers(settings(tmp_path, "")) == ()


def test_the_same_address_in_the_file_is_the_same_receiver(tmp_path: Path) -> None:
    """Moving a receiver from the environment into the file tells nothing twice."""
    (of_environment,) = environment_receivers(settings(tmp_path, URL))
    of_file = built(tmp_path)
    assert of_file.id == of_environment.id
    assert of_file.name == "desk"
    assert built(tmp_path, grouped=True).settings != of_file.settings


def test_a_test_is_a_notice(tmp_path: Path) -> None:
    """`why: test` gives the body that receivers know as a test, grouped or not."""
    for grouped in (False, True):
        (body,) = built(tmp_path, grouped=grouped).render(message(why="test", namespace="ns"))
        assert body == notice_body("test", "msg_abc", START, "ns")


def test_a_group_is_one_cloud_event(tmp_path: Path) -> None:
    """Why it is told, what the alerts have in common, what was held back, and every alert with its links."""
    told = message(
        event(),
        event(alert="b" * 32),
        why="more",
        group={"rule": "negative-surge"},
        suppressed=37,
        suppressed_since=START - timedelta(minutes=30),
    )
    (body,) = built(tmp_path, grouped=True).render(told)
    found = json.loads(body)
    assert (found["type"], found["id"], found["specversion"]) == ("io.tocsin.alerts", "msg_abc", "1.0")
    data = found["data"]
    assert (data["why"], data["suppressed"], data["alerts_left_out"]) == ("more", 37, 0)
    assert data["suppressed_since"] == "2026-03-02T09:00:00Z"
    assert data["group"] == {"rule": "negative-surge"}
    assert len(data["alerts"]) == 2
    assert data["alerts"][0]["links"]["show"] == "https://tocsin.example/a"
    assert data["alerts"][0]["evidence_left_out"] == 0
    assert "zh" in data["alerts"][1]["text"]


@pytest.mark.parametrize("number", [1, 8, 30, 500])
def test_a_group_is_below_the_limit_and_counts_what_it_leaves_out(tmp_path: Path, number: int) -> None:
    """Evidence goes first, then alerts from the end; both are counted, and one alert is always told."""
    found = storm(number)
    (body,) = built(tmp_path, grouped=True).render(found)
    data = json.loads(body)["data"]
    assert len(body) < LIMIT
    assert len(data["alerts"]) + data["alerts_left_out"] == number
    assert data["alerts"]
    if data["alerts_left_out"]:
        assert all(alert["evidence_left_out"] == 2 for alert in data["alerts"])


def test_one_huge_alert_fits_too(tmp_path: Path) -> None:
    """Long annotations, labels and evidence are cut; nothing exceeds the limit of the specification."""
    long = "长" * 500
    huge = event(
        name=long,
        annotations={f"note{n}": long for n in range(20)},
        labels={f"label{n}": long for n in range(20)},
        evidence=tuple(evidence(n, headline="新" * 200) for n in range(5)),
    )
    for grouped in (False, True):
        (body,) = built(tmp_path, grouped=grouped).render(message(huge))
        assert len(body) < LIMIT


@pytest.mark.parametrize("text", HOSTILE)
def test_json_stays_json(tmp_path: Path, text: str) -> None:
    """Whatever a headline says, it is a string in its place."""
    clean = text.encode("utf-8", "replace").decode()
    (body,) = built(tmp_path, grouped=True).render(message(event(evidence=(evidence(headline=clean),))))
    assert len(json.loads(body)["data"]["alerts"][0]["evidence"]) == 1


async def test_a_part_is_signed_and_the_answer_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent as it was rendered, with a signature that verifies; a refusal says what it means."""
    async with receiving(204, 401, 429) as server:
        monkeypatch.setenv("HOOK_URL", server.url)
        found = built(tmp_path, grouped=True)
        (part,) = found.render(message())
        replies = [await found.send(part, "msg_abc", START) for _ in range(3)]
        await found.close()
    assert [reply.answer for reply in replies] == ["accepted", "refused", "throttled"]
    assert all(reply.fix for reply in replies[1:])
    assert server.requests[0].body == part
    assert verify([SecretStr(SECRET)], server.requests[0].headers, part, START) == "msg_abc"
    assert "canary" not in repr(found) + repr(replies)
