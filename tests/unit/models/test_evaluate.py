"""Judging in portions, and the whole report."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models import evaluate as evaluation
from models import judging
from models.client import Unjudged, Verdict
from models.data import Row
from models.evaluate import Wanted, evaluate, machine, truth_of
from models.gate import compare, read_report
from models.judging import PORTION, Bench, chosen, judge_served, portions
from models.labels import HEADS
from models.registry import SHIPPED, ModelRefused, find
from models.truth import Truth, TruthRefused, read_file


def rows(count: int) -> list[Row]:
    """Texts of different lengths; the label is in the text."""
    return [
        Row(str(at), f"{at % 3} " + "x" * (at * 7 % 40), {"sentiment": at % 3}, "s", "own", "en") for at in range(count)
    ]


def by_text(part: Sequence[Row]) -> dict[str, np.ndarray]:
    """Says what the text says."""
    found = {head: np.full((len(part), len(names)), 1 / len(names)) for head, names in HEADS.items()}
    return found | {
        "sentiment": np.eye(3)[[next(int(letter) for letter in row.text if letter.isdigit()) for row in part]]
    }


def test_portions_are_bounded_and_put_back_in_order() -> None:
    """Each row is judged once, next to rows of like length; the answer stands where the row stood."""
    asked: list[int] = []

    def judge(part: Sequence[Row]) -> dict[str, np.ndarray]:
        asked.append(len(part))
        lengths = [len(row.text) for row in part]
        assert lengths == sorted(lengths)
        return by_text(part)

    every = rows(PORTION + 5)
    found = portions(every, judge)
    assert asked == [PORTION, 5]
    assert found["sentiment"].argmax(-1).tolist() == [row.labels["sentiment"] for row in every]
    assert portions([], judge)["topic"].shape == (0, 20)


class FakeScorer:
    """Judges at once, and counts how many texts were under way together."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0

    async def score(self, text: str, lang: str, *, kind: str = "") -> Verdict | Unjudged:
        if lang != "en":
            return Unjudged("no_model")
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        heads = {head: dict.fromkeys(names, 1 / len(names)) for head, names in HEADS.items()}
        heads["sentiment"] = dict(zip(HEADS["sentiment"], np.eye(3)[int(text[0])].tolist(), strict=True))
        self.under_way -= 1
        return Verdict("m", "1", **heads, abstained=False)


async def test_served_verdicts_come_in_the_order_of_the_rows() -> None:
    """For more rows than a portion holds; a row without a verdict is named."""
    every = rows(PORTION + 3)
    found = await judge_served(FakeScorer(), every)  # type: ignore[arg-type]
    assert found["sentiment"].argmax(-1).tolist() == [row.labels["sentiment"] for row in every]
    assert found["risk"].shape == (PORTION + 3, len(HEADS["risk"]))
    strange = [Row("odd", "0", {"sentiment": 0}, "s", "own", "fr")]
    with pytest.raises(ValueError, match="odd has no verdict: no_model"):
        await judge_served(FakeScorer(), strange)  # type: ignore[arg-type]


def bench() -> Bench:
    """The shipped model's papers, with a judge that does not ask the network."""
    served = find(SHIPPED)
    return Bench("onnxruntime", served, {each.metadata.model: "fake" for each in served.values()}, by_text)


