"""One company, chosen above: what is said of it, where, on which topics, and how the risk moves."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Exists
from deploy.dashboards.spec import Board, Control, OverTime, Panel, Terms, Text, stacked

NAMED: Final = Exists("entities.name")

COMPANY: Final = Board(
    id="company",
    hours=168,
    view="documents",
    controls=(
        Control("entities.name", "company"),
        Control("topic.label", "topic"),
        Control("source", "source"),
        Control("lang", "language"),
    ),
    links=("overview", "topics", "sources", "alerts"),
    tiles=stacked(
        (6, [(48, Text("company-help"))]),
        (5, [
            (12, Panel("company-documents", "metric", "documents", (m.DOCUMENTS,), where=NAMED)),
            (12, Panel("company-negative", "metric", "documents", (m.NEGATIVE,), where=NAMED)),
            (12, Panel("company-share", "metric", "documents", (m.NEGATIVE_SHARE,), where=NAMED)),
            (12, Panel("company-sources", "metric", "documents", (m.SOURCES,), where=NAMED)),
        ]),
        (11, [
            (28, Panel("company-volume", "bars", "documents", m.BY_SENTIMENT, (OverTime(),), where=NAMED)),
            (20, Panel("company-share-over-time", "line", "documents", (m.NEGATIVE_SHARE,), (OverTime(),),
                       where=NAMED)),
        ]),
        (12, [
            (24, Panel("company-topics", "ranking", "documents", (m.NEGATIVE,), (Terms("topic.label", "topic"),),
                       where=NAMED, opens="topics")),
            (24, Panel("company-risks", "bars", "documents", (m.RISK_DOCUMENTS,),
                       (OverTime(), Terms("risk.label", "risk", 6)), where=m.RISKY)),
        ]),
        (13, [
            (28, Panel("company-table", "table", "documents",
                       (m.DOCUMENTS, m.NEGATIVE, m.NEGATIVE_SHARE, m.RISK_DOCUMENTS, m.LAST),
                       (Terms("entities.name", "company", 15),), where=NAMED)),
            (20, Panel("company-sources-ranking", "ranking", "documents", (m.NEGATIVE,),
                       (Terms("source", "source", 12),), where=NAMED, opens="sources")),
        ]),
    ),
)  # fmt: skip
