"""Triton's model control: load what a plan says while it serves, and take the plan back when that fails.

Loading a model runs code, so Triton lets only those who hold its key do it. A change is made in two loads: first the
new version beside the active one, proved by its probes through Triton; then, with that known, the one that uses it.
Triton serves without a gap meanwhile: a load that fails leaves what it served, and `config.pbtxt` is written back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import tritonclient.grpc.aio as grpc

from models import registry, versions
from models.lanes import open_judge
from models.registry import ModelRefused
from models.triton import BadInput, Unreachable, asked, connect
from models.versions import CONFIG, Plan

LOAD_SECONDS: Final = 300.0  # three versions took 9 s on two busy cores
PROBE_SECONDS: Final = 30.0


class Control:
    """The model control of one Triton; make it inside the running event loop, and `close` it.

    `headers` carry the key.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str] | None = None, *, tls: bool = False, ca_file: Path | None = None
    ) -> None:
        self.client: grpc.InferenceServerClient = connect(url, tls=tls, ca_file=ca_file)
        self._headers = dict(headers or {})

    async def close(self) -> None:
        """Close the connection."""
        await self.client.close()

    async def load(self, model: str) -> None:
        """Have Triton load the model as its folder is now. Raises ModelRefused when it cannot, and Unreachable."""
        try:
            await asked(self.client.load_model(model, headers=self._headers, client_timeout=LOAD_SECONDS))
        except BadInput as error:
            raise ModelRefused(f"Triton cannot load {model}: {error}") from None

    async def prove(self, folder: Path, number: str) -> None:
        """Raise ModelRefused unless the version answers its probes through Triton as its folder says."""
        served = registry.read(folder, number)
        judge = open_judge(self.client, served, served.metadata.token_limit, PROBE_SECONDS)
        await judge.prove(await judge.model.told())


async def change(control: Control, folder: Path, plan: Plan) -> None:
    """Make the model's plan `plan`, on disk and in Triton. On any fault everything is as before, and it is raised.

    1. what `plan` newly uses is loaded beside what is used now; 2. it answers its probes; 3. the plan is loaded.
    """
    before = versions.plan_of(folder)
    if plan == before:
        return
    new = sorted({plan.active, plan.shadow} - {"", before.active})
    staged = replace(before, served=before.served | set(new))
    text = (folder / CONFIG).read_text(encoding="utf-8")
    done = False
    try:
        await _prepare(control, folder, before, staged, new)
        versions.write_plan(folder, plan)
        await control.load(folder.name)
        done = True
    finally:
        if not done and (folder / CONFIG).read_text(encoding="utf-8") != text:
            versions.write_config(folder, text)
            with contextlib.suppress(ModelRefused, Unreachable):  # then Triton has what it had; the first fault is told
                await control.load(folder.name)


async def _prepare(control: Control, folder: Path, before: Plan, staged: Plan, new: Sequence[str]) -> None:
    if staged != before:
        versions.write_plan(folder, staged)
        await control.load(folder.name)
    for number in new:
        await control.prove(folder, number)
