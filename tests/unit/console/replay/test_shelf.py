"""Results are kept for people to look at: the newest, whole, each once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from alerts.evaluation.evaluate import evaluate
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Evaluation, Matching
from alerts.evaluation.truth import Truth
from alerts.replay.playback import Playback
from alerts.rule_files import parse_rules
from console.replay import shelf
from console.replay.runs import Checkpoint
from console.replay.shelf import KEPT, NoSuchResult, keep, listed, path_of, read, runs
from streams.settings import Settings
from tests.unit.alerts.signals import at
from tests.unit.console.replay import past


def result(text: str = past.RULES) -> Evaluation:
    """A small replay, measured."""
    rules = parse_rules(text)
    observed, playback = Observed(Truth(events=()), Matching()), Playback(rules, lateness=0)
    events = []
    for mention in past.crises():
        observed.see(mention)
        events += playback.mention(mention)
    events += playback.finish(86_400)
    return evaluate(
        events, rules, Truth(events=()), observed, matching=Matching(), sources=["past.jsonl"], code="1", made_at=at(0),
        bootstrap=0,
    )  # fmt: skip


def test_a_result_is_kept_and_read_back(tmp_path: Path) -> None:
    """As it was; the list has its figures and the name it was given."""
    mine, made = Settings(state_dir=tmp_path), result()
    id_ = keep(mine, made, "Invented\nday")
    assert read(mine, id_) == made
    ((known, brief),) = listed(mine)
    assert (known, brief.title, brief.mentions) == (id_, "Invented day", made.mentions)
    assert brief.rules["three-stories"].alerts == made.rules["three-stories"].alerts


def test_the_same_result_again_is_one_file(tmp_path: Path) -> None:
    """However often a finished run is asked for; the newest time counts."""
    mine, made = Settings(state_dir=tmp_path), result()
    first = keep(mine, made)
    second = keep(mine, replace(made, made_at=at(60)))
    assert first != second
    assert [id_ for id_, _ in listed(mine)] == [second]


def test_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty of them, and no more bytes than there is room for; never none."""
    mine, made = Settings(state_dir=tmp_path), result()
    for number in range(KEPT + 3):
        keep(mine, replace(made, made_at=made.made_at + timedelta(hours=number), code=str(number)))
    found = [brief.code for _, brief in listed(mine)]
    assert found == [str(number) for number in range(KEPT + 2, 2, -1)]
    monkeypatch.setattr(shelf, "ROOM", 1)
    keep(mine, replace(made, made_at=made.made_at + timedelta(days=30), code="last"))
    assert [brief.code for _, brief in listed(mine)] == ["last"]


@pytest.mark.parametrize("id_", ["", "..", "../../x", "20260105T000000Z-0123456789abcdef", "x/y"])
def test_an_id_leads_to_no_other_file(tmp_path: Path, id_: str) -> None:
    """What is no id of a result is none."""
    with pytest.raises(NoSuchResult):
        path_of(Settings(state_dir=tmp_path), id_)


def test_damaged_files_are_passed_over(tmp_path: Path) -> None:
    """One of them hides no other."""
    mine = Settings(state_dir=tmp_path)
    id_ = keep(mine, result())
    (tmp_path / "replay" / "results" / "20300101T000000Z-0123456789abcdef.json").write_text("{")
    assert [known for known, _ in listed(mine)] == [id_]


def test_named_runs_are_listed_and_nameless_ones_are_not(tmp_path: Path) -> None:
    """With how far they got."""
    for name, done in (("march", True), ("unnamed-0123", False)):
        folder = tmp_path / "replay" / "runs" / name
        folder.mkdir(parents=True)
        state = Checkpoint(choices={"source": "kafka:mentions"}, at=at(5), done=done, engine=b"x" * 100)
        (folder / "checkpoint").write_bytes(msgspec.msgpack.encode(state))
    (tmp_path / "replay" / "runs" / "broken").mkdir()
    (tmp_path / "replay" / "runs" / "broken" / "checkpoint").write_bytes(b"\xc1")
    (run,) = runs(Settings(state_dir=tmp_path))
    assert (run.name, run.done, run.reached, run.source) == ("march", True, at(5), "kafka:mentions")
