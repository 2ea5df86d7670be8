"""What doctor's checks say of what they find, without an engine: pure parts, this machine, and how it is told."""

from __future__ import annotations

import ast
import http.server
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from console import findings
from console.doctor import elastic, home, kafka, kibana, tools, triton
from console.findings import Told
from console.messages import LANGUAGES, catalogue, say
from streams.settings import Settings
from streams.topics import TOPICS

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, partitions=4, replication=2)


def code(check: Any) -> str:
    """The code of what a check tells; empty when all is well."""
    try:
        check()
    except Told as told:
        return told.code
    return ""


def described(settings: Settings, **changes: Any) -> dict[str, Any]:
    """Topics as a broker describes them; `changes` by name of the topic: partitions, replicas, isr."""
    found = {}
    for topic in TOPICS:
        count, replicas, isr = changes.get(topic.name.replace(".", "_"), (topic.count(settings), [1, 2], [1, 2]))
        found[topic.full(settings)] = {"partitions": [{"replicas": replicas, "isr": isr}] * count}
    return found


def test_topics_as_they_should_be_are_well(settings: Settings) -> None:
    """Right partitions, replicas and retention."""
    assert "4" in kafka.compared(settings, described(settings), {})


@pytest.mark.parametrize(
    ("changes", "kept", "told"),
    [
        ({"news_raw": (8, [1, 2], [1, 2])}, {}, "partitions_more"),
        ({"mentions": (2, [1, 2], [1, 2])}, {}, "partitions_fewer"),
        ({}, {"alerts": {"cleanup.policy": "compact"}}, "policy"),
        ({}, {"alerts": {"retention.ms": "86400000"}}, "retention"),
        ({"alerts": (1, [1, 2], [1])}, {}, "replicas_behind"),
        ({"alerts": (1, [1], [1])}, {}, "replicas_few"),
    ],
)
def test_topics_that_differ_are_told(settings: Settings, changes: Any, kept: Any, told: str) -> None:
    """Each difference has words of its own, the gravest first."""
    assert code(lambda: kafka.compared(settings, described(settings, **changes), kept)) == told


def test_missing_topics_are_no_fault(settings: Settings) -> None:
    """A worker makes them: none at all on a new cluster, some after an upgrade."""
    assert code(lambda: kafka.compared(settings, {}, {})) == "topics_none"
    found = described(settings)
    found.pop(TOPICS[-1].full(settings))
    assert code(lambda: kafka.compared(settings, found, {})) == "topics_some"


@pytest.mark.parametrize(("apart", "told"), [(0, ""), (1.9, ""), (-1.9, ""), (60, "clock"), (-60, "clock")])
def test_clocks_apart_are_told(apart: float, told: str) -> None:
    """Beyond two seconds, in either direction; the time the answer took is nobody's fault."""
    theirs = [NOW.timestamp() + apart]
    assert code(lambda: elastic.apart(theirs, NOW - timedelta(seconds=1), NOW)) == told


def test_nothing_is_asked_where_no_engine_is_known(settings: Settings) -> None:
    """Without addresses it is said that nothing was checked, and how to get an engine."""
    asked = elastic.checks(settings) | {
        "topics": lambda: kafka.topics(settings), "models_served": lambda: triton.models(settings),
    }  # fmt: skip
    found = findings.look_at_all(asked, 20)
    assert {(each.ok, "tocsin up" in each.fix) for each in found} == {(None, True)}


def test_an_engine_that_does_not_answer_is_told_as_not_checked(tmp_path: Path) -> None:
    """Whether it is down is told elsewhere; here nothing is known."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        own = {"kafka_bootstrap": address, "elasticsearch_url": f"http://{address}", "triton_url": address}
        settings = Settings(state_dir=tmp_path, kibana_url=f"http://{address}", **own)
        assert code(lambda: kafka.topics(settings)) == "away"
        assert {code(check) for check in elastic.checks(settings).values()} == {"away"}
        assert code(lambda: triton.models(settings)) == "away"
        assert code(lambda: kibana.kibana(settings)) == "kibana_unreachable"


def test_templates_that_are_not_there_yet_are_no_matter_of_rights(tmp_path: Path) -> None:
    """A new Elasticsearch answers 404 when it has no template: that is told, with what makes them."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error": {"type": "resource_not_found_exception"}, "status": 404}'
            self.send_response(404)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = Settings(state_dir=tmp_path, elasticsearch_url=f"http://127.0.0.1:{server.server_port}")
        found = findings.look("es_templates", elastic.checks(settings)["es_templates"])
        server.shutdown()
    assert found.ok
    assert "tocsin worker index" in found.fix


