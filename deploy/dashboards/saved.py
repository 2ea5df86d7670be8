"""Dashboards as saved objects: what Kibana 8.19 to 9.4 import.

Shapes were taken from dashboards that Elastic ships for these versions. `10.2.0` is the oldest version of a dashboard
object that 8.19 and 9.x both raise to their own; a newer one is refused by the older Kibana.
"""

from __future__ import annotations

import json
from typing import Any, Final

from deploy.dashboards import lens, views
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import Board, Panel, Placed
from deploy.dashboards.texts import markdown

DASHBOARD_VERSION: Final = "10.2.0"
DRILLDOWN: Final = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"


def ndjson(boards: tuple[Board, ...], names: Names, words: Words) -> bytes:
    """One file with everything: data views first, then dashboards; the same bytes for the same description."""
    objects = [*views.saved_objects(names, words), *(dashboard(board, names, words) for board in boards)]
    lines = [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in objects]
    return ("\n".join(lines) + "\n").encode()


def dashboard(board: Board, names: Names, words: Words) -> dict[str, Any]:
    """One dashboard with its panels inside."""
    tiles = [_panel(one, board, names, words) for one in board.tiles]
    references = [reference for _, found in tiles for reference in found]
    references += [
        {
            "id": names.view_id(board.view),
            "name": f"controlGroup_{_control(n)}:optionsListDataView",
            "type": "index-pattern",
        }
        for n in range(len(board.controls))
    ]
    return {
        "attributes": {
            "controlGroupInput": _controls(board, names, words),
            "description": words.say(f"boards.{board.id}.about"),
            "kibanaSavedObjectMeta": {"searchSourceJSON": _text({"filter": [], "query": _query()})},
            "optionsJSON": _text({
                "hidePanelTitles": False, "syncColors": True, "syncCursor": True, "syncTooltips": False,
                "useMargins": True,
            }),
            "panelsJSON": _text([panel for panel, _ in tiles]),
            "refreshInterval": {"pause": True, "value": 60_000},
            "timeFrom": f"now-{board.hours}h",
            "timeRestore": True,
            "timeTo": "now",
            "title": words.title(f"boards.{board.id}.title", names),
            "version": 1,
        },
        "coreMigrationVersion": "8.8.0",
        "id": names.id(board.id),
        "managed": False,
        "references": references,
        "type": "dashboard",
        "typeMigrationVersion": DASHBOARD_VERSION,
    }  # fmt: skip


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _query() -> dict[str, str]:
    return {"language": "kuery", "query": ""}


def _panel(one: Placed, board: Board, names: Names, words: Words) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """A panel in its place, and what it refers to."""
    name = one.tile.id
    place = one.place
    frame = {"gridData": {"h": place.h, "i": name, "w": place.w, "x": place.x, "y": place.y}, "panelIndex": name}
    if not isinstance(one.tile, Panel):
        return frame | {
            "embeddableConfig": _markdown(markdown(board, names, words)), "type": "visualization"
        }, []  # fmt: skip
    actions, opened = _drilldown(one.tile, names, words)
    config = {
        "attributes": lens.attributes(one.tile, names, words),
        "enhancements": actions,
        "hidePanelTitles": one.tile.kind == "metric",  # it tells its name itself
    }
    tied = lens.reference(one.tile, names)
    references = [tied | {"name": f"{name}:{tied['name']}"}, *opened]
    title = words.say(f"panels.{name}")
    return frame | {"embeddableConfig": config, "title": title, "type": "lens"}, references


def _markdown(content: str) -> dict[str, Any]:
    return {
        "enhancements": {},
        "hidePanelTitles": True,
        "savedVis": {
            "data": {"aggs": [], "searchSource": {"filter": [], "query": _query()}},
            "description": "", "id": "", "title": "", "type": "markdown", "uiState": {},
            "params": {"fontSize": 12, "markdown": content, "openLinksInNewTab": False},
        },
    }  # fmt: skip


def _drilldown(panel: Panel, names: Names, words: Words) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What a click on a value opens. The target is kept as a reference, under a name that Kibana expects."""
    if not panel.opens:
        return {}, []
    event = f"{panel.id}-opens"
    action = {
        "config": {"openInNewTab": False, "useCurrentDateRange": True, "useCurrentFilters": True},
        "factoryId": DRILLDOWN,
        "name": words.say(f"boards.{panel.opens}.open"),
    }
    events = [{"action": action, "eventId": event, "triggers": ["FILTER_TRIGGER"]}]
    name = f"{panel.id}:drilldown:{DRILLDOWN}:{event}:dashboardId"
    return {"dynamicActions": {"events": events}}, [{"id": names.id(panel.opens), "name": name, "type": "dashboard"}]


def _control(n: int) -> str:
    return f"control-{n}"


def _controls(board: Board, names: Names, words: Words) -> dict[str, Any]:
    ignored = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    panels = {
        _control(n): {
            "explicitInput": {
                "dataViewId": names.view_id(board.view), "exclude": False, "existsSelected": False,
                "fieldName": one.field, "id": _control(n), "searchTechnique": "prefix", "selectedOptions": [],
                "sort": {"by": "_count", "direction": "desc"}, "title": words.say(f"buckets.{one.label}"),
            },
            "grow": True, "order": n, "type": "optionsListControl", "width": "medium",
        }
        for n, one in enumerate(board.controls)
    }  # fmt: skip
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": _text(ignored),
        "panelsJSON": _text(panels),
        "showApplySelections": False,
    }
