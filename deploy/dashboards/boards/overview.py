"""What burns now: volume, opinion, companies, topics and alerts of the last day."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Exists, Filter
from deploy.dashboards.spec import Board, Kind, Metric, OverTime, Panel, Split, Terms, Text, ViewName, stacked

SENTIMENTS: Final[tuple[tuple[str, Filter], ...]] = (
    ("negative", m.NEGATIVE_ONLY),
    ("neutral", m.NEUTRAL_ONLY),
    ("positive", m.POSITIVE_ONLY),
    ("abstained", m.ABSTAINED),
    ("unjudged", m.UNJUDGED),
)


def _number(metric: Metric, view: ViewName = "documents") -> tuple[int, Panel]:
    kind: Kind = "metric"
    return 8, Panel(f"number-{metric.label.replace('_', '-')}", kind, view, (metric,))


OVERVIEW: Final = Board(
    id="overview",
    hours=24,
    view="documents",
    links=("company", "topics", "sources", "alerts", "replay"),
    tiles=stacked(
        (7, [(48, Text("overview-help"))]),
        (5, [
            _number(m.DOCUMENTS), _number(m.NEGATIVE), _number(m.NEGATIVE_SHARE),
            _number(m.COMPANIES), _number(m.ALERTS, "alerts"), _number(m.CRITICAL, "alerts"),
        ]),
        (11, [
            (34, Panel("volume", "bars", "documents", m.BY_SENTIMENT, (OverTime(),))),
            (14, Panel("sentiment", "pie", "documents", (m.DOCUMENTS,), (Split("sentiment", SENTIMENTS),))),
        ]),
        (11, [
            (24, Panel("share-over-time", "line", "documents", (m.NEGATIVE_SHARE,), (OverTime(),))),
            (24, Panel("alerts-over-time", "bars", "alerts", m.BY_SEVERITY, (OverTime(),))),
        ]),
        (13, [
            (28, Panel(
                "companies", "table", "documents", (m.NEGATIVE, m.DOCUMENTS, m.NEGATIVE_SHARE, m.SOURCES),
                (Terms("entities.name", "company", 10),), where=Exists("entities.name"), opens="company",
            )),
            (20, Panel("topics", "ranking", "documents", (m.NEGATIVE,), (Terms("topic.label", "topic", 10),),
                       where=m.JUDGED, opens="topics")),
        ]),
        (13, [
            (18, Panel("risks", "ranking", "documents", (m.RISK_DOCUMENTS,), (Terms("risk.label", "risk", 10),),
                       where=m.RISKY)),
            (18, Panel("named", "tags", "documents", (m.DOCUMENTS,), (Terms("entities.name", "company", 25),),
                       where=Exists("entities.name"), opens="company")),
            (12, Panel("languages", "pie", "documents", (m.DOCUMENTS,), (Terms("lang", "language", 8),))),
        ]),
    ),
)  # fmt: skip
