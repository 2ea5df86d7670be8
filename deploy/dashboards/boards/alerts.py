"""What rang: by severity, rule and subject, and how far beyond the bound."""

from __future__ import annotations

from typing import Final

from deploy.dashboards import measures as m
from deploy.dashboards.filters import Exists
from deploy.dashboards.spec import Board, Control, OverTime, Panel, Terms, Text, stacked

EVIDENCE: Final = Exists("evidence.risk")

ALERTS: Final = Board(
    id="alerts",
    hours=168,
    view="alerts",
    controls=(
        Control("severity", "severity"),
        Control("rule", "rule"),
        Control("name", "name"),
        Control("state", "state"),
    ),
    links=("overview", "company", "replay"),
    tiles=stacked(
        (6, [(48, Text("alerts-help"))]),
        (5, [
            (12, Panel("alerts-number", "metric", "alerts", (m.ALERTS,))),
            (12, Panel("alerts-critical", "metric", "alerts", (m.CRITICAL,))),
            (12, Panel("alerts-resolved", "metric", "alerts", (m.RESOLVED,))),
            (12, Panel("alerts-subjects", "metric", "alerts", (m.SUBJECTS,))),
        ]),
        (11, [
            (32, Panel("alerts-severity", "bars", "alerts", m.BY_SEVERITY, (OverTime(),))),
            (16, Panel("alerts-states", "pie", "alerts", (m.STEPS,), (Terms("state", "state", 6),))),
        ]),
        (13, [
            (30, Panel("alerts-table", "table", "alerts",
                       (m.ALERTS, m.CRITICAL, m.BEYOND, m.STORIES, m.ALERT_SOURCES, m.LAST_STEP),
                       (Terms("name", "name", 10), Terms("rule", "rule", 5)), where=m.TOLD)),
            (18, Panel("alerts-rules", "ranking", "alerts", (m.ALERTS,), (Terms("rule", "rule", 12),))),
        ]),
        (12, [
            (28, Panel("alerts-beyond", "line", "alerts", (m.BEYOND,), (OverTime(), Terms("name", "name", 6)),
                       where=m.RANG)),
            (20, Panel("alerts-risks", "ranking", "alerts", (m.STEPS,), (Terms("evidence.risk", "risk", 10),),
                       where=EVIDENCE)),
        ]),
    ),
)  # fmt: skip
