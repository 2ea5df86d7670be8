"""`tocsin alerts preview | test`: what would go out, and what came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from alerts.delivery.channels_file import load_channels
from alerts.delivery.samples import sample_events, sample_messages
from console import alert_channels
from console.alert_channels import READABLE, TYPES
from console.exits import WRONG_INPUT, WRONG_SETTINGS
from streams import clock
from streams.records import encode
from streams.settings import load
from tests.receivers.robots import DingTalkPlatform
from tests.receivers.serving import serving
from tests.ringing import SECRET, event, receiving

CANARY = "canary4711canary4711canary4711"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("TOCSIN_WEBHOOK_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", "")
    load.cache_clear()
    yield
    load.cache_clear()


def run(*arguments: str) -> Result:
    program = typer.Typer()
    alert_channels.register(program)
    return CliRunner().invoke(program, list(arguments))


def channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TOCSIN_CHANNELS", str(path))
    load.cache_clear()


@pytest.mark.parametrize("lang", ["en", "zh", "both"])
@pytest.mark.parametrize("form", [*READABLE, *TYPES])
def test_every_form_of_every_sample_can_be_seen(form: str, lang: str) -> None:
    """Nothing is needed for it: no receiver, no secret, no engine."""
    for name in sample_messages():
        found = run("preview", "--channel", form, "--sample", name, "--lang", lang)
        assert found.exit_code == 0, found.output
        assert len(found.stdout) > 20


def test_the_bytes_are_those_that_would_go_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a configured receiver, each part as its channel renders it, with its size beside it."""
    monkeypatch.setenv("ROBOT", f"https://oapi.dingtalk.com/robot/send?access_token={CANARY}")
    channels(
        monkeypatch, tmp_path,
        "receivers:\n- {name: desk, type: dingtalk, url_env: ROBOT, keyword: Tocsin, language: zh}\n"
        "routes:\n- {receivers: [desk]}\n",
    )  # fmt: skip
    found = run("preview", "--channel", "desk", "--sample", "storm")
    (channel,), _ = load_channels(load())
    parts = channel.render(sample_messages()["storm"])
    assert found.stdout_bytes == b"".join(part + b"\n" for part in parts)
    assert f"Part 1 of {len(parts)}, {len(parts[0])} bytes" in found.stderr
    assert CANARY not in found.output
    english = run("preview", "--channel", "desk", "--sample", "storm", "--lang", "en")
    assert "critical" in english.stdout.lower()


def test_a_letter_is_a_whole_letter() -> None:
    """What the mail server would be handed can be read by a mail program."""
    found = message_from_bytes(run("preview", "--channel", "email").stdout_bytes, policy=default)
    assert "Corvane" in found["Subject"]
    assert {part.get_content_type() for part in found.walk()} >= {"text/plain", "text/html"}


@pytest.mark.parametrize("form", ["mail", "card", "lock-screen", "email"])
def test_an_event_of_anybody_moves_no_cursor(tmp_path: Path, form: str) -> None:
    """A file may have come from anywhere: no field of it reaches the terminal as a command."""
    fields = json.loads(encode(sample_events()["firing"][0]))
    fields |= {"alert": "\x1b[2J\x9b31m" + "a" * 24, "rule_hash": "\x1b]0;x\x07", "name": "\x1b[31mx"}
    path = tmp_path / "event.json"
    path.write_text(json.dumps(fields))
    shown = run("preview", "--channel", form, "--event", str(path), "--lang", "en")
    assert shown.exit_code == 0, shown.output
    assert not {"\x1b", "\x9b", "\x07"} & set(shown.stdout)


