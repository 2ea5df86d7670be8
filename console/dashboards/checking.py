"""The dashboards against a real Elasticsearch: every field there, every panel's aggregation run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from elasticsearch import AsyncElasticsearch, BadRequestError

from deploy.dashboards.asking import Row, Window, body, filled, rows
from deploy.dashboards.lint import Fault, asked
from deploy.dashboards.naming import VIEWS, Names
from deploy.dashboards.spec import Board, Panel, ViewName
from streams.plain import plain


@dataclass(slots=True)
class Answers:
    """What Elasticsearch said: rows by dashboard and panel, faults, and data views whose indices do not exist yet."""

    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    empty: list[tuple[str, str]] = field(default_factory=list)  # dashboard and panel with nothing to see
    faults: list[Fault] = field(default_factory=list)
    absent: set[ViewName] = field(default_factory=set)


async def ask(
    elastic: AsyncElasticsearch, boards: Sequence[Board], names: Names, windows: Mapping[str, Window]
) -> Answers:
    """Every panel over the window of its dashboard (by its id)."""
    answers = Answers()
    for view in VIEWS:
        await _check_fields(elastic, boards, names, view, answers)
    for board in boards:
        for panel, _ in board.panels():
            key = board.id, panel.id
            answers.rows[key] = await _rows(elastic, board, panel, names, windows[board.id], answers)
            if not filled(panel, answers.rows[key]):
                answers.empty.append(key)
    return answers


async def _check_fields(
    elastic: AsyncElasticsearch, boards: Sequence[Board], names: Names, view: ViewName, answers: Answers
) -> None:
    wanted: dict[str, tuple[str, frozenset[str]]] = {}
    for board in boards:
        for panel, _ in board.panels():
            if panel.view == view:
                wanted |= {name: (f"{board.id}/{panel.id}", types) for name, types in asked(panel)}
    told = await elastic.field_caps(
        index=names.pattern(view), fields=sorted(wanted) or ["*"], allow_no_indices=True, ignore_unavailable=True
    )
    if not told["indices"]:
        answers.absent.add(view)
        return
    for name, (where, types) in sorted(wanted.items()):
        found = {kind: caps for kind, caps in told["fields"].get(name, {}).items() if kind != "unmapped"}
        if not found and name != "_index":
            answers.faults.append(Fault(where, f"{name}: Elasticsearch has no such field"))
        for kind, caps in found.items():
            if name != "_index" and kind not in types:
                answers.faults.append(Fault(where, f"{name} is {kind} in Elasticsearch"))
            if not caps["aggregatable"]:
                answers.faults.append(Fault(where, f"{name} cannot be aggregated in Elasticsearch"))


async def _rows(
    elastic: AsyncElasticsearch, board: Board, panel: Panel, names: Names, window: Window, answers: Answers
) -> list[Row]:
    if panel.view in answers.absent:
        return []
    try:
        answer = await elastic.search(
            index=names.pattern(panel.view), allow_no_indices=True, ignore_unavailable=True,
            allow_partial_search_results=False, **body(panel, window),
        )  # fmt: skip
    except BadRequestError as error:
        answers.faults.append(Fault(f"{board.id}/{panel.id}", plain(str(error), 300)))
        return []
    return rows(panel, answer.body)
