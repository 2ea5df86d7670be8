"""Every panel of the dashboards, asked of a real Elasticsearch: live documents, live alerts, and those of a replay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from elasticsearch import AsyncElasticsearch

from console.dashboards.checking import ask
from console.dashboards.preview import render
from console.dashboards.words import words
from console.replay.indices import drop, filling
from deploy.dashboards import measures as m
from deploy.dashboards.asking import Window
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.naming import Names
from deploy.dashboards.spec import Board, Panel, Terms, stacked
from streams import elastic as es
from streams.endpoints import resolve
from streams.index import alert_source
from streams.records import AlertEvent, Document
from streams.settings import Settings
from tests.opinions import END, document, entity, judged, put
from tests.ringing import event, evidence

pytestmark = pytest.mark.engines

WINDOWS = {board.id: Window(END - timedelta(hours=board.hours), END) for board in BOARDS}
HALDEN, ORRIN = entity("halden", "Halden Motors"), entity("orrin", "远岭生物")


def documents() -> list[Document]:
    """Four negative of eight with a direction, one abstained, one unjudged; two companies, personal data masked."""
    kinds = ["negative", "negative", "positive", "neutral"]
    made = [
        document(n, f"news {n}", judgement=judged(kinds[n % 4], risk="litigation" if n % 2 else "none"),
                 entities=(HALDEN, ORRIN) if n % 3 == 0 else (HALDEN,), masked={"phone": 1} if n == 2 else {})
        for n in range(8)
    ]  # fmt: skip
    unsure = document(8, "news 8", judgement=judged(abstained=True), lang="zh", entities=(ORRIN,))
    return [*made, unsure, document(9, "news 9", judgement=None, unjudged="no_model", stale="stale")]


def alerts(replay: bool = False) -> list[AlertEvent]:
    """One alert that rang and was resolved."""
    given = {
        "at": END - timedelta(hours=1),
        "since": END - timedelta(hours=2),
        "replay": replay,
        "name": "Halden Motors",
        "beyond": 2.5,
    }
    grown = given | {"severity": "critical", "evidence": (evidence(risk="litigation"),)}
    return [event(0, **given), event(1, "updated", **grown), event(2, "resolved", **given)]


@pytest.fixture
async def elastic(settings: Settings) -> AsyncIterator[AsyncElasticsearch]:
    """A client; what the test wrote is gone afterwards."""
    url = resolve(settings, "elasticsearch").elasticsearch
    client = es.client(settings, url)
    yield client
    await drop(settings, url, "strict")
    made = await client.indices.get(index=[es.pattern(settings, kind) for kind in es.KINDS])
    await client.options(ignore_status=404).indices.delete(index=list(made) or ["none"])
    for kind in es.KINDS:
        name = f"tocsin-{es.prefix(settings)}{kind}"
        await client.options(ignore_status=404).indices.delete_index_template(name=name)
    await client.close()


async def fill(elastic: AsyncElasticsearch, settings: Settings) -> None:
    """Documents and alerts as the index stage writes them, and both again as a replay keeps them."""
    await put(elastic, settings, documents())
    for one in alerts():
        index = es.alerts_index(settings, one.at)
        source = {name: value for name, value in alert_source(one, END).items() if name != "evidence"}
        source["evidence"] = [{"document": each.document, "risk": each.risk} for each in one.evidence]
        await elastic.index(index=index, id=one.id, document=source, refresh=True)
    url = resolve(settings, "elasticsearch").elasticsearch
    async with filling(settings, url, "strict", "f" * 16) as indices:
        for each in documents():
            await indices.add_document(each)
        for one in alerts(replay=True):
            await indices.add_alert(one)


async def test_every_panel_has_data_and_says_what_was_written(elastic: AsyncElasticsearch, settings: Settings) -> None:
    """No field is missing, no aggregation is refused, nothing is empty, and the numbers are those of the documents."""
    await fill(elastic, settings)
    names = Names(settings.namespace)
    answers = await ask(elastic, BOARDS, names, WINDOWS)
    assert answers.faults == []
    assert answers.absent == set()
    assert answers.empty == []
    assert answers.rows["overview", "number-documents"][0].values == (10.0,)
    assert answers.rows["overview", "number-negative-share"][0].values == (0.5,)
    assert [row.values for row in answers.rows["overview", "sentiment"]] == [(4.0,), (2.0,), (2.0,), (1.0,), (1.0,)]
    table = {row.keys[0]: row.values for row in answers.rows["overview", "companies"]}
    assert table["Halden Motors"] == (4.0, 8.0, 0.5, 1.0)
    assert table["远岭生物"][1] == 4.0
    assert answers.rows["alerts", "alerts-number"][0].values == (1.0,)
    assert answers.rows["alerts", "alerts-critical"][0].values == (1.0,)
    assert answers.rows["sources", "sources-unjudged"][0].values == (0.1,)
    assert (answers.rows["replay", "replay-live"][0].values, answers.rows["replay", "replay-replayed"][0].values) == (
        (1.0,), (1.0,),
    )  # fmt: skip
    assert "Halden Motors" in render(BOARDS, names, words("zh"), WINDOWS, answers, "zh")


async def test_a_fault_is_found_before_kibana_shows_an_empty_panel(
    elastic: AsyncElasticsearch, settings: Settings
) -> None:
    """A field that the index lacks, and one that cannot be counted by value."""
    await fill(elastic, settings)
    panels = [
        Panel("topics", "ranking", "documents", (m.DOCUMENTS,), (Terms("topic.name", "topic"),)),
        Panel("named", "ranking", "documents", (m.DOCUMENTS,), (Terms("title", "company"),)),
    ]
    board = Board("overview", 24, "documents", stacked((5, [(24, panel) for panel in panels])))
    answers = await ask(elastic, [board], Names(settings.namespace), WINDOWS)
    told = "\n".join(f"{fault.where}: {fault.what}" for fault in answers.faults)
    assert "overview/topics: topic.name: Elasticsearch has no such field" in told
    assert "overview/named: title cannot be aggregated in Elasticsearch" in told


async def test_another_namespace_is_not_seen(elastic: AsyncElasticsearch, settings: Settings) -> None:
    """Neither its documents nor its replays."""
    await fill(elastic, settings)
    answers = await ask(elastic, BOARDS, Names(f"{settings.namespace}-other"), WINDOWS)
    assert answers.faults == []
    assert answers.absent == {"documents", "alerts", "compared", "replayed"}
    assert len(answers.empty) == sum(1 for board in BOARDS for _ in board.panels())
