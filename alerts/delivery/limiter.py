"""How fast a platform may be called: sliding windows. Pure: the time is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from alerts.delivery.channel import Limit


class Limiter:
    """No more than so many requests within so many seconds, over sliding windows; `now` in seconds.

    Remembers nothing across a restart: the platform's own throttling is obeyed then.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = [(limit, deque[float](maxlen=limit.requests)) for limit in limits]
        self._until = 0.0
        self._newest = 0.0

    def _look(self, now: float) -> None:
        """What lies in the future has not happened: the clock was set back."""
        if now < self._newest - 1.0:
            for _, taken in self._limits:
                taken.clear()
            self._until = 0.0
        self._newest = now

    def took(self, now: float) -> None:
        """A request is made now."""
        self._look(now)
        for _, taken in self._limits:
            taken.append(now)

    def block(self, until: float) -> None:
        """The platform takes nothing before that time."""
        self._until = max(self._until, until)

    def wait(self, now: float) -> float:
        """Seconds until the next request may be made."""
        self._look(now)
        free = [taken[0] + limit.seconds for limit, taken in self._limits if len(taken) == limit.requests]
        return max(0.0, self._until - now, *(moment - now for moment in free))
