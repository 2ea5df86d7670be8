"""`tocsin webhook`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from alerts.delivery.webhook import secret_fault, sign, verify
from console import webhooks
from console.messages import catalogue
from streams import clock
from streams.settings import load
from tests.ringing import OLD_SECRET, SECRET, START, receiving

SECRETS = (SecretStr(SECRET),)
BODY = '{"text":"严重"}'.encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET", f"{SECRET} {OLD_SECRET}")
    monkeypatch.setenv("TOCSIN_WEBHOOK_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", "")
    load.cache_clear()
    yield
    load.cache_clear()


def run(*arguments: str, data: bytes = b"") -> Result:
    program = typer.Typer()
    webhooks.register(program)
    return CliRunner().invoke(program, ["webhook", *arguments], input=data)


def given(body: bytes = BODY, secret: str = SECRET) -> list[str]:
    """The options for a delivery signed long ago."""
    headers = sign([SecretStr(secret)], "msg_1", body, START)
    return [f"--{name.removeprefix('webhook-')}={value}" for name, value in headers.items()]


def test_a_new_secret_is_fit_for_use() -> None:
    """Standard output holds one well-formed secret and nothing else; each call makes another."""
    one, other = run("secret"), run("secret")
    assert secret_fault(one.stdout.strip()) == ""
    assert one.stdout != other.stdout
    assert "TOCSIN_WEBHOOK_SECRET" in one.stderr


async def test_each_receiver_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every receiver gets one signed test; those that did not hear it are named with the reason."""
    async with receiving() as well, receiving(500) as ill, receiving("reset") as rude:
        monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", f"{well.url},{ill.url},{rude.url}")
        result = await asyncio.to_thread(run, "test")
    assert result.exit_code == 1
    assert [len(server.requests) for server in (well, ill, rude)] == [1, 1, 1]
    (request,) = well.requests
    assert json.loads(request.body)["type"] == "io.tocsin.alert.test"
    assert verify(SECRETS, request.headers, request.body, clock.now()) == request.id
    lines = result.stdout.splitlines()
    assert [line.partition(": ")[2] for line in lines[:3]] == [
        *("heard (http 204)", "NOT heard (http 500)", "NOT heard (disconnected)"),
    ]
    assert "closed the connection" in lines[3]
    assert "canary" not in result.output


async def test_answers_are_read_by_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json: receiver, whether it heard, and what it answered."""
    async with receiving() as well, receiving(500) as ill:
        monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", f"{well.url},{ill.url}")
        result = await asyncio.to_thread(run, "test", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(each["heard"], each["status"], each["error"]) for each in found] == [(True, 204, None), (False, 500, None)]


async def test_all_heard_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """When every receiver answers with 2xx the command succeeds."""
    async with receiving() as server:
        monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", server.url)
        assert (await asyncio.to_thread(run, "test")).exit_code == 0


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("TOCSIN_WEBHOOK_URLS", "", "TOCSIN_WEBHOOK_URLS="),
        ("TOCSIN_WEBHOOK_URLS", "http://a.example:25/", "TOCSIN_WEBHOOK_URLS"),
        ("TOCSIN_WEBHOOK_SECRET", "short", "TOCSIN_WEBHOOK_SECRET"),
        ("TOCSIN_WEBHOOK_ALLOW", "all", "TOCSIN_WEBHOOK_ALLOW"),
    ],
)
def test_wrong_settings_are_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str) -> None:
    """The variable at fault is named, nothing is sent, and the exit code says so."""
    monkeypatch.setenv("TOCSIN_WEBHOOK_URLS", "https://a.example/")
    if name == "TOCSIN_WEBHOOK_URLS":
        monkeypatch.setenv("TOCSIN_WEBHOOK_ALLOW", "")
    monkeypatch.setenv(name, value)
    result = run("test")
    assert result.exit_code == 78
    assert word in result.stderr


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_delivery_verifies_from_a_file_or_a_pipe(tmp_path: Path, secret: str) -> None:
    """The exact bytes with their three headers are authentic under either secret, when their age is waived."""
    (tmp_path / "body").write_bytes(BODY)
    assert run("verify", str(tmp_path / "body"), *given(secret=secret), "--any-time").stdout == "Authentic: msg_1\n"
    assert run("verify", "-", *given(secret=secret), "--any-time", data=BODY).exit_code == 0
    told = run("verify", str(tmp_path / "body"), *given(secret=secret), "--any-time", "--json").stdout
    assert json.loads(told) == {"id": "msg_1"}


@pytest.mark.parametrize(
    ("arguments", "data", "code", "word"),
    [
        (["-", *given()], BODY, 1, "more than 300 s"),
        (["-", *given(), "--any-time"], BODY + b"\n", 1, "no signature matches"),
        (["-", *given(), "--any-time"], b"\xff", 1, "UTF-8"),
        (["missing-file", *given(), "--any-time"], b"", 2, "cannot be read"),
    ],
)
def test_what_does_not_verify_is_told(arguments: list[str], data: bytes, code: int, word: str) -> None:
    """An old delivery, a changed body and a missing file each have their word and exit code."""
    result = run("verify", *arguments, data=data)
    assert (result.exit_code, word in result.stderr) == (code, True)


def test_each_fault_of_the_network_has_words() -> None:
    """What an attempt can end with is explained in both languages."""
    for lang in ("en", "zh"):
        for word in ("timeout", "connect", "dns", "tls", "disconnected", "protocol", "address_refused"):
            assert catalogue(lang)[f"webhook.test.why.{word}"]
