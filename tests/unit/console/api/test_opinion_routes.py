"""Routes about opinions and documents: what is refused, and what is said while Elasticsearch is away."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from console.api.spans import open_span, span_of
from tests.ringing import START
from tests.unit.console.api.serving import READ, serving

AWAY: dict[str, Any] = {"elasticsearch_url": "http://127.0.0.1:9"}  # nothing listens there
DOCUMENT = "0" * 32


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/documents?cursor=AAAA", 400, "bad_cursor"),
        ("/documents?sort=relevance&cursor=" + base64.urlsafe_b64encode(b'["newest",1,"' + b"0" * 32 + b'"]').decode(),
         400, "bad_cursor"),
        ("/subjects?cursor=!", 400, "bad_cursor"),
        ("/documents?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 400, "bad_span"),
        ("/documents?from=0001-01-01T00:00:00%2B14:00", 400, "bad_span"),
        ("/heat?to=9999-12-31T23:59:59-14:00", 400, "bad_span"),
        ("/heat?from=2026-03-02T00:00:00", 400, "bad_request"),  # no zone
        ("/heat?hours=0", 400, "bad_request"),
        ("/heat?kind=model", 400, "bad_request"),
        ("/documents?sentiment=furious", 400, "bad_request"),
        ("/documents?limit=101", 400, "bad_request"),
        ("/documents?" + "&".join(f"topic=t{n}" for n in range(31)), 400, "bad_request"),
        ("/documents?q=" + "a" * 301, 400, "bad_request"),
        ("/documents/not-an-id", 400, "bad_request"),
        ("/subjects/model:x", 404, "subject_unknown"),
        ("/documents?subject=halden", 404, "subject_unknown"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused(tmp_path: Path, path: str, status: int, code: str) -> None:
    """Before Elasticsearch hears of it, and with words that say what to do."""
    async with serving(tmp_path, **AWAY) as served:
        found = await served.ask("GET", path)
        assert (found[0], found[1]["error"]["code"]) == (status, code)
        assert found[1]["error"]["fix"]


@pytest.mark.parametrize(
    "path", ["/heat", "/subjects", "/subjects/entity:x", "/documents", f"/documents/{DOCUMENT}", "/sources"]
)
async def test_elasticsearch_away_is_said(tmp_path: Path, path: str) -> None:
    """No view takes that for an empty day."""
    async with serving(tmp_path, **AWAY) as served:
        status, answer = await served.ask("GET", path)
        assert (status, answer["error"]["code"]) == (503, "elasticsearch_away")


async def test_labels_are_checked_and_need_an_operator(tmp_path: Path) -> None:
    """A label of another head is refused with those there are; who may only read may not say anything."""
    async with serving(tmp_path, **AWAY) as served:
        path = f"/documents/{DOCUMENT}/label"
        status, answer = await served.ask("POST", path, json={"head": "risk", "label": "negative"})
        assert (status, answer["error"]["code"]) == (400, "label_unknown")
        assert "rumour" in answer["error"]["fix"]
        status, _ = await served.ask("POST", path, token=READ, json={"head": "sentiment", "label": "negative"})
        assert status == 403
        assert served.written() == []


def test_hours_count_back_from_the_end_that_is_given() -> None:
    """A moment in the past can be looked at as it was."""
    found = span_of(24, None, START, START)
    assert (found.end, found.length.total_seconds()) == (START, 86_400)
    assert open_span(None, None) is None


async def test_companies_have_chinese_names_for_readers_of_chinese(tmp_path: Path) -> None:
    """Of the shipped list and of the watchlist as it is now; a company without one is not among them."""
    path = tmp_path / "watchlist.yaml"
    path.write_text("- {id: halden, name: Halden, aliases: [海登汽车]}\n- {id: orrin, name: Orrin}\n", encoding="utf-8")
    async with serving(tmp_path, watchlist=path, **AWAY) as served:
        status, found = await served.ask("GET", "/names", token=READ)
        assert status == 200
        assert (found["zh"]["halden"], found["zh"]["AAPL"]) == ("海登汽车", "苹果公司")
        assert "orrin" not in found["zh"]
        path.write_text("- {id: halden, name: 海登集团}\n", encoding="utf-8")
        assert (await served.ask("GET", "/names"))[1]["zh"]["halden"] == "海登集团"
        assert (await served.ask("GET", "/names", token="nobody"))[0] == 401
