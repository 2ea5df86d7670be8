"""Where the losses and scores of a run are kept to look at: TensorBoard, MLflow, Weights & Biases or nowhere.

A tracker is imported only when it is asked for. TensorBoard's files lie beside the weights: `tensorboard --logdir runs`
compares them. MLflow and W&B read their addresses and keys from their own environment variables.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

PROJECT: Final = "tocsin"


class TrackerMissing(RuntimeError):  # noqa: N818 - what happened
    """The package of a tracker is not installed; the message names it."""


class Tracker(Protocol):
    """Keeps numbers of a run by step."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Keep these values for this step."""

    def close(self) -> None:
        """The run has ended; everything is kept."""


class Nowhere:
    """Keeps nothing."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Forget them."""

    def close(self) -> None:
        """Nothing to end."""


class TensorBoard:
    """Event files in a folder."""

    def __init__(self, folder: Path, parameters: Mapping[str, Any]) -> None:
        self.writer = _imported("torch.utils.tensorboard", "tensorboard").SummaryWriter(str(folder))
        table = "\n".join(f"| {name} | {value} |" for name, value in parameters.items())
        self.writer.add_text("recipe", f"| number | value |\n|---|---|\n{table}")

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """One scalar each."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close the files."""
        self.writer.close()


class MLflow:
    """A run of MLflow, where MLFLOW_TRACKING_URI says."""

    def __init__(self, name: str, parameters: Mapping[str, Any]) -> None:
        self.mlflow = _imported("mlflow", "mlflow")
        self.mlflow.set_experiment(PROJECT)
        self.mlflow.start_run(run_name=name)
        self.mlflow.log_params(dict(parameters))

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """All of them as metrics."""
        self.mlflow.log_metrics(dict(values), step=step)

    def close(self) -> None:
        """End the run."""
        self.mlflow.end_run()


class Wandb:
    """A run of Weights & Biases, as its own environment variables say."""

    def __init__(self, name: str, parameters: Mapping[str, Any]) -> None:
        self.run = _imported("wandb", "wandb").init(project=PROJECT, name=name, config=dict(parameters))

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """All of them in one entry."""
        self.run.log(dict(values), step=step)

    def close(self) -> None:
        """Send what is left."""
        self.run.finish()


def _imported(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise TrackerMissing(
            f"--track {package} needs the package {package}: pip install {package}, or use --track none"
        ) from None


def folder_beside(out: Path) -> Path:
    """The folder of TensorBoard's files for a run that writes to `out`."""
    return out.parent / "runs" / out.name


def tracker(which: str, out: Path, parameters: Mapping[str, Any]) -> Tracker:
    """The tracker of a run that writes to `out`. Raises TrackerMissing."""
    match which:
        case "tensorboard":
            return TensorBoard(folder_beside(out), parameters)
        case "mlflow":
            return MLflow(out.name, parameters)
        case "wandb":
            return Wandb(out.name, parameters)
    return Nowhere()
