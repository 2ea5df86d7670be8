"""Changing what Triton serves, against a double: in two loads, and back when something fails."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import msgspec
import numpy as np
import pytest

from models import registry, versions
from models.control import Control, change
from models.registry import ACTIVE, SHIPPED, WEIGHTS, ModelRefused
from models.triton import Unreachable
from models.versions import Plan, activate, plan_of, roll_back, with_shadow
from tests.unit.models.test_lanes import WRONG, saying
from tests.unit.models.triton_double import Refusal, TritonDouble, serving

NAME = "opinion-en"
START = Plan(frozenset({"1"}), "1")


class Loading(TritonDouble):
    """Reads the model's folder when it is told to load, as Triton does; `loads` holds the plans it found."""

    def __init__(self, folder: Path) -> None:
        super().__init__(registry.decode(folder / "1" / "metadata.json"), lambda ids: {})
        self.folder = folder
        self.loads: list[Plan] = []
        self.fail: Callable[[Plan], grpc.StatusCode | None] = lambda plan: None
        self.answers: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]] = {}
        self.key = "sesame"
        self._take()

    def _take(self) -> None:
        self.told = registry.configured(self.folder)
        plan = plan_of(self.folder)
        self.judges = {
            number: self.answers.get(number, saying(registry.decode(self.folder / number / "metadata.json"), "neutral"))
            for number in plan.served
        }

    async def RepositoryModelLoad(self, request: object, context: grpc.aio.ServicerContext) -> object:  # noqa: N802
        from tritonclient.grpc import service_pb2

        given = dict(context.invocation_metadata() or ())
        if given.get("triton-grpc-protocol-tocsin-control") != self.key:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "This protocol is restricted, expecting header 'x'")
        plan = plan_of(self.folder)
        self.loads.append(plan)
        if code := self.fail(plan):
            await context.abort(code, "load failed for model: version 2 is at UNAVAILABLE state")
        self._take()
        return service_pb2.RepositoryModelLoadResponse()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with versions 1 (active) and 2, their networks stand-ins."""
    source = SHIPPED / NAME / "1"
    made = tmp_path / NAME
    for number in ("1", "2"):
        (made / number).mkdir(parents=True)
        shutil.copy(source / "tokenizer.json", made / number)
        (made / number / WEIGHTS[0]).write_bytes(number.encode())
        digest = registry.sha256(made / number / WEIGHTS[0])
        told = msgspec.structs.replace(
            registry.decode(source / "metadata.json"), version=f"{number}-x", weights_sha256=digest
        )
        (made / number / "metadata.json").write_bytes(msgspec.json.encode(told))
    versions.write_plan(made, START)
    return made


async def changed(double: Loading, plan: Plan, key: str = "sesame") -> None:
    """Change to the plan through the double."""
    async with serving(double) as url:
        control = Control(url, {"triton-grpc-protocol-tocsin-control": key})
        try:
            await change(control, double.folder, plan)
        finally:
            await control.close()


async def test_a_new_version_is_proved_before_it_is_used(folder: Path) -> None:
    """Triton first serves it beside the active one, then uses it; the roll-back needs one load only."""
    double = Loading(folder)
    await changed(double, activate(START, "2"))
    assert double.loads == [Plan(frozenset({"1", "2"}), "1"), Plan(frozenset({"1", "2"}), "2", "", ("1",))]
    double.loads.clear()
    await changed(double, roll_back(plan_of(folder)))
    assert double.loads == [Plan(frozenset({"1", "2"}), "1")]


async def test_a_shadow_is_loaded_and_ended(folder: Path) -> None:
    """Proved as a version to be used is."""
    double = Loading(folder)
    await changed(double, with_shadow(START, "2"))
    assert plan_of(folder) == Plan(frozenset({"1", "2"}), "1", "2")
    await changed(double, with_shadow(plan_of(folder), ""))
    assert double.loads[-1] == plan_of(folder) == START


async def test_nothing_to_change_loads_nothing(folder: Path) -> None:
    """The plan that is there already costs nothing."""
    double = Loading(folder)
    await changed(double, START)
    assert not double.loads


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda double: setattr(double, "fail", failing({"1", "2"}, grpc.StatusCode.INVALID_ARGUMENT)), ModelRefused),
        (lambda double: setattr(double, "fail", failing({"1", "2"}, grpc.StatusCode.UNAVAILABLE)), Unreachable),
        (lambda double: double.answers.update({"2": WRONG}), ModelRefused),
        (lambda double: (double.folder / "2" / WEIGHTS[0]).write_bytes(b"damaged"), ModelRefused),
        (lambda double: setattr(double, "key", "another"), ModelRefused),
    ],
    ids=["does not load", "away", "wrong answers", "damaged", "wrong key"],
)
async def test_what_fails_leaves_everything_as_it_was(
    folder: Path, spoil: Callable[[Loading], None], fault: type[Exception]
) -> None:
    """The configuration is the old one, byte for byte, and Triton serves it."""
    before = (folder / "config.pbtxt").read_bytes()
    double = Loading(folder)
    spoil(double)
    with pytest.raises(fault):
        await changed(double, activate(START, "2"))
    assert (folder / "config.pbtxt").read_bytes() == before
    assert set(double.judges) == {"1"}
    assert double.told[ACTIVE] == "1"


async def test_a_failure_of_the_second_load_is_taken_back(folder: Path) -> None:
    """Also when the version was proved and only its use fails."""
    double = Loading(folder)
    double.fail = lambda plan: grpc.StatusCode.INVALID_ARGUMENT if plan.active == "2" else None
    with pytest.raises(ModelRefused, match="cannot load"):
        await changed(double, activate(START, "2"))
    assert plan_of(folder) == START
    assert double.told[ACTIVE] == "1"
    assert double.loads[-1] == START


async def test_an_interruption_is_taken_back(folder: Path) -> None:
    """Ctrl-C in the middle leaves the old configuration."""
    double = Loading(folder)

    def interrupt(ids: np.ndarray) -> dict[str, np.ndarray]:
        task.cancel()
        raise Refusal(grpc.StatusCode.UNAVAILABLE)

    double.answers["2"] = interrupt
    task = asyncio.create_task(changed(double, activate(START, "2")))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert plan_of(folder) == START
    assert set(double.judges) == {"1"}


def failing(served: set[str], code: grpc.StatusCode) -> Callable[[Plan], grpc.StatusCode | None]:
    """Loads of a plan that serves these fail."""
    return lambda plan: code if plan.served == served else None
