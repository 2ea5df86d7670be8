"""The choice of how to run the network, made inside Triton's environment."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import models

SERVING = Path(models.__file__).parent / "serving"
PROBES = [
    {"text": "a", "sentiment": "negative", "ids": [1, 5, 2], "probabilities": [0.9, 0.05, 0.05]},
    {"text": "b", "sentiment": "positive", "ids": [1, 6, 7, 2], "probabilities": [0.1, 0.3, 0.6]},
]
LABELS = ["negative", "neutral", "positive"]
METADATA = {"probes": PROBES, "labels": {"sentiment": LABELS}}


@pytest.fixture(scope="module")
def runtimes() -> ModuleType:
    """The module as Triton's Python backend loads it: by path, not from a package."""
    path = SERVING / "runtimes.py"
    spec = importlib.util.spec_from_file_location("runtimes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exact(ids: np.ndarray, mask: np.ndarray, shift: float = 0.0) -> dict[str, np.ndarray]:
    """The probes' own probabilities, the first and last moved by `shift`."""
    rows = [PROBES[0] if row[1] == 5 else PROBES[1] for row in ids]
    return {"sentiment": np.array([p["probabilities"] for p in rows]) + np.array([-shift, 0.0, shift])}


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"FP32", "INT8", "BF16", "FP16"}, ["openvino-f16", "openvino-bf16", "openvino-f32", "onnxruntime-f32"]),
        ({"FP32", "INT8", "BF16"}, ["openvino-bf16", "openvino-f32", "onnxruntime-f32"]),
        ({"FP32", "INT8"}, ["openvino-int8", "openvino-f32", "onnxruntime-f32"]),
        (set(), ["onnxruntime-f32"]),
        ({"TensorrtExecutionProvider", "CUDAExecutionProvider"}, ["tensorrt-f16", "cuda-f32", "onnxruntime-f32"]),
        ({"CUDAExecutionProvider", "FP32", "BF16"}, ["cuda-f32", "openvino-bf16", "openvino-f32", "onnxruntime-f32"]),
    ],
)
def test_order_follows_what_the_processor_can_do(runtimes: ModuleType, able: set[str], expected: list[str]) -> None:
    """Half precision before int8 before full precision, and a runtime for every processor at the end."""
    assert runtimes.order(able) == expected


@pytest.mark.parametrize(("shift", "kept"), [(0.0, True), (0.04, True), (0.06, False), (-0.06, False), (np.nan, False)])
def test_verdicts_are_kept_within_the_drift(runtimes: ModuleType, shift: float, kept: bool) -> None:
    """A probability may move by 0.05, not more, and never to NaN."""
    assert runtimes.keeps_verdicts(lambda i, m: exact(i, m, shift), PROBES, LABELS) is kept


def test_runtime_that_ignores_padding_wrongly_is_passed_over(runtimes: ModuleType) -> None:
    """Probes are asked alone and in one padded batch; both must be right."""

    def spoilt_by_padding(ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        return exact(ids, mask, 0.0 if mask.all() else 0.2)

    assert not runtimes.keeps_verdicts(spoilt_by_padding, PROBES, LABELS)


def test_first_right_runtime_is_used_and_the_others_explained(
    runtimes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot start and one that answers differently are reported, the next one serves."""

    def absent(weights: Path, threads: int) -> Any:
        raise ImportError("no such library")

    builders = {"a": absent, "b": lambda *_: lambda i, m: exact(i, m, 0.2), "c": lambda *_: exact, "d": absent}
    monkeypatch.setattr(runtimes, "BUILDERS", builders)
    monkeypatch.setattr(runtimes, "order", lambda able: list(builders))
    tried = list(runtimes.build(Path("x"), 1, METADATA, "auto"))
    assert [name for name, _ in tried] == ["a", "b", "c"]
    assert "no such library" in tried[0][1]
    assert callable(tried[2][1])
    with pytest.raises(runtimes.NoRuntime):
        list(runtimes.build(Path("x"), 1, METADATA, "b"))
    with pytest.raises(runtimes.NoRuntime, match="TOCSIN_MODEL_RUNTIME"):
        list(runtimes.build(Path("x"), 1, METADATA, "gpu"))


class Session:
    """Stands for onnxruntime's session where there is no GPU: remembers what was asked for."""

    asked: Any = None

    def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
        type(self).asked = providers

    def get_providers(self) -> list[str]:
        """As after a fault of the GPU's libraries: what is left."""
        return ["CPUExecutionProvider"]


@pytest.mark.parametrize("name", ["tensorrt-f16", "cuda-f32"])
def test_a_gpu_that_does_not_work_is_passed_over(
    runtimes: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    """onnxruntime says nothing when it falls back to the processor; that is not taken for the GPU."""
    stand_in = ModuleType("onnxruntime")
    options = type("Options", (), {"add_session_config_entry": lambda *_: None})
    stand_in.__dict__.update(SessionOptions=options, InferenceSession=Session)
    monkeypatch.setitem(sys.modules, "onnxruntime", stand_in)
    with pytest.raises(RuntimeError, match="cannot be used"):
        runtimes.BUILDERS[name](tmp_path / "model.onnx", 1)
    assert Session.asked[-1] == "CPUExecutionProvider"


def test_tensorrt_is_asked_for_half_precision_and_every_shape(runtimes: ModuleType, tmp_path: Path) -> None:
    """Strings, as onnxruntime wants them; the largest shape holds the longest text; engines are kept."""
    (name, options), *others = runtimes.providers("TensorrtExecutionProvider", tmp_path)
    assert (name, others) == ("TensorrtExecutionProvider", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert all(isinstance(value, str) for value in options.values())
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_engine_cache_path"] == str(tmp_path / "tensorrt")
    assert options["trt_profile_min_shapes"] == "input_ids:1x1,attention_mask:1x1"
    assert options["trt_profile_max_shapes"].endswith("attention_mask:1024x512")
