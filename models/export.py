"""From trained weights to the folder Triton reads: `python -m models.export --weights DIR --out models/repository`.

Writes one ONNX graph whose embeddings and matrices are stored as int8 with a scale for each row or column and are
expanded when the graph is loaded: a quarter of the size, full-precision arithmetic. Refuses to write a model that does
not agree with the trained network or that fails a probe. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import external_data_helper, helper, numpy_helper
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import measured, registry
from models.data import licence_of
from models.labels import HEADS, SENTIMENTS
from models.network import Judge, load
from models.registry import (
    PREFIX,
    PROGRAMS,
    SERVING,
    WEIGHTS,
    Calibration,
    Metadata,
    Probe,
    configuration,
    sha256,
)
from models.text import prepare

OPSET: Final = 20
LARGE: Final = 8_000_000  # bytes; only the table of word pieces has more
SMALL: Final = 50_000  # elements; below that, storing full precision costs nothing
TOLERANCE: Final = 1e-4  # of a probability, exported graph against the trained network
PROBES: Final = {
    "en": (
        ("Shares of the retailer plunged 30% after it issued a profit warning and cut its dividend", "negative"),
        ("The bank was fined and its chief executive resigned over the fraud investigation", "negative"),
        ("The company will publish its quarterly report on Thursday", "neutral"),
        ("The annual general meeting takes place in London next week", "neutral"),
        ("Quarterly profit beat expectations and the company raised its full-year outlook", "positive"),
        ("The stock surged to a record high after an upgrade to buy", "positive"),
    ),
    "zh": (
        ("公司因涉嫌财务造假被证监会立案调查，股价一字跌停", "negative"),
        ("控股股东拟减持不超过3%股份，公司预计全年亏损扩大", "negative"),
        ("公司将于周四召开年度股东大会", "neutral"),
        ("公司更换会计师事务所办公地址的公告", "neutral"),
        ("公司中标十亿元大单，上半年净利润同比增长八成", "positive"),
        ("业绩超预期，多家券商上调目标价至买入评级", "positive"),
    ),
}
MASKED: Final = -1e4  # added to attention of padding; finite in half precision too


class ExportRefused(RuntimeError):  # noqa: N818 - what happened
    """The exported model does not do what the trained one does."""


class Graph(nn.Module):  # type: ignore[misc]  # torch is absent where the types are checked
    """The network as it is served: int32 ids and mask in, probabilities out."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self.judge = judge

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Probabilities [batch, labels] of each head, in the order of `HEADS`."""
        bias = (1.0 - attention_mask.to(torch.float32))[:, None, None, :] * MASKED
        hidden = self.judge.encode(input_ids.long(), bias)
        logits = self.judge.judge(hidden, attention_mask)
        return tuple(logits[head].softmax(-1) for head in HEADS)


def to_onnx(judge: Judge) -> onnx.ModelProto:
    """The graph in full precision, any batch and any length up to the position table."""
    ids = torch.randint(1, judge.encoder.config.vocab_size, (3, 17), dtype=torch.int32)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=limit(judge))}
    program = torch.onnx.export(
        Graph(judge).eval(),
        (ids, torch.ones_like(ids)),
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=list(HEADS),
        dynamic_shapes=(axes, axes),
        verbose=False,
    )
    model = program.model_proto
    for node in model.graph.node:  # traces of the exporter's own files and lines
        del node.metadata_props[:]
        node.doc_string = ""
    for part in (*model.graph.value_info, *model.graph.input, *model.graph.output, model.graph, model):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def limit(judge: Judge) -> int:
    """Longest input the network has positions for."""
    return int(judge.encoder.config.max_position_embeddings)


def compress(model: onnx.ModelProto) -> None:
    """Store each large matrix as int8 and a scale per row (tables) or per column (factors of a product), in place."""
    axes = {}
    for node in model.graph.node:
        if node.op_type == "Gather":
            axes[node.input[0]] = 0
        elif node.op_type == "MatMul":
            axes[node.input[1]] = 1
    expand = []
    for tensor in list(model.graph.initializer):
        axis = axes.get(tensor.name)
        values = numpy_helper.to_array(tensor)
        if axis is None or values.ndim != 2 or values.size < SMALL or values.dtype != np.float32:
            continue
        scale = np.maximum(np.abs(values).max(axis=1 - axis), 1e-12) / 127
        codes = np.rint(values / np.expand_dims(scale, 1 - axis)).clip(-127, 127).astype(np.int8)
        names = (f"{tensor.name}.codes", f"{tensor.name}.scale")
        model.graph.initializer.remove(tensor)
        model.graph.initializer.extend(
            [numpy_helper.from_array(codes, names[0]), numpy_helper.from_array(scale.astype(np.float32), names[1])]
        )
        expand.append(helper.make_node("DequantizeLinear", names, [tensor.name], axis=axis))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(expand + nodes)
    onnx.checker.check_model(model)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The graph in onnxruntime, for checks; stored weights are expanded, not multiplied as int8."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def agreement(judge: Judge, model: onnx.ModelProto) -> float:
    """Largest difference of a probability between network and graph, over shapes with and without padding."""
    generator = torch.Generator().manual_seed(7)
    runner, worst = session(model), 0.0
    for rows, width in ((1, 3), (5, 21), (2, min(130, limit(judge)))):
        ids = torch.randint(1, judge.encoder.config.vocab_size, (rows, width), generator=generator, dtype=torch.int32)
        mask = torch.ones_like(ids)
        mask[0, width // 2 + 1 :] = 0
        with torch.inference_mode():
            wanted = judge(ids.long(), mask)
        got = runner.run(list(HEADS), {"input_ids": (ids * mask).numpy(), "attention_mask": mask.numpy()})
        for head, values in zip(HEADS, got, strict=True):
            worst = max(worst, float(np.abs(values - wanted[head].softmax(-1).numpy()).max()))
    return worst


def probes_of(langs: Sequence[str], tokenizer: Tokenizer, model: onnx.ModelProto) -> tuple[Probe, ...]:
    """Probe sentences with the graph's answers. Raises ExportRefused where an answer is wrong."""
    runner, made = session(model), []
    for lang, text, expected in ((each, *probe) for each in langs for probe in PROBES[each]):
        ids = np.array([tokenizer.encode(prepare(text)).ids], dtype=np.int32)
        (answer,) = runner.run(["sentiment"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        named = SENTIMENTS[int(answer[0].argmax())]
        if named != expected:
            raise ExportRefused(f"the model calls a probe {named}, it is {expected}: {text}")
        made.append(Probe(text, lang, expected, tuple(ids[0].tolist()), tuple(round(float(p), 4) for p in answer[0])))
    return tuple(made)


def write_weights(model: onnx.ModelProto, version: Path) -> str:
    """Write the graph, a table too large for one file beside it; the digest of both. The model is emptied of it."""
    paths = [version / name for name in WEIGHTS]
    paths[1].unlink(missing_ok=True)
    external_data_helper.convert_model_to_external_data(model, location=WEIGHTS[1], size_threshold=LARGE)
    external_data_helper.write_external_data_tensors(model, str(version))
    paths[0].write_bytes(model.SerializeToString(deterministic=True))
    for path in filter(Path.exists, paths):
        path.chmod(0o644)  # the library makes it private
    return sha256(*(path for path in paths if path.exists()))


def write(model: onnx.ModelProto, tokenizer: Tokenizer, report: dict[str, Any], folder: Path, number: int) -> Path:
    """Write version `number` into the model's folder and make it the one in use; returns the version's folder.

    Programs that lie there already are left alone.
    """
    version = folder / str(number)
    langs = tuple(report["recipe"]["langs"])
    for other in folder.parent.glob(f"{PREFIX}*/config.pbtxt"):
        if other.parent != folder and (both := set(registry.read(other.parent).metadata.langs) & set(langs)):
            there = ", ".join(sorted(both))
            raise ExportRefused(f"{other.parent} judges {there} already: train with --langs, or use another --out")
    probes = probes_of(langs, tokenizer, model)  # before anything is written
    version.mkdir(parents=True, exist_ok=True)
    digest = write_weights(model, version)
    tokenizer.save(str(version / "tokenizer.json"), pretty=False)
    metadata = Metadata(
        model=folder.name, version=f"{number}-{digest[:8]}", langs=langs, labels=dict(HEADS),
        tokenizer_sha256=sha256(version / "tokenizer.json"), weights_sha256=digest,
        token_limit=report["token_limit"], vocabulary=report["vocabulary"], probes=probes,
        calibration=msgspec.convert(report["calibration"], dict[str, Calibration]), base=report["base"],
        licence=licence_of(report["rows"]), recipe=report["recipe"], rows=report["rows"], metrics=report["dev"],
    )  # fmt: skip
    text = msgspec.json.format(msgspec.json.encode(metadata), indent=1) + b"\n"
    (version / "metadata.json").write_bytes(text)
    for program in PROGRAMS:
        if not (target := version / program).exists():
            shutil.copy(SERVING / program, target)
    (folder / "config.pbtxt").write_text(configuration({str(number): metadata}, str(number)), encoding="utf-8")
    return version


def main(arguments: Sequence[str] | None = None) -> None:
    """Export, check, compress, write."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder that models.train wrote")
    parser.add_argument("--out", type=Path, default=Path("models/repository"), help="Triton's model repository")
    parser.add_argument("--name", default="", help="the model is called opinion-NAME (default: its languages)")
    parser.add_argument("--number", type=int, default=1, help="version folder")
    parser.add_argument("--data", type=Path, help="folder with labelled/*.jsonl: write the drift watch's reference too")
    options = parser.parse_args(arguments)
    judge, tokenizer = load(options.weights)
    report = json.loads((options.weights / "report.json").read_text(encoding="utf-8"))
    model = to_onnx(judge)
    if (worst := agreement(judge, model)) > TOLERANCE:
        raise ExportRefused(f"graph and network differ by {worst:.2g}")
    compress(model)
    differs = agreement(judge, model)
    report |= {"token_limit": limit(judge), "vocabulary": int(judge.encoder.config.vocab_size)}
    name = PREFIX + (options.name or "".join(report["recipe"]["langs"]))
    folder = write(model, tokenizer, report, options.out / name, options.number)
    size = sum(path.stat().st_size for name in WEIGHTS if (path := folder / name).exists())
    print(f"{folder}: {size / 1e6:.1f} MB; compressed graph differs by {differs:.4f}")  # noqa: T201
    if options.data:
        measured.main(["--model", str(folder.parent), "--number", folder.name, "--data", str(options.data)])


if __name__ == "__main__":
    main()
