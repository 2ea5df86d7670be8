"""`tocsin replay` on the command line."""

from __future__ import annotations

import errno
import gc
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from alerts.evaluation.result import Evaluation
from alerts.replay.log import AlertLog, read_log
from console.exits import UNAVAILABLE, WRONG_INPUT
from console.replay import command, group
from console.replay.garbage import MADE
from console.replay.judging import Judging
from console.replay.session import Session
from console.replay.source import Batch
from streams.records import Document, Mention
from streams.settings import load
from tests.unit.console.replay.past import RULES, TRUTH, crises, items, lines

app = typer.Typer()
group.register(app)


@app.callback()
def program() -> None:
    """So that `replay` is a command of a program."""


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TOCSIN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "120")
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths of the small past, its rules and its truth."""
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "truth.yaml").write_text(TRUTH, encoding="utf-8")
    lines(tmp_path / "past.jsonl", crises())
    return {
        name: str(tmp_path / f"{name}{end}")
        for name, end in (("rules", ".yaml"), ("truth", ".yaml"), ("past", ".jsonl"))
    }


def replay(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    result = CliRunner().invoke(app, ["replay", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("first", [[], ["run"]])
def test_a_source_is_replayed_and_measured(first: list[str], files: dict[str, str], tmp_path: Path) -> None:
    """With or without the word `run`: a table, caveats, and where everything was written."""
    outs = {name: tmp_path / f"out.{name}" for name in ("json", "html", "log", "keep")}
    code, out, err = replay(
        *first, files["past"], "--rules", files["rules"], "--truth", files["truth"], "--bootstrap", "50",
        *(word for name, path in outs.items() for word in (f"--{name}", str(path))),
    )  # fmt: skip
    assert code == 0, err
    assert "three-stories" in out
    assert "1/1" in out
    assert "· " in out
    assert all(str(path) in err for path in outs.values())
    found = msgspec.json.decode(outs["json"].read_bytes(), type=Evaluation)
    assert found.rules["three-stories"].curve
    assert list(read_log(outs["log"]))
    assert "<html" in outs["html"].read_text(encoding="utf-8")
    assert outs["keep"].read_bytes() == Path(files["past"]).read_bytes()


def test_without_truth_the_alerts_are_counted(files: dict[str, str]) -> None:
    """By rule and by week; no figure is made up."""
    code, out, _ = replay(files["past"], "--rules", files["rules"])
    assert code == 0
    assert "2026-01-05" in out
    assert "far-more" in out
    assert "precision" not in out


def test_json_goes_down_a_pipe(files: dict[str, str]) -> None:
    """Nothing else is on standard output."""
    code, out, _ = replay(files["past"], "--rules", files["rules"], "--json", "-", "--no-curve")
    assert code == 0
    found = json.loads(out)
    assert found["rules"]["three-stories"]["alerts"] == 2
    assert found["rules"]["three-stories"]["precision"] is None
    assert found["rules"]["three-stories"]["curve"] == []


def test_presets_are_rules_too(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`preset:NAME`; a name that is none is told with what was meant."""
    (tmp_path / "watch.yaml").write_text("- {id: acme, name: Acme, lists: [banks]}\n", encoding="utf-8")
    monkeypatch.setenv("TOCSIN_WATCHLIST", str(tmp_path / "watch.yaml"))
    code, out, _ = replay(files["past"], "--rules", "preset:bank-en", "--no-curve")
    assert code == 0
    assert "bank-run" in out
    code, _, err = replay(files["past"], "--rules", "preset:bank-eng")
    assert code == WRONG_INPUT
    assert "bank-en" in err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["none.jsonl"], "none.jsonl"),
        (["PAST", "--from", "yesterday"], "--from yesterday"),
        (["PAST", "--settle", "long"], "--settle long"),
        (["PAST", "--speed", "0"], "--speed"),
        (["PAST", "--json", "/nowhere/x.json"], "/nowhere/x.json"),
        (["PAST", "--truth", "none.yaml"], "none.yaml"),
        (["PAST", "--rules", "none.yaml"], "none.yaml"),
        (["PAST", "--map", "headline=x"], "--map headline=x"),
        (["PAST", "--zone", "Mars"], "--zone Mars"),
        (["PAST", "--model", "opinion-en@none"], "opinion-en@none"),
        (["PAST", "--run", "Nope!"], "--run Nope!"),
        (["-", "--run", "day"], "file"),
        (["PAST", "kafka:mentions"], "one Kafka range"),
        (["PAST", "--to", "1999-01-01T00:00:00Z"], "past.jsonl holds nothing that was collected between"),
        (["PAST", "--subjects", "entity:nobody"], "past.jsonl says nothing about entity:nobody"),
        (["PAST", "--subjects", "Aple Inc"], "did you mean Apple?"),
        (["PAST", "--subjects", "topic:lega"], "There is no topic topic:lega"),
        (["PAST", "--into", "Bad_Name"], "Bad_Name"),
    ],
)
def test_what_cannot_be_done_is_told(words: list[str], named: str, files: dict[str, str]) -> None:
    """Before anything is played, in one sentence that names it."""
    code, _, err = replay(*(files["past"] if word == "PAST" else word for word in words))
    assert code == WRONG_INPUT
    assert named in err
    assert "Traceback" not in err


