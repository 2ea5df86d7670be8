"""Live alerts beside those of replays: what other rules or another model would have told."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Is
from deploy.dashboards.spec import Board, Control, OverTime, Panel, Terms, Text, stacked

ONLY_REPLAYS: Final = Is("replay", True)

REPLAY: Final = Board(
    id="replay",
    hours=24 * 90,
    view="compared",
    controls=(Control("rule", "rule"), Control("name", "name"), Control("severity", "severity")),
    links=("overview", "alerts"),
    tiles=stacked(
        (8, [(48, Text("replay-help"))]),
        (5, [
            (16, Panel("replay-live", "metric", "compared", (m.LIVE,))),
            (16, Panel("replay-replayed", "metric", "compared", (m.REPLAYED,))),
            (16, Panel("replay-indices", "metric", "compared", (m.REPLAYS,))),
        ]),
        (11, [(48, Panel("replay-over-time", "bars", "compared", (m.LIVE, m.REPLAYED), (OverTime(),)))]),
        (13, [
            (24, Panel("replay-rules", "table", "compared", (m.LIVE, m.REPLAYED),
                       (Terms("rule", "rule", 20, rank=1),))),
            (24, Panel("replay-names", "table", "compared", (m.LIVE, m.REPLAYED, m.BEYOND),
                       (Terms("name", "name", 20, rank=1),))),
        ]),
        (12, [
            (28, Panel("replay-each", "table", "compared", (m.ALERTS, m.CRITICAL, m.SUBJECTS, m.RULES, m.LAST_STEP),
                       (Terms("_index", "index", 20),), where=ONLY_REPLAYS)),
            (20, Panel("replay-severity", "bars", "compared", m.BY_SEVERITY, (Terms("_index", "index", 8),))),
        ]),
    ),
)  # fmt: skip
