"""The HTTP API over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.evaluation.badges import write_badges
from console.api import desk
from streams.records import Acknowledgement, Escalation, Mark, Receipt, Silence, digest
from streams.version import VERSION
from tests.ringing import ALERT, START, event, evidence
from tests.unit.alerts.evaluation.results import at_events, many, result, rule
from tests.unit.console.api.serving import NOW, OPERATE, READ, serving

MISSED = {"subject": "entity:BRW", "onset": "2026-03-01T09:00:00Z", "note": "a strike", "end": "2026-03-01"}
QUIET = {"match": {"rule": ["negative-surge"]}, "for": "2h", "reason": "known"}


def receipt(attempt: int, **changes: Any) -> Receipt:
    given: dict[str, Any] = {
        "notification": "n", "event": f"{ALERT}.0", "receiver": "desk", "attempt": attempt, "at": NOW,
        "outcome": "delivered", "status": 204, "reason": "",
    }  # fmt: skip
    return Receipt(**(given | changes))


async def test_what_is_open_is_listed_with_what_people_did(tmp_path: Path) -> None:
    """An alert comes with its newest event, who has it in hand, what silences it and how it was marked."""
    async with serving(tmp_path) as api:
        await api.ask("POST", f"/alerts/{ALERT}/acknowledge", json={"reason": "mine"})
        _, made = await api.ask("POST", "/silences", json=QUIET)
        await api.ask("POST", f"/alerts/{ALERT}/mark", json={"right": True})
        status, found = await api.ask("GET", "/alerts", READ)
    assert status == 200
    assert (found["next"], found["current"]) == (None, True)
    (alert,) = found["alerts"]
    assert (alert["alert"], alert["observed"], alert["state"]) == (ALERT, 24.0, "firing")
    told = alert["status"]
    assert told["acknowledged"]["author"] == "li.wei"
    assert (told["silences"], told["right"], told["wrong"], told["open"]) == ([made["operation"]["id"]], 1, 0, True)


async def test_every_operation_is_a_record_with_its_author(tmp_path: Path) -> None:
    """What was asked is durable on the topic before it is answered, in the name of the token."""
    async with serving(tmp_path) as api:
        answers = [
            await api.ask("POST", f"/alerts/{ALERT[:8]}/acknowledge", json={"reason": "mine", "for": "1h"}),
            await api.ask("POST", f"/alerts/{ALERT}/mark", json={"right": False, "reason": "an advertisement"}),
            await api.ask("POST", "/silences", json=QUIET),
        ]
        silence = answers[2][1]["operation"]["id"]
        answers.append(await api.ask("DELETE", f"/silences/{silence[:8]}"))
        again = await api.ask("DELETE", f"/silences/{silence}")
        _, listed = await api.ask("GET", "/silences")
        _, history = await api.ask("GET", f"/alerts/{ALERT}")
    assert [status for status, _ in answers] == [201, 201, 201, 201]
    assert again == (200, {"operation": answers[3][1]["operation"], "new": False})
    ack, mark, quiet, end = api.written()
    assert isinstance(ack, Acknowledgement)
    assert isinstance(mark, Mark)
    assert isinstance(quiet, Silence)
    assert {each.author for each in api.written()} == {"li.wei"}
    assert (ack.alert, ack.at, ack.until) == (ALERT, NOW, NOW + timedelta(hours=1))
    assert (mark.right, mark.reason) == (False, "an advertisement")
    assert (quiet.match, quiet.until) == ({"rule": ("negative-surge",)}, NOW + timedelta(hours=2))
    assert listed["silences"] == []
    assert [o["id"] for o in history["operations"]] == sorted(
        (o.id for o in (ack, mark, quiet, end)), key=lambda id_: (NOW, id_)
    )


async def test_what_alerts_missed_is_added_and_taken_back(tmp_path: Path) -> None:
    """In the name of the token; with the marks of alerts it is what people know; to take it back twice is once."""
    async with serving(tmp_path) as api:
        await api.ask("POST", f"/alerts/{ALERT}/mark", json={"right": False, "reason": "an advertisement"})
        status, made = await api.ask("POST", "/truth", json=MISSED)
        again = await api.ask("POST", "/truth", json=MISSED)
        _, found = await api.ask("GET", "/truth", READ)
        event_id = made["operation"]["id"]
        ends = [await api.ask("DELETE", f"/truth/{event_id[:8]}") for _ in range(2)]
        _, left = await api.ask("GET", "/truth", READ)
        refused = [
            await api.ask("POST", "/truth", READ, json=MISSED),
            await api.ask("DELETE", f"/truth/{event_id}", READ),
        ]
    assert (status, again[0], [code for code, _ in ends], [code for code, _ in refused]) == (
        201, 200, [201, 200], [403, 403],
    )  # fmt: skip
    assert [(each["kind"], each["source"].split(", ")[1]) for each in found["events"]] == [
        ("negative", "added by li.wei"), ("control", "marked by li.wei"),
    ]  # fmt: skip
    assert found["events"][0]["end"] == "2026-03-02T00:00:00Z"
    assert [each["id"] for each in found["missed"]] == [event_id]
    assert [each["kind"] for each in left["events"]] == ["control"]
    assert left["missed"] == []
    assert [type(each).__name__ for each in api.written()] == ["Mark", "MissedEvent", "Withdrawal"]


async def test_an_idempotency_key_does_a_thing_once(tmp_path: Path) -> None:
    """The same key gives the same record, later too and at once too; for something else it is refused."""
    async with serving(tmp_path) as api:
        asked: Any = {"json": QUIET, "headers": {"Idempotency-Key": "k1"}}
        both = await asyncio.gather(api.ask("POST", "/silences", **asked), api.ask("POST", "/silences", **asked))
        api.clock.forward(3600)
        later = await api.ask("POST", "/silences", **asked)
        other = await api.ask("POST", "/silences", **(asked | {"json": QUIET | {"reason": "another"}}))
    assert sorted(status for status, _ in both) == [200, 201]
    assert later[0] == 200
    assert len({answer["operation"]["id"] for _, answer in (*both, later)}) == 1
    assert (other[0], other[1]["error"]["code"]) == (409, "key_reused")
    assert len(api.written()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/alerts?limit=0", None, 400, "bad_request"),
        ("GET", "/alerts?severity=grave", None, 400, "bad_request"),
        ("GET", "/alerts?cursor=xx", None, 400, "bad_cursor"),
        ("GET", "/alerts?cursor=bnVsbA", None, 400, "bad_cursor"),
        ("GET", "/alerts/ffffffff", None, 404, "alert_unknown"),
        ("GET", "/alerts/ff", None, 404, "alert_short"),
        ("GET", "/nothing", None, 404, "not_found"),
        ("DELETE", "/alerts", None, 405, "no_method"),
        ("DELETE", "/silences/ffffffff", None, 404, "silence_unknown"),
        ("POST", f"/alerts/{ALERT}/mark", {}, 400, "bad_request"),
        ("POST", f"/alerts/{ALERT}/mark", {"right": "yes"}, 400, "bad_request"),
        ("POST", f"/alerts/{ALERT}/mark", {"right": True, "<b>": 1}, 400, "bad_request"),
        ("POST", f"/alerts/{ALERT}/acknowledge", {"for": "soon"}, 400, "bad_duration"),
        ("POST", f"/alerts/{ALERT}/acknowledge", {"reason": "x" * 1001}, 400, "bad_request"),
        ("POST", "/silences", QUIET | {"for": "31d"}, 400, "too_far"),
        ("DELETE", "/truth/ffffffff", None, 404, "event_unknown"),
        ("POST", "/truth", {}, 400, "bad_request"),
        ("POST", "/truth", MISSED | {"kind": "good"}, 400, "bad_request"),
        ("POST", "/truth", MISSED | {"onset": "2026-03-01T09:00"}, 400, "bad_time"),
        ("POST", "/truth", MISSED | {"onset": "2027-03-01"}, 400, "bad_onset"),
        ("POST", "/truth", MISSED | {"end": "2026-02-01"}, 400, "bad_end"),
        ("POST", "/truth", MISSED | {"note": " "}, 400, "no_note"),
        ("POST", "/truth", MISSED | {"risk": "strikes"}, 400, "bad_risk"),
        ("POST", "/truth", MISSED | {"subject": "BRW"}, 400, "unknown_subject"),
        ("POST", "/truth", MISSED | {"subject": "entity:\ud800"}, 400, "bad_request"),
        ("POST", "/silences", QUIET | {"reason": " "}, 400, "no_reason"),
        ("POST", "/silences", QUIET | {"match": {}}, 400, "no_match"),
        ("POST", "/silences", QUIET | {"match": {"serverity": ["info"]}}, 400, "meant_field"),
        ("POST", "/silences", QUIET | {"match": {"rule": []}}, 400, "bad_match"),
        ("POST", "/silences", QUIET | {"match": {"label.desk": ["a"], "labels.desk": ["b"]}}, 400, "bad_match"),
        ("POST", "/silences", QUIET | {"reason": "\ud800"}, 400, "bad_request"),
        ("POST", "/silences", QUIET | {"match": {"rule": ["\ud800"]}}, 400, "bad_match"),
        ("POST", f"/alerts/{ALERT}/mark", {"right": True, "reason": "\udfff"}, 400, "bad_request"),
    ],
)
async def test_what_is_wrong_is_told_in_one_form(
    tmp_path: Path, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """A stable code, what is wrong and what to do; never what was sent; and nothing is written."""
    async with serving(tmp_path) as api:
        found = await api.ask(method, path, json=body)
        chinese = await api.ask(method, path, json=body, headers={"Accept-Language": "zh-CN,zh"})
    assert (found[0], found[1]["error"]["code"]) == (status, code)
    assert set(found[1]) == {"error"}
    assert all(found[1]["error"][part] for part in ("message", "fix"))
    assert chinese[1]["error"]["fix"] != found[1]["error"]["fix"]
    assert "<b>" not in json.dumps(found[1])
    assert api.written() == []


async def test_pages_neither_repeat_nor_skip(tmp_path: Path) -> None:
    """Following `next` gives every alert once, newest first, though new ones come in between."""
    async with serving(tmp_path) as api:
        for n in range(7):  # two of them began at the same moment
            api.board.take(event(alert=digest("page", str(n)), since=START + timedelta(minutes=n // 2)))
        whole = [a["alert"] for a in (await api.ask("GET", "/alerts"))[1]["alerts"]]
        seen, cursor = [], ""
        while cursor is not None:
            _, found = await api.ask("GET", f"/alerts?limit=3&cursor={cursor}")
            seen += [a["alert"] for a in found["alerts"]]
            cursor = found["next"]
            api.board.take(event(alert=digest("late", cursor or ""), since=NOW))
    assert seen == whole
    assert len(seen) == 8


async def test_an_acknowledgement_counts_from_when_kafka_took_it(tmp_path: Path) -> None:
    """A clock of ours that is behind the broker's makes nobody's acknowledgement lapse."""
    async with serving(tmp_path) as api:
        other = digest("graver")
        api.board.take(event(alert=other, severity="warning"))
        api.board.take(event(1, "updated", alert=other), NOW + timedelta(seconds=5))  # the broker's clock is ahead
        _, made = await api.ask("POST", f"/alerts/{other}/acknowledge", json={})
        for _ in range(2):
            _, found = await api.ask("GET", f"/alerts/{other}")
            assert found["alert"]["status"]["acknowledged"] == made["operation"]
            api.board.take(api.written()[0], NOW + timedelta(seconds=6))


async def test_an_address_that_would_run_is_left_out(tmp_path: Path) -> None:
    """Of evidence only http(s) addresses are given: a page may link them."""
    async with serving(tmp_path) as api:
        urls = ("javascript:alert(1)", "https://news.example/1")
        shown = tuple(evidence(n, url=url) for n, url in enumerate(urls))
        api.board.take(event(1, "updated", evidence=shown))
        _, found = await api.ask("GET", f"/alerts/{ALERT}")
    assert [e["url"] for e in found["alert"]["evidence"]] == ["", "https://news.example/1"]
    assert "javascript" not in json.dumps(found)


async def test_precision_is_told_with_its_interval(tmp_path: Path) -> None:
    """Every rule that has alerts, marked or not."""
    async with serving(tmp_path) as api:
        await api.ask("POST", f"/alerts/{ALERT}/mark", json={"right": True})
        api.board.take(event(alert=digest("x"), rule="quiet"))
        _, found = await api.ask("GET", "/rules/precision", READ)
    first, second = found["rules"]
    assert (first["rule"], first["right"], first["wrong"], first["share"]) == ("negative-surge", 1, 0, 1.0)
    assert 0.2 < first["low"] < 0.21
    assert (second["rule"], second["share"]) == ("quiet", None)


async def test_an_alert_that_rings_is_escalated_and_no_other(tmp_path: Path) -> None:
    """The record is there for the notifier, once for one key; what is over or only waits would reach nobody."""
    over, waits = digest("over"), digest("waits")
    async with serving(tmp_path) as api:
        for told in (event(alert=over), event(1, "resolved", alert=over), event(0, "pending", alert=waits)):
            api.board.take(told)
        asked: Any = {"json": {"reason": "the press calls"}, "headers": {"Idempotency-Key": "k"}}
        first, again = [await api.ask("POST", f"/alerts/{ALERT}/escalate", **asked) for _ in range(2)]
        other = await api.ask("POST", f"/alerts/{ALERT}/escalate", READ, json={})
        refused = [await api.ask("POST", f"/alerts/{each}/escalate", json={}) for each in (over, waits)]
        _, history = await api.ask("GET", f"/alerts/{ALERT}")
    assert (first[0], again[0], other[0]) == (201, 200, 403)
    assert first[1]["operation"] == again[1]["operation"]
    (made,) = api.written()
    assert isinstance(made, Escalation)
    assert (made.alert, made.author, made.reason, made.at) == (ALERT, "li.wei", "the press calls", NOW)
    assert history["operations"] == [first[1]["operation"]]
    assert {(status, found["error"]["code"]) for status, found in refused} == {(409, "not_ringing")}


async def test_an_alert_comes_with_who_was_told_of_it(tmp_path: Path) -> None:
    """In the order of the answers; those of others are not among them."""
    mine, late, others = receipt(1), receipt(2, event=f"{digest('x')}.0", events=(f"{ALERT}.1",)), digest("x")
    async with serving(tmp_path) as api:
        for each in (mine, late, receipt(3, event=f"{others}.1")):
            api.known.take(each, NOW)
        _, found = await api.ask("GET", f"/alerts/{ALERT}", READ)
    assert [each["attempt"] for each in found["receipts"]] == [1, 2]
    assert found["receipts"][0]["receiver"] == "desk"


async def test_alerts_are_picked_by_subject_time_and_whether_they_are_over(tmp_path: Path) -> None:
    """An alert belongs to every time in which it went on; an open one goes on still."""
    hour, over, old = timedelta(hours=1), digest("over"), digest("old")
    async with serving(tmp_path) as api:
        for told in (
            event(alert=over, subject="topic:legal", since=START - 30 * hour, at=START - 30 * hour),
            event(1, "resolved", alert=over, subject="topic:legal", since=START - 30 * hour, at=START - 29 * hour),
            event(alert=old, subject="topic:legal", since=START - 60 * hour, at=START - 60 * hour),
        ):
            api.board.take(told)

        async def listed(**wanted: str) -> set[str]:
            status, found = await api.ask("GET", "/alerts", READ, params=wanted)
            assert status == 200
            return {each["alert"] for each in found["alerts"]}

        assert await listed() == {ALERT, old}
        assert await listed(state="closed") == {over}
        assert await listed(state="all") == {ALERT, over, old}
        assert await listed(subject="topic:legal", state="all") == {over, old}
        assert await listed(subject="topic") == set()
        assert await listed(state="all", since=(START - 28 * hour).isoformat()) == {ALERT, old}
        assert await listed(state="all", since=(START - 29.5 * hour).isoformat()) == {ALERT, over, old}
        assert await listed(state="all", until=(START - 40 * hour).isoformat()) == {old}
        assert await listed(state="all", until=f"{START - 60 * hour:%Y-%m-%d}") == {old}
        wrong = await api.ask("GET", "/alerts", params={"since": "yesterday"})
    assert (wrong[0], wrong[1]["error"]["code"]) == (400, "bad_time")


@pytest.mark.parametrize(("token", "name", "role"), [(OPERATE, "li.wei", "operate"), (READ, "wall", "read")])
async def test_a_caller_is_told_who_it_is(tmp_path: Path, token: str, name: str, role: str) -> None:
    """Its name and role, what is running, the server's clock, and whether this is a demo."""
    async with serving(tmp_path, namespace="demo-1a") as api:
        status, found = await api.ask("GET", "/me", token)
    assert status == 200
    assert (found["name"], found["role"], found["demo"], found["namespace"]) == (name, role, True, "demo-1a")
    assert (found["now"], found["version"], found["current"]) == (NOW.isoformat().replace("+00:00", "Z"), VERSION, True)


