"""The doors as processes, into real engines: the collector with a feed and the push endpoint, and `tocsin ingest`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.stack import Stack
from streams.kafka import read_topic
from streams.records import AlertEvent, decode
from streams.topics import ALERTS
from tests.installation import Installation, Outcome
from tests.stream import BAD

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]
TOKEN: Final = "canary-token-0123456789"
WAIT: Final = 90.0  # the detector looks once a minute; the collector ticks every five seconds
RULES: Final = """
rules:
  - {name: bad-news, type: threshold, scope: {subject: entity}, window: 1h, at_least: 3, min_authors: 2}
"""


class Feed(BaseHTTPRequestHandler):
    """A web site with one feed: a good entry and one without words."""

    def do_GET(self) -> None:
        body = (
            b'<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour Daily</title>'
            b"<item><title>Kessel Marine renews its supply agreement</title><guid>feed-1</guid></item>"
            b"<item><guid>wordless</guid></item></channel></rss>"
        )
        self.send_response(200 if self.path == "/rss" else 404)
        self.send_header("Content-Type", "application/rss+xml")
        self.end_headers()
        if self.path == "/rss":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def site() -> Iterator[str]:
    """The address of the feed on a server of the test's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/rss"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Door:
    """A running `tocsin collect`."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def push(self, body: bytes, kind: str = "application/json", token: str = TOKEN) -> tuple[int, dict[str, Any]]:
        """Status and answer of one request."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        request = urllib.request.Request(f"{self.url}/v1/items", body, headers)  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@contextmanager
def collecting(run: Installation, log: Path) -> Iterator[Door]:
    """`tocsin collect` with its endpoint listening; killed at the end if it still runs."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(run.command("collect"), env=run.environment(), stderr=stderr)
    door = Door(process, log)
    try:
        until(lambda: bool(re.search(r"http://127\.0\.0\.1:\d+", log.read_text())), 40, "collector listening")
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert found
        door.url = found.group()
        yield door
    finally:
        process.kill()
        process.wait()


def until(done: Callable[[], bool], timeout: float, what: str) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def pushed(name: str, **changes: Any) -> dict[str, Any]:
    """An item as a sender writes it."""
    return {"id": name, "source": "desk", "kind": "chat", "text": f"Bravoline opens an office, note {name}"} | changes


async def fired(run: Installation) -> set[str]:
    """Subjects that rang."""
    events = [decode(m.value, AlertEvent) async for m in read_topic(run.settings, run.endpoints.kafka, ALERTS)]
    return {event.subject for event in events if event.state == "firing"}


def requests(door: Door) -> dict[str, tuple[int, dict[str, Any]]]:
    """Good and bad requests, each with its answer."""
    mixed = [
        *(pushed("good"), pushed("nul", text="a\0b"), pushed("old", published_at="1970-01-01T00:00:00Z")),
        *(pushed("early", published_at="2099-01-01T00:00:00Z"), pushed("extra", mood="bad"), ["no object"]),
        *(pushed("blank", text=" "), pushed("large", text="x" * 300_000), pushed("stamped", collected_at=1)),
    ]
    crisis = [
        pushed(f"crisis-{n}", text=f"$HALD {text.format(name='Halden Corp', n=n)}", author=f"trader {n}")
        for n, text in enumerate(BAD)
    ]
    lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in crisis)
    return {
        "lines": door.push(lines.encode(), "application/x-ndjson"),
        "mixed": door.push(json.dumps(mixed).encode()),
        "surrogate": door.push(b'{"id":"s","source":"desk","text":"\\ud800"}'),
        "only bad": door.push(json.dumps(pushed("b", text="")).encode()),
        "not JSON": door.push(b"{not json"),
        "not UTF-8": door.push(b'{"id":"u","source":"desk","text":"\xff"}'),
        "nothing": door.push(b"[]"),
        "wrong token": door.push(b"{}", token="wrong"),
        "wrong type": door.push(b"{}", "text/plain"),
        "10 MB": door.push(json.dumps(pushed("big", text="x" * 10_000_000)).encode()),
        "too many": door.push(json.dumps([pushed("n")] * 1001).encode()),
    }


@dataclass(frozen=True)
class Open:
    """An installation with every door open: workers, the collector with a feed, and what the endpoint answered."""

    run: Installation
    door: Door
    answers: dict[str, tuple[int, dict[str, Any]]]
    folder: Path


@pytest.fixture(scope="module")
def opened(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """The crisis is pushed at once; files come in while the detector's minute passes."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "rules.yaml").write_text(RULES)
    with site() as url:
        (folder / "feeds.yaml").write_text(f"- {{url: {url}, source: harbour, lang: en}}\n")
        run = Installation.make(
            stack.settings.state_dir,
            "doors",
            partitions=1,
            rules=folder / "rules.yaml",
            feeds=folder / "feeds.yaml",
            feeds_allow="127.0.0.0/8",
            push_port=0,
            push_token=TOKEN,
        )
        run.workers.start()
        try:
            with collecting(run, folder / "collect.log") as door:
                yield Open(run, door, requests(door), folder)
        finally:
            run.workers.stop()


