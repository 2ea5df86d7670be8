"""A pretrained encoder small enough to train in a second, and invented rows for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.data import Row
from models.labels import HEADS

SENTENCES = (
    "Corvane shares plunged after a profit warning", "Halden wins a large order and lifts its outlook",
    "the annual meeting takes place on Thursday", "Corvane was fined over a data breach",
    "禾川控股预计全年亏损扩大", "远岭生物中标大单股价涨停", "公司将于周四召开股东大会", "禾川支付系统宕机客户投诉",
)  # fmt: skip


def tokenizer(words: int = 300, sentences: Sequence[str] = SENTENCES) -> Any:
    """A unigram tokenizer as the shipped one: padding, start, end and unknown are 0 to 3."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "<s>", "</s>", "<unk>", "◆"]
    trainer = trainers.UnigramTrainer(vocab_size=words, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(sentences, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return made


def base(folder: Path, sentences: Sequence[str] = SENTENCES, **changes: Any) -> Path:
    """A folder that `--base` takes: two layers, 48 wide, with random weights."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(5)
    made = tokenizer(sentences=sentences)
    sizes = {
        "vocab_size": made.get_vocab_size(), "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 96, "max_position_embeddings": 64, "pad_token_id": 0,
    }  # fmt: skip
    BertModel(BertConfig(**(sizes | changes)), add_pooling_layer=False).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


def rows(count: int, dataset: str = "invented") -> list[Row]:
    """Rows with a label of every head, different texts."""
    return [
        Row(
            f"{dataset}:{at}", f"{SENTENCES[at % len(SENTENCES)]} {at}",
            {head: at % len(names) for head, names in HEADS.items()}, dataset, "A",
            "zh" if at % len(SENTENCES) > 3 else "en",
        )
        for at in range(count)
    ]  # fmt: skip
