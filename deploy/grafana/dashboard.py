"""The operators' dashboard as the JSON that Grafana 10 and newer import.

`python -m deploy.grafana.dashboard` writes the file, which is kept in the repository: it can be provisioned without
Tocsin at hand. A test compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from deploy.grafana.panels import SECTIONS, Panel, Query

FILE: Final = Path(__file__).with_name("tocsin.json")
COLUMNS: Final = 24  # of Grafana's grid
SCHEMA: Final = 38  # of Grafana 10.1; newer ones raise it themselves
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> dict[str, Any]:
    """The whole dashboard, the same every time."""
    return {
        "uid": "tocsin-operators",
        "title": "Tocsin · Operators",
        "description": "Is Tocsin well: flow, delays, judging, index, alerts, deliveries, sources. From its metrics.",
        "tags": ["tocsin"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {"list": [_source(), _stage()]},
        "annotations": {"list": []},
        "panels": _panels(),
    }


def text() -> str:
    """The dashboard as it is kept."""
    return json.dumps(dashboard(), ensure_ascii=False, indent=1) + "\n"


def _source() -> dict[str, Any]:
    return {
        "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0,
        "multi": False, "includeAll": False, "refresh": 1, "regex": "", "current": {}, "options": [],
    }  # fmt: skip


def _stage() -> dict[str, Any]:
    asked = "label_values(tocsin_records_total, stage)"
    return {
        "name": "stage", "label": "Stage", "type": "query", "datasource": SOURCE,
        "query": {"query": asked, "refId": "stage"}, "hide": 0, "multi": True, "includeAll": True, "allValue": ".*",
        "refresh": 2, "regex": "", "sort": 1, "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    y = 0
    for section in SECTIONS:
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        found.append({
            "id": len(found) + 1, "type": "row", "title": section.title, "collapsed": False, "gridPos": place,
            "panels": [],
        })  # fmt: skip
        x, y, height = 0, y + 1, 0
        for panel in section.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            found.append({"id": len(found) + 1, "gridPos": place} | _panel(panel))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return found


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [_target(n, query, panel) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        **({"transformations": [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]}
           if panel.kind == "table" else {}),
    }  # fmt: skip


def _target(n: int, query: Query, panel: Panel) -> dict[str, Any]:
    instant = panel.kind != "timeseries"
    return {
        "refId": "ABCDEFGH"[n], "datasource": SOURCE, "expr": query.expr, "legendFormat": query.legend or "__auto",
        "instant": instant, "range": not instant, "format": "table" if panel.kind == "table" else "time_series",
    }  # fmt: skip


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"value": None if n == 0 else at, "color": colour} for n, (at, colour) in enumerate(panel.steps)]
    found: dict[str, Any] = {"unit": panel.unit, "min": 0, "noValue": "no data"}
    if steps:
        found |= {"color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        found["custom"] = {
            "drawStyle": "bars" if panel.stacked else "line", "lineWidth": 1, "showPoints": "never",
            "fillOpacity": 60 if panel.stacked else 10, "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        }  # fmt: skip
    return found


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    return {
        "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
