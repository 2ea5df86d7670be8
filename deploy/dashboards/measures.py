"""The numbers that the dashboards show, each defined once."""

from __future__ import annotations

from typing import Final

from deploy.dashboards.filters import All, Is, Not
from deploy.dashboards.spec import Metric

RED: Final = "#b3400a"
GREY: Final = "#8f9aa3"
GREEN: Final = "#00725a"
AMBER: Final = "#d49a00"
BLUE: Final = "#0067a8"

JUDGED: Final = Is("judged", True)
UNJUDGED: Final = Is("judged", False)
ABSTAINED: Final = Is("sentiment.abstained", True)
DECIDED: Final = Is("sentiment.abstained", False)  # judged, and sure enough of a direction
STALE: Final = Is("stale", "stale")
RISKY: Final = All((JUDGED, Not(Is("risk.label", "none"))))


def _sentiment(label: str) -> All:
    return All((DECIDED, Is("sentiment.label", label)))


NEGATIVE_ONLY: Final = _sentiment("negative")
NEUTRAL_ONLY: Final = _sentiment("neutral")
POSITIVE_ONLY: Final = _sentiment("positive")

DOCUMENTS: Final = Metric("documents")
NEGATIVE: Final = Metric("negative", where=NEGATIVE_ONLY, colour=RED)
NEUTRAL: Final = Metric("neutral", where=NEUTRAL_ONLY, colour=GREY)
POSITIVE: Final = Metric("positive", where=POSITIVE_ONLY, colour=GREEN)
UNDECIDED: Final = Metric("abstained", where=ABSTAINED, colour=AMBER)
NOT_JUDGED: Final = Metric("unjudged", where=UNJUDGED, colour=BLUE)
BY_SENTIMENT: Final = (NEGATIVE, NEUTRAL, POSITIVE)
# Of those judged with a direction: what no model judged says nothing about opinion.
NEGATIVE_SHARE: Final = Metric("negative_share", "share", where=NEGATIVE_ONLY, among=DECIDED, colour=RED, digits=1)
ABSTAINED_SHARE: Final = Metric("abstained_share", "share", where=ABSTAINED, among=JUDGED, colour=AMBER, digits=1)
UNJUDGED_SHARE: Final = Metric("unjudged_share", "share", where=UNJUDGED, colour=BLUE, digits=1)
STALE_SHARE: Final = Metric("stale_share", "share", where=STALE, colour=GREY, digits=1)
RISK_DOCUMENTS: Final = Metric("risk_documents", where=RISKY, colour=RED)
COMPANIES: Final = Metric("companies", "unique", "entities.id")
SOURCES: Final = Metric("sources", "unique", "source")
LAST: Final = Metric("last", "max", "collected_at")
CONFIDENCE: Final = Metric("topic_confidence", "average", "topic.confidence", colour=BLUE, digits=2)

# An alert is told in steps; its own id counts it once, in each stretch of time in which it rang or grew.
TOLD: Final = Not(Is("state", "pending"))
RANG: Final = All((TOLD, Not(Is("state", "resolved"))))
ALERTS: Final = Metric("alerts", "unique", "alert", where=RANG, colour=RED)
CRITICAL: Final = Metric("critical", "unique", "alert", where=All((RANG, Is("severity", "critical"))), colour=RED)
WARNING: Final = Metric("warning", "unique", "alert", where=All((RANG, Is("severity", "warning"))), colour=AMBER)
INFO: Final = Metric("info", "unique", "alert", where=All((RANG, Is("severity", "info"))), colour=BLUE)
BY_SEVERITY: Final = (CRITICAL, WARNING, INFO)
RESOLVED: Final = Metric("resolved", "unique", "alert", where=Is("state", "resolved"), colour=GREEN)
STEPS: Final = Metric("steps")
BEYOND: Final = Metric("beyond", "max", "beyond", digits=1)
STORIES: Final = Metric("stories", "max", "stories")
ALERT_SOURCES: Final = Metric("sources_of_alert", "max", "sources")
SUBJECTS: Final = Metric("subjects", "unique", "subject", where=RANG)
RULES: Final = Metric("rules", "unique", "rule", where=RANG)
LAST_STEP: Final = Metric("last_step", "max", "@timestamp")
LIVE: Final = Metric("live", "unique", "alert", where=All((RANG, Is("replay", False))), colour=BLUE)
REPLAYED: Final = Metric("replayed", "unique", "alert", where=All((RANG, Is("replay", True))), colour=AMBER)
REPLAYS: Final = Metric("replays", "unique", "_index", where=Is("replay", True))