def test_an_engine_that_is_not_there_is_told(files: dict[str, str], tmp_path: Path) -> None:
    """Kafka for a range, Triton for texts that nobody judged."""
    assert replay("kafka:mentions")[0] == UNAVAILABLE
    assert replay("elasticsearch:")[0] == UNAVAILABLE
    code, _, err = replay(str(lines(tmp_path / "raw.jsonl", items())), "--rules", files["rules"])
    assert code == UNAVAILABLE
    assert "triton" in err


def test_a_bad_row_stops_nothing(files: dict[str, str], tmp_path: Path) -> None:
    """It is told with its line."""
    with Path(files["past"]).open("ab") as file:
        file.write(b"no json\n")
    code, out, _ = replay(files["past"], "--rules", files["rules"])
    assert code == 0
    assert "past.jsonl:38" in out


def test_a_source_of_which_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    """With the first row that was refused, so that the option that is missing can be guessed."""
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "title": "x", "date": "2026-01-05 10:00:00"}\n', encoding="utf-8")
    code, _, err = replay(str(tmp_path / "rows.jsonl"))
    assert code == WRONG_INPUT
    assert "rows.jsonl:1" in err
    assert "--zone" in err


def test_removed_indices_are_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gone and what was left; nothing beside it."""

    async def drop(*_: object) -> tuple[list[str], list[str]]:
        return ["documents-replay-x"], ["ticks-replay-x"]

    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(command, "drop", drop)
    code, out, _ = replay("drop", "x", "--json")
    assert (code, json.loads(out)) == (0, {"dropped": ["documents-replay-x"], "kept": ["ticks-replay-x"]})


def test_ctrl_c_says_how_to_go_on(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A named run is paused; the same command continues it."""
    conduct = Session.conduct

    async def interrupted(self: Session) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "conduct", interrupted)
    monkeypatch.setattr(gc, "freeze", lambda: None)  # this process goes on
    words = [files["past"], "--rules", files["rules"], "--run", "day"]
    code, _, err = replay(*words)
    assert code == 130
    assert "--run day" in err
    monkeypatch.setattr(Session, "conduct", conduct)
    assert replay(*words)[0] == 0
    code, _, err = replay(*words)
    assert code == 0
    assert "--anew" in err


def test_speed_shows_alerts_as_they_come(files: dict[str, str]) -> None:
    """A line each, on standard error, without control characters."""
    code, _, err = replay(files["past"], "--rules", files["rules"], "--speed", "99999999")
    assert code == 0
    assert err.count("three-stories") >= 4
    assert "10:11" in err


def test_help_names_the_subcommands() -> None:
    """And no word at all is a question, not a source."""
    result = CliRunner().invoke(app, ["replay", "--help"])
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("run", "compare", "gate", "drop"))
    assert command.register is not None


def test_caveats_are_said_in_the_language_of_the_terminal(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All of them, also those of the source; what is written for machines stays English."""
    monkeypatch.setenv("TOCSIN_LANG", "zh")
    code, out, _ = replay(files["past"], "--rules", files["rules"], "--truth", files["truth"], "--no-curve")
    assert code == 0
    assert "负面事件只有 1 起" in out
    assert "negative events" not in out
    rows = tmp_path / "days.csv"
    rows.write_text("id,title,date\n1,Acme falls,2026-01-05\n", encoding="utf-8")
    monkeypatch.setattr(Judging, "judged", judged)
    code, out, _ = replay(str(rows), "--zone", "UTC", "--rules", files["rules"], "--json", "-")
    (caveat,) = [each for each in json.loads(out)["caveats"] if "midnight" in each]
    assert caveat.startswith("1 of 1 records are dated to the day alone")


async def judged(self: Judging, batch: Batch) -> tuple[list[Document], list[Mention]]:
    """One mention, whatever was to be judged."""
    return [], crises()[:1]


def test_columns_that_no_field_takes_are_told(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a column that was meant can be mapped."""
    rows = tmp_path / "rows.csv"
    rows.write_text("id,title,date,verfasser\n1,Acme falls,2026-01-05T10:00:00Z,Li\n", encoding="utf-8")
    monkeypatch.setattr(Judging, "judged", judged)
    code, out, _ = replay(str(rows), "--rules", files["rules"])
    assert code == 0
    assert "verfasser" in out


def test_collections_are_rare_only_while_it_replays(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards Python does as before."""
    before, within = gc.get_threshold(), []
    monkeypatch.setattr(AlertLog, "write", lambda *_: within.append(gc.get_threshold()[0]))
    assert replay(files["past"], "--rules", files["rules"])[0] == 0
    assert (set(within), gc.get_threshold()) == ({MADE}, before)


def test_a_full_disk_is_told(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a sentence, not by a traceback."""

    def full(self: AlertLog, event: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(AlertLog, "write", full)
    code, _, err = replay(files["past"], "--rules", files["rules"])
    assert code == WRONG_INPUT
    assert "No space left on device" in err


def test_badges_are_kept_beside_the_rules(files: dict[str, str], tmp_path: Path) -> None:
    """With the name of the history."""
    code, _, _ = replay(
        files["past"], "--rules", files["rules"], "--truth", files["truth"], "--no-curve", "--badge", "--title", "Day"
    )
    assert code == 0
    (badge, *_) = json.loads((tmp_path / "badges.json").read_text(encoding="utf-8"))["badges"]
    assert (badge["data"], badge["truth"]) == ("Day", "truth.yaml")