def test_an_own_event_can_be_seen(tmp_path: Path) -> None:
    """One event, or several of them, one a line."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(event()))
    assert "Brightwater" in run("preview", "--channel", "card", "--event", str(path)).stdout
    path.write_bytes(encode(event()) + b"\n" + encode(event(alert="b" * 32, name="Borealis Foods")) + b"\n")
    shown = run("preview", "--channel", "webhook", "--event", str(path)).stdout
    assert [json.loads(line)["data"]["name"] for line in shown.splitlines()] == ["Brightwater", "Borealis Foods"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--channel", "pager"), "lock-screen"),
        (("--channel", "card", "--sample", "nothing"), "firing"),
        (("--channel", "card", "--event", "/nowhere"), "No such file"),
        (("--channel", "card", "--event", __file__), "no alert event"),
        (("--channel", "card", "--event", __file__, "--sample", "firing"), "either"),
    ],
)
def test_what_cannot_be_seen_says_what_can(arguments: tuple[str, ...], words: str) -> None:
    """Names that there are, or what is wrong with the file."""
    found = run("preview", *arguments)
    assert found.exit_code == WRONG_INPUT
    assert words in found.stderr


async def test_a_receipt_is_printed_for_each_receiver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Accepted, or refused with code, meaning and remedy though the platform says 200; the exit code tells."""
    robot = DingTalkPlatform(now=clock.now(), secret="SECinvented", keyword="Tocsin")
    async with serving(robot.answer) as url, receiving() as hook:
        address = url.with_path("/robot/send").with_query(access_token=robot.token)
        monkeypatch.setenv("ROBOT", str(address))
        monkeypatch.setenv("ROBOT2", str(address.update_query(n="2")))  # one address is one receiver
        monkeypatch.setenv("SIGN", "SECinvented")
        monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", hook.url)
        channels(
            monkeypatch, tmp_path,
            "receivers:\n- {name: desk, type: dingtalk, url_env: ROBOT, secret_env: SIGN, keyword: Tocsin}\n"
            "- {name: unsigned, type: dingtalk, url_env: ROBOT2, keyword: Tocsin}\n"
            "routes:\n- {receivers: [desk, unsigned]}\n",
        )  # fmt: skip
        everybody = await asyncio.to_thread(run, "test", "--all")
        alone = await asyncio.to_thread(run, "test", "--channel", "desk")
        data = await asyncio.to_thread(run, "test", "--channel", "desk", "--channel", "unsigned", "--json")
        monkeypatch.setenv("TOCSIN_LANG", "zh")
        chinese = await asyncio.to_thread(run, "test", "--channel", "unsigned")
    assert (everybody.exit_code, alone.exit_code) == (1, 0)
    assert "desk (dingtalk): accepted" in everybody.stdout
    assert "(webhook): accepted (http 204)" in everybody.stdout
    refused = everybody.stdout.partition("unsigned (dingtalk): refused")[2]
    assert "code: 310000" in refused
    assert "meaning: " in refused
    assert "do: " in refused
    assert "含义：签名的时间不被接受（" in chinese.stdout
    assert "办法：校准本机时钟" in chinese.stdout
    assert "机器人启用了加签而该接收方没有密钥" in chinese.stdout
    assert alone.stdout.splitlines() == ["desk (dingtalk): accepted (http 200, code 0)"]
    assert [(each["channel"], each["accepted"]) for each in json.loads(data.stdout)] == [
        ("desk", True), ("unsigned", False),
    ]  # fmt: skip
    assert data.exit_code == 1
    assert robot.token not in everybody.output + data.output
    assert json.loads(hook.requests[0].body)["type"] == "io.tocsin.alert.test"


def test_a_test_needs_somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who is meant is said, and who there is; a broken file is a wrong setting."""
    assert run("test").exit_code == WRONG_INPUT
    assert run("test", "--all").exit_code == WRONG_INPUT
    assert "There is no receiver x" in run("test", "--channel", "x").stderr
    channels(monkeypatch, tmp_path, "receivers:\n- {name: desk, type: pager}\n")
    found = run("test", "--all")
    assert found.exit_code == WRONG_SETTINGS
    assert "channels.yaml:2" in found.stderr
