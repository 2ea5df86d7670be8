"""Where a run's numbers go, and how far it says that it is."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.progress import Bar, Lines, Pace, teller
from models.tracking import Nowhere, TrackerMissing, folder_beside, tracker


class Recorder:
    """Takes every call of a package and writes it down."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **named: Any) -> Recorder:
            self.calls.append((name, args or named))
            return self

        return call


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("mlflow", ["set_experiment", "start_run", "log_params", "log_metrics", "end_run"]),
        ("wandb", ["init", "log", "finish"]),
    ],
)
def test_numbers_reach_the_tracker_that_was_asked_for(
    which: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recipe, numbers and end, in this order."""
    recorder = Recorder()
    monkeypatch.setitem(sys.modules, which, recorder)  # type: ignore[arg-type]  # as good as a module here
    track = tracker(which, tmp_path / "out", {"epochs": 2})
    track.numbers(3, {"loss": 0.5})
    track.close()
    assert [name for name, _ in recorder.calls] == names


@pytest.mark.parametrize("which", ["mlflow", "wandb", "tensorboard"])
def test_an_absent_tracker_is_named_with_its_package(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to install, or what to do without it."""

    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {which!r}", name=which)

    monkeypatch.setattr("models.tracking.importlib", SimpleNamespace(import_module=absent))
    with pytest.raises(TrackerMissing, match=f"pip install {which}"):
        tracker(which, tmp_path / "out", {})


def test_a_fault_within_a_tracker_is_not_called_its_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation keeps its own message."""

    def broken(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'other'", name="other")

    monkeypatch.setattr("models.tracking.importlib", SimpleNamespace(import_module=broken))
    with pytest.raises(ModuleNotFoundError, match="other"):
        tracker("mlflow", tmp_path / "out", {})


@pytest.mark.train
def test_tensorboard_files_lie_beside_the_weights(tmp_path: Path) -> None:
    """One folder a run, under `runs`, so that they can be compared."""
    track = tracker("tensorboard", tmp_path / "out", {"epochs": 2})
    track.numbers(3, {"loss": 0.5})
    track.close()
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    events = EventAccumulator(str(folder_beside(tmp_path / "out")))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(3, 0.5)]


def test_nowhere_keeps_nothing(tmp_path: Path) -> None:
    """Not a single file."""
    track = tracker("none", tmp_path / "out", {})
    track.numbers(1, {"loss": 1.0})
    track.close()
    assert isinstance(track, Nowhere)
    assert not list(tmp_path.iterdir())


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 1000), st.floats(0, 1e6), st.integers(0, 100))
def test_a_pace_is_never_negative_or_endless(done: int, more: int, items: int, seconds: float, begun: int) -> None:
    """Also before the first step, and right after a run went on."""
    pace = Pace(done + begun, done + begun + more, items, seconds, begun)
    assert pace.rate >= 0
    assert pace.left >= 0
    assert "min left" in pace.told()


def test_what_is_left_counts_only_what_was_done_now() -> None:
    """A resumed run does not count the steps of the run before."""
    assert Pace(150, 200, 1600, 100.0, begun=100).left == 100.0


def test_lines_come_when_due_and_a_bar_moves_always() -> None:
    """Without a terminal a line now and then; on one a bar, above which lines are said."""
    out = io.StringIO()
    assert isinstance(teller(out), Lines)
    for step in range(1, 5):
        Lines(out).step(Pace(step, 4, step, 1.0), "loss 1", step == 4)
    assert out.getvalue() == "step 4/4 loss 1 4 rows/s, 0.0 min left\n"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    bar = teller(screen)
    assert isinstance(bar, Bar)
    bar.step(Pace(1, 4, 8, 1.0), "loss 1", False)
    bar.say("epoch [1] ended")
    bar.step(Pace(4, 4, 32, 4.0), "loss 0.5", True)
    bar.close()
    assert "epoch [1] ended" in screen.getvalue()
    assert "4/4" in screen.getvalue()
    assert "loss 0.5" in screen.getvalue()
