"""What the console asks of a real Elasticsearch: words in both languages, facets, pages, counts against an oracle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from elasticsearch import AsyncElasticsearch
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from console.api.guard import PREFIX
from console.opinion.filters import EVERYTHING, Filter
from console.opinion.groups import groups
from console.opinion.movers import movers
from console.opinion.span import Span
from console.opinion.stories import stories
from console.opinion.totals import series, totals
from streams import elastic as es
from streams.endpoints import resolve
from streams.records import Document, Feedback, decode
from streams.settings import Settings
from streams.topics import FEEDBACK
from tests.opinions import END, HOUR, document, entity, judged, put
from tests.unit.console.api.describing import Described, spoken
from tests.unit.console.api.serving import Served, serving

pytestmark = pytest.mark.engines
SEARCHES = ("heat", "subjects", "documents", "sources")

HALDEN, ORRIN = entity("halden", "Halden Motors"), entity("orrin", "远岭生物")
GOOD, PLAIN = judged("positive"), judged("neutral")
RECALL = "Halden Motors recalls delivery vans after a battery fire near the harbour"
TEXTS: list[tuple[str, str, dict[str, Any]]] = [
    (RECALL, "The recall covers every van with the new battery.", {"entities": (HALDEN,)}),
    ("Battery maker opens a plant", "Nothing was recalled; the chief executive was pleased.", {"judgement": GOOD}),
    ("Recall of executive pay", "The chief of staff and an executive met.", {"judgement": PLAIN}),
    ("远岭生物停牌核查", "公司提示风险，股票自明日起停牌。", {"lang": "zh", "entities": (ORRIN,)}),
    ("停车场挂牌", "停车与挂牌两项业务，风力险情解除。", {"lang": "zh", "judgement": PLAIN}),
    ("", "远岭生物董事长被立案调查，投资者担心风险", {"lang": "zh", "kind": "chat", "entities": (ORRIN, HALDEN)}),
    ("Halden Motors answers", "<script>alert(1)</script> & \"quotes\" \ue000odd\ue001", {"entities": (HALDEN,)}),
    ("Old news of a strike", "", {"stale": "stale", "judgement": None, "unjudged": "no_model", "lang": "fr"}),
]  # fmt: skip
HOSTILE = [
    '"', "((((", "\\", "a AND OR NOT", "title:*", "/.*/", "*", "~5 ^9", "{\"match_all\":{}}", "-", "--", '-"', "\x00",
    "a" * 300, "停" * 300, " ".join("abcdefghijklmnopqrstuvwxyz"), "🔥🔥", "\u202eevil", "'; DROP TABLE", "<b>", "%00",
]  # fmt: skip


@pytest.fixture
async def elastic(settings: Settings) -> AsyncIterator[AsyncElasticsearch]:
    """A client, and no index of this test left at its end."""
    client = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    yield client
    made = await client.indices.get(index=es.pattern(settings, "documents"))
    await client.options(ignore_status=404).indices.delete(index=list(made) or ["none"])
    for kind in es.KINDS:
        name = f"tocsin-{es.prefix(settings)}{kind}"
        await client.options(ignore_status=404).indices.delete_index_template(name=name)
    await client.close()


@pytest.fixture
async def served(settings: Settings, elastic: AsyncElasticsearch, tmp_path: Path) -> AsyncIterator[Served]:
    """The API over the invented documents; its clock stands at their end."""
    await put(elastic, settings, invented())
    url = resolve(settings, "elasticsearch").elasticsearch
    async with serving(tmp_path, namespace=settings.namespace, elasticsearch_url=url) as found:
        found.clock.moment = END
        yield found


def invented() -> list[Document]:
    return [document(n, text, title=title, **changes) for n, (title, text, changes) in enumerate(TEXTS)]


async def found(served: Served, **asked: Any) -> list[int]:
    """Which of the invented documents a search finds, in its order."""
    status, answer = await served.ask("GET", "/documents", params=asked)
    assert (status, answer["partial"]) == (200, False)
    numbers = {each.id: number for number, each in enumerate(invented())}
    assert answer["total"]["exact"]
    return [numbers[each["id"]] for each in answer["documents"]]


async def test_words_find_what_they_say(served: Served) -> None:
    """Chinese as it is written together, all words of several, phrases in quotes, and nothing that is left out."""
    for typed, expected in {
        "停牌": [3],  # 停车 and 挂牌 hold both characters, apart
        "停牌 风险": [3],
        "风险": [3, 5],
        "recall battery": [0],
        "recalls battery": [0],
        '"chief executive"': [1],
        "chief executive": [1, 2],
        "executive -chief": [],
        "远岭生物 -停牌": [5],
        "halden MOTORS": [0, 6],
        "!!!": [],
        "": list(range(len(TEXTS))),
    }.items():
        assert await found(served, q=typed) == expected, typed


async def test_hits_are_marked_and_nothing_is_markup(served: Served) -> None:
    """Segments hold the text as it is; a whole Chinese word is one hit."""
    _, answer = await served.ask("GET", "/documents", params={"q": "停牌"})
    assert answer["documents"][0]["title"] == [["远岭生物", False], ["停牌", True], ["核查", False]]
    _, answer = await served.ask("GET", "/documents", params={"q": "alert"})
    [one] = answer["documents"]
    assert ["alert", True] in one["excerpt"]
    assert "".join(text for text, _ in one["excerpt"]) == TEXTS[6][1]


async def test_no_words_can_break_it(served: Served) -> None:
    """Whatever is typed is a search, by either order."""
    for typed in HOSTILE:
        for sort in ("newest", "relevance"):
            status, answer = await served.ask("GET", "/documents", params={"q": typed, "sort": sort})
            assert status == 200, (typed, answer)
        status, _ = await served.ask("GET", "/subjects", params={"q": typed[:100]})
        assert status == 200, typed


async def test_facets_narrow_and_count_what_others_hold(served: Served) -> None:
    """Several values of one field are any of them; its own numbers do not change by that."""
    assert await found(served, lang="zh") == [3, 4, 5]
    assert await found(served, sentiment="unjudged") == [7]
    assert await found(served, subject="entity:orrin", kind="chat") == [5]
    params = [("sentiment", "neutral"), ("sentiment", "positive"), ("lang", "en")]
    _, answer = await served.ask("GET", "/documents", params=params)
    counts = {name: {each["value"]: each["count"] for each in values} for name, values in answer["facets"].items()}
    assert answer["total"] == {"value": 2, "exact": True}
    assert counts["sentiment"] == {"negative": 2, "neutral": 1, "positive": 1}
    assert counts["lang"] == {"en": 2, "zh": 1}
    assert counts["kind"] == {"news": 2}


async def test_facets_call_companies_by_name(served: Served) -> None:
    """The name of each, though documents name several and no list knows them."""
    _, answer = await served.ask("GET", "/documents", params={"q": "立案"})
    called = {each["value"]: each["name"] for each in answer["facets"]["subject"]}
    assert called == {"entity:halden": "Halden Motors", "entity:orrin": "远岭生物"}


@pytest.mark.parametrize("sort", ["newest", "relevance"])
async def test_pages_neither_repeat_nor_skip_while_documents_arrive(
    served: Served, elastic: AsyncElasticsearch, sort: str
) -> None:
    """Everything that was there when the first page was asked for is shown once."""
    many = [document(100 + n, f"harbour report {n}", END - timedelta(seconds=n // 4)) for n in range(60)]
    await put(elastic, served.settings, many)  # four at a time were collected in the same second
    seen: list[str] = []
    cursor = ""
    for turn in range(100):
        params = {"q": "harbour", "limit": 7, "sort": sort, "cursor": cursor}
        _, answer = await served.ask("GET", "/documents", params=params)
        seen += [each["id"] for each in answer["documents"]]
        assert (answer["facets"] is None) == bool(cursor)
        cursor = answer["next"] or ""
        if not cursor:
            break
        later = document(500 + turn, "harbour report, newer", END + timedelta(minutes=turn))
        await put(elastic, served.settings, [later])
    assert len(seen) == len(set(seen)) == 61
    assert {each.id for each in many} < set(seen)


async def test_relevance_puts_titles_first_then_the_newest(served: Served) -> None:
    """A word in the title counts for more than one in the text."""
    assert await found(served, q="executive", sort="relevance") == [2, 1]
    assert await found(served, q="executive") == [1, 2]


def past() -> list[Document]:
    """Two months of random documents about five companies, some of them about several."""
    dice = random.Random(11)
    names = [entity(f"c{n}", f"Company {n}") for n in range(5)]
    found = []
    for number in range(400):
        verdict = judged(dice.choice(("negative", "neutral", "positive")), dice.choice(("legal", "earnings")),
                         dice.choice(("none", "rumour")), abstained=dice.random() < 0.2)  # fmt: skip
        at = END - timedelta(minutes=dice.randrange(60 * 24 * 40))
        found.append(document(
            number, f"text {dice.randrange(50)} of an invented report", at, source=dice.choice(("wire", "board")),
            entities=tuple(dice.sample(names, dice.randrange(3))), judgement=None if dice.random() < 0.1 else verdict,
        ))  # fmt: skip
    return found


def counted(documents: list[Document]) -> dict[str, int]:
    """The oracle: documents by class, one by one."""
    classes: Counter[str] = Counter()
    for each in documents:
        verdict = each.judgement
        if verdict is None:
            classes["unjudged"] += 1
        else:
            likeliest = max(verdict.sentiment, key=verdict.sentiment.__getitem__)
            classes["abstained" if verdict.abstained else likeliest] += 1
    judged_ones = sum(classes[name] for name in ("negative", "neutral", "positive"))
    return {"documents": len(documents), "judged": judged_ones} | dict(classes)


async def test_counts_are_those_of_the_documents(settings: Settings, elastic: AsyncElasticsearch) -> None:
    """Totals, series, groups and movers over two indices agree with counting one by one."""
    documents = past()
    await put(elastic, settings, documents)
    span = Span(END - timedelta(days=15), END)

    def within(of: Span, **has: Any) -> list[Document]:
        chosen = [each for each in documents if of.begin <= each.collected_at < of.end]
        if "source" in has:
            chosen = [each for each in chosen if each.source == has["source"]]
        if "company" in has:
            chosen = [each for each in chosen if any(e.id == has["company"] for e in each.entities)]
        return chosen

    def told(counts: Any) -> dict[str, int]:
        return {name: value for name in type(counts).__slots__ if (value := getattr(counts, name))}

    def wanted(chosen: list[Document]) -> dict[str, int]:
        return {name: value for name, value in counted(chosen).items() if value}

    assert told(await totals(elastic, settings, span)) == wanted(within(span))
    assert told(await totals(elastic, settings, span, Filter(source="board"))) == wanted(within(span, source="board"))
    for at, counts in await series(elastic, settings, span, EVERYTHING, timedelta(days=1)):
        assert told(counts) == wanted(within(Span(at, at + timedelta(days=1))))
    for group in await groups(elastic, settings, span, "entity"):
        assert told(group.counts) == wanted(within(span, company=group.value))
        assert group.name == f"Company {group.value[1:]}"
    found = await movers(elastic, settings, span, bucket=timedelta(days=1))
    assert [each.now.negative for each in found] == sorted((each.now.negative for each in found), reverse=True)
    for each in found:
        company = each.subject.removeprefix("entity:")
        assert told(each.now) == wanted(within(span, company=company))
        assert told(each.before) == wanted(within(span.before, company=company))
        assert sum(counts.documents for _, counts in each.cells) == each.now.documents
    assert len(found) == 5
    read = await stories(elastic, settings, span, most=20)
    assert (read.read, read.of, read.cut) == (20, len(within(span)), True)


async def test_the_page_of_a_subject(served: Served) -> None:
    """Its counts are a partition, its series adds up to them, and its stories are there."""
    status, page = await served.ask("GET", "/subjects/entity:halden?hours=24")
    assert (status, page["name"], page["kind"], page["partial"]) == (200, "Halden Motors", "entity", False)
    sums = page["totals"]
    assert sums["documents"] == sum(sums[name] for name in ("negative", "neutral", "positive", "abstained", "unjudged"))
    assert (sums["documents"], sums["share"]) == (3, 1.0)
    assert sum(point["documents"] for point in page["series"]) == 3
    assert (page["previous"]["documents"], page["previous"]["share"]) == (0, None)
    assert (len(page["stories"]), page["stories_of"], page["stories_cut"]) == (3, 3, False)
    _, quick = await served.ask("GET", "/subjects/entity:halden?hours=24&stories=false")
    assert quick == page | {"stories": [], "stories_of": 0}
    _, told = await served.ask("GET", "/stories?subject=entity:halden&hours=24")
    assert [told[name] for name in ("stories", "stories_of", "from")] == [
        page[n] for n in ("stories", "stories_of", "from")
    ]
    assert page["sources"][0]["source"] == "wire"


async def test_an_empty_window_is_said_in_zeros(served: Served) -> None:
    """No data is not a share of zero."""
    span = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}
    _, page = await served.ask("GET", "/subjects/topic:legal", params=span)
    assert (page["totals"]["documents"], page["totals"]["share"], page["stories"]) == (0, None, [])
    _, heat = await served.ask("GET", "/heat", params=span)
    at = sorted(each.collected_at for each in invented())
    assert [datetime.fromisoformat(heat[end]) for end in ("oldest", "newest")] == [at[0], at[-1]]
    assert (heat["subjects"], heat["documents"]) == ([], 0)
    _, listed = await served.ask("GET", "/subjects", params=span)
    assert listed["subjects"] == []


async def test_before_the_first_document_there_is_nothing(settings: Settings, tmp_path: Path, stack: Any) -> None:
    """A new installation has no index, and no fault."""
    url = resolve(settings, "elasticsearch").elasticsearch
    async with serving(tmp_path, namespace=settings.namespace, elasticsearch_url=url) as new:
        for path in ("/heat", "/subjects", "/subjects/market:all", "/documents?q=x", "/sources"):
            status, _ = await new.ask("GET", path)
            assert status == 200, path
        assert (await new.ask("GET", f"/documents/{'0' * 32}"))[0] == 404


async def test_subjects_are_found_by_any_of_their_names(served: Served) -> None:
    """By part of a name in either language, and page by page."""
    for typed, subject in (("halden", "entity:halden"), ("远岭", "entity:orrin"), ("wire", "source:wire")):
        _, answer = await served.ask("GET", "/subjects", params={"q": typed})
        assert [each["subject"] for each in answer["subjects"]] == [subject]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        _, answer = await served.ask("GET", "/subjects", params={"limit": 2, "cursor": cursor})
        seen += [each["subject"] for each in answer["subjects"]]
        cursor = answer["next"]
    assert sorted(seen) == ["entity:halden", "entity:orrin", "market:all", "source:wire", "topic:legal"]


async def test_documents_that_are_alike(served: Served, elastic: AsyncElasticsearch) -> None:
    """The same event told otherwise comes first; exact copies of the document itself are not told again."""
    near = document(200, "A battery fire made Halden Motors recall vans parked at the harbour")
    await put(elastic, served.settings, [near, document(201, TEXTS[0][1], title=RECALL, source="board")])
    of = invented()[0].id
    status, answer = await served.ask("GET", f"/documents/{of}/similar")
    assert (status, answer["documents"][0]["id"]) == (200, near.id)
    assert document(201, "x").id not in {each["id"] for each in answer["documents"]}
    assert all(0 < each["score"] <= 1 for each in answer["documents"])


async def test_one_document_in_full(served: Served) -> None:
    """Its text as it is, and no address that is none of the web."""
    chosen = invented()[6]
    status, whole = await served.ask("GET", f"/documents/{chosen.id}")
    assert (status, whole["text"], whole["title"]) == (200, TEXTS[6][1], [["Halden Motors answers", False]])
    assert whole["entities"][0]["name"] == "Halden Motors"


async def test_a_label_becomes_a_record(served: Served) -> None:
    """With what the model had said, under the caller's pseudonym, as the command writes it."""
    chosen = invented()[0]
    body = {"head": "sentiment", "label": "neutral", "note": "a routine recall"}
    status, answer = await served.ask("POST", f"/documents/{chosen.id}/label", json=body)
    [record] = [decode(each.value, Feedback) for each in served.kept.of(FEEDBACK)]
    assert (status, answer["judged"], answer["confirmed"]) == (201, "negative", False)
    assert (record.document, record.label, record.author) == (chosen.id, "neutral", answer["author"])
    assert record.author.startswith("p_")
    status, answer = await served.ask("POST", f"/documents/{'0' * 32}/label", json=body)
    assert (status, answer["error"]["code"]) == (404, "document_unknown")


