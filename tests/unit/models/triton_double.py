"""A gRPC server that speaks Triton's protocol and answers as a test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from models.registry import ACTIVE, SHADOW, Metadata, parameters

Answer = dict[str, np.ndarray]


class Refusal(Exception):  # noqa: N818 - what happens
    """Makes a call fail with a gRPC status."""

    def __init__(self, code: grpc.StatusCode, words: str = "as the test wants it") -> None:
        super().__init__(words)
        self.code = code


class TritonDouble(service_pb2_grpc.GRPCInferenceServiceServicer):
    """One model. `judge(ids)` gives the outputs for a batch; `calls` holds the batches it saw, `asked` their versions.

    `judges` answers for each version that is served; a test that adds one may let another be active, by `told`.
    """

    def __init__(self, metadata: Metadata, judge: Callable[[np.ndarray], Answer]) -> None:
        self.told = {ACTIVE: "1", SHADOW: ""} | parameters(metadata, "1")
        self.judge = judge
        self.judges: dict[str, Callable[[np.ndarray], Answer]] = {"1": lambda ids: self.judge(ids)}
        self.model_ready = True
        self.calls: list[np.ndarray] = []
        self.asked: list[str] = []
        self.checks = 0

    def add(self, number: str, metadata: Metadata, judge: Callable[[np.ndarray], Answer]) -> None:
        """Serve another version beside the first."""
        self.told |= parameters(metadata, number)
        self.judges[number] = judge

    async def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's names
        return service_pb2.ServerReadyResponse(ready=True)

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        return service_pb2.ModelReadyResponse(ready=self.model_ready)

    async def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.checks += 1
        response = service_pb2.ModelConfigResponse()
        for name, value in self.told.items():
            response.config.parameters[name].string_value = value
        return response

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        ids = np.frombuffer(request.raw_input_contents[0], dtype=np.int32).reshape(request.inputs[0].shape)
        wanted = [output.name for output in request.outputs]
        if request.model_version not in self.judges:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"version {request.model_version} is not found")
        if "runtime" not in wanted:
            self.calls.append(ids)
            self.asked.append(request.model_version)
        try:
            answer = self.judges[request.model_version](ids)
        except Refusal as refusal:
            await context.abort(refusal.code, str(refusal))
        response = service_pb2.ModelInferResponse(model_name=request.model_name, model_version="1")
        for name in wanted:
            output = response.outputs.add(name=name)
            if name == "runtime":
                output.datatype, text = "BYTES", b"double"
                output.shape.extend([1])
                response.raw_output_contents.append(len(text).to_bytes(4, "little") + text)
            else:
                values = answer[name].astype(np.float32)
                output.datatype = "FP32"
                output.shape.extend(values.shape)
                response.raw_output_contents.append(values.tobytes())
        return response


@asynccontextmanager
async def serving(double: TritonDouble, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback; yields host:port."""
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(double, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        await server.stop(None)
