"""The processes of this installation, found through the state folder, and what their metrics say."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from streams.settings import Settings

LARGEST: Final = 4_000_000  # bytes of one answer
# The workers are on this machine: a proxy of the environment knows nothing of them.
_direct: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Labels = dict[str, str]
Samples = dict[str, list[tuple[Labels, float]]]  # by name of the metric


def scrape(url: str, timeout: float = 2) -> Samples | None:
    """The values of each metric, one for each combination of labels; None when no worker of ours answers there."""
    try:
        with _direct.open(url, timeout=timeout) as answer:
            text = answer.read(LARGEST).decode()
        samples: Samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    except (OSError, HTTPException, ValueError):  # gone, or its port belongs to another program by now
        return None
    return samples


def values(samples: Samples, name: str) -> list[float]:
    """The values of one metric, whatever their labels."""
    return [value for _, value in samples.get(name, [])]


def by_label(samples: Samples, name: str, label: str, **others: str) -> dict[str, float]:
    """The values of one metric by one of its labels, where the others are these."""
    found = samples.get(name, [])
    return {labels[label]: value for labels, value in found if label in labels and others.items() <= labels.items()}


def runs(stage: str, pid: int) -> bool:
    """Whether the process is still there, and is that stage: process ids are used again."""
    try:
        return stage in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return False


def _notes(settings: Settings) -> Iterable[dict[str, Any]]:
    folder = settings.state_dir / "metrics"
    for path in sorted(folder.glob("*.json")):
        try:
            yield json.loads(path.read_text(encoding="utf-8")) | {"path": path}
        except (OSError, ValueError):
            continue  # a worker is just writing or removing it


def present(settings: Settings) -> list[dict[str, Any]]:
    """Stage, process id and address of the metrics of each that runs. Changes nothing, unlike `look`."""
    return [note for note in _notes(settings) if runs(str(note["stage"]), note["pid"])]


def look(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """Stage, process id and address of the metrics of each that runs, and the stages of those found ended.

    What has ended is told once: its note is removed.
    """
    running: list[dict[str, Any]] = []
    ended: list[str] = []
    for note in _notes(settings):
        stage = str(note["stage"])
        if runs(stage, note["pid"]):
            running.append(note)
        else:
            ended.append(stage)
            note["path"].unlink(missing_ok=True)
    return running, ended