def labelled(folder: Path) -> Path:
    """A file whose labels the fake judge gets right, but for one."""
    names = HEADS["sentiment"]
    lines = [{"text": f"{at % 3} Report {at}", "label": names[at % 3]} for at in range(30)]
    lines.append({"text": "2 Report", "label": "negative"})
    lines.append({"text": "2 rapport", "label": "negative", "lang": "fr"})
    path = folder / "desk.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_report_of_a_file(tmp_path: Path) -> None:
    """Scores, speed, machine, model, robustness; it goes through JSON and compares with itself."""
    stages: list[str] = []
    report = evaluate(read_file(labelled(tmp_path)), bench(), None, Wanted(robustness=10), stages.append)
    assert stages == ["judging", "robustness"]
    assert report["data_sets"]["desk"]["accuracy"] == round(30 / 31, 4)
    assert report["languages"]["en"]["sentiment"]["rows"] == 31
    assert report["skipped"] == ["desk: language 'fr', no model (rows: 1)"]
    assert report["speed"]["texts"] == 31
    assert report["speed"]["tokens"] > 31 * 3
    assert report["machine"]["cores"] >= 1
    assert report["robustness"]["capitals"]["en"]["sentiment"] == {
        "rows": 10, "kept": 1.0, "macro_f1_before": 1.0, "macro_f1_after": 1.0,
    }  # fmt: skip
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    assert not any(each.fails for each in compare(read_report(path), report))


def test_nothing_to_judge_is_refused(tmp_path: Path) -> None:
    """With the reason for each row that was left out."""
    path = tmp_path / "fr.jsonl"
    path.write_text('{"text": "bonne nouvelle", "label": "positive", "lang": "fr"}\n', encoding="utf-8")
    with pytest.raises(TruthRefused, match="nothing is left to judge: fr: language 'fr'"):
        evaluate(read_file(path), bench(), None, Wanted())


def test_without_public_data_the_corpus_is_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the report says what was not there."""
    monkeypatch.setattr(evaluation, "public_folder", lambda _: None)
    truth, folder = truth_of([])
    assert folder is None
    assert {row.dataset for row in truth.rows} == {"corpus", "corpus-targets"}
    assert truth.skipped == ["the public sets: no data folder (TOCSIN_DATA)"]


@pytest.mark.data
def test_public_sets_are_all_understood() -> None:
    """Each set that has labels of one of our heads; the one with several topics a row is told as left out."""
    truth, _ = truth_of([])
    heads = {row.dataset: next(iter(row.labels)) for row in truth.rows}
    assert {name for name, head in heads.items() if head == "risk"} == {"ccks"}
    assert {"tfns", "sentfin", "phrasebank50", "fiqa", "finentity", "tfnt", "finfe", "xueqiu", "corpus"} <= heads.keys()
    assert truth.coarse == {"finnsp", "bdci"}
    assert [each.partition(":")[0] for each in truth.skipped] == ["zh_topic15_multi.dev.jsonl"]


def test_named_version_must_be_there() -> None:
    """The message says which ones are."""
    assert chosen(SHIPPED, None) == find(SHIPPED)
    served = find(SHIPPED)["zh"]
    assert chosen(SHIPPED, f"{served.metadata.model}/{served.number}") == {"zh": served}
    with pytest.raises(ModelRefused, match="has no version 999; it has "):
        chosen(SHIPPED, f"{served.metadata.model}/999")
    with pytest.raises(ModelRefused, match="MODEL/NUMBER, of opinion-en, opinion-zh"):
        chosen(SHIPPED, served.number)


@pytest.mark.train
def test_offline_judges_the_probes_right() -> None:
    """The shipped network in onnxruntime, in full precision, through the same preparation and calibration."""
    with judging.offline(SHIPPED) as judges:
        for served in judges.by_model().values():
            probes = served.metadata.probes
            asked = [Row(probe.text, probe.text, {}, "p", "A", probe.lang) for probe in probes]
            found = judges.judge(asked)
            named = [HEADS["sentiment"][at] for at in found["sentiment"].argmax(-1)]
            assert named == [probe.sentiment for probe in probes]
            assert np.allclose(found["topic"].sum(axis=-1), 1.0, atol=1e-4)


def test_measuring_needs_no_torch() -> None:
    """Neither torch nor scikit-learn is loaded by importing what measures."""
    import subprocess

    code = "import sys, models.evaluate; print(sorted({'torch', 'sklearn', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_machine_is_named() -> None:
    """The report says what the speed was measured on."""
    assert set(machine()) == {"processor", "cores"}
    assert machine()["processor"]
    assert Truth().rows == []