def test_the_push_endpoint_answers_every_fault(opened: Open) -> None:
    """202 with the refused items by index and reason; 400, 401, 413 and 415 for what is wrong as a whole."""
    answers = opened.answers
    assert {name: status for name, (status, _) in answers.items()} == {
        "lines": 202, "mixed": 202, "surrogate": 400, "only bad": 400, "not JSON": 400, "not UTF-8": 400,
        "nothing": 400, "wrong token": 401, "wrong type": 415, "10 MB": 413, "too many": 413,
    }  # fmt: skip
    assert answers["lines"][1] == {"accepted": len(BAD), "rejected": []}
    refused = [(one["index"], one["reason"]) for one in answers["mixed"][1]["rejected"]]
    assert refused == [
        *((1, "bad_text"), (2, "bad_time"), (3, "bad_time"), (4, "bad_schema"), (5, "bad_schema"), (6, "no_text")),
        *((7, "too_large"), (8, "bad_schema")),
    ]
    assert answers["mixed"][1]["accepted"] == 1
    assert answers["only bad"][1]["rejected"][0]["reason"] == "no_text"


def rows(count: int, name: str) -> list[dict[str, Any]]:
    """Invented posts, one a minute, Chinese time without a zone, in columns of no standard name."""
    start = datetime(2026, 3, 2, 8)
    return [
        {
            "no": f"{name}-{n}",
            "words": f'Kessel Marine signs contract number {n}, "firm"\nas {name} says',
            "when": (start + timedelta(minutes=n)).isoformat(sep=" "),
        }
        for n in range(count)
    ]


def as_lines(items: list[dict[str, Any]]) -> str:
    """JSONL with three bad rows among the good."""
    lines = [json.dumps(item) for item in items]
    huge = items[0] | {"no": f"huge-{items[0]['no']}", "words": "x" * 300_000}
    lines[5:5] = ["{broken " + items[0]["no"], json.dumps(huge), json.dumps({"no": items[0]["no"]})]
    return "\n".join(lines) + "\n"


