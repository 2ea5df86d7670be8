"""The tables of the documents come from a report and from nothing else."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import quality
from models.gate import ReportRefused
from models.labels import HEADS
from models.report import HANDLED, describe
from models.tables import read_table
from models.truth import Case, Truth, read_file

LINES = (
    '{"text": "gain", "label": "positive", "dataset": "two", "lang": "en"}',
    '{"text": "loss", "label": "negative", "dataset": "two", "lang": "en"}',
)

DOCUMENTS = ("models/README.md", "docs/measured.md", "docs/measured.zh-CN.md")


def report(tmp_path: Path, runtime: str = "openvino-bf16") -> dict[str, Any]:
    """A small report with every part."""
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    assert len(list(read_table(path))) == 2
    truth = read_file(path)
    truth.cases += [Case(case.row.__class__(**{**_fields(case), "register": "flash"})) for case in truth.cases]
    rows = len(truth.cases)
    found = {head: np.full((rows, len(names)), 1 / len(names)) for head, names in HEADS.items()}
    found["sentiment"] = np.array([[0.1, 0.1, 0.8], [0.3, 0.5, 0.2]] * 2)
    described = describe(truth, found, {"en": 0.5}, {"en": {"two/A": 9}})
    described["data_sets"]["two"]["baselines"] = {"in_domain": {"macro_f1": 0.512345}, "permitted": None}
    return {
        "models": {"opinion-x": {"version": "1-abc", "runtime": runtime}},
        "way": "triton",
        "token_limit": 256,
        "machine": {"processor": "Some CPU", "cores": 2},
        "commit": "0123456789abcdef",
        "speed": {"texts": 4, "tokens": 20, "seconds": 2.0, "texts_per_second": 2.0, "tokens_per_second": 10.0},
        "robustness": {"typos": {"en": {"sentiment": {"rows": 4, "kept": 0.975, "macro_f1_before": 0.5,
                                                      "macro_f1_after": 0.25}}}},
        "skipped": [],
        **described,
    }  # fmt: skip


def _fields(case: Case) -> dict[str, Any]:
    return {name: getattr(case.row, name) for name in type(case.row).__slots__}


def documents(folder: Path) -> Path:
    """The three documents, empty but for their marks."""
    for name in ("models", "docs"):
        (folder / name).mkdir()
    marked = "before\n<!-- {0}:start -->\nold 0.123\n<!-- {0}:end -->\nafter\n"
    (folder / "models" / "README.md").write_text(marked.format("quality"), encoding="utf-8")
    for name in ("measured.md", "measured.zh-CN.md"):
        (folder / "docs" / name).write_text(marked.format("model"), encoding="utf-8")
    return folder


def test_every_table_has_its_rows(tmp_path: Path) -> None:
    """Scores with their interval, baselines, the rule of the two sentiments, robustness, forms, labels."""
    made = report(tmp_path)
    full = copy.deepcopy(made)
    full["models"]["opinion-x"]["runtime"] = "onnxruntime-f32"
    block = quality.full_block(made, full)
    assert "`opinion-x` 1-abc (openvino-bf16), through Triton as served, texts cut at 256 tokens" in block
    assert "| two ¹ | sentiment, en | yes | 4 | **0.500** (" in block
    assert "| 0.512 | – |" in block
    assert "Among the two: two 1.000." in block
    assert "| typos | en | sentiment | 4 | 97.5 % | 0.500 | 0.250 |" in block
    assert "| data set | rows | onnxruntime-f32 | openvino-bf16 | difference |" in block
    assert "| two | 4 | 0.5000 | 0.5000 | +0.0000 |" in block
    assert "| en | flash | 2 | 0.500 | – | – |" in block
    assert "2 texts and 10 tokens a second on 2 cores" in block
    assert "| en | negative | 0.0 % | 100.0 % | 0.0 % |" in block


def test_tables_are_well_formed(tmp_path: Path) -> None:
    """Every line of a table has as many cells as its head."""
    for block in (quality.full_block(report(tmp_path)), quality.short_block(report(tmp_path), "zh")):
        for table in block.split("\n\n"):
            widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
            assert len(widths) <= 1


def test_documents_are_rewritten_between_their_marks(tmp_path: Path) -> None:
    """Twice gives the same; what stands outside stays."""
    path = tmp_path / "r.json"
    path.write_text(json.dumps(report(tmp_path)), encoding="utf-8")
    folder = documents(tmp_path)
    quality.main(["--report", str(path), "--root", str(folder)])
    first = {name: (folder / name).read_text() for name in DOCUMENTS}
    quality.main(["--report", str(path), "--root", str(folder)])
    for name, text in first.items():
        assert (folder / name).read_text() == text
        assert text.startswith("before\n<!-- ")
        assert text.endswith(" -->\nafter\n")
        assert "0.123" not in text
        assert "**0.500**" in text
    assert "宏平均 F1" in first["docs/measured.zh-CN.md"]


def test_missing_marks_and_reports_are_told(tmp_path: Path) -> None:
    """The message says which lines to write."""
    path = tmp_path / "measured.md"
    path.write_text("nothing")
    with pytest.raises(ReportRefused, match=r"lacks the lines <!-- model:start --> and <!-- model:end -->"):
        quality.put(path, "model", "x")
    with pytest.raises(SystemExit, match="is no report"):
        quality.main(["--report", str(path)])


def test_every_rule_has_its_note() -> None:
    """A way of handling labels that a report knows is explained under the table."""
    assert set(quality.NOTES) == set(quality.HANDLING) == set(HANDLED) - {"all"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_have_their_marks(name: str) -> None:
    """The command has a place to write to."""
    mark = "quality" if name.startswith("models") else "model"
    text = (quality.ROOT / name).read_text(encoding="utf-8")
    assert 0 < text.find(f"<!-- {mark}:start -->") < text.find(f"<!-- {mark}:end -->")


def test_truth_of_the_report_is_kept_apart() -> None:
    """A report without rows has empty tables, not a fault."""
    assert quality.coverage({"languages": {}}).startswith("| least probability |")
    assert describe(Truth(), {head: np.zeros((0, len(n))) for head, n in HEADS.items()}, {}, {})["data_sets"] == {}
