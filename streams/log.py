"""Structured logs: one JSON object a line (or readable lines), never a message text, never a secret.

Values that come from outside are stripped of control characters and cut, so that a log line stays one line.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from streams.plain import plain
from streams.settings import Settings

LONGEST_VALUE: Final = 200
NOISY: Final = ("aiokafka", "faust", "mode", "kafka", "elastic_transport")  # hundreds of lines per broker outage


def clean(value: Any) -> Any:
    """A value fit for a log line: control and bidirectional characters removed, cut at 200 characters."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _clean_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key == "exception" else clean(value) for key, value in event.items()}


class _Repeats(logging.Filter):
    """Lets one line per logger, level and message template through every ten seconds."""

    def __init__(self, every: float = 10.0) -> None:
        super().__init__()
        self._every = every
        self._last: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, record.levelno, str(record.msg)[:80])
        if record.created - self._last.get(key, 0.0) < self._every:
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[key] = record.created
        return True


def configure(settings: Settings, stage: str, stream: TextIO | None = None) -> None:
    """Set up logging of this process for one stage, to `stream` (default: standard error).

    Library loggers are limited to warnings, without repeats.
    """
    output = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=output.isatty() and not os.environ.get("NO_COLOR"))
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _clean_event, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(stage=stage)
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _clean_event,
                renderer,
            ],
        )
    )
    handler.addFilter(_Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in NOISY:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
