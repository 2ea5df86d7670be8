"""The oracle sees loss: Faust's ordinary batches lose records after one fault, safe batches lose none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.stack import Stack
from streams.kafka import Outgoing
from streams.settings import environment
from streams.topics import NEWS_RAW
from tests.installation import Installation

pytestmark = [pytest.mark.engines, pytest.mark.fault]
COUNT = 40
PARTITIONS = 4  # a fault in one must not cost what was buffered of the others


def handled(stack: Stack, style: str, folder: Path) -> set[int]:
    """Run the app until it ends or is quiet, start it once more, and tell which records were ever handled."""
    run = Installation.make(stack.settings.state_dir, f"lossy-{style}", partitions=PARTITIONS)
    run.produce([Outgoing(NEWS_RAW, str(n).encode(), partition=n % PARTITIONS) for n in range(COUNT)])
    seen = folder / f"{style}.txt"
    seen.touch()
    env = os.environ | environment(run.settings) | {"LOSSY_STYLE": style, "LOSSY_FILE": str(seen)}
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", "faust", "-A", "tests.fault.lossy_app", "worker", "-l", "error"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            deadline = time.monotonic() + 15
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    return set(map(int, seen.read_text().split()))


def test_taking_batches_the_ordinary_way_loses_records(stack: Stack, tmp_path: Path) -> None:
    """One exception in a `take()` handler loses records that no restart brings back."""
    assert set(range(COUNT)) - handled(stack, "take", tmp_path)


def test_safe_batches_lose_none(stack: Stack, tmp_path: Path) -> None:
    """The same fault under safe batches ends the process; after a restart every record was handled."""
    assert handled(stack, "safe", tmp_path) == set(range(COUNT))
