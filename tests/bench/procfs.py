"""CPU time and memory of processes, and what the machine took away, read from /proc (Linux)."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds of each process since its start, and the machine's jiffies: all and stolen."""

    cpu: Mapping[str, float]
    total: int
    stolen: int


@dataclass(slots=True)
class Processes:
    """Processes by name. Names are what the report shows; a process that ended counts with what was last seen."""

    pids: dict[str, int]
    peak: dict[str, float] = field(default_factory=dict)  # MiB

    def sample(self) -> Sample:
        """CPU seconds now; also notes each process' memory peak."""
        cpu = {}
        for name, pid in self.pids.items():
            cpu[name] = cpu_seconds(pid)
            self.peak[name] = max(self.peak.get(name, 0.0), resident(pid))
        total, stolen = machine()
        return Sample(cpu, total, stolen)


def between(before: Sample, after: Sample) -> tuple[dict[str, float], float]:
    """CPU seconds of each process between two samples, and the share of the machine's time that was stolen."""
    spent = {name: round(after.cpu[name] - before.cpu[name], 3) for name in before.cpu if name in after.cpu}
    total = after.total - before.total
    return spent, (after.stolen - before.stolen) / total if total else 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields and int(fields[1]) == pid:
                found.append(int(folder.name))
    return sorted(found)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name, which may hold spaces: [0] is the state, [1] the parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def resident(pid: int) -> float:
    """Largest resident memory of a process so far, in MiB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return _value(lines, "VmHWM:") * 1024 / _MIB


def _value(lines: Iterable[str], name: str) -> float:
    return next((float(line.split()[1]) for line in lines if line.startswith(name)), 0.0)


def machine() -> tuple[int, int]:
    """Jiffies of all processors since the machine started: all, and stolen by the hypervisor."""
    counts = [int(n) for n in Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
    return sum(counts), counts[7]


def processor() -> dict[str, str | int]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    told = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    flags = set(told.get("flags", "").split())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    memory = _value(Path("/proc/meminfo").read_text(encoding="utf-8").splitlines(), "MemTotal:")
    return {
        "cpu": told.get("model name", platform.machine()),
        "cores": os.cpu_count() or 0,
        "instructions": " ".join(name for name in wanted if name in flags),
        "memory_gib": round(memory / 2**20),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """Runnable processes, averaged over the last minute."""
    return os.getloadavg()[0]
