"""A desk's own model, end to end: trained on its file, measured, exported, deployed, asked, rolled back."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from deploy.stack import Stack
from models import registry
from models.data import licence_of
from models.registry import SHIPPED
from streams.settings import Settings
from tests.installation import ROOT, Installation
from tests.stream import BAD, CALM, GOOD, NAMES
from tests.unit.models import tiny

pytestmark = [pytest.mark.engines, pytest.mark.train, pytest.mark.timeout(600)]
NAME = "opinion-en"
OPTIONS = (
    "--only-own --langs en --epochs 12 --rate 3e-3 --head-rate 1e-2 --layer-decay 1 --average 0.5 --tokens 64 "
    "--train-words"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose Triton serves a copy of the shipped models."""
    repository = shutil.copytree(SHIPPED, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__"))
    settings = Settings(state_dir=tmp_path / "state", model_repository=repository)
    stack = Stack(settings, preferred=False, owned=True)
    try:
        stack.start("triton")
        yield Installation.make(settings.state_dir, settings.namespace, model_repository=repository)
    finally:
        stack.down()


def labelled(path: Path) -> list[str]:
    """The desk's file: its own words for the sentiments, the probes among the rows; the texts it holds."""
    from models.export import PROBES

    kinds = {"bad": BAD, "flat": CALM, "good": GOOD}
    words = {"negative": "bad", "neutral": "flat", "positive": "good"}
    rows = [
        (frame.format(name=name, n=number), tone)
        for tone, frames in kinds.items()
        for frame, name, number in product(frames, NAMES.values(), range(4))
    ]
    rows = sorted({(f"{text} {at % 7}", tone) for at, (text, tone) in enumerate(rows)})
    rows += [(text, words[sentiment]) for text, sentiment in PROBES["en"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Body", "Tone"), *rows])
    return [text for text, _ in rows]


def told(desk: Installation, *arguments: str, stdin: bytes = b"") -> str:
    """What a command that must succeed prints."""
    done = desk.tocsin(*arguments, stdin=stdin, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_desk_trains_deploys_and_takes_back_its_own_model(desk: Installation, tmp_path: Path) -> None:
    """Every step by the command that a person would give; the model in use answers at each of them."""
    texts = labelled(tmp_path / "desk.csv")
    base = tiny.base(tmp_path / "base", sentences=texts)
    out = tmp_path / "out"
    given = ["--base", str(base), "--out", str(out), "--rows", str(tmp_path / "desk.csv"), "--track", "none"]
    given += ["--map", "text=Body", "--map", "sentiment=Tone", *OPTIONS.split()]
    for meant in ("sentiment:bad=negative", "sentiment:flat=neutral", "sentiment:good=positive"):
        given += ["--label", meant]
    told(desk, "models", "train", *given, "--dry-run")
    assert not out.exists()
    told(desk, "models", "train", *given)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["dev"]["desk"]["macro_f1"] > 0.8

    exported = [sys.executable, "-m", "models.export", "--weights", str(out), "--out", str(tmp_path / "made")]
    subprocess.run([*exported, "--number", "7"], check=True, cwd=ROOT, timeout=300)
    made = tmp_path / "made" / NAME / "7"
    metadata = registry.decode(made / "metadata.json")
    assert metadata.licence == licence_of({"desk/own": 1})

    question = json.dumps({"text": "Halden Corp slumps as auditor resigns over missing revenue", "lang": "en"}).encode()
    before = json.loads(told(desk, "score", stdin=question))
    told(desk, "models", "deploy", str(made))
    now = json.loads(told(desk, "score", stdin=question))
    served = registry.read(desk.settings.model_repository / NAME)  # type: ignore[operator]
    assert now["version"] == served.metadata.version != before["version"]
    assert now["sentiment"]["negative"] > 0.5

    test = [{"text": f"{name} slumps as auditor resigns", "label": "negative", "lang": "en"} for name in NAMES.values()]
    test += [{"text": f"{name} renews its agreement", "label": "neutral", "lang": "en"} for name in NAMES.values()]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, test)), encoding="utf-8")
    found = json.loads(told(desk, "models", "evaluate", "--data", str(tmp_path / "test.jsonl"), "--json"))
    assert found["models"][NAME]["version"] == now["version"]
    assert found["data_sets"]["test"]["accuracy"] > 0.8

    told(desk, "models", "rollback", "--model", NAME)
    after = json.loads(told(desk, "score", stdin=question))
    assert after["version"] == before["version"]
    assert after["sentiment"] == pytest.approx(before["sentiment"], abs=0.03)
