"""What the API knows: everything that it read from the log, held in memory and made anew at each start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alerts.board import Board
from console.api.hub import Hub
from console.api.journal import Journal
from console.api.receipts import Receipts
from streams.records import AlertEvent, Feedback, Opinion, Receipt


@dataclass(frozen=True, slots=True)
class Known:
    """Several folds over the same records, and those who want to hear of new ones."""

    board: Board = field(default_factory=Board)
    receipts: Receipts = field(default_factory=Receipts)
    journal: Journal = field(default_factory=Journal)
    hub: Hub = field(default_factory=Hub)

    def take(self, record: AlertEvent | Opinion | Receipt, arrived: datetime) -> None:
        """Fold one record; `arrived` is when the log took it."""
        if isinstance(record, Receipt):
            self.receipts.take(record)
            return
        if not isinstance(record, AlertEvent):
            self.journal.take(record)
        if not isinstance(record, Feedback):
            self.board.take(record, arrived)

    def tell(self, record: AlertEvent | Opinion | Receipt) -> None:
        """Let whoever listens know of a record that has just come."""
        if not isinstance(record, Receipt | Feedback):
            self.hub.tell(record)
