"""How the network is run on this processor: the fastest way that keeps the verdicts.

Runs inside Triton's own Python environment (numpy < 2, onnxruntime, openvino), so it imports nothing of Tocsin.

The weights are stored as int8 and expanded when loaded. Measured on one core of an AVX512 processor with bfloat16 and
without AMX, texts a second at 32 x 25 and 8 x 128 tokens, and the largest change of a probability: openvino in bfloat16
616 and 120 (0.010), openvino on the stored int8 weights 553 and 110 (0.022), onnxruntime's dynamic int8 721 and 130
(0.071), openvino in float32 334 and 65, onnxruntime in float32 280 and 50. So half precision comes first, the int8
weights where the processor has no half precision, full precision last; onnxruntime's int8 changes too much to be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Answer = dict[str, np.ndarray]
Run = Callable[[np.ndarray, np.ndarray], Answer]
OUTPUTS = ("sentiment", "topic")
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


def onnxruntime(weights: Path, threads: int) -> Run:
    """The network in onnxruntime, full precision: runs on every processor."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # expand the stored weights once, at load
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not burn a core
    session = ort.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])

    def run(ids: np.ndarray, mask: np.ndarray) -> Answer:
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"input_ids": ids, "attention_mask": mask}), strict=True))

    return run


BUILDERS: dict[str, Callable[[Path, int], Run]] = {
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
    """Names of runtimes to try, fastest first."""
    names = []
    if "FP16" in able:
        names.append("openvino-f16")
    if "BF16" in able:
        names.append("openvino-bf16")
    if not names and "INT8" in able:
        names.append("openvino-int8")
    if able:
        names.append("openvino-f32")
    return [*names, "onnxruntime-f32"]


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
    for name in order(abilities()) if wanted == "auto" else [wanted]:
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
