"""How the network is run on this processor: the fastest way that keeps the verdicts.

Runs inside Triton's own Python environment (numpy < 2, onnxruntime, openvino), so it imports nothing of Tocsin.

The weights are stored as int8 and expanded when loaded. Measured on one core of an AVX512 processor with bfloat16 and
without AMX, texts a second at 32 x 25 and 8 x 128 tokens, and the largest change of a probability: openvino in bfloat16
616 and 120 (0.010), openvino on the stored int8 weights 553 and 110 (0.022), onnxruntime's dynamic int8 721 and 130
(0.071), openvino in float32 334 and 65, onnxruntime in float32 280 and 50. So half precision comes first, the int8
weights where the processor has no half precision, full precision last; onnxruntime's int8 changes too much to be used.

With onnxruntime's GPU build in that environment, TensorRT in half precision comes before all of these and CUDA in full
precision after it. Their settings are written and tested as settings; no GPU was at hand to measure them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Answer = dict[str, np.ndarray]
Run = Callable[[np.ndarray, np.ndarray], Answer]
OUTPUTS = ("sentiment", "topic", "risk")
# Rows and tokens a row of the smallest, the usual and the largest request that TensorRT prepares for.
GPU_SHAPES = {"min": (1, 1), "opt": (32, 64), "max": (1024, 512)}
DRIFT = 0.05  # most that a probability of a probe may differ from full precision


class NoRuntime(RuntimeError):  # noqa: N818 - what happened
    """No way of running the network gives the right answers here."""


def openvino(weights: Path, threads: int, precision: str) -> Run:
    """The network in OpenVINO; `precision` is f16, bf16, f32, or int8 for the stored weights as they are."""
    import openvino as ov
    from openvino.passes import ConstantFolding, Manager

    network = ov.Core().read_model(weights)
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    if precision == "int8":
        options |= {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 32}
    else:
        passes = Manager()
        passes.register_pass(ConstantFolding())
        passes.run_passes(network)
        options |= {"INFERENCE_PRECISION_HINT": precision, "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    request = ov.Core().compile_model(network, "CPU", options).create_infer_request()

    def run(ids: np.ndarray, mask: np.ndarray) -> Answer:
        answer = request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
        return {name: np.array(answer[name], dtype=np.float32) for name in OUTPUTS}  # copies: the request is reused

    return run


def onnxruntime(weights: Path, threads: int, provider: str = "CPUExecutionProvider") -> Run:
    """The network in onnxruntime, full precision: runs on every processor; or on a GPU by another provider."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # expand the stored weights once, at load
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not burn a core
    session = ort.InferenceSession(str(weights), options, providers=providers(provider, weights.parent))
    if session.get_providers()[0] != provider:  # onnxruntime falls back without a fault where libraries are missing
        raise RuntimeError(f"{provider} cannot be used; see onnxruntime's own lines above")

    def run(ids: np.ndarray, mask: np.ndarray) -> Answer:
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"input_ids": ids, "attention_mask": mask}), strict=True))

    return run


def providers(first: str, folder: Path) -> list[str | tuple[str, dict[str, str]]]:
    """What onnxruntime shall compute with, and after it what takes over single operations it lacks.

    TensorRT builds an engine for the range of GPU_SHAPES and keeps it beside the weights, for the next start. Options:
    onnxruntime's documentation of the TensorRT execution provider.
    """
    names = ("input_ids", "attention_mask")
    shapes = {
        f"trt_profile_{which}_shapes": ",".join(f"{name}:{rows}x{width}" for name in names)
        for which, (rows, width) in GPU_SHAPES.items()
    }
    tensorrt = {
        "trt_fp16_enable": "1", "trt_layer_norm_fp32_fallback": "1", "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder / "tensorrt"), "trt_timing_cache_enable": "1", **shapes,
    }  # fmt: skip
    wanted = {
        "TensorrtExecutionProvider": [("TensorrtExecutionProvider", tensorrt), "CUDAExecutionProvider"],
        "CUDAExecutionProvider": ["CUDAExecutionProvider"],
    }
    return [*wanted.get(first, []), "CPUExecutionProvider"]


