"""Kibana over HTTP, against a server on loopback that is as strict as its documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from console.dashboards.words import words
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.bundle import bundle, text
from deploy.dashboards.kibana import KibanaError, Version, connected
from deploy.dashboards.naming import VIEWS, Names
from streams.settings import Settings
from tests.kibana import KEY, KibanaServer, fault, kibana

NAMES, SAID = Names("desk"), words("en")
IDS = {NAMES.id(board.id) for board in BOARDS}
VIEW_IDS = {NAMES.view_id(view) for view in VIEWS}


def settings(server: KibanaServer, key: str = KEY, **changes: Any) -> Settings:
    return Settings(kibana_url=server.url, kibana_api_key=SecretStr(key), **changes)


@pytest.mark.parametrize(
    ("number", "serverless", "takes"),
    [
        ((8, 18), False, None), ((8, 19), False, "saved-objects"), ((9, 0), False, "saved-objects"),
        ((9, 4), False, "saved-objects"), ((9, 5), False, "dashboards-api"), ((9, 12), False, "dashboards-api"),
        ((10, 0), False, None), ((9, 3), True, "dashboards-api"),
    ],
)  # fmt: skip
def test_the_version_decides_the_format(number: tuple[int, int], serverless: bool, takes: str | None) -> None:
    """Up to 9.4 a file of saved objects, then the API; older and unknown ones get nothing."""
    assert Version("x", number, serverless).takes == takes


async def test_saved_objects_are_imported_in_one_file() -> None:
    """The file has the ending that Kibana asks for, and every object is told."""
    async with kibana(version="9.2.2") as server, connected(settings(server), "default") as found:
        assert (await found.version()).number == (9, 2)
        expected = [("dashboard", name) for name in sorted(IDS)]
        outcomes = await found.import_file(text(BOARDS, NAMES, SAID, "saved-objects"), expected)
    assert [one.reason for one in outcomes] == [""] * len(IDS)
    assert server.kept("dashboard") == IDS
    assert server.kept("index-pattern") == VIEW_IDS


async def test_the_api_is_given_data_views_first() -> None:
    """A second time everything is replaced, not added."""
    async with kibana() as server, connected(settings(server), "default") as found:
        for _ in range(2):
            outcomes = await found.put(bundle(BOARDS, NAMES, SAID))
            assert [one for one in outcomes if one.reason] == []
    assert server.kept("dashboard") == IDS
    assert server.kept("index-pattern") == VIEW_IDS
    order = [path.split("/")[2] for _, path, _ in server.requests[: len(VIEWS) + len(BOARDS)]]
    assert order == ["data_views"] * len(VIEWS) + ["dashboards"] * len(BOARDS)


@pytest.mark.parametrize("version", ["9.2.2", "9.5.0"])
async def test_a_space_has_its_own_objects(version: str) -> None:
    """Nothing lands in the default space when another was named."""
    async with kibana(version=version) as server, connected(settings(server), "desk") as found:
        if version == "9.5.0":
            await found.put(bundle(BOARDS, NAMES, SAID))
        else:
            await found.import_file(text(BOARDS, NAMES, SAID, "saved-objects"), [])
    assert server.kept("dashboard", "desk") == IDS
    assert server.kept("dashboard") == set()


async def test_one_refused_object_is_told_with_the_server_s_reason() -> None:
    """The others are there; control characters in the reason are not."""
    refuse = {"tocsin-desk-alerts": "no \x1b[31mrights\x1b[0m for it"}
    async with kibana(version="8.19.3", refuse=refuse) as server, connected(settings(server), "default") as found:
        expected = [("dashboard", name) for name in sorted(IDS)]
        outcomes = await found.import_file(text(BOARDS, NAMES, SAID, "saved-objects"), expected)
    assert [(one.id, one.reason) for one in outcomes if one.reason] == [
        ("tocsin-desk-alerts", "unknown: no [31mrights[0m for it")
    ]
    async with kibana(refuse=refuse) as server, connected(settings(server), "default") as found:
        outcomes = await found.put(bundle(BOARDS, NAMES, SAID))
    assert [(one.id, one.reason) for one in outcomes if one.reason] == [
        ("tocsin-desk-alerts", "HTTP 400: no [31mrights[0m for it")
    ]


async def test_missing_references_are_named() -> None:
    """A file without its data views is refused object by object, and the reason says what is missing."""
    lines = text(BOARDS, NAMES, SAID, "saved-objects").splitlines(keepends=True)
    file = b"".join(lines[len(VIEWS) :])
    async with kibana(version="9.1.0") as server, connected(settings(server), "default") as found:
        outcomes = await found.import_file(file, [("dashboard", "tocsin-desk-overview")])
    assert outcomes[0].reason.startswith("missing_references: index-pattern tocsin-desk-")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda request: fault(401, "missing authentication credentials"), "unauthorised"),
        (lambda request: web.Response(status=302, headers={"Location": "/login"}), "unauthorised"),
        (lambda request: web.json_response({"status": {"overall": {"level": "available"}}}), "unauthorised"),
        (lambda request: web.Response(text="<html>hello</html>"), "not_kibana"),
        (lambda request: web.json_response([1, 2]), "not_kibana"),
        (lambda request: web.json_response({"version": {"number": "none"}}), "not_kibana"),
        (lambda request: web.Response(status=404, text="nothing"), "not_kibana"),
    ],
)
async def test_what_is_no_kibana_or_takes_no_key_is_told(
    answer: Callable[[web.Request], web.StreamResponse], code: str
) -> None:
    """A wrong address, a wrong key and a page where people sign in are different faults."""
    async with kibana(answer=answer) as server, connected(settings(server), "default") as found:
        with pytest.raises(KibanaError) as raised:
            await found.version()
    assert raised.value.code == code


async def test_a_redirect_is_not_followed() -> None:
    """The key goes to the address of the settings and nowhere else."""
    heard: list[str] = []

    def elsewhere(request: web.Request) -> web.StreamResponse:
        heard.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with kibana(answer=elsewhere) as server, connected(settings(server), "default") as found:
        with pytest.raises(KibanaError):
            await found.version()
    assert heard == ["/api/status"]


async def test_nobody_there_is_told_as_such() -> None:
    """Without the key, and without what it was sent."""
    async with kibana() as server:
        gone = settings(server)
    async with connected(gone, "default") as found:
        with pytest.raises(KibanaError) as raised:
            await found.version()
    assert raised.value.code == "unreachable"
    assert KEY not in f"{raised.value!r}{raised.value.values}{found!r}"


async def test_an_answer_without_end_is_cut() -> None:
    """A server that never stops talking does not fill the memory."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while sent < 64 * 1024 * 1024:
                await response.write(b"x" * 65_536)
                sent += 65_536
        except (ConnectionError, asyncio.CancelledError):
            pass
        return response

    app = web.Application()
    app.router.add_get("/api/status", endless)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        async with connected(Settings(kibana_url=f"http://127.0.0.1:{port}"), "default") as found:
            with pytest.raises(KibanaError, match="not_kibana"):
                await found.version()
    finally:
        await runner.cleanup()
    assert sent < 32 * 1024 * 1024
