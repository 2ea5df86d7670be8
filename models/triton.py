"""One model in Triton over gRPC: asked whether it is the right one, and for probabilities.

Every fault is one of three: `Unreachable` (wait and ask again), `BadInput` (this request is wrong, however often it is
sent), `ModelRefused` (the model or the access to it is wrong: a person must act).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tritonclient.grpc.aio as grpc
from grpc import ChannelConnectivity
from tokenizers import Tokenizer
from tritonclient.utils import InferenceServerException

from models.labels import HEADS, SENTIMENTS
from models.registry import ModelRefused, Served, check_parameters
from models.text import prepare

RUNTIME: Final = "runtime"
_WRONG_INPUT: Final = {"INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"}
_WRONG_MODEL: Final = {"UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"}
_RESTRICTED: Final = "protocol is restricted"
_CHANNEL: Final = [
    # A proxy of the environment is meant for the world outside; gRPC would ask it for 127.0.0.1 too.
    ("grpc.enable_http_proxy", 0),
    # After an outage gRPC would wait up to two minutes before it tries the address again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


class Unreachable(ConnectionError):  # noqa: N818 - what happened
    """Triton does not answer, or says it cannot now."""


class NotServed(ModelRefused):
    """Triton has no such version of the model now; it may have another."""


class BadInput(ValueError):  # noqa: N818 - what happened
    """Triton refuses this request as wrong."""


def connect(url: str, *, tls: bool = False, ca_file: Path | None = None) -> grpc.InferenceServerClient:
    """A client of Triton's gRPC endpoint `host:port`; must be made inside the running event loop."""
    return grpc.InferenceServerClient(
        url, ssl=tls, root_certificates=str(ca_file) if ca_file else None, channel_args=_CHANNEL
    )


def connected(client: grpc.InferenceServerClient) -> bool:
    """Whether the connection is up. After it was lost, only the next call opens another, perhaps to another server."""
    state = client._channel.get_state()  # the client offers no public way to ask
    return bool(state is ChannelConnectivity.READY)


def classify(error: InferenceServerException) -> Exception:
    """The fault behind a client error; everything unknown is worth another try."""
    code = str(error.status() or "").removeprefix("StatusCode.")
    if _RESTRICTED in error.message():  # told as UNAVAILABLE, yet no waiting helps
        return ModelRefused(
            "Triton keeps this for those who hold its key (for model control TOCSIN_TRITON_CONTROL_KEY). "
            f"It says: {error.message()}"
        )
    if code in _WRONG_INPUT:
        return BadInput(error.message())
    if code == "NOT_FOUND":
        return NotServed(f"Triton: {code}: {error.message()}")
    if code in _WRONG_MODEL:
        return ModelRefused(f"Triton: {code}: {error.message()}")
    return Unreachable(f"{code}: {error.message()}")


async def asked(call: Awaitable[Any]) -> Any:
    """The client's answer. Raises Unreachable, BadInput, ModelRefused."""
    try:
        return await call
    except InferenceServerException as error:
        raise classify(error) from None