def gpus() -> set[str]:
    """The GPU providers that the installed onnxruntime has; whether they work is seen when one is tried."""
    try:
        import onnxruntime as ort

        return {"TensorrtExecutionProvider", "CUDAExecutionProvider"} & set(ort.get_available_providers())
    except ImportError:
        return set()


BUILDERS: dict[str, Callable[[Path, int], Run]] = {
    "tensorrt-f16": lambda weights, threads: onnxruntime(weights, threads, "TensorrtExecutionProvider"),
    "cuda-f32": lambda weights, threads: onnxruntime(weights, threads, "CUDAExecutionProvider"),
    "openvino-f16": lambda weights, threads: openvino(weights, threads, "f16"),
    "openvino-bf16": lambda weights, threads: openvino(weights, threads, "bf16"),
    "openvino-int8": lambda weights, threads: openvino(weights, threads, "int8"),
    "openvino-f32": lambda weights, threads: openvino(weights, threads, "f32"),
    "onnxruntime-f32": onnxruntime,
}


def abilities() -> set[str]:
    """What OpenVINO says this processor computes natively (FP16, BF16, INT8 ...); nothing when OpenVINO cannot run."""
    try:
        import openvino as ov

        return set(ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    except (ImportError, RuntimeError):
        return set()


def order(able: set[str]) -> list[str]:
    """Names of runtimes to try, fastest first. `able`: what the processor computes natively, and GPU providers."""
    graphics = [
        name
        for name, provider in (("tensorrt-f16", "TensorrtExecutionProvider"), ("cuda-f32", "CUDAExecutionProvider"))
        if provider in able
    ]
    names = []
    if "FP16" in able:
        names.append("openvino-f16")
    if "BF16" in able:
        names.append("openvino-bf16")
    if not names and "INT8" in able:
        names.append("openvino-int8")
    if "FP32" in able:
        names.append("openvino-f32")
    return [*graphics, *names, "onnxruntime-f32"]


def keeps_verdicts(run: Run, probes: list[dict], labels: list[str]) -> bool:
    """Whether every probe gets its sentiment, close to the probability of full precision, alone and in one batch."""
    width = max(len(probe["ids"]) for probe in probes)
    ids = np.zeros((len(probes), width), dtype=np.int32)
    for row, probe in zip(ids, probes, strict=True):
        row[: len(probe["ids"])] = probe["ids"]
    batch = run(ids, (ids != 0).astype(np.int32))["sentiment"]
    for index, probe in enumerate(probes):
        alone = ids[index : index + 1, : len(probe["ids"])]
        single = run(np.ascontiguousarray(alone), np.ones_like(alone))["sentiment"][0]
        for answer in (batch[index], single):
            drift = np.abs(answer - np.array(probe["probabilities"], dtype=np.float32)).max()
            if not drift <= DRIFT or labels[int(answer.argmax())] != probe["sentiment"]:
                return False
    return True


def build(weights: Path, threads: int, metadata: dict, wanted: str) -> Iterator[tuple[str, Run | str]]:
    """Each runtime tried, with the reason it was passed over, and last the one to use. `wanted` "auto" tries in order.

    Raises NoRuntime when none is right.
    """
    if wanted != "auto" and wanted not in BUILDERS:
        raise NoRuntime(f"TOCSIN_MODEL_RUNTIME={wanted} is not one of auto, {', '.join(BUILDERS)}")
    for name in order(abilities() | gpus()) if wanted == "auto" else [wanted]:
        try:
            run = BUILDERS[name](weights, threads)
        except (ImportError, RuntimeError) as error:
            yield name, f"cannot start: {error}"
            continue
        if keeps_verdicts(run, metadata["probes"], metadata["labels"]["sentiment"]):
            yield name, run
            return
        yield name, "answers the probe sentences differently"
    raise NoRuntime("no runtime on this machine gives the answers the weights were exported with")
