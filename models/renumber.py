"""Bases that pad with another id than 0 made to pad with 0, as everything that is served does. Needs the extra `train`.

The ids 0 and padding change places, in the word table and in the tokenizer. The RoBERTa family (Liu et al. 2019) counts
positions from behind its padding id; but for that it is BERT under the same names, and becomes one.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tokenizers import Tokenizer
from torch import nn
from transformers import BertConfig, BertModel

from models.base import BaseRefused

STAYS: Final = ("model_type", "architectures", "transformers_version")
LIKE_BERT: Final = frozenset({"roberta", "xlm-roberta", "camembert"})


def padded_by_zero(encoder: nn.Module) -> nn.Module:
    """The encoder with padding as id 0; the same one when it is so already. Raises BaseRefused."""
    pad = encoder.config.pad_token_id
    if pad == 0:
        return encoder
    if pad is None:
        raise BaseRefused(f"{encoder.config.model_type} has no padding token: take an encoder like BERT")
    words = encoder.get_input_embeddings()
    words.weight.data[[0, pad]] = words.weight.data[[pad, 0]]
    if encoder.config.model_type in LIKE_BERT:
        return _as_bert(encoder, pad)
    if any(getattr(part, "padding_idx", None) == pad for part in encoder.modules() if part is not words):
        raise BaseRefused(f"{encoder.config.model_type} counts positions from its padding id {pad}: take another base")
    encoder.config.pad_token_id = words.padding_idx = 0
    return encoder


def _as_bert(encoder: nn.Module, pad: int) -> nn.Module:
    first = pad + 1  # positions before it stand for padding
    old = encoder.config.to_dict()
    kept = {name: old[name] for name in BertConfig().to_dict() if name in old and name not in STAYS}
    kept |= {"pad_token_id": 0, "max_position_embeddings": old["max_position_embeddings"] - first}
    config = BertConfig(**kept, attn_implementation=encoder.config._attn_implementation)
    bert = BertModel(config, add_pooling_layer=False)
    state = {name: value for name, value in encoder.state_dict().items() if not name.startswith("pooler.")}
    positions = "embeddings.position_embeddings.weight"
    state[positions] = state[positions][first:]
    bert.load_state_dict({name: state[name] for name in bert.state_dict()})
    return bert.eval()


def tokenizer(found: Tokenizer, pad: int) -> Tokenizer:
    """The tokenizer with the ids 0 and `pad` in each other's place."""
    if pad == 0:
        return found
    raw = json.loads(found.to_str())
    vocabulary = raw["model"]["vocab"]
    if isinstance(vocabulary, list):  # unigram: the place is the id
        vocabulary[0], vocabulary[pad] = vocabulary[pad], vocabulary[0]
        raw["model"]["unk_id"] = _swapped(raw["model"].get("unk_id"), pad)
    else:
        raw["model"]["vocab"] = {piece: _swapped(number, pad) for piece, number in vocabulary.items()}
    for added in raw.get("added_tokens", ()):
        added["id"] = _swapped(added["id"], pad)
    raw["added_tokens"] = sorted(raw.get("added_tokens", ()), key=lambda added: int(added["id"]))
    raw["padding"] = None
    _ends(raw.get("post_processor"), pad)
    return Tokenizer.from_str(json.dumps(raw))


def _swapped(number: Any, pad: int) -> Any:
    return {0: pad, pad: 0}.get(number, number)


def _ends(processor: Any, pad: int) -> None:
    """Renumber what a post-processor puts before and behind a text, in place."""
    if not processor:
        return
    for part in processor.get("processors", ()):
        _ends(part, pad)
    for name in ("sep", "cls"):
        if name in processor:
            processor[name][1] = _swapped(processor[name][1], pad)
    if isinstance(special := processor.get("special_tokens"), dict):
        for token in special.values():
            token["ids"] = [_swapped(number, pad) for number in token["ids"]]
