"""Who was told of which alert, and what they answered: the newest receipts of each, within a limit for all together."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from streams.records import Receipt

EACH: Final = 200  # of one alert, the newest
ALL: Final = 20_000  # about 20 MB


class Receipts:
    """A fold over receipts. Beyond the limit the alerts go of which nobody was told for longest."""

    def __init__(self, each: int = EACH, everything: int = ALL) -> None:
        self._each = each
        self._everything = everything
        self._of: OrderedDict[str, deque[Receipt]] = OrderedDict()
        self._count = 0

    def take(self, receipt: Receipt) -> None:
        """Keep it with each alert that it tells of."""
        for alert in dict.fromkeys(event.partition(".")[0] for event in (receipt.event, *receipt.events)):
            found = self._of.setdefault(alert, deque(maxlen=self._each))
            self._count += len(found) < self._each
            found.append(receipt)
            self._of.move_to_end(alert)
        while self._count > self._everything:
            self._count -= len(self._of.popitem(last=False)[1])

    def of(self, alert: str) -> Sequence[Receipt]:
        """Those of the alert with this whole id, in the order in which they came."""
        return tuple(self._of.get(alert, ()))
