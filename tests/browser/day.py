"""The demo's day on real engines, left running; more of what happened in it may be brought in as news of this hour."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.demo.session import ENVIRONMENT, FOLDER

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0  # seconds in which the day is played; on two quiet cores it takes some 25
ENDING = 60.0  # seconds in which workers end
RECALL, ACCOUNTS = ("recall", "15:20", "16:20"), ("accounting", "11:42", "12:40")  # a part of the day, from, to


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was played, and goes on."""

    state: Path  # its state folder
    variables: dict[str, str]  # under which commands work on it

    @property
    def namespace(self) -> str:
        return self.variables["TOCSIN_NAMESPACE"]

    def tocsin(self, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
        """One command on it; what it printed."""
        return subprocess.run(
            [sys.executable, "-m", "console.cli", *arguments], cwd=ROOT, env=self.variables, text=True,
            capture_output=True, timeout=60, check=True, **given,
        )  # fmt: skip

    def again(self, what: tuple[str, str, str], begin: datetime, end: datetime) -> int:
        """What was said in a part of the day is said once more between two moments, as new documents; how many."""
        part, since, until = what
        lines = []
        for line in (self.state / "day.jsonl").read_bytes().splitlines():
            if f'"native_id":"{part}-'.encode() in line:
                item = json.loads(line)
                at = datetime.fromisoformat(item["collected_at"])
                if since <= f"{at:%H:%M}" < until:
                    lines.append((at, item))
        first, last = min(at for at, _ in lines), max(at for at, _ in lines)
        path = self.state / f"{part}-{begin:%H%M%S}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for at, item in sorted(lines, key=lambda line: line[0]):
                moment = begin + (at - first) / (last - first) * (end - begin)
                item |= {"native_id": f"{item['native_id']}-{begin:%H%M%S}", "collected_at": moment.isoformat()}
                item["published_at"] = (moment - timedelta(seconds=20)).isoformat()
                file.write(json.dumps(item, ensure_ascii=False) + "\n")
        self.tocsin("ingest", str(path))
        return len(lines)


def minutes_ago(minutes: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


@contextmanager
def played(state_dir: Path) -> Iterator[Day]:
    """`tocsin demo` on the engines of the state folder, until the end of the context."""
    place = state_dir / FOLDER
    env = os.environ | {"TOCSIN_STATE_DIR": str(state_dir), "TOCSIN_LANG": "en", "TOCSIN_API_PORT": "0"}
    with (state_dir / "browser-demo.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "demo", "--seconds", "0"], cwd=ROOT, env=env, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not (place / ENVIRONMENT).exists():
            told = Path(log.name).read_text(encoding="utf-8")
            assert process.poll() is None, told[-4000:]
            assert time.monotonic() < deadline, f"the day was not played in {PATIENCE:.0f} s:\n{told[-4000:]}"
            time.sleep(0.3)
        yield Day(place, env | read_environment(place / ENVIRONMENT))
    finally:
        process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read_environment(path: Path) -> dict[str, str]:
    """The variables that a file of `export NAME=value` sets."""
    words = (shlex.split(line)[1] for line in path.read_text(encoding="utf-8").splitlines())
    return dict(word.split("=", 1) for word in words)
