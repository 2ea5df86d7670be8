"""Export of a tiny random network. Needs the extra `train`."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train


@pytest.fixture
def judge() -> Any:
    """A network small enough to export in a second."""
    import torch
    from transformers import BertConfig, BertModel

    from models.network import Judge

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=2000, hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=1200,
        max_position_embeddings=160, attn_implementation="eager",
    )  # fmt: skip
    return Judge(BertModel(config, add_pooling_layer=False), 48).eval()


def test_graph_agrees_with_the_network_at_every_shape(judge: Any) -> None:
    """Any batch and length give the network's probabilities, padding or not, before and after compression."""
    from models.export import TOLERANCE, agreement, compress, to_onnx

    model = to_onnx(judge)
    assert agreement(judge, model) < TOLERANCE
    before = model.ByteSize()
    compress(model)
    assert model.ByteSize() < before / 2.5
    assert agreement(judge, model) < 0.02
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_an_exported_folder_holds_all_that_triton_runs(
    judge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, tokenizer, description and both programs lie in a new version folder; programs that were there stay."""
    import msgspec
    import numpy as np

    from models import calibrate, export
    from models.data import Row
    from models.labels import HEADS
    from models.registry import WEIGHTS, read
    from tests.unit.models.tiny import tokenizer

    monkeypatch.setattr(export, "probes_of", lambda *_: ())  # a random network names none right
    monkeypatch.setattr(export, "LARGE", 50_000)  # its table is large enough to lie in a file of its own
    rows = [Row("1", "a", dict.fromkeys(HEADS, 0), "d", "A", "en")]
    honest = calibrate.calibrate(rows, {head: np.ones((1, len(names))) / len(names) for head, names in HEADS.items()})
    report = {
        "recipe": {"langs": ["en"]}, "base": "b", "rows": {}, "dev": {}, "token_limit": 160, "vocabulary": 2000,
        "calibration": msgspec.to_builtins(honest),
    }  # fmt: skip
    (tmp_path / "opinion-x" / "3").mkdir(parents=True)
    (tmp_path / "opinion-x" / "3" / "runtimes.py").write_text("mine")
    graph = export.to_onnx(judge)
    export.compress(graph)
    folder = export.write(graph, tokenizer(), report, tmp_path / "opinion-x", 3)
    assert {path.name for path in folder.iterdir()} == {
        *WEIGHTS, "tokenizer.json", "metadata.json", "model.py", "runtimes.py"
    }  # fmt: skip
    assert (folder / "runtimes.py").read_text() == "mine"
    served = read(tmp_path / "opinion-x")
    assert (served.number, served.weights_digest()) == ("3", served.metadata.weights_sha256)


def test_saved_network_is_read_back_unchanged(judge: Any, tmp_path: Path) -> None:
    """Weights and tokenizer survive the round trip."""
    import torch

    from models.network import load, save
    from tests.unit.models import tiny

    save(judge, tiny.tokenizer(), tmp_path)
    again, _ = load(tmp_path)
    ids = torch.randint(1, 2000, (2, 9))
    for head, logits in judge(ids, torch.ones_like(ids)).items():
        assert torch.equal(logits, again(ids, torch.ones_like(ids))[head])
