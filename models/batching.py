"""Which waiting texts form the next request: the oldest, and those nearest to it in length.

Pure. A request costs as many tokens as its longest text times its rows, so texts of like length belong together; and
no text may wait for ever, so each request is built around the one that has waited longest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request: tokens with padding, rows, and the least share of tokens that is not padding."""

    tokens: int = 1024
    rows: int = 64
    fill: float = 0.75

    def allow(self, rows: int, longest: int, real: int) -> bool:
        """Whether a request of `rows` texts, `real` tokens in all, may be sent padded to `longest`."""
        padded = rows * longest
        return rows <= self.rows and padded <= self.tokens and real >= self.fill * padded


def choose(lengths: Sequence[int], limits: Limits) -> list[int]:
    """Indexes of the next request, for the lengths of the waiting texts in order of arrival.

    Index 0 is always among them, alone if it does not fit the budget; with it come the texts next to it in length,
    nearest first, as long as `limits` allow.
    """
    by_length = sorted(range(len(lengths)), key=lambda at: (lengths[at], at))
    low = by_length.index(0)
    high, real = low + 1, lengths[0]
    while True:
        steps = []
        if low > 0:
            steps.append((lengths[0] - lengths[by_length[low - 1]], low - 1, high, by_length[low - 1]))
        if high < len(by_length):
            steps.append((lengths[by_length[high]] - lengths[0], low, high + 1, by_length[high]))
        for _, start, stop, added in sorted(steps):
            if limits.allow(stop - start, lengths[by_length[stop - 1]], real + lengths[added]):
                low, high, real = start, stop, real + lengths[added]
                break
        else:
            return by_length[low:high]


class Pool(Generic[T]):
    """Texts that wait for a request, in order of arrival."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: OrderedDict[int, tuple[T, int, float]] = OrderedDict()
        self._next = 0
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T, length: int, at: float) -> None:
        """Queue an item of `length` tokens that arrived `at`."""
        self._waiting[self._next] = (item, length, at)
        self._next += 1
        self._tokens += length

    def oldest(self) -> float:
        """Arrival of the item that has waited longest. The pool must not be empty."""
        return next(iter(self._waiting.values()))[2]

    def full(self) -> bool:
        """Whether enough waits that lingering for more would only cost time."""
        return len(self._waiting) >= self._limits.rows or self._tokens >= self._limits.tokens

    def take(self) -> list[T]:
        """The next request, the longest-waiting item always among it; empty when nothing waits."""
        if not self._waiting:
            return []
        keys = list(self._waiting)
        chosen = choose([self._waiting[key][1] for key in keys], self._limits)
        taken = [self._waiting.pop(keys[at]) for at in chosen]
        self._tokens -= sum(length for _, length, _ in taken)
        return [item for item, _, _ in taken]
