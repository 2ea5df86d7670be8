"""Any encoder is a base: padding is 0 whatever it was, and the network answers as before. Needs the extra `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

TEXTS = ("Corvane shares fell", "禾川 预计 亏损 扩大", "profit warning")
WORDS = ["<s>", "<pad>", "</s>", "<unk>", *"Corvane shares fell profit warning 禾川 预计 亏损 扩大".split()]


def wordlike(pad: int) -> Any:
    """A tokenizer of whole words, with `<pad>` as this id."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = list(WORDS)
    words.remove("<pad>")
    words.insert(pad, "<pad>")
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    start, end = words.index("<s>"), words.index("</s>")
    made.post_processor = processors.RobertaProcessing(("</s>", end), ("<s>", start), trim_offsets=False)
    made.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    return made


def saved(folder: Path, kind: str, pad: int) -> Path:
    """A tiny encoder of this kind with its tokenizer."""
    import torch
    from transformers import AutoModel, PreTrainedTokenizerFast
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    torch.manual_seed(2)
    sizes = {
        "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 24, "max_position_embeddings": 40, "pad_token_id": pad, "type_vocab_size": 1,
    }  # fmt: skip
    if kind == "modernbert":
        sizes |= {"bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2}
    AutoModel.from_config(CONFIG_MAPPING[kind](**sizes)).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=wordlike(pad), pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "pad"), [("bert", 0), ("bert", 4), ("roberta", 1), ("xlm-roberta", 1), ("electra", 1), ("modernbert", 1)]
)
def test_a_base_says_the_same_with_its_ids_renumbered(tmp_path: Path, kind: str, pad: int) -> None:
    """Vectors of every token are those of the base itself, alone and padded; padding is 0."""
    import torch
    from transformers import AutoModel

    from models.network import from_base, tokenizer_of

    folder = str(saved(tmp_path / kind, kind, pad))
    judge, tokenizer = from_base(folder).eval(), tokenizer_of(folder)
    own, theirs = AutoModel.from_pretrained(folder).eval(), wordlike(pad)
    assert tokenizer.token_to_id("<pad>") == 0
    for text in TEXTS:
        code = tokenizer.encode(text)
        assert code.tokens == theirs.encode(text).tokens
        assert [tokenizer.id_to_token(number) for number in code.ids] == code.tokens
        ids = torch.tensor([code.ids])
        padded = torch.cat([ids, torch.zeros(1, 3, dtype=torch.long)], dim=1)
        before = torch.tensor([theirs.encode(text).ids])
        with torch.inference_mode():
            wanted = own(input_ids=before, attention_mask=torch.ones_like(before)).last_hidden_state
            assert torch.allclose(judge.encode(ids, torch.ones_like(ids)), wanted, atol=1e-5)
            found = judge.encode(padded, (padded != 0).long())[:, : ids.shape[1]]
            assert torch.allclose(found, wanted, atol=1e-5)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    """A renumbered base ends as an ordinary network in the folder of the weights."""
    import torch

    from models.network import from_base, load, save, tokenizer_of

    folder = str(saved(tmp_path / "b", "xlm-roberta", 1))
    judge, tokenizer = from_base(folder).eval(), tokenizer_of(folder)
    save(judge, tokenizer, tmp_path / "out")
    again, read = load(tmp_path / "out")
    ids = torch.tensor([read.encode(TEXTS[1]).ids])
    assert read.encode(TEXTS[1]).ids == tokenizer.encode(TEXTS[1]).ids
    for head, logits in judge(ids, torch.ones_like(ids)).items():
        assert torch.allclose(logits, again(ids, torch.ones_like(ids))[head], atol=1e-5)


@pytest.mark.parametrize(("kind", "pad", "told"), [("mpnet", 1, "positions"), ("gpt2", None, "no padding token")])
def test_a_base_that_cannot_be_renumbered_is_refused(kind: str, pad: int | None, told: str) -> None:
    """The message says why."""
    from transformers import AutoModel
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    from models.base import BaseRefused
    from models.renumber import padded_by_zero

    sizes = {"vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CONFIG_MAPPING[kind](**sizes, intermediate_size=24, pad_token_id=pad)
    with pytest.raises(BaseRefused, match=told):
        padded_by_zero(AutoModel.from_config(config))


def test_a_unigram_tokenizer_is_renumbered(tmp_path: Path) -> None:
    """Its ids are places in a list, and its end tokens are in a template."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    from models.renumber import tokenizer

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁a", -1.0), ("b", -2.0)]
    made = Tokenizer(models.Unigram(pieces, unk_id=3))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    found = tokenizer(made, 1)
    assert found.token_to_id("<pad>") == 0
    assert found.encode("ab x").tokens == made.encode("ab x").tokens
    assert found.encode("ab").ids == [1, 4, 5, 2]


def test_an_exported_encoder_is_found_again_in_its_graph() -> None:
    """Factors of products lie transposed under names of the exporter; the node that uses one says whose it is."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    from models.onnx_bases import weights_of

    factor = np.arange(6, dtype=np.float32).reshape(2, 3)
    held = {
        "embeddings.word_embeddings.weight": np.ones((4, 2), np.float32),
        "embeddings.position_ids": np.arange(4),
        "encoder.layer.0.attention.self.query.bias": np.zeros(3, np.float32),
        "onnx::MatMul_7": factor,
    }
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_7"], ["y"], name="/encoder/layer.0/attention/self/query/MatMul"),
        helper.make_node("MatMul", ["y", "y"], ["z"], name="/encoder/layer.0/attention/self/MatMul"),
    ]
    shown = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in "xz"]
    tensors = [numpy_helper.from_array(value, name) for name, value in held.items()]
    found = weights_of(helper.make_graph(nodes, "encoder", shown[:1], shown[1:], tensors))
    assert set(found) == {
        "embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.bias",
        "encoder.layer.0.attention.self.query.weight",
    }  # fmt: skip
    assert np.array_equal(found["encoder.layer.0.attention.self.query.weight"], factor.T)


@pytest.mark.parametrize("known", [True, False])
def test_the_company_asked_about_is_one_word_piece(known: bool) -> None:
    """Whether the vocabulary has the sign or not, it is never unknown and never sticks to its neighbours."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    from models.onnx_bases import SPARE, with_target
    from models.text import TARGET

    words = ["[PAD]", SPARE, "[UNK]", "s", "profit", *([TARGET] if known else [])]
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made = with_target(tokenizer)
    assert made.encode(f"{TARGET}profit {TARGET} s").tokens == [TARGET, "profit", TARGET, "s"]
    assert made.get_vocab_size() == len(words)
