"""Topics and kinds of risk over the last week: which grow, and which companies they touch."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Exists
from deploy.dashboards.spec import Board, Control, OverTime, Panel, Terms, Text, stacked

TOPICS: Final = Board(
    id="topics",
    hours=168,
    view="documents",
    controls=(
        Control("topic.label", "topic"),
        Control("risk.label", "risk"),
        Control("kind", "kind"),
        Control("lang", "language"),
    ),
    links=("overview", "company", "sources", "alerts"),
    tiles=stacked(
        (6, [(48, Text("topics-help"))]),
        (14, [
            (24, Panel("topics-negative", "heatmap", "documents", (m.NEGATIVE,),
                       (OverTime(), Terms("topic.label", "topic", 12)), where=m.JUDGED)),
            (24, Panel("topics-lines", "line", "documents", (m.DOCUMENTS,),
                       (OverTime(), Terms("topic.label", "topic", 6)), where=m.JUDGED)),
        ]),
        (14, [
            (28, Panel("topics-table", "table", "documents",
                       (m.DOCUMENTS, m.NEGATIVE, m.NEGATIVE_SHARE, m.COMPANIES, m.CONFIDENCE),
                       (Terms("topic.label", "topic", 20),), where=m.JUDGED)),
            (20, Panel("topics-companies", "ranking", "documents", (m.NEGATIVE,),
                       (Terms("entities.name", "company", 12),), where=Exists("entities.name"), opens="company")),
        ]),
        (13, [
            (30, Panel("risks-over-time", "bars", "documents", (m.RISK_DOCUMENTS,),
                       (OverTime(), Terms("risk.label", "risk", 8)), where=m.RISKY)),
            (18, Panel("risks-tags", "tags", "documents", (m.RISK_DOCUMENTS,), (Terms("risk.label", "risk", 20),),
                       where=m.RISKY)),
        ]),
    ),
)  # fmt: skip