def test_what_the_tests_need_is_told_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser, promtool, Pango or a Chinese font; fonts that nobody can tell of are not a fault."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "PANGO", ("libnothing-of-the-kind.so.9",))
    found = {name: findings.look(name, check) for name, check in tools.CHECKS.items()}
    assert {name: each.ok for name, each in found.items()} == {
        "browser": False, "promtool": False, "pango": False, "font": None,
    }  # fmt: skip
    assert all("apt-get install" in each.fix for each in found.values())


@pytest.mark.parametrize(("script", "told"), [("", "no_font"), ("exit 1", "font_unknown"), ("echo 'Hei,HeiTi'", "")])
def test_a_chinese_font_is_asked_of_fontconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    """None, one, or no answer."""
    lister = tmp_path / "fc-list"
    lister.write_text(f"#!/bin/sh\n{script}\n")
    lister.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code(tools.font) == told


def test_secrets_that_others_can_read_are_told(settings: Settings, tmp_path: Path) -> None:
    """In the state folder, and in files that variables name."""
    (tmp_path / "link.key").touch(mode=0o600)
    named = tmp_path / "named"
    named.touch(mode=0o600)
    variables = {"TOCSIN_PUSH_TOKEN_FILE": str(named)}
    assert "2" in home.secrets(settings, variables)
    named.chmod(0o644)
    assert code(lambda: home.secrets(settings, variables)) == "secret_open"


def test_the_port_of_the_api_is_free_ours_or_taken(tmp_path: Path) -> None:
    """An API that runs is no fault; another program there is."""

    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" and answers else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    answers = True
    with http.server.HTTPServer(("127.0.0.1", 0), Well) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = Settings(state_dir=tmp_path, api_port=server.server_port)
        assert "tocsin api" in home.api_port(settings)
        answers = False
        assert code(lambda: home.api_port(settings)) == "port_taken"
        server.shutdown()
    assert str(settings.api_port) in home.api_port(settings)


def test_receivers_without_an_address_are_named(tmp_path: Path) -> None:
    """Hosts of webhooks, mail servers and Alertmanagers; nothing is sent, and no address is shown in full."""
    channels = tmp_path / "channels.yaml"
    channels.write_text(
        "receivers:\n"
        "- {name: mail, type: email, host: mail.invalid, sender: a@bank.example, to: [b@bank.example]}\n"
        "- {name: am, type: alertmanager, url: 'https://localhost:8443/'}\n"
        "routes:\n- receivers: [mail, am]\n"
    )
    settings = Settings(state_dir=tmp_path, channels=channels)
    assert home.hosts(settings) == {"mail": "mail.invalid", "am": "localhost"}
    with pytest.raises(Told) as caught:
        home.receivers(settings)
    assert (caught.value.code, caught.value.values["names"]) == ("unresolved", "mail (mail.invalid)")
    assert code(lambda: home.receivers(Settings(state_dir=tmp_path))) == "no_hosts"


def test_a_check_that_hangs_or_breaks_hides_no_other() -> None:
    """Each is bounded and told as not made."""

    def hang() -> str:
        time.sleep(5)
        return ""

    def broken() -> str:
        raise KeyError

    began = time.monotonic()
    found = findings.look_at_all({"clock": hang, "feeds": broken, "rules": lambda: "fine"}, 0.3)
    assert time.monotonic() - began < 3
    assert [each.ok for each in found] == [None, None, True]


def test_what_says_the_same_is_told_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Five checks of an engine that does not run are one line; a text from outside moves no cursor."""
    monkeypatch.setenv("TOCSIN_LANG", "en")

    def away() -> str:
        raise Told("no_engine", None, engine="Elasticsearch")

    found = [findings.look(name, away) for name in elastic.ASKED]
    found.append(findings.look("rules", lambda: "a\x1b[2Jb [red]c"))
    findings.show(found, "Engines")
    shown = capsys.readouterr().out
    assert shown.count("No Elasticsearch is running here") == 1
    assert "\x1b" not in shown
    assert "[red]c" in shown


def codes() -> set[str]:
    """Every code of Told in the source."""
    found = set()
    for path in (*(ROOT / "console" / "doctor").glob("*.py"), *(ROOT / "console" / "config").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            told = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Told"
            if told and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                found.add(str(node.args[0].value))  # type: ignore[attr-defined]
    return found | {"late", "broken", "kibana_unreachable", "kibana_unauthorised", "kibana_not_kibana"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_that_is_told_has_words(lang: str) -> None:
    """What, why and what to do; no words are left over."""
    known = {key.split(".")[2] for key in catalogue(lang) if key.startswith("doctor.told.")}
    assert codes() == known
    for name in known:
        text = catalogue(lang)[f"doctor.told.{name}.what"]
        assert say(f"doctor.told.{name}.what", lang, **{key: "x" for _, key, _, _ in Formatter().parse(text) if key})
