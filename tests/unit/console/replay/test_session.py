"""A replay as a whole: the same bytes on a second run, at another speed, after a pause; and nothing reaches anybody."""

from __future__ import annotations

import asyncio
import gzip
import socket
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as replace_

from alerts.evaluation.matching import fitting
from alerts.evaluation.truth_files import parse_truth
from alerts.replay.log import read_log
from alerts.rule_files import parse_rules
from console.replay import runner, session
from console.replay.choices import NOTHING, Choices
from console.replay.files import Reading
from console.replay.judging import Judging
from console.replay.keeping import Keeping
from console.replay.runs import Run, RunRefused
from console.replay.session import Outcome, Outputs, Session
from console.replay.source import SourceError
from console.replay.span import Span
from streams.records import Mention
from tests.unit.console.replay.past import RULES, TRUTH, crises, items, lines, settings
from tests.unit.console.replay.test_judging import FakeJudge

RULE_SET = parse_rules(RULES)


def choices(path: Path, **changes: Any) -> Choices:
    """Both rules and the truth over one file, with curves."""
    truth = parse_truth(TRUTH)
    made = Choices((str(path),), RULE_SET, truth, fitting(truth), Reading(), Span(), curve=True, bootstrap=20)
    return replace(made, **changes)


async def conduct(path: Path, tmp_path: Path, outputs: Outputs | None = None, **changes: Any) -> Outcome:
    """One replay."""
    return await Session(choices(path, **changes), outputs or Outputs(), settings(tmp_path)).conduct()


def figures(outcome: Outcome) -> bytes:
    """The result, but for when it was made."""
    return msgspec.json.encode(msgspec.structs.replace(outcome.evaluation, made_at=outcome.evaluation.begin))


class Stopped:
    """A pace that is cancelled when it is asked for the n-th time."""

    left = 0

    def __init__(self, speed: float) -> None:
        self.speed = speed

    async def wait(self, at: datetime) -> None:
        """As if Ctrl-C was pressed."""
        Stopped.left -= 1
        if Stopped.left == 0:
            raise asyncio.CancelledError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The small past as a file."""
    return lines(tmp_path / "past.jsonl", crises())


async def test_alerts_are_found_and_measured(archive: Path, tmp_path: Path) -> None:
    """The crisis is found, the alert about the control is false, the curve has the rule's own setting in it."""
    found = (await conduct(archive, tmp_path)).evaluation
    rule = found.rules["three-stories"]
    assert (rule.events, rule.found, rule.controls, rule.controls_fired) == (1, 1, 1, 1)
    assert rule.delay_median_s == 11 * 60
    (own,) = (point for point in rule.curve if point.value == 3)
    assert (own.alerts, own.recall) == (rule.alerts, rule.recall)
    assert found.sources == ("past.jsonl",)
    assert found.caveats