def as_csv(items: list[dict[str, Any]]) -> str:
    """CSV, quoted where needed, with a short row at its end."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(items[0]))
    table.writeheader()
    table.writerows(items)
    return out.getvalue() + "only one column\n"


MAPPED: Final = (
    *("--map", "native_id=no", "--map", "text=words", "--map", "published_at=when"),
    *("--zone", "Asia/Shanghai", "--json"),
)


def ingested(run: Installation, *arguments: str, stdin: bytes = b"") -> dict[str, Any]:
    """The summary `tocsin ingest` prints."""
    done = run.tocsin("ingest", *arguments, *MAPPED, stdin=stdin)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def balanced(run: Installation) -> dict[str, Any]:
    """The balance once everything is acknowledged; it must be right."""
    run.wait(run.drained, 60, "files drained")
    done = run.tocsin("balance", "--json")
    assert done.returncode == 0, done.stdout
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_files_of_every_form_come_in_through_one_command(opened: Open) -> None:
    """JSONL, CSV and standard input, columns mapped by option: each row is indexed, or a dead letter with its line."""
    run, folder = opened.run, opened.folder
    before = balanced(run)
    (folder / "posts.jsonl").write_text(as_lines(rows(60, "lines")))
    (folder / "posts.csv").write_text(as_csv(rows(40, "table")))
    lines = ingested(run, str(folder / "posts.jsonl"), "--source", "board")
    assert (lines["read"], lines["sent"], lines["rejected"]) == (63, 60, 3)
    assert {reason: one["count"] for reason, one in lines["reasons"].items()} == {
        "bad_json": 1, "too_large": 1, "missing_field": 1,
    }  # fmt: skip
    assert lines["reasons"]["bad_json"]["first"][0].startswith("posts.jsonl:6:")
    table = ingested(run, str(folder / "posts.csv"), "--source", "table")
    assert (table["sent"], table["rejected"]) == (40, 1)
    piped = ingested(run, "-", "--source", "pipe", stdin=as_lines(rows(20, "pipe")).encode())
    assert (piped["sent"], piped["rejected"]) == (20, 3)
    balance = balanced(run)
    assert {name: balance[name] - before[name] for name in ("received", "indexed", "rejected")} == {
        "received": 127, "indexed": 120, "rejected": 7,
    }  # fmt: skip
    documents = asyncio.run(run.outcome()).documents.values()
    assert {source: sum(d["source"] == source for d in documents) for source in ("board", "table", "pipe")} == {
        "board": 60, "table": 40, "pipe": 20,
    }  # fmt: skip
    first = next(d for d in documents if d["native_id"] == "table-0")
    assert first["published_at"] == "2026-03-02T00:00:00Z"
    assert first["text"] == 'Kessel Marine signs contract number 0, "firm"\nas table says'


def test_a_killed_ingest_continues_where_it_was(opened: Open) -> None:
    """`kill -9` in the middle, started again: the rest is sent, at most one step twice, nothing is missing."""
    run, folder = opened.run, opened.folder
    path = folder / "long.jsonl"
    path.write_text(as_lines(rows(2400, "long")))
    before = balanced(run)
    command = run.command("ingest", str(path), *MAPPED, "--source", "long", "--pace", "event", "--speed", "12000")
    with subprocess.Popen(
        command, env=run.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        try:
            until(lambda: position(run) >= 600, 40, "a quarter of the rows sent")
        finally:
            first.kill()
    reached = position(run)
    assert 600 <= reached < 2400
    told = ingested(run, str(path), "--source", "long")
    assert (told["resumed"], told["resumed"] + told["sent"], told["rejected"]) == (reached, 2400, 3)
    balance = balanced(run)
    assert balance["indexed"] - before["indexed"] == 2400
    assert balance["rejected"] - before["rejected"] == 3
    assert balance["duplicates"] - before["duplicates"] <= 500
    assert position(run) == 0


def position(run: Installation) -> int:
    """How far the ingest under way has got, as its cursor tells."""
    cursors = [json.loads(path.read_text()) for path in (run.settings.state_dir / "ingest").glob("*.json")]
    return sum(int(cursor["position"]) for cursor in cursors)


def test_a_killed_ingest_of_standard_input_is_given_again(opened: Open) -> None:
    """A pipe cannot be continued; given again as a whole, its ids make the first part duplicates, not documents."""
    run = opened.run
    text = as_lines(rows(300, "again")).encode()
    before = balanced(run)
    for _ in range(2):
        ingested(run, "-", "--source", "again", stdin=text)
    balance = balanced(run)
    assert balance["indexed"] - before["indexed"] == 300
    assert balance["duplicates"] - before["duplicates"] == 300
    assert balance["rejected"] - before["rejected"] == 3


@dataclass(frozen=True)
class Ended:
    """The end of a live hour: the collector's exit code, its log, the watermark, and what came out."""

    code: int
    log: str
    watermark: float
    outcome: Outcome


@pytest.fixture(scope="module")
def ended(opened: Open) -> Ended:
    """Wait until the pushed crisis rings, end the collector with SIGTERM, then the workers."""
    run, process = opened.run, opened.door.process
    run.wait(lambda: bool(asyncio.run(fired(run))), WAIT, "the pushed crisis rings")
    told = json.loads(run.tocsin("status", "--json").stdout)
    process.send_signal(signal.SIGTERM)
    code = process.wait(15)
    (mark,) = [one["watermark"] for one in told["workers"] if one["stage"] == "detect"]
    return Ended(code, opened.door.log.read_text(), mark, run.finish())


def test_pushed_items_and_feed_entries_are_indexed_and_ring(opened: Open, ended: Ended) -> None:
    """What was taken in is in Elasticsearch, the clock of the collector moves the rules, the sum is right."""
    live = [d["native_id"] for d in ended.outcome.documents.values() if d["source"] in ("desk", "harbour")]
    assert sorted(live) == sorted(["good", "feed-1", *(f"crisis-{n}" for n in range(len(BAD)))])
    assert {e.subject for e in ended.outcome.alerts.values()} == {"entity:HALD"}
    assert ended.outcome.indexed_alerts == ended.outcome.alerts.keys()
    assert time.time() - ended.watermark < 600
    letters = [reason for origin, reason in ended.outcome.rejected.items() if origin.startswith("feed:harbour")]
    assert letters == ["no_text"]  # the entry without words
    assert balanced(opened.run)["ticks"] >= 4


def test_the_collector_ends_in_order_and_keeps_quiet(ended: Ended) -> None:
    """SIGTERM ends it with code 0; its log holds neither the token nor a text."""
    assert ended.code == 0
    assert not [word for word in (TOKEN, "Bravoline", "Kessel", "Halden") if word in ended.log]
