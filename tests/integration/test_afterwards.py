"""After a verdict, on real engines: it is explained, corrected, and the correction becomes a row to train on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.stack import Stack
from models import own_data
from streams.kafka import Outgoing
from streams.records import RawItem, document_id, encode
from streams.topics import NEWS_RAW
from tests.installation import Installation
from tests.stream import START

pytestmark = pytest.mark.engines
TEXT = "Halden Corp shares plunge after regulator opens accounting fraud probe"


def test_a_verdict_is_explained_and_corrected(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """One item through the workers; then explain, feedback, review and rows, as a person would do it."""
    run = Installation.make(stack.settings.state_dir, namespace)
    item = RawItem(
        source="desk", native_id="a-1", revision="1", kind="news", title=TEXT, lang="en", collected_at=START,
        may_train=True, retention_days=36_500,
    )  # fmt: skip
    run.produce([Outgoing(NEWS_RAW, encode(item), key=b"desk|a-1")])
    try:
        run.workers.start(("enrich", "index"))
        run.finish()
    finally:
        run.workers.stop()

    first, second = (run.tocsin("explain", TEXT, "--json") for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout  # the same words, the same digits
    answer = json.loads(first.stdout)
    assert answer["label"] == "negative"
    heaviest = max(answer["words"], key=lambda word: word["weight"])
    assert heaviest["weight"] > 0
    chinese = json.loads(run.tocsin("explain", "公司因涉嫌财务造假被立案调查，股价跌停", "--json").stdout)
    assert (chinese["label"], chinese["lang"]) == ("negative", "zh")

    document = document_id("desk", "a-1", "1")
    assert run.tocsin("feedback", "add", "0" * 32, "--risk", "none").returncode == 2
    added = run.tocsin("feedback", "add", document, "--sentiment", "neutral", "--note", "old news")
    assert added.returncode == 0, added.stderr
    table, rows = tmp_path / "review.tsv", tmp_path / "rows.jsonl"
    written = run.tocsin("models", "corrections", "--review", "--out", str(table))
    assert written.returncode == 0, written.stderr
    table.write_text(table.read_text(encoding="utf-8").replace("\n\t", "\ny\t"), encoding="utf-8")
    run.tocsin("models", "corrections", "--accepted", str(table), "--out", str(rows))
    own = own_data.read([rows], [], own_data.Reading())
    (row,) = own.train + own.dev
    assert (row.text, row.labels, own.findings) == (TEXT, {"sentiment": 1}, [])
