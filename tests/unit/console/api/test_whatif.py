"""What a text of rules would have rung, over HTTP: a job of its caller's, its answer, its failure, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.api import whatif
from console.replay.whatif import Brief, Count, History, Result
from console.replay.whatif_process import Failed, Question, Told
from console.workers import PARENT
from streams.settings import Settings
from tests.ringing import START
from tests.unit.console.api.serving import OPERATE, READ, Served, serving
from tests.unit.console.api.test_rules import ONE, folder

NO_PROCESS = 2**22 + 1  # greater than any id there can be
BODY: dict[str, Any] = {"text": ONE.replace("3", "2"), "file": "desk.yaml", "days": 3}
GAINED = Brief(
    rule="negative-surge", subject="entity:BRW", name="<b>Brightwater</b>", severity="warning", since=START, until=None,
    observed=2.0, expected=None, beyond=1.0, headline="<script>alert(1)</script>", document="0" * 32,
)  # fmt: skip


def answer(question: Question) -> Result:
    return Result(
        begin=question.begin, end=question.end, documents=9, read=12, subject_days=4.0, weeks=3 / 7,
        rules=(Count(name="negative-surge", before=0, after=1, differs=True),), gained=(GAINED,), lost=(), moved=(),
        gained_count=1, lost_count=0, moved_count=0, kept=0,
        history=History(earliest=START, days=1.5, wanted_days=2.0, short=()),
    )  # fmt: skip


async def ended(api: Served, job: str, token: str = READ, **given: Any) -> Any:
    """The job once it has ended."""
    for _ in range(600):
        _, found = await api.ask("GET", f"/jobs/{job}", token, **given)
        if found["state"] not in ("waiting", "running"):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_an_answer_is_a_job_s_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The days asked about end now; what the process says on the way is told in the caller's language."""
    asked_of: list[Question] = []
    go = asyncio.Event()

    async def asked(settings: Settings, question: Question, heard: Callable[[Told], None]) -> Result:
        asked_of.append(question)
        heard(Told(stage="reading", read=5, total=10))
        await go.wait()
        return answer(question)

    monkeypatch.setattr(whatif, "asked", asked)
    async with serving(tmp_path, rules=folder(tmp_path)) as api:
        status, started = await api.ask("POST", "/rules/whatif", READ, json=BODY)
        assert status == 202
        await asyncio.sleep(0.05)
        _, half = await api.ask("GET", f"/jobs/{started['job']}", READ, headers={"Accept-Language": "zh"})
        assert (half["state"], half["progress"], half["said"]) == ("running", 0.5, "已回放 5 / 10 篇文档")
        assert (await api.ask("POST", "/rules/whatif", READ, json=BODY))[1]["error"]["code"] == "job_running"
        assert (await api.ask("GET", f"/jobs/{started['job']}", OPERATE))[0] == 404
        go.set()
        found = await ended(api, started["job"])
        now = api.clock.now()
    assert (found["state"], found["progress"], found["error"]) == ("done", 1.0, None)
    assert (asked_of[0].end, (asked_of[0].end - asked_of[0].begin).days) == (now, 3)
    result = found["result"]
    assert result["from"] < result["to"]
    assert result["gained"][0]["headline"] == GAINED.headline  # text, whatever it looks like
    assert result["rules"] == [{"name": "negative-surge", "before": 0, "after": 1, "differs": True}]
    assert api.kept.records == []


async def test_a_failure_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its code and the figures it is about."""

    async def asked(*_: Any) -> Result:
        raise Failed("whatif_too_much", 345_678)

    monkeypatch.setattr(whatif, "asked", asked)
    async with serving(tmp_path, rules=folder(tmp_path)) as api:
        _, started = await api.ask("POST", "/rules/whatif", READ, json=BODY)
        found = await ended(api, started["job"])
    assert (found["state"], found["error"]["code"]) == ("failed", "whatif_too_much")
    assert "345,678" in found["error"]["message"]
    assert found["result"] is None


@pytest.mark.timeout(60)
async def test_the_process_tells_that_elasticsearch_is_away(tmp_path: Path) -> None:
    """A real process, to a port where nobody listens."""
    away = {"elasticsearch_url": "http://127.0.0.1:9", "rules": folder(tmp_path)}
    async with serving(tmp_path, **away) as api:
        _, started = await api.ask("POST", "/rules/whatif", READ, json=BODY)
        found = await ended(api, started["job"])
    assert (found["state"], found["error"]["code"]) == ("failed", "elasticsearch_away")


@pytest.mark.timeout(60)
async def test_cancelled_the_process_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is left running."""
    begun: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    real = asyncio.create_subprocess_exec

    async def noted(*words: Any, **given: Any) -> asyncio.subprocess.Process:
        process = await real(*words, **given)
        begun.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    async with serving(tmp_path, rules=folder(tmp_path), elasticsearch_url="http://127.0.0.1:9") as api:
        _, started = await api.ask("POST", "/rules/whatif", READ, json=BODY)
        process = await begun.get()
        _, found = await api.ask("DELETE", f"/jobs/{started['job']}", READ)
        _, again = await api.ask("DELETE", f"/jobs/{started['job']}", READ)
    assert found["state"] == again["state"] == "cancelled"
    assert process.returncode is not None


async def test_the_process_does_not_outlive_its_parent() -> None:
    """Killed, the API leaves nobody behind who counts for no one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.replay.whatif_process",
        stdin=asyncio.subprocess.PIPE, env=os.environ | {PARENT: str(NO_PROCESS)},
    )  # fmt: skip
    assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGTERM


async def test_what_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    """Faults, a text that changes nothing, days without end, a file that cannot be."""
    async with serving(tmp_path, rules=folder(tmp_path)) as api:
        for changes, status, code in (
            ({"text": "rules: 1"}, 400, "rule_faults"),
            ({"text": f"# other words\n{ONE}"}, 409, "rules_same"),
            ({"days": 91}, 400, "bad_request"),
            ({"days": 0}, 400, "bad_request"),
            ({"file": "../x.yaml"}, 404, "rule_file_unknown"),
            ({"file": ""}, 400, "bad_request"),
        ):
            found = await api.ask("POST", "/rules/whatif", READ, json=BODY | changes)
            assert (found[0], found[1]["error"]["code"]) == (status, code), changes
        assert (await api.ask("GET", "/jobs/unknown", READ))[1]["error"]["code"] == "job_unknown"