async def test_nothing_is_answered_before_everything_is_read(tmp_path: Path) -> None:
    """While the records are being read there is no list that lacks half of them; afterwards old answers say so."""
    async with serving(tmp_path, ready=False) as api:
        assert (await api.ask("GET", "/alerts"))[0] == 503
        assert (await api.ask("POST", "/silences", json=QUIET))[1]["error"]["code"] == "starting"
        assert (await api.page("GET", "/healthz"))[0] == 200
        api.feed.ready.set()
        api.feed.current = False
        assert (await api.ask("GET", "/alerts"))[1]["current"] is False


async def test_whoever_waits_behind_others_for_kafka_waits_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten people who press a button while Kafka hangs are all told so in the time of one."""
    monkeypatch.setattr(desk.Desk.__init__, "__defaults__", (0.5,))
    async with serving(tmp_path) as api:
        api.kept.back.clear()
        begun = time.monotonic()
        path, marks = f"/alerts/{ALERT}/mark", [{"right": True, "reason": str(number)} for number in range(10)]
        found = await asyncio.gather(*(api.ask("POST", path, json=mark) for mark in marks))
        assert [status for status, _ in found] == [503] * 10
        assert time.monotonic() - begun < 3


async def test_kafka_away_is_told_and_the_same_request_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer of Kafka nothing is said to be done; the board does not know it either."""
    monkeypatch.setattr(desk.Desk.__init__, "__defaults__", (0.05,))
    async with serving(tmp_path) as api:
        api.kept.back.clear()
        asked: Any = {"json": QUIET, "headers": {"Idempotency-Key": "k"}}
        status, found = await api.ask("POST", "/silences", **asked)
        assert (status, found["error"]["code"]) == (503, "kafka_away")
        assert (await api.ask("GET", "/silences"))[1]["silences"] == []
        api.kept.back.set()
        assert (await api.ask("POST", "/silences", **asked))[0] == 201


