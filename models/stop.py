"""Ctrl-C and SIGTERM as a question that a long run asks itself between steps, so that nothing is cut in half."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(RuntimeError):  # noqa: N818 - what happened
    """A run ended before its end because it was asked to."""


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether a signal has come. A second one ends the program at once, as without this. For the main thread."""
    asked = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in signals:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        restore()
