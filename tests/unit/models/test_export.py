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
    """Weights, description and both programs lie in a new version folder; programs that were there stay as they are."""
    from models import export
    from models.registry import SHIPPED
    from models.text import read_tokenizer

    monkeypatch.setattr(export, "probes_of", lambda *_: ())  # a random network names none right
    report = {"recipe": {"lang": "en"}, "base": "b", "rows": {}, "dev": {}, "token_limit": 160, "vocabulary": 2000}
    (tmp_path / "opinion-en" / "3").mkdir(parents=True)
    (tmp_path / "opinion-en" / "3" / "runtimes.py").write_text("mine")
    tokenizer = read_tokenizer(SHIPPED / "opinion-en" / "tokenizer.json", 16)
    folder = export.write(export.to_onnx(judge), tokenizer, report, tmp_path, 3)
    assert {path.name for path in (folder / "3").iterdir()} == {
        *("model.onnx", "metadata.json", "model.py", "runtimes.py")
    }
    assert (folder / "3" / "runtimes.py").read_text() == "mine"


def test_saved_network_is_read_back_unchanged(judge: Any, tmp_path: Path) -> None:
    """Weights and tokenizer survive the round trip."""
    import torch

    from models.network import load, save
    from models.registry import SHIPPED
    from models.text import read_tokenizer

    tokenizer = read_tokenizer(SHIPPED / "opinion-en" / "tokenizer.json", 16)
    save(judge, tokenizer, tmp_path)
    again, _ = load(tmp_path)
    ids = torch.randint(1, 2000, (2, 9))
    for head, logits in judge(ids, torch.ones_like(ids)).items():
        assert torch.equal(logits, again(ids, torch.ones_like(ids))[head])


def test_averaged_weights_follow_the_current_ones() -> None:
    """The running mean moves by the part that is not kept."""
    import torch

    from models.train import follow

    mean, now = (torch.nn.Linear(1, 1, bias=False) for _ in range(2))
    torch.nn.init.constant_(mean.weight, 1.0)
    torch.nn.init.constant_(now.weight, 2.0)
    follow(mean, now, 0.9)
    assert mean.weight.item() == pytest.approx(1.1)


def test_batches_hold_every_row_once_and_like_lengths() -> None:
    """No row is lost or repeated, and a batch's texts are of like length."""
    import random

    from models.train import Coded, batches

    rows = [Coded(list(range(1 + n % 60)), "topic", 0) for n in range(997)]
    made = batches(rows, 32, random.Random(1))
    assert sorted(id(row) for batch in made for row in batch) == sorted(map(id, rows))
    spread = [max(len(r.ids) for r in batch) - min(len(r.ids) for r in batch) for batch in made]
    assert sum(spread) / len(spread) < 8
