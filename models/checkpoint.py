"""What a run needs to go on as if it had never stopped, in one file that is written whole or not at all.

Tensors and, as its metadata, everything else as JSON: safetensors, so that reading a checkpoint runs no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

NAME: Final = "checkpoint.safetensors"
_FACTS: Final = "facts"


class CheckpointRefused(RuntimeError):  # noqa: N818 - what happened
    """There is no checkpoint, one too many, or one of another run; the message says what to do."""


def write(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Replace the checkpoint of the folder. After a crash it holds the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{NAME}.part"
    save_file({name: value.contiguous() for name, value in tensors.items()}, fresh, {_FACTS: json.dumps(facts)})
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(folder / NAME)


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The checkpoint of the folder. Raises CheckpointRefused."""
    path = folder / NAME
    if not path.exists():
        raise CheckpointRefused(f"there is no {path} to go on from: leave out --resume")
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()[_FACTS])  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointRefused(f"{path} cannot be read ({error}): delete it and begin anew") from None


def require_none(folder: Path) -> None:
    """Raises CheckpointRefused when an unfinished run would be forgotten."""
    if (folder / NAME).exists():
        raise CheckpointRefused(
            f"{folder / NAME} is the checkpoint of an unfinished run: --resume goes on with it; delete it to begin anew"
        )


def remove(folder: Path) -> None:
    """The run has ended."""
    (folder / NAME).unlink(missing_ok=True)


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Of the weights that a run begins with: a checkpoint goes on only from the same ones."""
    found = hashlib.sha256()
    for name, value in weights.items():
        found.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def random_tensors() -> dict[str, Tensor]:
    """The states of torch's random numbers."""
    found = {"random.cpu": torch.get_rng_state()}
    return found | ({"random.cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def set_random(tensors: Mapping[str, Tensor]) -> None:
    """Go on with the random numbers where `random_tensors` was called."""
    torch.set_rng_state(tensors["random.cpu"])
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])


def chance_facts(state: tuple[Any, ...]) -> list[Any]:
    """The state of a `random.Random` as JSON has it."""
    version, numbers, gauss = state
    return [version, list(numbers), gauss]


def set_chance(chance: random.Random, facts: list[Any]) -> None:
    """Put a `random.Random` into the state that `chance_facts` wrote down."""
    version, numbers, gauss = facts
    chance.setstate((version, tuple(numbers), gauss))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of every parameter, by its number and name."""
    found = optimiser.state_dict()["state"]
    return {f"optimiser.{number}.{name}": value for number, each in found.items() for name, value in each.items()}


def set_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the optimiser into the state that `optimiser_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, number, own = name.split(".", 2)
            state.setdefault(int(number), {})[own] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
