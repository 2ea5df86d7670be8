"""A panel as Lens keeps it in the saved objects of Kibana 8.19 to 9.4."""

from __future__ import annotations

from typing import Any, Final

from deploy.dashboards.columns import Columns, columns
from deploy.dashboards.filters import kql
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import Panel

LAYER: Final = "layer"
TYPES: Final = {
    "metric": "lnsMetric", "line": "lnsXY", "bars": "lnsXY", "area": "lnsXY", "ranking": "lnsXY", "pie": "lnsPie",
    "table": "lnsDatatable", "heatmap": "lnsHeatmap", "tags": "lnsTagcloud",
}  # fmt: skip
SERIES: Final = {"line": "line", "bars": "bar_stacked", "area": "area_stacked", "ranking": "bar_horizontal"}
DATA: Final = {"layerId": LAYER, "layerType": "data"}


def attributes(panel: Panel, names: Names, words: Words) -> dict[str, Any]:
    """The definition of a panel, whole: it lives in its dashboard and depends on the data view only."""
    made = columns(panel, words)
    return {
        "title": words.say(f"panels.{panel.id}"),
        "description": "",
        "type": "lens",
        "visualizationType": TYPES[panel.kind],
        "references": [reference(panel, names)],
        "state": {
            # All three datasources and this empty object must be there: migrations of older versions fail without.
            "adHocDataViews": {},
            "datasourceStates": {
                "formBased": {"layers": {LAYER: made.layer()}},
                "indexpattern": {"layers": {}},
                "textBased": {"layers": {}},
            },
            "filters": [],
            "internalReferences": [],
            "query": {"language": "kuery", "query": kql(panel.where)},
            "visualization": _visualization(panel, made),
        },
    }


def reference(panel: Panel, names: Names) -> dict[str, str]:
    """What ties the panel to its data view."""
    return {
        "id": names.view_id(panel.view),
        "name": f"indexpattern-datasource-layer-{LAYER}",
        "type": "index-pattern",
    }


def _visualization(panel: Panel, made: Columns) -> dict[str, Any]:
    match panel.kind:
        case "metric":
            colour = panel.metrics[0].colour
            return DATA | {"metricAccessor": made.metrics[0]} | ({"color": colour} if colour else {})
        case "table":
            return _table(made)
        case "pie":
            return _pie(made)
        case "heatmap":
            return _heatmap(made)
        case "tags":
            return {
                "layerId": LAYER, "valueAccessor": made.metrics[0], "tagAccessor": made.buckets[0],
                "minFontSize": 14, "maxFontSize": 48, "orientation": "single", "showLabel": False,
            }  # fmt: skip
        case _:
            return _xy(panel, made)


def _table(made: Columns) -> dict[str, Any]:
    return DATA | {
        "columns": [{"columnId": name, "isTransposed": False, "oneClickFilter": True} for name in made.buckets]
        + [{"columnId": name, "isTransposed": False} for name in made.metrics],
        "sorting": {"columnId": made.metrics[0], "direction": "desc"},
    }


def _pie(made: Columns) -> dict[str, Any]:
    layer = DATA | {
        "primaryGroups": made.buckets, "metrics": made.metrics, "allowMultipleMetrics": False,
        "numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "show", "nestedLegend": False,
    }  # fmt: skip
    return {"shape": "donut", "layers": [layer]}


def _heatmap(made: Columns) -> dict[str, Any]:
    grid = {
        "type": "heatmap_grid", "isCellLabelVisible": False, "isXAxisLabelVisible": True,
        "isXAxisTitleVisible": False, "isYAxisLabelVisible": True, "isYAxisTitleVisible": False,
    }  # fmt: skip
    return DATA | {
        "shape": "heatmap", "xAccessor": made.buckets[0], "yAccessor": made.buckets[1],
        "valueAccessor": made.metrics[0], "gridConfig": grid,
        "legend": {"isVisible": True, "position": "right", "type": "heatmap_legend"},
    }  # fmt: skip


def _xy(panel: Panel, made: Columns) -> dict[str, Any]:
    split = {"splitAccessor": made.buckets[1]} if len(made.buckets) > 1 else {}
    # One colour for every series of a breakdown would make them one.
    coloured = [] if split else [(name, m.colour) for name, m in zip(made.metrics, panel.metrics, strict=True)]
    series = SERIES[panel.kind]
    layer = DATA | split | {
        "seriesType": series, "xAccessor": made.buckets[0], "accessors": made.metrics,
        "yConfig": [{"forAccessor": name, "color": colour} for name, colour in coloured if colour],
    }  # fmt: skip
    shown = {"x": True, "yLeft": True, "yRight": True}
    return {
        "preferredSeriesType": series,
        "layers": [layer],
        "legend": {"isVisible": panel.kind != "ranking", "position": "bottom"},
        "valueLabels": "show" if panel.kind == "ranking" else "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "tickLabelsVisibilitySettings": shown,
        "gridlinesVisibilitySettings": shown,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "yLeftExtent": {"mode": "full"},
    }