def pad(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Token ids as one int32 array [rows, longest], 0 where a row ends early."""
    batch = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int32)
    for index, row in enumerate(rows):
        batch[index, : len(row)] = row
    return batch


def check_answer(answer: dict[str, np.ndarray], rows: int) -> None:
    """Raise ModelRefused unless each head gives `rows` proper distributions over its labels."""
    for head, labels in HEADS.items():
        values = answer[head]
        if values is None or values.shape != (rows, len(labels)):
            shape = None if values is None else list(values.shape)
            raise ModelRefused(f"{head} has shape {shape}, expected [{rows}, {len(labels)}]")
        proper = np.isfinite(values).all() and (values >= 0).all() and np.abs(values.sum(axis=1) - 1.0).max() < 1e-2
        if not proper:
            raise ModelRefused(f"{head} is not a probability distribution over its {len(labels)} labels")


class RemoteModel:
    """One served model. `check` must have passed before an answer of `infer` may be believed."""

    def __init__(self, client: grpc.InferenceServerClient, served: Served, timeout: float) -> None:
        self.served = served
        self.runtime = ""
        self._client = client
        self._name = served.metadata.model
        self._timeout = timeout
        self._outputs = [grpc.InferRequestedOutput(head) for head in HEADS]

    def connected(self) -> bool:
        """Whether this is still the connection the last `check` went over."""
        return connected(self._client)

    async def infer(self, rows: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Probabilities [rows, labels] of each head. Raises Unreachable, BadInput, ModelRefused."""
        result = await self._ask(rows, self._outputs)
        answer = {head: result.as_numpy(head) for head in HEADS}
        check_answer(answer, len(rows))
        return answer

    async def _ask(self, rows: Sequence[np.ndarray], outputs: list[Any]) -> Any:
        batch = pad(rows)
        tensor = grpc.InferInput("input_ids", list(batch.shape), "INT32")
        tensor.set_data_from_numpy(batch)
        return await asked(
            self._client.infer(self._name, [tensor], self.served.number, outputs=outputs, client_timeout=self._timeout)
        )

    async def told(self) -> dict[str, str]:
        """The parameters of the running model's configuration, the same for all its versions.

        Raises Unreachable while it is not ready, ModelRefused when it is not served.
        """
        if not await asked(self._client.is_model_ready(self._name, client_timeout=self._timeout)):
            await self._explain_not_ready()
        config = await asked(self._client.get_model_config(self._name, as_json=True, client_timeout=self._timeout))
        return {name: value.get("string_value", "") for name, value in config["config"].get("parameters", {}).items()}

    async def prove(self, tokenizer: Tokenizer, told: Mapping[str, str]) -> None:
        """Is this version the one its folder describes, and does it call the probes what they are?

        `told`: what the running model says. Raises Unreachable, and ModelRefused when it must not be used.
        """
        check_parameters(self.served.metadata, self.served.number, told)
        await self._check_probes(tokenizer)

    async def check(self, tokenizer: Tokenizer) -> None:
        """`prove`, by what the running model says now."""
        await self.prove(tokenizer, await self.told())

    async def _explain_not_ready(self) -> None:
        """A server that is up without this model will not get it by waiting."""
        if not await asked(self._client.is_server_ready(client_timeout=self._timeout)):
            raise Unreachable("Triton is starting")
        raise NotServed(
            f"Triton runs but does not serve {self._name}: look at its log (tocsin logs triton), and at the model "
            "repository it was started on"
        )

    async def _check_probes(self, tokenizer: Tokenizer) -> None:
        probes = self.served.metadata.probes
        codes = tokenizer.encode_batch_fast([prepare(probe.text) for probe in probes])
        rows = [np.array(code.ids, dtype=np.int32) for code in codes]
        outputs = [*self._outputs, grpc.InferRequestedOutput(RUNTIME)]
        try:
            result = await self._ask(rows, outputs)
        except BadInput as error:
            raise ModelRefused(f"{self._name} refuses the probe sentences: {error}") from None
        answer = {head: result.as_numpy(head) for head in HEADS}
        check_answer(answer, len(rows))
        for probe, row in zip(probes, answer["sentiment"], strict=True):
            named = SENTIMENTS[int(row.argmax())]
            if named != probe.sentiment:
                raise ModelRefused(
                    f"{self._name} calls a known {probe.sentiment} text {named}: its labels are swapped or its weights "
                    f"are damaged. The text: {probe.text}"
                )
        self.runtime = result.as_numpy(RUNTIME)[0].decode()


async def pause(attempt: int) -> None:
    """Wait before attempt number `attempt` (from 1): 0.1 s doubling to 2 s."""
    await asyncio.sleep(min(2.0, 0.1 * 2 ** min(attempt - 1, 10)))
