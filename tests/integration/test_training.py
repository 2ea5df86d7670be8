"""docs/training.md is run as it stands: every line of its blocks in their order, by bash, on real engines.

Kafka and Elasticsearch are the session's; Triton is the reader's own, since it is given another repository on the way.
What is put in place of the reader's own: an invented file of rows, an archive, a document to correct, a person who
writes `y`, Ctrl-C in the middle of the first run. The pretrained encoder of `models.base` is a download of 130 MB and
trains for many minutes; in its place stands one of two layers that has seen the rows, so that the page's own recipe
makes a model that passes the probes. `deploy/environment.sh` is run by test_operations.py.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.stack import Stack
from models import registry
from streams import clock
from streams.elastic import client
from streams.endpoints import resolve
from streams.settings import Settings
from tests.documents import DOCS, ROOT, blocks, inline
from tests.installation import DATA
from tests.opinions import document, judged, put
from tests.shell import BEFORE, run, surroundings
from tests.stream import CRISIS, NAMES, START, as_jsonl, plan
from tests.unit.models import tiny

pytestmark = [pytest.mark.engines, pytest.mark.train, pytest.mark.timeout(600)]
PAGE: Final = DOCS / "training.md"
NAME: Final = "opinion-en"
TIMES: Final = 60  # a row for each probe and number below it: the page's recipe then keeps to them
RECIPE: Final = "--only-own --langs en --epochs 12 --rate 3e-3 --head-rate 1e-2 --layer-decay 1 --average 0.9"
# Commands within the text of the page that are not run here, and why. One that is gone turns the test red.
ELSEWHERE: Final = {
    ". .venv/bin/activate": "the tests run in one",
    "tocsin status": "test_operations.py",
}
STAND_INS: Final = r"""
sh() { [ "$*" = "deploy/environment.sh train" ]; }
python() {
    if [ "$2" != models.base ]; then command python "$@"; return; fi
    [ "$*" = "-m models.base bge-en --out base" ] && cp -r learnt base
}
interrupted() {
    "$@" > interrupted.log 2>&1 &
    until_so 120 grep -q '^step' interrupted.log
    kill -INT $!
    local code=0
    wait $! || code=$?
    cat interrupted.log
    [ "$code" = 130 ] && [ -e out/checkpoint.safetensors ]
}
accepts() { sed -i '2,$s/^/y/' "$1"; }
"""


def script(correct: str) -> str:
    """The page's lines, with what is in place of the reader's own; `correct`: the document whose label is corrected."""
    text = "\n".join(blocks(PAGE, "sh"))
    for pattern, ours in (
        (r"6c1f0b6a4d2e8f3097b5a1c4d8e2f601", correct),
        (r"^(?=tocsin models train --base base (?:(?!--dry-run|--resume).)*$)", "interrupted "),
        (r"^(tocsin models corrections --review --out review.tsv.*)$", r"\1\naccepts review.tsv"),
    ):
        text, found = re.subn(pattern, ours, text, flags=re.M)
        assert found == 1, pattern
    return f"{BEFORE}{STAND_INS}tocsin up\n{text}"


def rows() -> list[tuple[str, str]]:
    """The reader's rows: the words of the probes, told many times; what is bad they call so."""
    from models.export import PROBES

    tones = {"negative": "bad"}
    return [(f"{text} {n}" if n else text, tones.get(of, of)) for text, of in PROBES["en"] for n in range(TIMES)]


