"""What the processes of this installation say of themselves: records, rates, memory, the age of the last delivery.

Asking changes nothing: that a process has ended is the watcher's to find out (`console.running.look`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from console.running import Samples, present, scrape, values
from streams.clock import now
from streams.settings import Settings

AT_ONCE: Final = 8  # processes asked: one that hangs is waited for as long as all of them
LONGEST: Final = 600.0  # seconds over which a rate is still one of now
Asked = tuple[float, Samples | None]  # when, and what it said


def workers(settings: Settings, seconds: float = 1.0) -> list[dict[str, Any]]:
    """Running workers with their figures and their rate over `seconds`, which are waited for.

    `answers` is false for a process that runs and says nothing: stopped, or too busy.
    """
    notes = present(settings)
    before = ask(notes)
    if notes:
        time.sleep(seconds)
    return [figures(*each) for each in zip(notes, before, ask(notes), strict=True)]


class Since:
    """The same without waiting: a rate is that since the last call, and null at the first. For one thread at a time."""

    def __init__(self) -> None:
        self._before: dict[tuple[int, str], Asked] = {}

    def workers(self, settings: Settings) -> list[dict[str, Any]]:
        """Running workers, now."""
        notes = present(settings)
        asked = {(note["pid"], note["url"]): each for note, each in zip(notes, ask(notes), strict=True)}
        before = {key: each for key, each in self._before.items() if time.monotonic() - each[0] <= LONGEST}
        found = [figures(note, before.get(key), each) for note, (key, each) in zip(notes, asked.items(), strict=True)]
        self._before = {key: each if each[1] is not None else before.get(key, each) for key, each in asked.items()}
        return found

    def rejects(self) -> dict[str, int]:
        """Dead letters by reason, most first, as the processes counted them since they started, at the last call."""
        found: Counter[str] = Counter()
        for _, samples in self._before.values():
            for labels, count in (samples or {}).get("tocsin_rejects_total", []):
                found[labels.get("reason", "")] += int(count)
        return {reason: count for reason, count in found.most_common() if count}


def ask(notes: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """What each says now; None: nothing in time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda note: (time.monotonic(), scrape(note["url"])), notes))


def figures(note: Mapping[str, Any], before: Asked | None, asked: Asked) -> dict[str, Any]:
    """One process. Without a former answer there is no rate; one that says nothing now has moved nothing."""
    at, said = asked
    samples = said or {}
    records = _total(samples, "tocsin_records_total")
    first = (at, None) if before is None else before
    passed = max(at - first[0], 1e-3)
    moved = 0.0 if first[1] is None else max(0.0, records - _total(first[1], "tocsin_records_total"))
    last = max(values(samples, "tocsin_last_delivery_timestamp_seconds"), default=0.0)
    return {
        "stage": note["stage"],
        "pid": note["pid"],
        "metrics": note["url"],
        "answers": said is not None,
        "records": int(records),
        "per_second": None if before is None else round(moved / passed, 1),
        "rejected": int(_total(samples, "tocsin_rejects_total")),
        "memory_mib": round(_total(samples, "process_resident_memory_bytes") / 1_048_576),
        "last_delivery_age": round(now().timestamp() - last, 1) if last else None,
        # Rules were evaluated up to here in every partition that has got anywhere.
        "watermark": min(values(samples, "tocsin_watermark_timestamp_seconds"), default=None),
    }


def _total(samples: Samples, name: str) -> float:
    return sum(values(samples, name))