async def test_the_description_is_complete_and_no_page_loads_from_elsewhere(tmp_path: Path) -> None:
    """OpenAPI names every route with its refusals; there is no page of documentation from a foreign host."""
    async with serving(tmp_path) as api:
        _, text, _ = await api.page("GET", "/api/openapi.json")
        gone = [(await api.page("GET", path))[0] for path in ("/docs", "/redoc", "/openapi.json")]
    described = json.loads(text)
    assert gone == [404, 404, 404]
    found = {path: sorted(methods) for path, methods in described["paths"].items()}
    assert all(path.startswith("/api/v1/") for path in found)
    assert (
        found.items()
        >= {
            "/api/v1/alerts": ["get"],
            "/api/v1/alerts/{alert}": ["get"],
            "/api/v1/alerts/{alert}/acknowledge": ["post"],
            "/api/v1/alerts/{alert}/escalate": ["post"],
            "/api/v1/alerts/{alert}/mark": ["post"],
            "/api/v1/audit": ["get"],
            "/api/v1/me": ["get"],
            "/api/v1/stream": ["get"],
            "/api/v1/silences": ["get", "post"],
            "/api/v1/silences/{silence}": ["delete"],
            "/api/v1/rules/precision": ["get"],
            "/api/v1/truth": ["get", "post"],
            "/api/v1/truth/{event}": ["delete"],
        }.items()
    )
    for methods in described["paths"].values():
        for method in methods.values():
            assert {"400", "401", "403", "404", "429"} <= set(method["responses"])
            assert method["security"]
            assert method["description"]


async def test_an_alert_comes_with_what_was_measured_of_its_rule(tmp_path: Path) -> None:
    """From the badges beside the rules in use, by the hash of the rule; null for a rule that nobody measured."""
    rules = tmp_path / "desk.yaml"
    events = many(10)
    measured = rule(at_events(7), events, hash=event().rule_hash)
    async with serving(tmp_path, rules=rules) as api:
        _, before = await api.ask("GET", f"/alerts/{ALERT}", READ)
        write_badges(rules, result(events, {"negative-surge": measured}), "StockNet")
        _, after = await api.ask("GET", "/alerts", READ)
    assert before["alert"]["measured"] is None
    (alert,) = after["alerts"]
    assert (alert["measured"]["recall"], alert["measured"]["data"]) == (0.7, "StockNet")
    assert "recall 0.70" in alert["measured"]["text"]["en"]
