"""What every prober is: it looks at some kinds of things, and says so, so that none is missing unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts.checks import ALL, Probe


class Prober(Protocol):
    """Measures `whats`, names of checks. May raise anything: then all of them are unknown in this round."""

    @property
    def whats(self) -> Sequence[str]:
        """What it measures."""

    async def look(self, now: datetime) -> list[Probe]:
        """One round. What is well need not be told, unless it was seen bad before."""


def blind(whats: Sequence[str], detail: str) -> list[Probe]:
    """Probes that say that nothing of these kinds could be measured, and why."""
    return [Probe(what, ALL, facts={"detail": detail}) for what in whats]
