"""Triton's side of the model: token ids in, probabilities out. Runs in Triton's own Python environment.

Input `input_ids` INT32 [rows, length], padded with 0; outputs `sentiment`, `topic`, `risk` FP32 [rows, labels], and on
request `runtime`, the name of what computes them. Environment: TOCSIN_MODEL_THREADS (default 1) and
TOCSIN_MODEL_RUNTIME (default auto, see runtimes.py).
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import runtimes
import triton_python_backend_utils as pb_utils

WEIGHTS = ("model.onnx", "words.bin")  # the network, and its table of word pieces where that lies beside it
MOST_TOKENS = 65_536  # of one request, padding included: a bound on memory, not a target


class TritonPythonModel:
    """One instance of the network."""

    def initialize(self, args: dict) -> None:
        """Load the weights with the fastest runtime that answers the probes right; refuse damaged files."""
        folder = Path(args["model_repository"]) / args["model_version"]
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        weights = folder / WEIGHTS[0]
        digest = hashlib.sha256()
        for name in WEIGHTS:
            if (folder / name).exists():
                digest.update((folder / name).read_bytes())
        if digest.hexdigest() != metadata["weights_sha256"]:
            raise pb_utils.TritonModelException(f"{weights} is not the network that metadata.json describes")
        self.limit = int(metadata["token_limit"])
        self.words = int(metadata["vocabulary"])
        threads = int(os.environ.get("TOCSIN_MODEL_THREADS", "1"))
        wanted = os.environ.get("TOCSIN_MODEL_RUNTIME", "auto")
        for name, found in runtimes.build(weights, threads, metadata, wanted):
            if callable(found):
                self.run = found
                self.runtime = name
                what = f"{metadata['model']} {metadata['version']}"
                pb_utils.Logger.log_info(f"{what} runs in {name} on {threads} thread(s)")
            else:
                pb_utils.Logger.log_warn(f"{metadata['model']}: {name} passed over: {found}")

    def execute(self, requests: list) -> list:
        """One response for each request; a wrong one gets INVALID_ARGUMENT and harms no other."""
        return [self.answer(request) for request in requests]

    def answer(self, request):
        """Probabilities for one request."""
        ids = pb_utils.get_input_tensor_by_name(request, "input_ids").as_numpy()
        if fault := self.fault(ids):
            error = pb_utils.TritonError(fault, pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)
        ids = np.ascontiguousarray(ids, dtype=np.int32)
        answer = self.run(ids, (ids != 0).astype(np.int32))
        asked = request.requested_output_names()
        tensors = [pb_utils.Tensor(name, answer[name]) for name in runtimes.OUTPUTS if name in asked]
        if "runtime" in asked:
            tensors.append(pb_utils.Tensor("runtime", np.array([self.runtime.encode()], dtype=np.object_)))
        return pb_utils.InferenceResponse(output_tensors=tensors)

    def fault(self, ids: np.ndarray) -> str:
        """What is wrong with the input, empty when nothing is."""
        if ids.ndim != 2 or not ids.size:
            return f"input_ids must be [rows, length] and not empty, not {list(ids.shape)}"
        if ids.shape[1] > self.limit:
            return f"a text has {ids.shape[1]} tokens, the model reads {self.limit}"
        if ids.size > MOST_TOKENS:
            return f"a request of {ids.size} tokens is too large, at most {MOST_TOKENS}"
        if ids.min() < 0 or ids.max() >= self.words:
            return f"a token id is outside 0 to {self.words - 1}"
        if not (ids != 0).any(axis=1).all():
            return "a row holds nothing but padding"
        return ""