def table(path: Path, *lines: tuple[str, str]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    return path


def prepared(folder: Path) -> None:
    """A clone, and the reader's files beside it: rows, a test set, an archive with its rules and truth."""
    (folder / "models").symlink_to(ROOT / "models")
    own = table(folder / "ours.csv", ("Body", "Tone"), *rows())
    learnt(own, folder)
    said = [(f"{name} issued a profit warning and cut its dividend", "negative") for name in NAMES.values()]
    said += [(f"{name} will publish its quarterly report on Thursday", "neutral") for name in NAMES.values()]
    table(folder / "test.csv", ("text", "sentiment"), *said)
    (folder / "archive.jsonl").write_text(as_jsonl(plan(Settings(), 200).records), encoding="utf-8")
    (folder / "rules").mkdir()
    shutil.copy(DATA / "rules.yaml", folder / "rules")
    (folder / "truth.yaml").write_text(
        f"labelled: {{begin: {START:%Y-%m-%d}, end: {START:%Y-%m}-03}}\n"
        f"events: [{{subject: 'entity:{CRISIS}', onset: '{START:%Y-%m-%d}T11:00:00Z', note: Accounts doubted}}]\n",
        encoding="utf-8",
    )


def learnt(own: Path, folder: Path) -> None:
    """An encoder that has seen the rows, where a pretrained one would lie; and public sets, which are empty."""
    from models import train

    for name in ("en_sent", "en_topic20"):
        for part in ("train", "dev"):
            path = folder / "data" / "labelled" / f"{name}.{part}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    fresh = tiny.base(folder / "fresh", sentences=[text for text, _ in rows()], max_position_embeddings=128)
    given = ["--base", str(fresh), "--out", str(folder / "learnt"), "--rows", str(own), "--track", "none"]
    given += ["--map", "text=Body", "sentiment=Tone", "--label", "sentiment:bad=negative", "--train-words"]
    train.main([*given, "--threads", "1", *RECIPE.split()])


@pytest.fixture
def desk(stack: Stack, namespace: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of the reader's shell; the Triton that its commands start ends with the test."""
    prepared(tmp_path)
    at = resolve(stack.settings)
    own = {
        "TOCSIN_NAMESPACE": namespace, "TOCSIN_KAFKA_BOOTSTRAP": at.kafka, "TOCSIN_ELASTICSEARCH_URL": at.elasticsearch,
        "TOCSIN_DATA": str(tmp_path / "data"), "TOCSIN_WATCHLIST": str(DATA / "watchlist.yaml"),
        # On a loaded machine threads of torch wait for each other for longer than they compute.
        "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    try:
        yield surroundings(**own)
    finally:
        Stack(Settings(state_dir=tmp_path / ".tocsin")).down()


async def test_the_page_about_training_runs_as_it_stands(
    stack: Stack, namespace: str, desk: dict[str, str], tmp_path: Path
) -> None:
    """From rows to a model that judges live, and back: every command ends well, and leaves what the page promises."""
    settings = stack.settings.model_copy(update={"namespace": namespace})
    doubted = document(1, "The bank was fined", clock.now(), judgement=judged("positive"), may_train=True)
    async with client(settings, resolve(settings).elasticsearch) as elastic:
        await put(elastic, settings, [doubted])
    code, said = await run(script(doubted.id), tmp_path, desk, 420)
    assert (code, "FAILED" in said) == (0, False), said[-6000:]

    def read(name: str) -> Any:
        return json.loads((tmp_path / name).read_text(encoding="utf-8"))

    assert read("out/report.json")["dev"]["ours"]["macro_f1"] > 0.8
    assert not (tmp_path / "out" / "checkpoint.safetensors").exists()
    made = registry.decode(tmp_path / "made" / NAME / "2" / "metadata.json")
    assert "ours/own" in made.licence
    before, after = read("shipped.json")["models"][NAME], read("ours.json")["models"][NAME]
    assert before["version"].startswith("1-")
    assert after["version"] == made.version
    assert list(read("after.json")["models"]) == [f"{NAME}@{made.version}"]
    assert re.search(rf"^{NAME} +2 +{made.version} +shadow ", said, re.M)
    assert f"{NAME} judges with version 2 ({made.version})" in said
    assert registry.read(tmp_path / "own" / NAME).number == "1"
    assert "a loss" in (tmp_path / "review.tsv").read_text(encoding="utf-8")
    assert {"ours/own", "rows/own"} <= read("next/report.json")["rows"].keys()


def test_the_other_commands_of_the_page_are_run_elsewhere() -> None:
    """Within its text the page names no command that nobody runs."""
    of_blocks = "\n".join(blocks(PAGE, "sh"))
    assert {line for line in inline(PAGE) if line not in of_blocks} == set(ELSEWHERE)
