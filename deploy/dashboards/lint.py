"""What can be known of the dashboards without a Kibana: shapes, layout, references, fields. Pure; faults are values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from deploy.dashboards import api, saved
from deploy.dashboards.apishape import Dashboard
from deploy.dashboards.fieldtypes import NUMBERS, types
from deploy.dashboards.filters import Filter, fields
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.savedshape import SavedObject
from deploy.dashboards.spec import COLUMNS, Board, Metric, OverTime, Panel, Placed, Split, Terms


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where."""

    where: str
    what: str


def lint(boards: Sequence[Board], names: Names, words: Words) -> list[Fault]:
    """Every fault of the dashboards, in both formats. None says nothing of what a Kibana would make of them."""
    found: list[Fault] = []
    known = {board.id: board for board in boards}
    for board in boards:
        found += layout(board)
        found += _fields(board)
        found += _ways(board, known)
        found += [Fault(f"{board.id} (9.5)", text) for text in api_faults(api.dashboard(board, names, words))]
    return found + saved_faults(saved.ndjson(tuple(boards), names, words))


def api_faults(body: dict[str, Any]) -> Iterator[str]:
    """Where a body does not keep to the Dashboards API as it is known here."""
    try:
        Dashboard.model_validate_json(json.dumps(body))
    except ValidationError as error:
        yield from _told(error)


def saved_faults(file: bytes) -> list[Fault]:
    """Where a file of saved objects is not what it must be, and what it refers to and does not hold."""
    found: list[Fault] = []
    objects: list[dict[str, Any]] = []
    shape: TypeAdapter[Any] = TypeAdapter(SavedObject)
    for n, line in enumerate(file.decode().splitlines(), 1):
        try:
            shape.validate_json(line)
        except ValidationError as error:
            found += [Fault(f"line {n}", text) for text in _told(error)]
        else:
            objects.append(json.loads(line))
    ids = [(one["type"], one["id"]) for one in objects]
    found += [Fault(one[1], "there are two of this id") for one in sorted(set(ids)) if ids.count(one) > 1]
    for one in objects:
        where = str(one["id"])
        found += [
            Fault(where, f"{reference['name']} leads to {reference['id']}, which is not in the file")
            for reference in one["references"]
            if (reference["type"], reference["id"]) not in ids
        ]
        if one["type"] == "dashboard":
            found += [Fault(where, text) for text in _columns(one)]
    return found


def _told(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_input=False, include_url=False):
        yield f"{'.'.join(map(str, each['loc']))}: {each['msg']}"


def _columns(dashboard: dict[str, Any]) -> Iterator[str]:
    """Columns that are named and not there, and panels whose references are not kept where Kibana looks for them."""
    references = {reference["name"] for reference in dashboard["references"]}
    for panel in json.loads(dashboard["attributes"]["panelsJSON"]):
        if panel["type"] != "lens":
            continue
        name, attributes = panel["panelIndex"], panel["embeddableConfig"]["attributes"]
        layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
        for tied in attributes["references"]:
            if f"{name}:{tied['name']}" not in references:
                yield f"{name}: its data view is missing among the references of the dashboard"
        for layer in layers.values():
            if sorted(layer["columnOrder"]) != sorted(layer["columns"]):
                yield f"{name}: columns and their order differ"
            named = set(_strings(attributes["state"]["visualization"]))
            named |= {other for column in layer["columns"].values() for other in column.get("references", [])}
            for other in sorted(named):
                if other.startswith(f"{name}-") and other not in layer["columns"]:
                    yield f"{name}: there is no column {other}"


def _strings(value: Any) -> Iterator[str]:
    """Every string inside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def layout(board: Board) -> list[Fault]:
    """Panels out of the grid, on each other, with gaps above them, or with the same id."""
    found: list[Fault] = []
    taken: dict[tuple[int, int], str] = {}
    for one in board.tiles:
        where, place = f"{board.id}/{one.tile.id}", one.place
        if place.x < 0 or place.y < 0 or place.w < 1 or place.h < 1 or place.x + place.w > COLUMNS:
            found.append(Fault(where, f"stands out of the grid of {COLUMNS} columns"))
        for cell in _cells(one):
            if cell in taken:
                found.append(Fault(where, f"lies on {taken[cell]}"))
                break
        taken |= dict.fromkeys(_cells(one), one.tile.id)
    for one in board.tiles:
        place = one.place
        if place.y and not any((x, place.y - 1) in taken for x in range(place.x, place.x + place.w)):
            found.append(Fault(f"{board.id}/{one.tile.id}", "has nothing above it: Kibana would move it up"))
    ids = [one.tile.id for one in board.tiles]
    found += [Fault(f"{board.id}/{name}", "is there twice") for name in sorted(set(ids)) if ids.count(name) > 1]
    return found


def _cells(one: Placed) -> list[tuple[int, int]]:
    place = one.place
    return [(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)]


def _fields(board: Board) -> Iterator[Fault]:
    """Fields that the mapping lacks, or whose type cannot do what is asked of them."""
    for panel, _ in board.panels():
        for field, wanted in asked(panel):
            found = types(panel.view).get(field)
            if found is None:
                yield Fault(f"{board.id}/{panel.id}", f"{field}: there is no such field to count by")
            elif found not in wanted:
                yield Fault(f"{board.id}/{panel.id}", f"{field} is {found}, needed is {' or '.join(sorted(wanted))}")


KEYWORD = frozenset({"keyword"})
VALUES = KEYWORD | {"boolean"}
ORDERED = NUMBERS | {"date"}


def asked(panel: Panel) -> Iterator[tuple[str, frozenset[str]]]:
    """Every field a panel needs, with the types that would do."""
    yield from _of_condition(panel.where)
    for metric in panel.metrics:
        yield from _of_metric(metric)
    for bucket in panel.by:
        match bucket:
            case OverTime():
                yield "@timestamp", frozenset({"date"})
            case Terms(field):
                yield field, VALUES
            case Split(_, parts):
                for _, condition in parts:
                    yield from _of_condition(condition)


def _of_metric(metric: Metric) -> Iterator[tuple[str, frozenset[str]]]:
    yield from _of_condition(metric.where)
    yield from _of_condition(metric.among)
    if metric.field:
        yield metric.field, {"unique": VALUES, "average": NUMBERS}.get(metric.of, ORDERED)


def _of_condition(condition: Filter | None) -> Iterator[tuple[str, frozenset[str]]]:
    for field, value in fields(condition):
        yield field, frozenset({"boolean"}) if isinstance(value, bool) else KEYWORD if value is not None else VALUES


def _ways(board: Board, known: dict[str, Board]) -> Iterator[Fault]:
    """Links to nowhere, and filters that would empty a panel because its data lacks the field."""
    for name in board.links:
        if name not in known:
            yield Fault(board.id, f"its help leads to {name}, which there is not")
    for control in board.controls:
        yield from _empties(board.id, control.field, board)
    for panel, _ in board.panels():
        if not panel.opens:
            continue
        target = known.get(panel.opens)
        if target is None:
            yield Fault(f"{board.id}/{panel.id}", f"opens {panel.opens}, which there is not")
            continue
        for bucket in panel.by:
            if isinstance(bucket, Terms):
                yield from _empties(f"{board.id}/{panel.id}", bucket.field, target)


def _empties(where: str, field: str, board: Board) -> Iterator[Fault]:
    for panel, _ in board.panels():
        if field not in types(panel.view):
            yield Fault(where, f"a filter on {field} would empty {board.id}/{panel.id}: its data has no such field")
