"""What the lint finds, each fault put there on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from console.dashboards.words import words
from deploy.dashboards import api, measures
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.bundle import text
from deploy.dashboards.filters import Is
from deploy.dashboards.lint import api_faults, layout, lint, saved_faults
from deploy.dashboards.naming import Names
from deploy.dashboards.spec import Board, Control, Metric, Panel, Place, Placed, Terms, Text, stacked

SAID = words("en")
NAMES = Names("desk")
COUNT = measures.DOCUMENTS


def board(*panels: Panel, **changes: Any) -> Board:
    tiles = stacked((5, [(48, Text("overview-help"))]), *((6, [(48, panel)]) for panel in panels))
    return Board(**({"id": "overview", "hours": 24, "view": "documents", "tiles": tiles} | changes))


def told(*boards: Board) -> str:
    return "\n".join(f"{fault.where}: {fault.what}" for fault in lint(boards, NAMES, SAID))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("namespace", ["", "desk", "demo-1"])
def test_the_shipped_dashboards_have_no_faults(lang: str, namespace: str) -> None:
    """In both languages, and whatever the namespace is."""
    assert lint(BOARDS, Names(namespace), words(lang)) == []


def test_a_field_that_is_not_in_the_index_is_found() -> None:
    """A renamed field would be a blank panel in Kibana, without any error."""
    panel = Panel("volume", "ranking", "documents", (COUNT,), (Terms("topic.name", "topic"),))
    assert "topic.name: there is no such field" in told(board(panel))


def test_a_field_of_the_wrong_type_is_found() -> None:
    """Text cannot be counted by value, and a keyword has no average."""
    panel = Panel("volume", "ranking", "documents", (COUNT,), (Terms("title", "topic"),))
    assert "title is text" in told(board(panel))
    panel = Panel("volume", "metric", "documents", (Metric("documents", "average", "source"),))
    assert "source is keyword" in told(board(panel))
    panel = Panel("volume", "metric", "documents", (Metric("documents", where=Is("judged", "true")),))
    assert "judged is boolean" in told(board(panel))


def test_an_address_that_is_not_indexed_is_no_field_to_count_by() -> None:
    """`url` is kept and cannot be aggregated."""
    panel = Panel("volume", "ranking", "documents", (COUNT,), (Terms("url", "source"),))
    assert "url: there is no such field" in told(board(panel))


def test_a_filter_that_would_empty_a_panel_is_found() -> None:
    """Alerts have no `entities.name`: a list of companies above them would hide them all."""
    alerts = Panel("alerts-number", "metric", "alerts", (measures.ALERTS,))
    made = board(alerts, controls=(Control("entities.name", "company"),))
    assert "a filter on entities.name would empty overview/alerts-number" in told(made)
    opens = Panel("companies", "table", "documents", (COUNT,), (Terms("entities.name", "company"),), opens="alerts")
    target = replace(board(alerts), id="alerts")
    assert "a filter on entities.name would empty alerts/alerts-number" in told(board(opens), target)


def test_ways_to_nowhere_are_found() -> None:
    """A link in the help, and a click."""
    panel = Panel("companies", "table", "documents", (COUNT,), (Terms("source", "source"),), opens="company")
    found = told(board(panel, links=("company",)))
    assert "overview: its help leads to company, which there is not" in found
    assert "opens company, which there is not" in found
    assert "tocsin-desk-company, which is not in the file" in found


@pytest.mark.parametrize(
    ("places", "fault"),
    [
        ([Place(0, 0, 24, 5), Place(23, 0, 24, 5)], "lies on volume"),
        ([Place(0, 0, 24, 5), Place(30, 0, 24, 5)], "stands out of the grid"),
        ([Place(0, 0, 24, 5), Place(24, 3, 24, 5)], "has nothing above it"),
        ([Place(0, 0, 24, 5), Place(0, 9, 24, 5)], "has nothing above it"),
    ],
)
def test_a_bad_layout_is_found(places: list[Place], fault: str) -> None:
    """Panels on each other, out of the grid, or where Kibana would not leave them."""
    ids = ["volume", "sentiment"]
    tiles = tuple(Placed(Text(name), place) for name, place in zip(ids, places, strict=True))
    assert any(fault in one.what for one in layout(board(tiles=tiles)))


def test_an_id_that_is_there_twice_is_found() -> None:
    """Kibana would drop one of the panels."""
    tiles = (Placed(Text("volume"), Place(0, 0, 24, 5)), Placed(Text("volume"), Place(24, 0, 24, 5)))
    assert [one.what for one in layout(board(tiles=tiles))] == ["is there twice"]


def changed(change: Any) -> list[str]:
    body = json.loads(json.dumps(api.dashboard(BOARDS[0], NAMES, SAID)))
    change(body)
    return list(api_faults(body))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda body: body.update(sections=[]), "sections: Extra inputs"),
        (lambda body: body["panels"][1].update(uid="x"), "uid: Extra inputs"),
        (lambda body: body["panels"][1]["config"].update(dataset={}), "dataset: Extra inputs"),
        (lambda body: body["panels"][1]["config"]["metrics"][0].update(operation="value"), "does not match any"),
        (lambda body: body["panels"][1]["config"].pop("data_source"), "data_source: Field required"),
        (lambda body: body["panels"][1]["grid"].update(x="0"), "grid.x: Input should be a valid integer"),
        (lambda body: body["time_range"].update({"from": "yesterday"}), "time_range.from: String should match"),
        (lambda body: body["panels"][1].update(id="Number One"), "id: String should match"),
    ],
)  # fmt: skip
def test_a_key_or_value_that_the_api_does_not_know_is_found(change: Any, fault: str) -> None:
    """Kibana answers such a body with an error 400 for the whole dashboard."""
    assert any(fault in one for one in changed(change)), changed(change)


def broken(change: Any) -> str:
    lines = [json.loads(line) for line in text(BOARDS, NAMES, SAID, "saved-objects").decode().splitlines()]
    change(lines)
    file = "\n".join(json.dumps(one) for one in lines).encode()
    return "\n".join(f"{fault.where}: {fault.what}" for fault in saved_faults(file))


def _panels(one: dict[str, Any], change: Any) -> None:
    panels = json.loads(one["attributes"]["panelsJSON"])
    change(panels)
    one["attributes"]["panelsJSON"] = json.dumps(panels)


def _state(panels: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = panels[1]["embeddableConfig"]["attributes"]["state"]
    return found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda lines: lines[4].pop("typeMigrationVersion"), "typeMigrationVersion: Field required"),
        (lambda lines: lines[4].update(typeMigrationVersion="10.9.0"), "typeMigrationVersion: Input should be"),
        (lambda lines: lines[4]["attributes"].update(panelsJSON=[]), "panelsJSON: JSON input should be string"),
        (lambda lines: lines[0]["attributes"].update(fields=[]), "fields: JSON input should be string"),
        (lambda lines: lines.pop(0), "leads to tocsin-desk-documents-data, which is not in the file"),
        (lambda lines: lines.append(lines[0]), "there are two of this id"),
        (lambda lines: lines[4]["references"].clear(), "its data view is missing among the references"),
        (lambda lines: _panels(lines[4], lambda p: _state(p)["datasourceStates"].pop("textBased")), "textBased: Field"),
        (lambda lines: _panels(lines[4], lambda p: _state(p).update(adHocDataViews={"a": {}})), "adHocDataViews"),
        (lambda lines: _panels(lines[4], lambda p: _state(p)["visualization"].update(
            metricAccessor="number-documents-gone")), "there is no column number-documents-gone"),
    ],
)  # fmt: skip
def test_what_makes_an_import_fail_is_found(change: Any, fault: str) -> None:
    """Each of these has been the cause of an error 500, a refused object or a blank panel in some Kibana."""
    assert fault in broken(change), broken(change)
