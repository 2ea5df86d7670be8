"""The data views behind the dashboards, for both ways of telling Kibana of them."""

from __future__ import annotations

import json
from typing import Any

from deploy.dashboards.fieldtypes import types
from deploy.dashboards.naming import VIEWS, Names, Words
from deploy.dashboards.spec import TIME, ViewName


def formats(view: ViewName, words: Words) -> dict[str, Any]:
    """How values of fields are shown: labels of ours by their names in the reader's language."""
    known = types(view)
    return {
        name: {
            "id": "static_lookup",
            "params": {
                "lookupEntries": [{"key": key, "value": value} for key, value in sorted(entries.items())],
                "unknownKeyValue": None,
            },
        }
        for name, entries in sorted(words.values.items())
        if name in known
    }


def saved_objects(names: Names, words: Words) -> list[dict[str, Any]]:
    """The data views as saved objects. Maps are strings of JSON, as Kibana keeps them."""
    return [
        {
            "attributes": {
                "allowNoIndex": True,  # replays have none until one was kept
                "fieldAttrs": "{}",
                "fieldFormatMap": json.dumps(formats(view, words), ensure_ascii=False, sort_keys=True),
                "fields": "[]",
                "name": words.title(f"views.{view}", names),
                "runtimeFieldMap": "{}",
                "timeFieldName": TIME,
                "title": names.pattern(view),
                "typeMeta": "{}",
            },
            "coreMigrationVersion": "8.8.0",
            "id": names.view_id(view),
            "managed": False,
            "references": [],
            "type": "index-pattern",
            "typeMigrationVersion": "8.0.0",
        }
        for view in VIEWS
    ]


def requests(names: Names, words: Words) -> list[dict[str, Any]]:
    """The data views as bodies of `POST /api/data_views/data_view`; one that is there is replaced."""
    return [
        {
            "data_view": {
                "allowNoIndex": True,
                "fieldFormats": formats(view, words),
                "id": names.view_id(view),
                "name": words.title(f"views.{view}", names),
                "timeFieldName": TIME,
                "title": names.pattern(view),
            },
            "override": True,
        }
        for view in VIEWS
    ]
