"""Everything the local engines need from this machine, checked one by one before anything is downloaded or started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.engine import Check
from deploy.faults import EngineError
from deploy.ports import free
from deploy.stack import NAMES, Stack
from streams.settings import Settings

MIB: Final = 1_048_576
CACHE_MIB: Final = 1200  # unpacked engines 530, and Maven's and the installer's own copies
STATE_MIB: Final = 1500  # a day of the demo, and room before Elasticsearch stops writing
BESIDE_HEAPS_MIB: Final = 1720  # Java outside its heaps, Triton with a model, four workers, the watcher (120)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: `detail` tells what was found, `error` what is wrong."""

    name: str
    detail: str = ""
    error: EngineError | None = None


def examine(settings: Settings) -> list[Finding]:
    """All checks that matter with these settings, side by side; none of them changes anything."""
    checks = _checks(settings)
    with ThreadPoolExecutor(len(checks)) as pool:
        return list(pool.map(_run, checks.keys(), checks.values()))


def _run(name: str, function: Check) -> Finding:
    try:
        return Finding(name, detail=function())
    except EngineError as error:
        return Finding(name, error=error)


def _checks(settings: Settings) -> dict[str, Check]:
    stack = Stack(settings)
    external = {entry["name"]: entry for entry in stack.status() if entry["state"] in ("external", "unreachable")}
    found: dict[str, Check] = {}
    for name, entry in external.items():
        found[name] = lambda entry=entry: _answers(entry)  # type: ignore[misc]
    found["state_folder"] = lambda: _writable(settings.state_dir)
    if len(external) == len(NAMES):
        return found
    found["cache_folder"] = lambda: _writable(settings.cache_dir)
    found["ports"] = lambda: _ports(stack)
    found["disk"] = lambda: _disk(settings, stack)
    found["memory"] = lambda: _memory(settings, stack, _meminfo())
    return found | stack.checks()


def _answers(entry: Mapping[str, str]) -> str:
    if entry["answer"]:
        raise EngineError("external", name=entry["name"], address=entry["address"], answer=entry["answer"])
    return entry["address"]


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _writable(folder: Path) -> str:
    found = _existing(folder)
    if not (found.is_dir() and os.access(found, os.W_OK | os.X_OK)):
        raise EngineError("folder", folder=folder)
    return str(folder)


def _ports(stack: Stack) -> str:
    """Which ports will be used; a taken one gives way, so this fails only where nothing can listen on loopback."""
    if not free(0):
        raise EngineError("no_loopback")
    own = stack.ports()
    wanted = {port for ports in own.values() for port in ports.values()}
    running = {port for name, ports in own.items() if stack.runs(name) for port in ports.values()}
    taken = sorted(port for port in wanted - running if not free(port))
    return " ".join(map(str, sorted(wanted))) + (f" ({' '.join(map(str, taken))} ->)" if taken else "")


def _disk(settings: Settings, stack: Stack) -> str:
    needs = {settings.cache_dir: 0 if stack.cached() else CACHE_MIB, settings.state_dir: STATE_MIB}
    devices: dict[int, int] = {}
    details = []
    for folder, need in needs.items():
        found = _existing(folder)
        device = found.stat().st_dev
        devices[device] = devices.get(device, 0) + need  # both may lie on one disk
        available = shutil.disk_usage(found).free // MIB
        if available < devices[device]:
            raise EngineError("disk", folder=folder, free=available, needed=devices[device])
        details.append(f"{available} MiB")
    return " ".join(dict.fromkeys(details))


def _meminfo() -> str:
    """What Linux says of its memory; nothing elsewhere, where another check tells that the engines cannot run."""
    try:
        return Path("/proc/meminfo").read_text()
    except FileNotFoundError:
        return ""


def _memory(settings: Settings, stack: Stack, meminfo: str) -> str:
    found = [int(line.split()[1]) // 1024 for line in meminfo.splitlines() if line.startswith("MemAvailable")]
    if not found:
        return "?"
    available = found[0]
    needed = settings.kafka_heap + settings.elasticsearch_heap + BESIDE_HEAPS_MIB
    if available < needed and not any(stack.runs(name) for name in NAMES):
        raise EngineError("memory", free=available, needed=needed)
    return f"{available} MiB"
