"""Logs of the engines: one folder, bounded size."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Final

from deploy.properties import render

LIMIT_MIB: Final = 8
KEPT: Final = 2
COMPLAINT: Final = re.compile(r"^E\d{4} |ERROR|FATAL|Exception|Error\b|error:|^Caused by")


def folder(state: Path) -> Path:
    """Folder of all engine logs."""
    return state / "logs"


def output(state: Path, name: str) -> Path:
    """File that takes an engine's standard output and error."""
    return folder(state) / f"{name}.out"


def paths(state: Path, name: str) -> list[Path]:
    """The log files of one engine that exist, its own log first."""
    return [p for p in (folder(state) / f"{name}.log", output(state, name)) if p.exists()]


def rotate(path: Path) -> None:
    """Begin a new file for a new start; those of the last starts are kept as `.1` (the latest), `.2`."""
    for number in range(KEPT, 0, -1):
        older = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))


def log4j(state: Path, name: str) -> str:
    """Configuration of log4j2 for a Java engine: one rolling file, warnings of the chatty parts only."""
    path = folder(state) / f"{name}.log"
    lines = {
        "status": "error",
        "appender.file.type": "RollingFile",
        "appender.file.name": "file",
        "appender.file.fileName": path,
        "appender.file.filePattern": f"{path}.%i",
        "appender.file.layout.type": "PatternLayout",
        "appender.file.layout.pattern": "%d{ISO8601} %-5p %c{1.} %m%n",
        "appender.file.policies.type": "Policies",
        "appender.file.policies.start.type": "OnStartupTriggeringPolicy",
        "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
        "appender.file.policies.size.size": f"{LIMIT_MIB}MB",
        "appender.file.strategy.type": "DefaultRolloverStrategy",
        "appender.file.strategy.fileIndex": "min",
        "appender.file.strategy.max": KEPT,
        "rootLogger.level": "info",
        "rootLogger.appenderRef.file.ref": "file",
    }
    return render(lines)


def complaints(state: Path, name: str) -> str:
    """Why an engine ended, as far as its last start's logs tell: the last lines that speak of errors, else the last."""
    lines = tail(state, name, 300).splitlines()
    bad = [line for line in lines if COMPLAINT.search(line)]
    return "\n".join((bad or lines)[-12:])


def tail(state: Path, name: str, lines: int) -> str:
    """The last lines an engine wrote, of each of its files."""
    parts = []
    for path in paths(state, name):
        with path.open(encoding="utf-8", errors="replace") as handle:
            parts.append("".join(deque(handle, maxlen=lines)))
    return "".join(parts)
