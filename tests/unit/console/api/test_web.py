"""The page's files over real HTTP: what is served, how it is bound, and what is not."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from console.api.errors import ApiError
from console.api.guard import PAGE_RATE
from console.api.web import POLICY, TYPES, Web, has_it, takes_gzip
from console.web import STATIC
from console.web.words import words
from tests.unit.console.api.serving import serving

SHIPPED = sorted(
    path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file() and path.name[0] != "."
)
OUTSIDE = [
    "../words.py",
    "..%2fwords.py",
    "%2e%2e/words.py",
    "js/../../words.py",
    "js//i18n.js",
    "/etc/passwd",
    "js/%00i18n.js",
    "js\\i18n.js",
    ".hidden.js",
    "js/.hidden.js",
    "js",
    "",
    "nothing.js",
    "a/" * 40 + "b.js",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page of an index, a script, a file with another ending, a hidden one, and a link that leads out."""
    made = tmp_path / "static"
    (made / "js").mkdir(parents=True)
    (made / "index.html").write_text("<!doctype html>" + "<p>page</p>" * 100)
    (made / "js" / "a.js").write_text("export const a = 1;")
    (made / "notes.py").write_text("secret = 1")
    (made / ".hidden.js").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (made / "link.js").symlink_to(tmp_path / "outside.js")
    return made


@pytest.mark.parametrize("name", SHIPPED)
def test_every_file_of_the_page_can_be_served(name: str) -> None:
    """A name or an ending that the server does not know would be missing from the page without a word."""
    found = Web().read(name)
    assert found.plain == (STATIC / name).read_bytes()
    assert found.type == TYPES["." + name.rpartition(".")[2]]


@pytest.mark.parametrize("name", ["notes.py", ".hidden.js", "link.js", "../outside.js", "js/../index.html", "js", ""])
def test_nothing_else_is(folder: Path, name: str) -> None:
    """Not what lies beside the folder, not by a link that leads out, not a file of another kind."""
    with pytest.raises(ApiError) as caught:
        Web(folder).read(name)
    assert (caught.value.status, caught.value.code) == (404, "not_found")


def test_a_file_that_changed_is_read_again(folder: Path) -> None:
    """With another tag; one that is gone is gone."""
    web = Web(folder)
    first = web.read("js/a.js")
    assert web.read("js/a.js") is first
    (folder / "js" / "a.js").write_text("export const a = 22;")
    assert web.read("js/a.js").plain == b"export const a = 22;"
    assert web.read("js/a.js").tag != first.tag
    (folder / "js" / "a.js").unlink()
    with pytest.raises(ApiError):
        web.read("js/a.js")


async def test_the_page_needs_no_token_and_is_bound_by_its_own_policy(tmp_path: Path) -> None:
    """Scripts from here alone, nothing inline, no text as markup; kept by the browser, which asks each time."""
    async with serving(tmp_path, ready=False) as api:
        for path in ("/static/js/i18n.js", "/static/messages/en.json"):
            status, _, headers = await api.page("GET", path)
            assert status == 200
            assert headers["Content-Security-Policy"] == POLICY
            assert headers["Cache-Control"] == "no-cache"
            assert headers["X-Content-Type-Options"] == "nosniff"
            head_status, head, head_headers = await api.page("HEAD", path)
            assert (head_status, head, head_headers["ETag"]) == (200, "", headers["ETag"])
            same = await api.page("GET", path, headers={"If-None-Match": headers["ETag"]})
            assert (same[0], same[1], same[2]["ETag"]) == (304, "", headers["ETag"])
        assert headers["Content-Type"] == "application/json"
        assert (await api.page("POST", "/static/js/i18n.js"))[0] == 405
    assert "unsafe" not in POLICY
    assert "require-trusted-types-for 'script'" in POLICY


async def test_text_is_packed_for_who_takes_it(tmp_path: Path) -> None:
    """Both forms hold the same, and neither passes for the other in a browser's store."""
    async with serving(tmp_path) as api:
        path = f"{api.url}/static/messages/zh.json"
        seen = {}
        for accepted in ("gzip, deflate, br", "identity", "gzip;q=0"):
            async with api.session.get(path, headers={"Accept-Encoding": accepted}, auto_decompress=False) as answer:
                body = await answer.read()
                assert answer.headers["Vary"] == "Accept-Encoding"
                packed = answer.headers.get("Content-Encoding") == "gzip"
                seen[accepted] = (packed, answer.headers["ETag"])
                assert json.loads(gzip.decompress(body) if packed else body) == words("zh")
    assert [packed for packed, _ in seen.values()] == [True, False, False]
    assert len({tag for _, tag in seen.values()}) == 2


@pytest.mark.parametrize("name", OUTSIDE)
async def test_no_address_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever is sent as a path, raw and undecoded by a client, gets nothing and tells nothing."""
    async with serving(tmp_path) as api:
        host, port = api.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        line = f"GET /static/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(line.encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.split()[1] in ("400", "404")
    assert "import" not in answer
    assert "root:" not in answer


async def test_the_files_have_a_rate_of_their_own(tmp_path: Path) -> None:
    """A page of many files costs its caller no request of the API; a flood of them is refused all the same."""
    async with serving(tmp_path, api_rate=1.0) as api:
        statuses = [(await api.page("GET", "/static/js/i18n.js"))[0] for _ in range(int(2 * PAGE_RATE) + 1)]
        assert statuses == [200] * int(2 * PAGE_RATE) + [429]
        assert (await api.page("GET", "/healthz"))[0] == 200
        assert (await api.page("GET", "/static/js/i18n.js", headers={"Host": "evil.example"}))[0] == 421


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("", False), ("br", False), ("gzip;q=0.000", False)],
)
def test_gzip_is_sent_to_who_allows_it(accepted: str, takes: bool) -> None:
    """By name or by a star, and not where its quality is nothing."""
    assert takes_gzip(accepted) is takes


@pytest.mark.parametrize(
    ("given", "has"), [('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("", False), ("a", False)]
)
def test_what_a_browser_holds_is_known_by_its_tag(given: str, has: bool) -> None:
    """Strong or weak, alone or among others."""
    assert has_it(given, '"a"') is has
