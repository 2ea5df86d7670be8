"""Dashboards for Kibana 9.5 and newer: bodies of `PUT /api/dashboards/{id}`.

Keys it does not know make Kibana refuse the whole dashboard, so only those are written that its schema names.
"""

from __future__ import annotations

from typing import Any, Final

from deploy.dashboards.columns import formula
from deploy.dashboards.filters import kql
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import TIME, Board, Bucket, Metric, OverTime, Panel, Placed, Split, Terms
from deploy.dashboards.texts import markdown

LAYERS: Final = {"line": "line", "bars": "bar_stacked", "area": "area_stacked", "ranking": "bar_horizontal"}
OPERATIONS: Final = {"count": "count", "unique": "unique_count", "average": "average", "max": "max"}
HIDDEN: Final = {"title": {"visible": False}}


def dashboard(board: Board, names: Names, words: Words) -> dict[str, Any]:
    """One dashboard, whole."""
    return {
        "title": words.title(f"boards.{board.id}.title", names),
        "description": words.say(f"boards.{board.id}.about"),
        "time_range": {"from": f"now-{board.hours}h", "to": "now"},
        "pinned_panels": [
            {
                "type": "options_list_control",
                "width": "medium",
                "grow": True,
                "config": {
                    "title": words.say(f"buckets.{one.label}"),
                    "data_view_id": names.view_id(board.view),
                    "field_name": one.field,
                },
            }
            for one in board.controls
        ],
        "panels": [_panel(one, board, names, words) for one in board.tiles],
    }


def _panel(one: Placed, board: Board, names: Names, words: Words) -> dict[str, Any]:
    place = one.place
    frame = {"id": one.tile.id, "grid": {"x": place.x, "y": place.y, "w": place.w, "h": place.h}}
    if not isinstance(one.tile, Panel):
        return frame | {"type": "markdown", "config": {"content": markdown(board, names, words)}}
    config = _config(one.tile, names, words)
    if one.tile.kind != "metric":
        config["title"] = words.say(f"panels.{one.tile.id}")
    if one.tile.where:
        config["query"] = _expression(kql(one.tile.where))
    if one.tile.opens:
        config["drilldowns"] = [{
            "type": "dashboard_drilldown", "trigger": "on_apply_filter", "dashboard_id": names.id(one.tile.opens),
            "label": words.say(f"boards.{one.tile.opens}.open"), "use_filters": True, "use_time_range": True,
            "open_in_new_tab": False,
        }]  # fmt: skip
    return frame | {"type": "vis", "config": config}


def _config(panel: Panel, names: Names, words: Words) -> dict[str, Any]:
    source = {"data_source": {"type": "data_view_reference", "ref_id": names.view_id(panel.view)}}
    metrics = [_metric(metric, words) for metric in panel.metrics]
    buckets = [_bucket(bucket, words) for bucket in panel.by]
    match panel.kind:
        case "metric":
            return source | {
                "type": "metric",
                "metrics": [metrics[0] | {"type": "primary"} | _colour(panel.metrics[0])],
            }
        case "table":
            rows = [bucket | {"click_filter": True} for bucket in buckets]
            sorting = {"column_type": "metric", "index": 0, "direction": "desc"}
            return source | {"type": "data_table", "metrics": metrics, "rows": rows, "styling": {"sort_by": sorting}}
        case "pie":
            return source | {"type": "pie", "metrics": metrics, "group_by": buckets}
        case "heatmap":
            return source | {"type": "heatmap", "metric": metrics[0], "x": buckets[0], "y": buckets[1]}
        case "tags":
            return source | {"type": "tag_cloud", "metric": metrics[0], "tag_by": buckets[0]}
        case _:
            return _xy(panel, source, metrics, buckets)


def _xy(
    panel: Panel, source: dict[str, Any], metrics: list[dict[str, Any]], buckets: list[dict[str, Any]]
) -> dict[str, Any]:
    split = {"breakdown_by": buckets[1]} if len(buckets) > 1 else {}
    # One colour for every series of a breakdown would make them one.
    coloured = metrics if split else [m | _colour(of) for m, of in zip(metrics, panel.metrics, strict=True)]
    layer = source | split | {"type": LAYERS[panel.kind], "x": buckets[0], "y": coloured}
    return {
        "type": "xy",
        "axis": {"x": HIDDEN, "y": HIDDEN},
        "legend": {"visibility": "hidden" if panel.kind == "ranking" else "visible", "position": "bottom"},
        "layers": [layer],
    }


def _colour(metric: Metric) -> dict[str, Any]:
    return {"color": {"type": "static", "color": metric.colour}} if metric.colour else {}


def _expression(text: str) -> dict[str, str]:
    return {"language": "kql", "expression": text}


def _metric(metric: Metric, words: Words) -> dict[str, Any]:
    label = {"label": words.say(f"metrics.{metric.label}")}
    if metric.of == "share":
        shown = {"type": "percent", "decimals": metric.digits}
        return label | {"operation": "formula", "formula": formula(metric), "format": shown}
    found: dict[str, Any] = label | {"operation": OPERATIONS[metric.of]}
    if metric.field:
        found["field"] = metric.field
    if metric.where:
        found["filter"] = _expression(kql(metric.where))
    if metric.digits:
        found["format"] = {"type": "number", "decimals": metric.digits}
    return found


def _bucket(bucket: Bucket, words: Words) -> dict[str, Any]:
    match bucket:
        case OverTime():
            return {"operation": "date_histogram", "field": TIME}
        case Terms():
            return {
                "operation": "terms", "fields": [bucket.field], "label": words.say(f"buckets.{bucket.label}"),
                "limit": bucket.limit,
                "rank_by": {"type": "metric", "metric_index": bucket.rank, "direction": "desc"},
            }  # fmt: skip
        case Split():
            parts = [
                {"filter": _expression(kql(part)), "label": words.say(f"metrics.{label}")}
                for label, part in bucket.parts
            ]
            return {
                "operation": "filters", "label": words.say(f"buckets.{bucket.label}"), "filters": parts
            }  # fmt: skip
