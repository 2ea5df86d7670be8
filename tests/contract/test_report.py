"""A report over a real Kafka and Elasticsearch: its figures against the documents, and its record written once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from elasticsearch import AsyncElasticsearch

from console.report import event_report, sending
from console.report.data import report_data
from console.report.making import make
from console.report.period import Period
from streams import clock
from streams import elastic as es
from streams.endpoints import resolve
from streams.kafka import Outgoing, Producer, ensure_topics
from streams.records import Acknowledgement, Document, encode
from streams.settings import Settings
from streams.topics import ALERTS, FEEDBACK
from tests.opinions import document, entity, judged, put
from tests.ringing import ALERT, SECRET, START, event

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
DAY = Period("daily", date(2026, 3, 2), ZoneInfo("UTC"))
HALDEN = entity("halden", "Halden Motors")
MADE = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
CITIES = "Arden Bexley Corley Dunmore Elstow Fenwick Garston Hadley Ilford Jarrow Kelso Ludlow Marlow Norwood".split()


def invented() -> list[Document]:
    """A quiet Sunday, a Monday on which Halden is spoken ill of in many different words, and a Monday before."""
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    found = []
    for n, city in enumerate(CITIES * 2):
        told = (
            f"Halden {city} works number {n}: drivers at the {city} depot report {n} failed brakes and wait for parts"
        )
        found.append(document(n, told, at=noon + timedelta(minutes=n), entities=(HALDEN,)))
        calm = f"Halden opens a showroom in {city}, the {n}th of the year, with music and {n + 3} new cars on view"
        found.append(document(100 + n, calm, at=noon - timedelta(days=1, minutes=n), entities=(HALDEN,),
                              judgement=judged("positive")))  # fmt: skip
    copies = "Halden Motors recalls delivery vans after a battery fire near the harbour, says the transport office"
    found += [document(200 + n, copies, at=noon, entities=(HALDEN,), source=f"wire-{n}") for n in range(5)]
    found += [document(300, "Ein alter Text", at=noon, judgement=None, unjudged="no_model", lang="de", stale="stale")]
    found += [document(400 + n, f"Quiet note {n}", at=noon - timedelta(days=7), judgement=judged("neutral"))
              for n in range(4)]  # fmt: skip
    found += [document(500, "The first", at=noon - timedelta(days=8), judgement=judged("neutral"))]
    return found


@pytest.fixture
async def elastic(settings: Settings) -> AsyncIterator[AsyncElasticsearch]:
    """A client, and no index of this test left at its end."""
    client = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    await put(client, settings, invented())
    yield client
    made = await client.indices.get(index=es.pattern(settings, "documents"))
    await client.options(ignore_status=404).indices.delete(index=list(made) or ["none"])
    for kind in es.KINDS:
        name = f"tocsin-{es.prefix(settings)}{kind}"
        await client.options(ignore_status=404).indices.delete_index_template(name=name)
    await client.close()


@pytest.fixture
async def bootstrap(settings: Settings) -> str:
    """Kafka with one alert of the day that somebody acknowledged."""
    address = resolve(settings, "kafka").kafka
    await ensure_topics(settings, address)
    producer = Producer(settings, address)
    ack = Acknowledgement(id="a", alert=ALERT, author="Wei", at=START + timedelta(minutes=5))
    over = event(1, "resolved", at=START + timedelta(hours=1), reason="ended")
    records = [Outgoing(ALERTS, encode(each), key=ALERT.encode()) for each in (event(), event(), over)]
    await producer.send_all([*records, Outgoing(FEEDBACK, encode(ack), key=ALERT.encode())])
    await producer.stop()
    return address


async def test_the_figures_are_those_of_the_documents(
    settings: Settings, elastic: AsyncElasticsearch, bootstrap: str
) -> None:
    """Counts, comparison, stories, what moved, what was not judged; and the same again however late it is made."""
    first = await make(settings, bootstrap, DAY, MADE)
    assert first.missing == ()
    found = first.opinion
    assert found is not None
    assert (found.now.documents, found.now.judged, found.now.negative, found.now.unjudged) == (34, 33, 33, 1)
    assert found.before is not None
    assert (found.before.documents, found.before.negative) == (28, 0)
    assert found.usual is not None
    assert (found.usual.weeks, found.usual.documents) == (1, 4.0)
    assert found.stories[0].copies == 5
    assert (found.stale, dict(found.unjudged), found.late) == (1, {"no_model": 1}, 0)
    assert {(move.subject, move.what) for move in found.moves} >= {
        ("entity:halden", "share"),
        ("entity:halden", "number"),
    }
    assert sum(counts.documents for _, counts in found.cells) == 34
    (alert,) = first.rang
    assert (alert.ended, len(alert.operations), first.rang_before) == (START + timedelta(hours=1), 1, 0)
    later = await make(settings, bootstrap, DAY, MADE + timedelta(days=30))
    data, again = report_data(first), report_data(later)
    assert (data.pop("made_at"), again.pop("made_at")) == ("2026-03-03T08:00:00Z", "2026-04-02T08:00:00Z")
    assert data == again


async def test_without_elasticsearch_its_part_is_missing_and_alerts_are_told(
    settings: Settings, bootstrap: str
) -> None:
    """Nothing is pretended to be zero."""
    away = settings.model_copy(update={"elasticsearch_url": "http://127.0.0.1:9"})
    found = await make(away, bootstrap, DAY, MADE)
    assert (found.missing, found.opinion, len(found.rang)) == (("opinion",), None, 1)
    one = await event_report.read(away, bootstrap, ALERT[:8], MADE)
    assert not one.complete
    assert len(one.history.events) == 2


async def test_by_hand_it_is_handed_over_once(
    settings: Settings, elastic: AsyncElasticsearch, bootstrap: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """The second time nothing is written; with --again there is another record of another number."""
    monkeypatch.setenv("HOOK_URL", "https://desk.example/hook")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("TOCSIN_LANG", "en")
    monkeypatch.setattr(clock, "now", lambda: MADE)
    channels = tmp_path / "channels.yaml"
    channels.write_text(
        "receivers:\n  - {name: desk, type: webhook, url_env: HOOK_URL, secret_env: HOOK_SECRET}\n"
        "routes:\n  - {receivers: [desk]}\n",
        encoding="utf-8",
    )
    given = settings.model_copy(update={"channels": channels, "report_receivers": "desk"})
    assert "Handed over for desk" in await sending.by_hand(given, bootstrap, DAY, (), again=False)
    assert "Nothing was sent" in await sending.by_hand(given, bootstrap, DAY, (), again=False)
    assert "Handed over for desk" in await sending.by_hand(given, bootstrap, DAY, (), again=True)
    known = await sending.bulletins(given, bootstrap)
    assert [each.id for each in known] == ["report:daily:2026-03-02.0", "report:daily:2026-03-02.1"]
    away = given.model_copy(update={"elasticsearch_url": "http://127.0.0.1:9"})
    with pytest.raises(sending.NotNow):
        await sending.by_hand(away, bootstrap, DAY.before, (), again=False)
    assert len(await sending.bulletins(given, bootstrap)) == 2
