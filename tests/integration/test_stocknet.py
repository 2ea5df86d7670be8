"""Real tweets from a file, with the shipped rules: rows add up, a true event rings, `kill -9` changes nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Final

import pytest

from console.workers import STAGES
from deploy.stack import Stack
from models.data import data_folder
from streams.records import content_revision, document_id
from tests.installation import Installation, Outcome, assert_same

pytestmark = [pytest.mark.engines, pytest.mark.data, pytest.mark.timeout(300)]
ROWS: Final = 4000  # the first five weeks of 2014
# After the close of 27 January 2014 Apple reported; the share opened eight per cent lower the next day.
EVENT: Final = ("entity:AAPL", datetime(2014, 1, 27, 21, tzinfo=UTC), datetime(2014, 1, 28, tzinfo=UTC))
SPEED: Final = "90000"  # event seconds a second: five weeks in half a minute
OPTIONS: Final = ("--map", "published_at=created_at", "--map", "native_id=id", "--settle", "86400", "--json")


@dataclass(frozen=True)
class Slice:
    """The first rows of the file, and what they come to, counted without any of our own reading."""

    path: Path
    documents: frozenset[str]
    duplicates: int


@dataclass(frozen=True)
class Played:
    """One run over the slice: what the commands told and what came out."""

    told: dict[str, Any]
    balance: dict[str, Any]
    outcome: Outcome


@pytest.fixture(scope="module")
def tweets(tmp_path_factory: pytest.TempPathFactory) -> Slice:
    """A slice of the public file in a folder of the test."""
    source = data_folder() / "streams" / "stocknet.jsonl"
    path = tmp_path_factory.mktemp("slice") / "stocknet.jsonl"
    with source.open(encoding="utf-8") as lines:
        path.write_text("".join(islice(lines, ROWS)), encoding="utf-8")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ids = [document_id(row["source"], row["id"], content_revision("", row["text"])) for row in rows]
    assert len(ids) == ROWS
    return Slice(path, frozenset(ids), len(ids) - len(set(ids)))


def installation(stack: Stack, namespace: str) -> Installation:
    """One with the shipped rules and companies."""
    return Installation.make(stack.settings.state_dir, namespace, rules=None, watchlist=None)


def ingest(run: Installation, tweets: Slice) -> dict[str, Any]:
    """What `tocsin ingest` tells about the slice."""
    done = run.tocsin("ingest", str(tweets.path), *OPTIONS)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def finish(run: Installation, told: dict[str, Any]) -> Played:
    """Let the workers end their work, and ask for the balance."""
    outcome = run.finish()
    done = run.tocsin("balance", "--json")
    assert done.returncode == 0, done.stdout
    return Played(told, json.loads(done.stdout), outcome)


@pytest.fixture(scope="module")
def undisturbed(stack: Stack, tweets: Slice) -> Iterator[Played]:
    """The run nobody disturbs."""
    run = installation(stack, "tweets")
    try:
        told = ingest(run, tweets)
        run.workers.start()
        yield finish(run, told)
    finally:
        run.workers.stop()


def check(played: Played, tweets: Slice) -> None:
    """The sum is right against the file itself, and the index holds exactly its documents."""
    assert (played.told["read"], played.told["sent"], played.told["rejected"]) == (ROWS, ROWS, 0)
    balance = played.balance
    assert balance["ok"]
    assert balance["received"] == ROWS == balance["indexed"] + balance["duplicates"] + balance["rejected"]
    assert (balance["indexed"], balance["duplicates"]) == (len(tweets.documents), tweets.duplicates)
    assert played.outcome.documents.keys() == tweets.documents
    assert played.outcome.indexed_alerts == played.outcome.alerts.keys()


def test_every_row_is_accounted_for(undisturbed: Played, tweets: Slice) -> None:
    """Each row is in Elasticsearch exactly once or told as a duplicate; nearly all are judged."""
    check(undisturbed, tweets)
    assert undisturbed.balance["unjudged"] < 0.05 * ROWS


def test_a_true_event_rings_with_the_shipped_rules(undisturbed: Played) -> None:
    """Apple's report of 27 January 2014 rings within two hours of the first tweets, critical, and ends."""
    subject, begin, end = EVENT
    events = [e for e in undisturbed.outcome.alerts.values() if e.subject == subject]
    rang = [e for e in events if e.state == "firing" and begin <= e.at <= end]
    assert rang
    assert rang[0].at - begin < timedelta(hours=2)
    steps = {e.state: e for e in events if e.alert == rang[0].alert}
    assert "resolved" in steps
    assert "critical" in {e.severity for e in events if e.alert == rang[0].alert}
    assert rang[0].expected is not None
    assert rang[0].observed > 3 * rang[0].expected
    assert {story.document for story in rang[0].evidence} <= undisturbed.outcome.documents.keys()
    fired = [e for e in undisturbed.outcome.alerts.values() if e.state == "firing"]
    assert len(fired) <= 20  # five weeks, 85 companies: a desk must be able to read them


def test_killed_workers_change_nothing_on_real_texts(stack: Stack, undisturbed: Played, tweets: Slice) -> None:
    """Each worker is killed while the tweets come in at a pace; documents and alerts are the same, one by one."""
    run = installation(stack, "tweets-killed")
    run.workers.start()
    command = run.command("ingest", str(tweets.path), *OPTIONS, "--pace", "event", "--speed", SPEED)
    with subprocess.Popen(command, env=run.environment(), stdout=PIPE, stderr=DEVNULL) as feeding:
        try:
            for number, victim in enumerate(STAGES, start=1):
                part = ROWS * number // 6
                run.wait(lambda part=part: sent(run) >= part, 60, f"{part} tweets sent")
                run.wait(lambda victim=victim: run.workers.pid(victim) is not None, 30, f"{victim} running")
                assert feeding.poll() is None
                run.workers.kill(victim)
            out, _ = feeding.communicate(timeout=60)
            found = finish(run, json.loads(out))
        finally:
            feeding.kill()
            run.workers.stop()
    check(found, tweets)
    assert_same(found.outcome, undisturbed.outcome)


def sent(run: Installation) -> int:
    """How far the ingest under way has got, as its cursor tells."""
    cursors = [json.loads(path.read_text()) for path in (run.settings.state_dir / "ingest").glob("*.json")]
    return sum(int(cursor["position"]) for cursor in cursors)
