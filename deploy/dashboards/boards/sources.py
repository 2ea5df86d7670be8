"""Where documents come from and how well they are judged: silent sources, missing judgements, unsure models."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Exists
from deploy.dashboards.spec import Board, Control, OverTime, Panel, Terms, Text, stacked

SOURCES: Final = Board(
    id="sources",
    hours=168,
    view="documents",
    controls=(
        Control("source", "source"),
        Control("kind", "kind"),
        Control("lang", "language"),
        Control("model.name", "model"),
    ),
    links=("overview", "company", "topics"),
    tiles=stacked(
        (6, [(48, Text("sources-help"))]),
        (5, [
            (12, Panel("sources-number", "metric", "documents", (m.SOURCES,))),
            (12, Panel("sources-unjudged", "metric", "documents", (m.UNJUDGED_SHARE,))),
            (12, Panel("sources-abstained", "metric", "documents", (m.ABSTAINED_SHARE,))),
            (12, Panel("sources-stale", "metric", "documents", (m.STALE_SHARE,))),
        ]),
        (16, [
            (28, Panel("sources-table", "table", "documents",
                       (m.DOCUMENTS, m.NEGATIVE_SHARE, m.UNJUDGED_SHARE, m.STALE_SHARE, m.LAST),
                       (Terms("source", "source", 25),))),
            (20, Panel("sources-over-time", "bars", "documents", (m.DOCUMENTS,),
                       (OverTime(), Terms("source", "source", 8)))),
        ]),
        (11, [
            (16, Panel("sources-kinds", "pie", "documents", (m.DOCUMENTS,), (Terms("kind", "kind", 5),))),
            (16, Panel("sources-dates", "pie", "documents", (m.DOCUMENTS,),
                       (Terms("published_how", "published_how", 6),))),
            (16, Panel("sources-masked", "ranking", "documents", (m.DOCUMENTS,),
                       (Terms("masked.kind", "masked", 8),), where=Exists("masked.kind"))),
        ]),
        (11, [
            (14, Panel("quality-confidence", "line", "documents", (m.CONFIDENCE,), (OverTime(),), where=m.JUDGED)),
            (14, Panel("quality-abstained", "line", "documents", (m.ABSTAINED_SHARE, m.UNJUDGED_SHARE),
                       (OverTime(),))),
            (20, Panel("quality-models", "table", "documents", (m.DOCUMENTS, m.CONFIDENCE, m.ABSTAINED_SHARE),
                       (Terms("model.name", "model", 5), Terms("model.version", "version", 5)), where=m.JUDGED)),
        ]),
    ),
)  # fmt: skip
