"""The files that docs/operations.md shows: units of systemd and a proxy that fit the program and each other.

The units are also started and judged by systemd itself (tests/integration/test_operations.py). nginx is not installed
where the tests run: what it is told is read here, and the API is asked there as it would ask.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import typer

from console.exits import WRONG_SETTINGS
from streams.settings import Settings
from tests import documents
from tests.documents import blocks, inline, unknown
from tests.units import OPERATIONS, Unit, unit, unit_files

SERVICES: Final = ("tocsin-engines", "tocsin@worker", "tocsin@collect", "tocsin@api", "tocsin@enrich")
COMMAND: Final = "/opt/tocsin/.venv/bin/tocsin"
KNOWN: Final = set(
    "Unit.Description Unit.After Unit.Wants Install.WantedBy Service.Type Service.RemainAfterExit Service.User "
    "Service.WorkingDirectory Service.EnvironmentFile Service.ExecStart Service.ExecStop Service.TimeoutStartSec "
    "Service.Restart Service.RestartSec Service.RestartPreventExitStatus Service.NoNewPrivileges "
    "Service.ProtectSystem Service.ProtectHome Service.PrivateTmp Service.ReadWritePaths".split()
)
Directives = dict[tuple[str, ...], Any]  # words of a directive -> None, or what its braces hold


@pytest.fixture(scope="module")
def program() -> Any:
    """The whole command line."""
    return typer.main.get_command(documents.program())


@pytest.fixture
def units(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Unit]:
    """The services of the page, each with what lies beside it."""
    folder = tmp_path_factory.mktemp("system")
    for path, text in unit_files().items():
        made = folder / path.relative_to("/etc/systemd/system")
        made.parent.mkdir(exist_ok=True)
        made.write_text(text, encoding="utf-8")
    return {name: unit(name, folder) for name in SERVICES}


def settings_of_the_page() -> dict[str, str]:
    """The settings that its blocks set."""
    text = "\n".join(blocks(OPERATIONS, "sh"))
    return dict(re.findall(r"^(TOCSIN_\w+)=(.*)$", text, re.M))


def test_the_services_run_what_there_is(units: dict[str, Unit], program: Any) -> None:
    """Each unit runs one command, which exists; settings have the names that systemd knows them by."""
    for name, found in units.items():
        assert set(found.settings) <= KNOWN, name
        for setting in ("Service.ExecStart", *(("Service.ExecStop",) if "engines" in name else ())):
            words = shlex.split(found.one(setting))
            if words[0] == "/usr/bin/env":
                assert words[1] == "TOCSIN_METRICS_PORT=0"
                words = words[2:]
            assert words[0] == COMMAND
            assert unknown(words[1:], program) == ""
            assert words[1] in program.commands


def test_the_services_use_what_was_installed(units: dict[str, Unit]) -> None:
    """User, folders and file are those of the commands above; what is written to is what the settings say."""
    install = blocks(OPERATIONS, "sh")[0]
    state = settings_of_the_page()["TOCSIN_STATE_DIR"]
    for name, found in units.items():
        assert re.search(rf"useradd .*--home-dir {state} .* {found.one('Service.User')}$", install, re.M)
        assert f"tee {found.one('Service.EnvironmentFile')} " in install
        assert found.one("Service.WorkingDirectory") == state
        if name != "tocsin-engines":
            assert found.one("Service.ReadWritePaths") == state
            assert found.one("Service.RestartPreventExitStatus") == str(WRONG_SETTINGS)
            assert "tocsin-engines.service" in found.one("Unit.After").split()


def test_every_service_is_enabled_by_a_command_of_the_page(units: dict[str, Unit]) -> None:
    """And no other is."""
    enabled = [line.split()[4:] for line in inline(OPERATIONS) if line.startswith("sudo systemctl enable --now ")]
    assert sorted(name for names in enabled for name in names) == sorted(units)
    assert all(found.one("Install.WantedBy") == "multi-user.target" for found in units.values())


def directives(text: str) -> Directives:
    """A configuration of nginx: words that a semicolon ends, or that go before braces. Fails on anything else."""
    found: Directives = {}
    inner = [found]
    words: list[str] = []
    for token in re.findall(r"[^\s;{}#]+|[;{}]|#.*", text):
        if token == "{":
            held: Directives = {}
            inner[-1][tuple(words)] = held
            inner.append(held)
        elif token == "}":
            assert words == []
            inner.pop()
        elif token == ";":
            assert words
            inner[-1][tuple(words)] = None
        elif token[0] != "#":
            words.append(token)
            continue
        if token in "{};":
            words = []
    assert (len(inner), words) == (1, [])
    return found


def test_the_proxy_leads_to_the_api() -> None:
    """nginx hands everything to where the API listens by default, under the name of the page's address, unbuffered."""
    (text,) = blocks(OPERATIONS, "nginx")
    ((head, server),) = directives(text).items()
    assert head == ("server",)
    public = urlsplit(settings_of_the_page()["TOCSIN_PUBLIC_URL"])
    assert public.scheme == "https"
    assert {("listen", "443", "ssl", "http2"), ("server_name", public.hostname or "")} <= set(server)
    assert {words[0] for words in server} == {
        "listen", "server_name", "ssl_certificate", "ssl_certificate_key", "location",
    }  # fmt: skip
    fields = Settings.model_fields
    assert set(server["location", "/"]) == {
        ("proxy_pass", f"http://{fields['api_host'].default}:{fields['api_port'].default}"),
        ("proxy_set_header", "Host", "$host"),
        ("proxy_http_version", "1.1"),
        ("proxy_buffering", "off"),
        ("proxy_read_timeout", "1h"),
    }
