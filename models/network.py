"""The network: one encoder, mean pooling, one linear head for each question. Needs the extra `train` (torch)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from models import renumber
from models.labels import HEADS
from models.text import plain

WEIGHTS: Final = "judge.safetensors"


class Judge(nn.Module):  # type: ignore[misc]  # torch is absent where the types are checked
    """Token ids and mask [batch, length] to logits of each head, a dict of [batch, labels]."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(labels)) for name, labels in HEADS.items()})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Padding (mask 0) is attended to by nobody and left out of the mean; an all-padding row is never NaN."""
        return self.judge(self.encode(input_ids, attention_mask), attention_mask)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The encoder's output [batch, length, width]."""
        hidden: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden

    def judge(self, hidden: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Logits of each head from the mean of the real tokens."""
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = self.dropout((hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0))
        return {name: head(pooled) for name, head in self.heads.items()}


def trained(base: str) -> bool:
    """Whether the base is a folder that `save` wrote: a network with heads, ready to go on learning."""
    return (Path(base) / WEIGHTS).is_file()


def from_base(base: str, attention: str = "sdpa") -> Judge:
    """Pretrained encoder with fresh heads; or, from a folder that `save` wrote, the network that learnt already.

    `base`: folder with config and weights, or a model hub's name. Raises BaseRefused when its ids cannot be numbered as
    served ones are.
    """
    if trained(base):
        return load(Path(base), attention)[0]
    encoder = renumber.padded_by_zero(AutoModel.from_pretrained(base, attn_implementation=attention))
    if hasattr(encoder, "pooler"):
        encoder.pooler = None  # we pool ourselves; its weights would only be carried along
    return Judge(encoder, encoder.config.hidden_size)


def tokenizer_of(base: str) -> Tokenizer:
    """The base's fast tokenizer with its own truncation and padding off: batches decide those. Padding has the id 0."""
    if trained(base):
        return plain(Tokenizer.from_file(str(Path(base) / "tokenizer.json")))
    found = AutoTokenizer.from_pretrained(base).backend_tokenizer
    return plain(renumber.tokenizer(found, AutoConfig.from_pretrained(base).pad_token_id or 0))


def save(judge: Judge, tokenizer: Tokenizer, folder: Path) -> None:
    """Weights, encoder configuration and tokenizer, so that `load` needs nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    judge.encoder.config.save_pretrained(folder)
    save_file({name: value.contiguous() for name, value in judge.state_dict().items()}, folder / WEIGHTS)
    tokenizer.save(str(folder / "tokenizer.json"))


def load(folder: Path, attention: str = "eager") -> tuple[Judge, Tokenizer]:
    """What `save` wrote, in evaluation mode. Raises on missing or surplus weights."""
    config = AutoConfig.from_pretrained(folder, attn_implementation=attention)
    encoder = AutoModel.from_config(config, attn_implementation=attention)
    encoder.pooler = None
    judge = Judge(encoder, config.hidden_size)
    judge.load_state_dict(load_file(folder / WEIGHTS))
    return judge.eval(), plain(Tokenizer.from_file(str(folder / "tokenizer.json")))