async def test_what_the_sources_brought(served: Served) -> None:
    """Counts of the span, the newest document, and what holds for all its documents."""
    _, answer = await served.ask("GET", "/sources?hours=1")
    [wire] = answer["sources"]
    assert (wire["source"], wire["documents"], wire["negative"], wire["state"]) == ("wire", len(TEXTS), 4, "ok")
    assert sum(each["documents"] for each in wire["series"]) == len(TEXTS)
    assert (wire["retention_days"], wire["may_train"], wire["gap_seconds"]) == (365, False, HOUR.total_seconds() / 60)


@settings_of(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_search_breaks_it(served: Served, data: st.DataObject) -> None:
    """What the description allows, and what it does not: never a fault of ours or of a query that we made."""
    async with served.session.get(f"{served.url}/api/openapi.json") as answer:
        described = Described(await answer.json())
    asked = [each for each in described.routes if each.path.removeprefix(PREFIX).split("/")[1] in SEARCHES]
    route = data.draw(st.sampled_from([each for each in asked if each.method == "GET"]))
    path, query = route.path.removeprefix(PREFIX), list[tuple[str, str]]()
    for name, place, values in described.parameters(route):
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(str(data.draw(values)), safe=""))
        elif data.draw(st.booleans()):
            query += [(name, text) for text in spoken(data.draw(values))]
    status, found = await served.ask("GET", path, params=query)
    assert status in (200, 400, 404), found
    assert status != 200 or not found.get("partial")