async def test_the_log_is_the_same_bytes_again(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a second run, from files in another order, and at the pace of events."""

    async def at_once(_: float) -> None:
        return None

    backward = lines(tmp_path / "back.jsonl", crises()[::-1])
    logs = [tmp_path / f"log{n}" for n in range(4)]
    await conduct(archive, tmp_path, Outputs(log=logs[0]))
    await conduct(archive, tmp_path, Outputs(log=logs[1]))
    await conduct(backward, tmp_path, Outputs(log=logs[2]))
    monkeypatch.setattr(session, "Pace", lambda speed: _Asked(speed))
    await conduct(archive, tmp_path, Outputs(log=logs[3], speed=1e6))
    assert {log.read_bytes() for log in logs} == {logs[0].read_bytes()}
    assert list(read_log(logs[0]))
    assert _Asked.times == [mention.collected_at for mention in crises()]


class _Asked:
    """Takes down what it is asked to wait for."""

    times: list[datetime] = []  # noqa: RUF012 - of the one test

    def __init__(self, speed: float) -> None:
        self.times.clear()

    async def wait(self, at: datetime) -> None:
        """Does not wait."""
        self.times.append(at)


@pytest.mark.parametrize("at", [1, 13, 25, 37])
async def test_a_pause_changes_nothing(at: int, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped anywhere and continued: the same log, result, curves and kept mentions as in one go."""
    whole = Outputs(log=tmp_path / "whole.log", keep=tmp_path / "whole.jsonl.gz")
    once = await conduct(archive, tmp_path, whole)
    parts = Outputs(log=tmp_path / "parts.log", keep=tmp_path / "parts.jsonl.gz", run="day", speed=1.0)
    monkeypatch.setattr(session, "Pace", Stopped)
    Stopped.left = at
    with pytest.raises(asyncio.CancelledError):
        await conduct(archive, tmp_path, parts)
    Stopped.left = 5
    if at + 4 <= len(crises()):
        with pytest.raises(asyncio.CancelledError):
            await conduct(archive, tmp_path, parts)
    Stopped.left = 0
    last = await conduct(archive, tmp_path, parts)
    assert parts.log is not None
    assert whole.log is not None
    assert parts.log.read_bytes() == whole.log.read_bytes()
    assert figures(last) == figures(once)
    kept = [archive.read_bytes()]  # noqa: ASYNC240 - a test may wait for a file
    kept += [gzip.decompress((tmp_path / f"{name}.jsonl.gz").read_bytes()) for name in ("whole", "parts")]
    assert kept[0] == kept[1] == kept[2]
    assert not [path for path in whole.keep.parent.iterdir() if path.name.endswith(".part")] if whole.keep else False


async def test_a_pause_within_items_to_judge_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is judged again, from what is remembered; its mentions are numbered as before, faults counted once."""
    monkeypatch.setattr(session, "Judging", lambda home, models: Judging(home, models, FakeJudge()))
    raw = lines(tmp_path / "raw.jsonl", [*items(8), replace_(items(1)[0], native_id="p", title="poison", text="")])
    once = await conduct(raw, tmp_path, Outputs(keep=tmp_path / "whole.jsonl"))
    parts = Outputs(keep=tmp_path / "parts.jsonl", run="day", speed=1.0)
    monkeypatch.setattr(session, "Pace", Stopped)
    for left in (3, 4):
        Stopped.left = left
        with pytest.raises(asyncio.CancelledError):
            await conduct(raw, tmp_path, parts)
    Stopped.left = 0
    last = await conduct(raw, tmp_path, parts)
    assert figures(last) == figures(once)
    assert (tmp_path / "whole.jsonl").read_bytes() == (tmp_path / "parts.jsonl").read_bytes()
    assert [fault.count for fault in last.unjudged.faults.values()] == [1]
    assert last.evaluation.caveats[-1].startswith("8 records were judged now")


async def test_a_crash_before_the_kept_mentions_are_in_their_place_loses_nothing(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is whole then; the same command puts them there. Where they were removed later, it says so."""
    outputs = Outputs(keep=tmp_path / "kept.jsonl", run="day")
    whole = archive.read_bytes()  # noqa: ASYNC240 - a test may wait for a file
    with monkeypatch.context() as crash:
        crash.setattr(Keeping, "finish", _crash)
        with pytest.raises(SystemExit):
            await conduct(archive, tmp_path, outputs)
    assert not (tmp_path / "kept.jsonl").exists()
    assert (await conduct(archive, tmp_path, outputs)).finished_before
    assert (tmp_path / "kept.jsonl").read_bytes() == whole
    (tmp_path / "kept.jsonl").unlink()
    with pytest.raises(RunRefused, match="--anew"):
        await conduct(archive, tmp_path, outputs)


def _crash(keeping: Keeping) -> None:
    raise SystemExit


async def test_a_batch_is_left_when_it_is_cancelled(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only between batches: with many rules one takes a while. What it shows is how far within it is."""
    monkeypatch.setattr(runner, "BREATH", 0.0)
    monkeypatch.setattr(runner, "LOOKED", 1)
    one = Session(choices(archive), Outputs(run="day"), settings(tmp_path))
    task = asyncio.create_task(one.conduct())
    while one.replay is None or not one.replay.records:  # noqa: ASYNC110 - nothing tells of a first record
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 0 < one.replay.records < len(crises())
    assert one.replay.read <= one.replay.records
    last = await conduct(archive, tmp_path, Outputs(run="day"))
    assert figures(last) == figures(await conduct(archive, tmp_path))


async def test_a_finished_run_says_so_and_gives_its_result(archive: Path, tmp_path: Path) -> None:
    """Nothing is played again; with `anew` it is."""
    first = await conduct(archive, tmp_path, Outputs(run="day"))
    again = await conduct(archive, tmp_path, Outputs(run="day"))
    assert (first.finished_before, again.finished_before) == (False, True)
    assert (first.records, again.records) == (37, 0)
    assert figures(first) == figures(again)
    assert (await conduct(archive, tmp_path, Outputs(run="day", anew=True))).records == 37


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"rules": RULE_SET[:1]}, "--rules"), ({"settle": 60.0}, "--settle"), ({"truth": NOTHING}, "--truth")],
)
async def test_a_run_is_continued_only_as_it_was_begun(
    changes: dict[str, Any], named: str, archive: Path, tmp_path: Path
) -> None:
    """The option that differs is named."""
    await conduct(archive, tmp_path, Outputs(run="day"))
    with pytest.raises(RunRefused, match=named):
        await conduct(archive, tmp_path, Outputs(run="day"), **changes)


async def test_a_changed_file_is_another_run(archive: Path, tmp_path: Path) -> None:
    """A position in one file means nothing in another."""
    await conduct(archive, tmp_path, Outputs(run="day"))
    lines(archive, crises()[:-1])
    with pytest.raises(RunRefused, match="files"):
        await conduct(archive, tmp_path, Outputs(run="day"))


def test_a_run_is_held_alone(tmp_path: Path) -> None:
    """Two processes cannot play the same run."""
    run = Run(tmp_path, "day")
    with pytest.raises(RunRefused, match="day"):
        Run(tmp_path, "day")
    run.close()
    Run(tmp_path, "day").close()


@pytest.mark.parametrize("name", ["../up", "A", "", "x" * 65, ".."])
def test_names_of_runs_are_names_of_folders(name: str, tmp_path: Path) -> None:
    """Nothing outside the state folder can be named."""
    with pytest.raises(RunRefused):
        Run(tmp_path, name)


async def test_only_the_subjects_asked_for_count(archive: Path, tmp_path: Path) -> None:
    """Others ring no rule and are in no figure."""
    found = (await conduct(archive, tmp_path, subjects=frozenset({"entity:other"}))).evaluation
    assert {each.subject for rule in found.rules.values() for each in rule.episodes} == {"entity:other"}
    assert found.subjects == 1


async def test_kept_mentions_give_the_same_replay(archive: Path, tmp_path: Path) -> None:
    """What was kept is an archive in order."""
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    await conduct(archive, tmp_path, Outputs(log=first, keep=tmp_path / "kept.jsonl"))
    await conduct(tmp_path / "kept.jsonl", tmp_path, Outputs(log=second))
    assert first.read_bytes() == second.read_bytes()


async def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    """There is nothing to say of nothing."""
    with pytest.raises(SourceError, match=r"empty\.jsonl"):
        await conduct(lines(tmp_path / "empty.jsonl", []), tmp_path)


async def test_an_unnamed_run_leaves_nothing_behind(archive: Path, tmp_path: Path) -> None:
    """Its spools are gone at the end."""
    await conduct(archive, tmp_path)
    assert list((tmp_path / "state" / "replay" / "runs").iterdir()) == []


async def test_stored_judgements_need_no_network(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one connection is tried."""
    tried: list[object] = []

    def refuse(_: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    outcome = await conduct(archive, tmp_path)
    assert outcome.evaluation.mentions == len(crises())
    assert tried == []


def test_the_small_past_is_in_order() -> None:
    """The tests above rest on it."""
    log: list[Mention] = crises()
    assert [m.collected_at for m in log] == sorted(m.collected_at for m in log)
