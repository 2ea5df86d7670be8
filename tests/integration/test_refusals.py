"""A process that cannot work as it is set up says what is wrong in one sentence and ends; it asks no engine first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.registry import SHIPPED, WEIGHTS
from tests.installation import ROOT

AWAY = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "ELASTICSEARCH_URL": "http://127.0.0.1:1", "TRITON_URL": "127.0.0.1:1"}
CANARY = "canary-4711"


def tocsin(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command on an installation whose engines are all away."""
    known = {
        f"TOCSIN_{name}": value for name, value in (AWAY | {"STATE_DIR": str(folder), "LANG": "en"} | variables).items()
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return subprocess.run(
        [sys.executable, "-m", "console.cli", *arguments],
        env=clean | known,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=40,
    )


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def other_tokenizer(folder: Path) -> str:
    """A repository whose model came with another tokenizer."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("__pycache__", *WEIGHTS))
    tokenizer = folder / "opinion-en" / "1" / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    return str(folder)


def no_weights(folder: Path) -> str:
    """A repository with a model folder that holds nothing."""
    (folder / "opinion-en").mkdir(parents=True)
    return str(folder)


@pytest.mark.parametrize(
    ("stage", "variable", "make", "words"),
    [
        ("enrich", "PARTITIONS", lambda _: CANARY, ("TOCSIN_PARTITIONS", "valid integer")),
        ("index", "ELASTICSEARCH_CA_FILE", lambda p: str(p / CANARY), ("TOCSIN_ELASTICSEARCH_CA_FILE",)),
        ("notify", "WEBHOOK_URLS", lambda _: "https://desk.example/hook", ("TOCSIN_WEBHOOK_SECRET", "tocsin webhook")),
        ("enrich", "MODEL_REPOSITORY", lambda p: str(p), ("no model in", "opinion-<name>")),
        ("enrich", "MODEL_REPOSITORY", lambda p: str(p / "absent"), ("no model in", "absent")),
        ("enrich", "MODEL_REPOSITORY", lambda p: other_tokenizer(p / "models"), ("is not the tokenizer of",)),
        ("enrich", "MODEL_REPOSITORY", lambda p: no_weights(p / "models"), ("config.pbtxt is missing",)),
        (
            "enrich",
            "WATCHLIST",
            lambda p: written(p / "watch.yaml", "- id: HALD\n  nam: Halden Corp\n"),
            ("watch.yaml:2: unknown key 'nam'; did you mean 'name'?",),
        ),
        (
            "detect",
            "RULES",
            lambda p: written(p / "rules.yaml", "rules:\n  - name: mine\n    type: thresold\n"),
            ("rules.yaml:3: unknown type 'thresold'", "did you mean 'threshold'?"),
        ),
        ("detect", "RULES", lambda p: str(p / "absent.yaml"), ("absent.yaml", "No such file")),
        ("detect", "RULES", lambda p: written(p / "rules.yaml", "rules: ["), ("rules.yaml:", "YAML")),
    ],
)  # fmt: skip
def test_a_worker_that_cannot_work_says_why(
    tmp_path: Path, stage: str, variable: str, make, words: tuple[str, ...]
) -> None:  # type: ignore[no-untyped-def]
    """Code 78, the fault with its place or the variable's name, no value, no traceback: before any engine is asked."""
    done = tocsin(tmp_path / "state", "worker", stage, **{variable: make(tmp_path)})
    assert done.returncode == 78, done.stderr
    told = " ".join(done.stderr.split())
    assert told.startswith(f"tocsin worker {stage}: ")
    for word in words:
        assert word in told
    assert CANARY not in told
    assert "Traceback" not in told


def test_the_supervisor_does_not_start_such_a_worker_again(tmp_path: Path) -> None:
    """`tocsin worker all` ends with the fault of the one, and leaves none of the four running."""
    rules = written(tmp_path / "rules.yaml", "rules:\n  - name: mine\n")
    done = tocsin(tmp_path / "state", "worker", "all", RULES=rules)
    assert done.returncode == 78
    assert done.stderr.count("rules.yaml:2: the rule has no type") == 1
    assert "worker detect cannot run with these settings" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("ingest", __file__, "--format", "jsonl"), 69, "no kafka is running here. Start them: tocsin up"),
        (("collect",), 69, "no kafka is running here"),
        (("worker", "detect"), 78, "no kafka is running here"),
        (("worker", "all"), 78, "no kafka, elasticsearch, triton is running here"),
        (("balance",), 69, "TOCSIN_KAFKA_BOOTSTRAP, TOCSIN_ELASTICSEARCH_URL"),
        (("deadletters", "list"), 69, "no kafka is running here"),
        (("score",), 69, "no triton is running here"),
    ],
)
def test_without_engines_a_command_says_how_to_get_them(
    tmp_path: Path, arguments: tuple[str, ...], code: int, word: str
) -> None:
    """Where no engine was started each command names those it needs, and both ways to have them."""
    done = tocsin(tmp_path / "state", *arguments, KAFKA_BOOTSTRAP="", ELASTICSEARCH_URL="", TRITON_URL="")
    assert (done.returncode, word in done.stderr) == (code, True), done.stderr
    assert "tocsin up" in done.stderr


def test_a_kafka_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """`tocsin ingest` into an address where nobody listens ends with code 69 and the address."""
    done = tocsin(tmp_path / "state", "ingest", __file__, "--format", "jsonl")
    assert done.returncode == 69
    assert "Kafka does not answer at 127.0.0.1:1" in done.stderr


def test_a_misspelt_variable_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """A TOCSIN_ variable that is no setting is named with the one that was meant, and the command goes on."""
    done = tocsin(tmp_path / "state", "rules", "check", PARTITION=CANARY)
    assert done.returncode == 0, done.stderr
    assert "TOCSIN_PARTITION is not a setting" in done.stderr
    assert "did you mean TOCSIN_PARTITIONS?" in done.stderr
    assert CANARY not in done.stderr
