"""What one scope lets through of one subject, kept account of: the stories told in it now, and new stories by hour."""

from __future__ import annotations

from alerts.baseline import History
from alerts.stories import MILLION, UNJUDGED, Entry
from alerts.windows import Window


class Ledger:
    """The account of one filter; of all mentions that are not old without a window.

    `histories` is the subject's plain state: the ledger's own history is in there from the first mention on.
    """

    __slots__ = ("_filter", "_histories", "_told", "_window")

    def __init__(self, filter_: str, window: Window | None, histories: dict[str, History]) -> None:
        """`window`: any that has this filter speaks for it."""
        self._filter = filter_
        self._window = window
        self._histories = histories
        self._told: dict[str, int] = {}  # remembered mentions of each story

    def lets(self, entry: Entry) -> bool:
        """Whether the filter lets a mention through."""
        return not entry.stale if self._window is None else self._window.sieve.wants(entry)

    def tone(self, entry: Entry) -> tuple[bool, bool]:
        """Whether a mention was judged, and negative to those that ask for the filter."""
        window = self._window
        negative = 2 * entry.negative >= MILLION if window is None else window.takes_for_negative(entry)
        return entry.negative != UNJUDGED, negative

    def take(self, entry: Entry) -> None:
        """Count a mention's story by hour where it is new, and keep account of it."""
        past = self._past(entry)
        if self.lets(entry):
            told = self._told.get(entry.story, 0)
            if not told:
                past.record(entry.at, *self.tone(entry))
            self._told[entry.story] = told + 1

    def record(self, entry: Entry) -> None:
        """Count a mention's story by hour where it is new, without keeping account of it."""
        past = self._past(entry)
        if entry.story not in self._told and self.lets(entry):
            past.record(entry.at, *self.tone(entry))

    def _past(self, entry: Entry) -> History:
        """The history, which begins with the first mention, let through or not."""
        past = self._histories.get(self._filter)
        if past is None:
            past = self._histories[self._filter] = History(began=entry.at)
        return past

    def erase(self, entry: Entry) -> bool:
        """Count the story of a mention that was let go of no longer, where none tells it now; whether that is so."""
        past = self._histories.get(self._filter)
        gone = past is not None and entry.story not in self._told and self.lets(entry)
        if past is not None and gone:
            past.erase(entry.at, *self.tone(entry))
        return gone

    def tell(self, entry: Entry) -> None:
        """Keep account of a mention."""
        if self.lets(entry):
            self._told[entry.story] = self._told.get(entry.story, 0) + 1

    def untell(self, entry: Entry) -> None:
        """Let go of a mention."""
        if self.lets(entry):
            left = self._told[entry.story] - 1
            if left:
                self._told[entry.story] = left
            else:
                del self._told[entry.story]
