"""Every route of the API's own description, asked with what fits and with what nobody should send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts import operations
from console.api.app import Application, build
from console.api.guard import HEADERS, PREFIX
from console.api.known import Known
from streams.settings import Settings
from tests.ringing import ALERT, START, Clock, Kept, event
from tests.unit.console.api.calling import Answer, call
from tests.unit.console.api.describing import Described, spoken
from tests.unit.console.api.serving import NOW, OPERATE, READ, Filled

ADMIN = "an-invented-token-that-administers"
TOKENS = f"li.wei operate {OPERATE}\nwall read {READ}\nchief admin {ADMIN}\n"
AWAY = 9  # a port at which nobody listens
ENDLESS = {("GET", "/stream")}
# What changes nothing but is asked with more words than an address holds, and a caller's own jobs.
ASKED_BY_READERS = {("POST", "/rules/check"), ("POST", "/rules/whatif"), ("DELETE", "/jobs/{id}")}
AWAY_CODES = {"elasticsearch_away", "busy"}
RULES = "rules:\n- {name: desk-surge, type: surge, window: 1h, scope: {subject: entity}}\n"
LANGUAGES = ("", "zh", "zh-CN,zh;q=0.9", "en", "*", ",,;q=", "zh\x01", "x" * 3000)


@dataclass(slots=True)
class Asked:
    """The application, its description, and a loop in which all requests are made."""

    app: Application
    loop: asyncio.Runner
    described: Described
    kept: Kept

    def __call__(self, method: str, path: str, *args: Any, **given: Any) -> Answer:
        return self.loop.run(call(self.app, method, path, *args, **given))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A board with alerts and operations, rules that may be written, and no engine."""
    folder = tmp_path_factory.mktemp("routes")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "default.yaml").write_text(RULES, encoding="utf-8")
    kept, known, feed = Kept(), Known(), Filled()
    fill(known)
    feed.ready.set()
    given = Settings(
        state_dir=folder, api_tokens=SecretStr(TOKENS), api_rate=1e6, rules=rules, kafka_bootstrap=f"127.0.0.1:{AWAY}",
        elasticsearch_url=f"http://127.0.0.1:{AWAY}", triton_url=f"127.0.0.1:{AWAY}", model_repository=folder,
    )  # fmt: skip
    with asyncio.Runner() as loop:
        app = build(given, known, feed, kept, now=Clock(NOW).now, monotonic=lambda: 5.0)  # type: ignore[arg-type]
        found = loop.run(call(app, "GET", "/api/openapi.json"))
        yield Asked(app, loop, Described(found.json), kept)
        loop.run(app.close())


def fill(known: Known) -> None:
    """Alerts of every state and what people did with them."""
    for number, state in enumerate(("firing", "resolved", "pending", "firing")):
        alert = ALERT if number == 0 else f"{number:032x}"
        told = event(0, state, alert=alert, subject=f"entity:E{number}", rule=f"rule-{number}", replay=number == 3)
        known.take(told, told.at)
    for done in (
        operations.mark(ALERT, True, author="li.wei", at=START),
        operations.acknowledge(ALERT, author="li.wei", at=START),
        operations.silence({"rule": ("rule-1",)}, author="li.wei", at=START, lasting=NOW - START, reason="known"),
        operations.rule_change("default.yaml", was="", now="a", author="chief", at=START),
    ):
        known.take(done, START)


def refuses_well(answer: Answer) -> None:
    """Whatever was asked: no fault of ours, one form of refusal, and the headers that protect who reads it."""
    assert answer.status < 500 or (answer.status == 503 and answer.json["error"]["code"] in AWAY_CODES), answer
    assert HEADERS.keys() <= {name.title() for name in answer.headers} | {"X-Content-Type-Options"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    if answer.status >= 400:
        error = answer.json["error"]
        assert {"code", "message", "fix"} <= error.keys()
        assert all(isinstance(error[name], str) and error[name] for name in ("code", "message", "fix"))


def test_the_description_holds_every_route(asked: Asked) -> None:
    """All that is tested below: what is not in it would not be."""
    described = {(route.method, route.path) for route in asked.described.routes}
    assert len(described) >= 35
    assert all(path.startswith(PREFIX) for _, path in described)
    assert {(method, PREFIX + path) for method, path in (*ENDLESS, *ASKED_BY_READERS)} <= described


def test_without_a_token_nothing_is_answered(asked: Asked) -> None:
    """Not even that what was sent is wrong, or that a route is none."""
    paths = [(route.method, route.path) for route in asked.described.routes]
    paths += [("GET", f"{PREFIX}/no-such-route"), ("OPTIONS", f"{PREFIX}/alerts"), ("PATCH", f"{PREFIX}/alerts")]
    for method, path in paths:
        for token in ("", READ[:-1], f"{READ}x"):
            answer = asked(method, path, token=token, body=b"{" if method != "GET" else None)
            assert (answer.status, answer.json["error"]["code"]) == (401, "unauthorized"), path
            refuses_well(answer)


def test_a_role_is_needed_for_whatever_changes_something(asked: Asked) -> None:
    """Who reads changes nothing, who operates changes no rules: whatever the request says, that is said first."""
    for route in asked.described.routes:
        path = route.path.removeprefix(PREFIX)
        if route.method == "GET" or (route.method, path) in ASKED_BY_READERS:
            continue
        answer = asked(route.method, route.path, token=READ, body=b"{}")
        assert (answer.status, answer.json["error"]["code"]) == (403, "forbidden"), path
        if route.method == "PUT":
            assert asked(route.method, route.path, token=OPERATE, body=b"{}").status == 403
    assert asked.kept.records == []


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_breaks_it(asked: Asked, data: st.DataObject) -> None:
    """Any route with any values: an answer, or a refusal in the one form."""
    route = data.draw(st.sampled_from(asked.described.routes))
    if (route.method, route.path.removeprefix(PREFIX)) in ENDLESS:
        return
    path, query = route.path, []
    for name, given_as, values in asked.described.parameters(route):
        if given_as == "path":
            path = path.replace(f"{{{name}}}", str(data.draw(values)))
        elif data.draw(st.booleans()):
            query += [(name, text) for text in spoken(data.draw(values))]
    body = None
    if route.body is not None:
        body = json.dumps(data.draw(asked.described.bodies(route))).encode()
        body = data.draw(st.sampled_from((body,) * 9 + (body[:-1], b"", b"\xff", b"[" * 2000, b"NaN")))
    headers = [("accept-language", data.draw(st.sampled_from(LANGUAGES)))]
    refuses_well(asked(route.method, path, query, token=ADMIN, headers=headers, body=body))


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/static/../api/v1/alerts", "/static/%2e%2e/x", "/act/x", "/x"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "BREW"])
def test_what_lies_outside_the_api_is_guarded_too(asked: Asked, path: str, method: str) -> None:
    """Pages, links and nothing at all: whatever the method, with the headers that keep a browser from guessing."""
    answer = asked(method, path)
    assert answer.status < 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"


def test_nothing_is_left_beside_the_rules(asked: Asked) -> None:
    """All of that wrote nothing but rules, in files that are called so, and what was there stays."""
    root = asked.app.context.settings.rules
    assert root is not None
    assert {path.name for path in root.iterdir()} <= {"default.yaml", "desk.yaml"}
    assert (root / "default.yaml").read_text(encoding="utf-8") == RULES
    assert {path.name for path in root.parent.iterdir()} <= {"rules", "rules-history"}
