"""Both formats of the dashboards: the same panels, strict shapes, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from console.dashboards.words import words
from deploy.dashboards import api, lens, saved, views
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.bundle import bundle, text
from deploy.dashboards.filters import All, Is
from deploy.dashboards.naming import VIEWS, Names, Words
from deploy.dashboards.spec import Metric, OverTime, Panel, Split, Terms

KEYS = Words(lambda key: key, {})
NAMES = Names()
NEGATIVE = All((Is("judged", True), Is("sentiment.label", "negative")))
SHARE = Metric("negative_share", "share", where=NEGATIVE, among=Is("judged", True), digits=1)


def test_a_share_becomes_a_formula_with_all_its_parts() -> None:
    """Without the columns that Lens splits a formula into, the number would stay empty."""
    panel = Panel("share", "metric", "documents", (SHARE,))
    layer = lens.attributes(panel, NAMES, KEYS)["state"]["datasourceStates"]["formBased"]["layers"]["layer"]
    formula = "count(kql='judged: true and sentiment.label: \"negative\"') / count(kql='judged: true')"
    columns = layer["columns"]
    assert layer["columnOrder"] == ["share-metric-0", "share-metric-0X0", "share-metric-0X1", "share-metric-0X2"]
    assert columns["share-metric-0"]["params"]["formula"] == formula
    assert columns["share-metric-0"]["references"] == ["share-metric-0X2"]
    assert columns["share-metric-0X0"]["filter"]["query"] == 'judged: true and sentiment.label: "negative"'
    assert columns["share-metric-0X2"]["params"]["tinymathAst"]["args"] == ["share-metric-0X0", "share-metric-0X1"]
    assert api._metric(SHARE, KEYS)["formula"] == formula


def test_values_come_before_time_in_lens() -> None:
    """Lens nests by the order of its columns."""
    panel = Panel("p", "line", "documents", (Metric("documents"),), (OverTime(), Terms("topic.label", "topic", 6)))
    made = lens.attributes(panel, NAMES, KEYS)["state"]
    assert made["datasourceStates"]["formBased"]["layers"]["layer"]["columnOrder"] == [
        "p-bucket-1", "p-bucket-0", "p-metric-0",
    ]  # fmt: skip
    layer = made["visualization"]["layers"][0]
    assert (layer["xAccessor"], layer["splitAccessor"], layer["accessors"]) == (
        "p-bucket-0", "p-bucket-1", ["p-metric-0"],
    )  # fmt: skip


def test_a_panel_for_the_api_is_what_its_schema_asks_for() -> None:
    """Written out once, so that a change of the format is a change that somebody sees."""
    panel = Panel("topics", "table", "documents", (Metric("documents"), SHARE), (Terms("topic.label", "topic", 20),),
                  where=Is("judged", True), opens="topics")  # fmt: skip
    board = BOARDS[0]
    made = api._panel(next(one for one in board.tiles if one.tile.id == "companies"), board, NAMES, KEYS)
    assert made["type"] == "vis"
    assert set(made) == {"id", "grid", "type", "config"}
    assert api._config(panel, NAMES, KEYS) == {
        "type": "data_table",
        "data_source": {"type": "data_view_reference", "ref_id": "tocsin-documents-data"},
        "metrics": [
            {"label": "metrics.documents", "operation": "count"},
            {
                "label": "metrics.negative_share", "operation": "formula", "format": {"type": "percent", "decimals": 1},
                "formula": "count(kql='judged: true and sentiment.label: \"negative\"') / count(kql='judged: true')",
            },
        ],
        "rows": [{
            "operation": "terms", "fields": ["topic.label"], "label": "buckets.topic", "limit": 20,
            "rank_by": {"type": "metric", "metric_index": 0, "direction": "desc"}, "click_filter": True,
        }],
        "styling": {"sort_by": {"column_type": "metric", "index": 0, "direction": "desc"}},
    }  # fmt: skip


def test_conditions_become_filters_with_names() -> None:
    """Each part of a split has its own condition and its own name in both formats."""
    split = Split("sentiment", (("negative", NEGATIVE), ("unjudged", Is("judged", False))))
    panel = Panel("p", "pie", "documents", (Metric("documents"),), (split,))
    made = api._config(panel, NAMES, KEYS)["group_by"][0]
    assert [one["label"] for one in made["filters"]] == ["metrics.negative", "metrics.unjudged"]
    layer = lens.attributes(panel, NAMES, KEYS)["state"]["datasourceStates"]["formBased"]["layers"]["layer"]
    told = layer["columns"]["p-bucket-0"]["params"]["filters"]
    assert [one["input"]["query"] for one in told] == [one["filter"]["expression"] for one in made["filters"]]


@pytest.mark.parametrize("namespace", ["", "desk", "demo-1"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_both_formats_hold_the_same_dashboards(lang: str, namespace: str) -> None:
    """Ids, titles, places and data views do not depend on the version of Kibana."""
    names, said = Names(namespace), words(lang)
    lines = [json.loads(line) for line in text(BOARDS, names, said, "saved-objects").decode().splitlines()]
    made = bundle(BOARDS, names, said)
    assert [one["id"] for one in lines if one["type"] == "index-pattern"] == [names.view_id(view) for view in VIEWS]
    older = {one["id"]: one["attributes"] for one in lines if one["type"] == "dashboard"}
    assert older.keys() == dict(made.dashboards).keys()
    for name, body in made.dashboards:
        panels = json.loads(older[name]["panelsJSON"])
        assert older[name]["title"] == body["title"]
        assert [_place(one["gridData"]) for one in panels] == [_place(one["grid"]) for one in body["panels"]]
        assert [one["panelIndex"] for one in panels] == [one["id"] for one in body["panels"]]


def _place(grid: dict[str, Any]) -> tuple[int, ...]:
    return tuple(grid[key] for key in "xywh")


def test_a_click_leads_to_the_other_dashboard_in_both_formats() -> None:
    """The older format keeps the target as a reference under the name that Kibana looks for."""
    made = saved.dashboard(BOARDS[0], Names("desk"), KEYS)
    event = "companies-opens"
    name = f"companies:drilldown:DASHBOARD_TO_DASHBOARD_DRILLDOWN:{event}:dashboardId"
    assert {"id": "tocsin-desk-company", "name": name, "type": "dashboard"} in made["references"]
    panel = next(one for one in api.dashboard(BOARDS[0], Names("desk"), KEYS)["panels"] if one["id"] == "companies")
    assert panel["config"]["drilldowns"][0]["dashboard_id"] == "tocsin-desk-company"


def test_labels_are_shown_in_the_reader_s_language() -> None:
    """A data view says what the values of its fields are called."""
    told = views.formats("documents", words("zh"))
    lookup = {one["key"]: one["value"] for one in told["topic.label"]["params"]["lookupEntries"]}
    assert lookup["earnings"] == "业绩"
    assert told["sentiment.label"]["id"] == "static_lookup"
    assert "severity" not in told
    assert "severity" in views.formats("alerts", words("en"))


def test_the_help_names_invented_data_and_links_within_kibana() -> None:
    """Nobody takes the demo for real."""
    said = words("en")
    body = dict(bundle(BOARDS, Names("demo-1"), said).dashboards)["tocsin-demo-1-overview"]
    content = next(one["config"]["content"] for one in body["panels"] if one["type"] == "markdown")
    assert content.startswith("**Invented data")
    assert "[Company](#/view/tocsin-demo-1-company)" in content
    assert "[Demo]" in body["title"]


def test_the_same_description_gives_the_same_bytes() -> None:
    """Files can be reviewed and compared: no order of a set, no time, no random id."""
    code = (
        "import hashlib\nfrom console.dashboards.words import words\nfrom deploy.dashboards.boards import BOARDS\n"
        "from deploy.dashboards.bundle import text\nfrom deploy.dashboards.naming import Names\n"
        "made = [text(BOARDS, Names('desk'), words('zh'), form) for form in ('saved-objects', 'dashboards-api')]\n"
        "print([hashlib.sha256(one).hexdigest() for one in made])\n"
    )
    told = {
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1
