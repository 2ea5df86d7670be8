"""Every Kafka topic: name, key, partitions, retention. `streams.kafka.ensure_topics` makes them before a worker starts.

Names are data: they derive from nothing in the code and are prefixed only by the setting `namespace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streams.settings import Settings

DAY_MS: Final = 86_400_000
MIB: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `partitions` None means the setting `partitions`."""

    name: str
    key: str  # for people: what the key is
    holds: str
    partitions: int | None = None
    retention_ms: int = -1
    compacted: bool = False
    max_bytes: int = MIB

    def full(self, settings: Settings) -> str:
        """Name on the broker, with the namespace in front."""
        return f"{settings.namespace}.{self.name}" if settings.namespace else self.name

    def count(self, settings: Settings) -> int:
        """Number of partitions on the broker."""
        return self.partitions or settings.partitions


def group(settings: Settings, stage: str) -> str:
    """Consumer group of a stage, and the name of its Faust app."""
    return f"tocsin-{settings.namespace}-{stage}" if settings.namespace else f"tocsin-{stage}"


NEWS_RAW: Final = Topic("news.raw", "source + native id", "RawItem | RawTick")
CHAT_RAW: Final = Topic("chat.raw", "source + native id", "RawItem | RawTick")
DOCUMENTS: Final = Topic("documents", "document id", "Document with its judgement", max_bytes=2 * MIB)
MENTIONS: Final = Topic("mentions", "subject", "Mention | Tick")
DETECTOR_STATE: Final = Topic(
    "detector.state", "partition of mentions", "snapshot of the detector", 1, compacted=True, max_bytes=64 * MIB
)
ALERTS: Final = Topic("alerts", "alert id", "AlertEvent", 1)
RECEIPTS: Final = Topic("receipts", "notification id", "Receipt", 1)
FEEDBACK: Final = Topic(
    "feedback",
    "alert or document id, or file of rules",
    "Feedback | Operation (acknowledgements, escalations, silences, marks, missed events, changes of rules)",
    1,
)
HEALTH: Final = Topic("health", "process", "Heartbeat", 1, retention_ms=DAY_MS)
DEADLETTERS: Final = Topic("deadletters", "origin", "DeadLetter", 1, max_bytes=2 * MIB)
REPORTS: Final = Topic(
    "reports",
    "report",
    "Bulletin: a report and the names of its receivers",
    1,
    retention_ms=92 * DAY_MS,
    max_bytes=8 * MIB,
)

TOPICS: Final = (
    NEWS_RAW,
    CHAT_RAW,
    DOCUMENTS,
    MENTIONS,
    DETECTOR_STATE,
    ALERTS,
    RECEIPTS,
    FEEDBACK,
    HEALTH,
    DEADLETTERS,
    REPORTS,
)
RAW: Final = {"news": NEWS_RAW, "chat": CHAT_RAW}
