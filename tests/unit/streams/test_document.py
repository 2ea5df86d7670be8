"""Documents: from a raw item to records, with Reject as the only way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.document import Pipeline, headline
from streams.entities import Gazetteer
from streams.gazetteer import Company
from streams.records import Document, Judgement, Mention, RawItem, Reject, decode, encode
from streams.settings import Settings

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SETTINGS = Settings(text_limit=2_000)
GAZETTEER = Gazetteer.load()
PIPELINE = Pipeline(SETTINGS, GAZETTEER, b"k" * 32, "1.2.3")
JUDGEMENT = Judgement(
    model="opinion-en",
    version="1",
    sentiment={"negative": 0.7, "neutral": 0.2, "positive": 0.1},
    topic={"earnings": 0.4, "legal": 0.6},
    risk={"none": 0.1, "product_safety": 0.9},
)


def item(**values: Any) -> RawItem:
    given_values: dict[str, Any] = {
        "source": "wire",
        "native_id": "n1",
        "kind": "news",
        "title": "Tesla falls",
        "text": "Shares of Tesla fell after the recall.",
        "collected_at": NOW,
    }
    return RawItem(**(given_values | values))


def document(raw: RawItem, judgement: Judgement | None = JUDGEMENT) -> Document:
    return PIPELINE.document(PIPELINE.prepare(raw, "news.raw/0@7", NOW), judgement, "" if judgement else "no_model")


def test_a_document_carries_everything_and_travels() -> None:
    """Identity, times, versions, language, companies and judgement are on the record, and it survives the wire."""
    made = document(
        item(published_at=NOW - timedelta(hours=1), published_how="feed", author="bob", url="https://x.example/a")
    )
    assert decode(encode(made), Document) == made
    assert (made.origin, made.lang, made.stale, made.code) == ("news.raw/0@7", "en", "fresh", "1.2.3")
    assert made.gazetteer == GAZETTEER.version
    assert [entity.id for entity in made.entities] == ["TSLA"]
    assert made.author.startswith("p_")
    assert made.judgement == JUDGEMENT


def test_personal_data_is_gone_from_every_field() -> None:
    """Text, title, author and ids are masked; addresses lose user and secrets; the counts say so."""
    made = document(
        item(
            title="Call 13800138000",
            text="<p>mail bob@example.com</p> or +86 139 0013 9000 about $TSLA",
            author="Bob Smith",
            native_id="mailto:bob@example.com",
            url="https://bob:pw@x.example/?token=s3cret",
        )
    )
    wire = encode(made).decode()
    for secret in ("13800138000", "139 0013", "bob", "Bob", "s3cret", "pw@"):
        assert secret not in wire
    assert made.title == "Call [phone]"
    assert made.masked == {"email": 2, "phone": 2}


def test_the_judged_text_holds_title_and_body_once() -> None:
    """The model reads the title and the body; a body that begins with the title stands alone."""
    assert PIPELINE.prepare(item(), "o", NOW).judged_text == "Tesla falls\nShares of Tesla fell after the recall."
    repeated = PIPELINE.prepare(item(text="Tesla falls after recall"), "o", NOW)
    assert repeated.judged_text == "Tesla falls after recall"


def test_a_body_that_may_not_be_kept_is_judged_and_forgotten() -> None:
    """The source's word is obeyed: no body on the record, nor in the headline of its mentions."""
    prepared = PIPELINE.prepare(item(title="", may_store_body=False), "o", NOW)
    assert "recall" in prepared.judged_text
    made = PIPELINE.document(prepared, JUDGEMENT, "")
    assert made.text == ""
    assert [mention.headline for mention in PIPELINE.mentions(made, "news.raw/0", 7)] == ["", ""]
    assert headline(document(item(may_store_body=False))) == "Tesla falls"


def test_mentions_are_one_for_each_company_and_the_topic() -> None:
    """Each company and the likeliest topic get a mention with the verdict and where the raw record lay."""
    made = document(item(text="Tesla and Ford fell"))
    mentions = PIPELINE.mentions(made, "news.raw/0", 7)
    assert [mention.subject for mention in mentions] == ["entity:TSLA", "entity:F", "topic:legal"]
    for mention in mentions:
        assert decode(encode(mention), Mention) == mention
        assert (mention.document, mention.channel, mention.offset) == (made.id, "news.raw/0", 7)
        assert (mention.risk, mention.risk_confidence) == ("product_safety", 0.9)
        assert (mention.topic, mention.topic_confidence, mention.model) == ("legal", 0.6, "opinion-en@1")


def test_lists_source_and_market_are_subjects_where_they_are_followed() -> None:
    """A list once a document, with the sentiment of the company it is worst for; source and market when told to."""
    names = [
        Company("A", "Halden Corp", ("Halden Corp",), lists=("banks", "held")),
        Company("B", "Ostrava Bank", ("Ostrava Bank",), lists=("banks",)),
    ]
    pipeline = Pipeline(Settings(follow="source, market"), Gazetteer(names), b"k" * 32, "1")
    prepared = pipeline.prepare(item(title="Halden Corp sues Ostrava Bank"), "o", NOW)
    worse = {"negative": 0.9, "neutral": 0.1, "positive": 0.0}
    made = pipeline.document(prepared, JUDGEMENT, "", {"A": JUDGEMENT.sentiment, "B": worse})
    mentions = {m.subject: m for m in pipeline.mentions(made, "news.raw/0", 7)}
    assert list(mentions) == [
        "entity:A", "entity:B", "list:banks", "list:held", "topic:legal", "source:wire", "market:all",
    ]  # fmt: skip
    assert mentions["list:banks"].sentiment == worse
    assert mentions["list:held"].sentiment == JUDGEMENT.sentiment
    assert mentions["market:all"].sentiment == JUDGEMENT.sentiment
    assert len({m.item for m in mentions.values()}) == 1
    assert pipeline.mentions(document(item(text="edited")), "o", 8)[0].item == pipeline.mentions(made, "o", 7)[0].item


def test_without_a_judgement_there_is_no_topic() -> None:
    """An unjudged document says why, invents nothing, and still mentions its companies."""
    made = document(item(), None)
    assert (made.judgement, made.unjudged) == (None, "no_model")
    (mention,) = PIPELINE.mentions(made, "news.raw/0", 7)
    assert (mention.subject, mention.sentiment, mention.topic, mention.model) == ("entity:TSLA", None, "", "")


def test_identity_follows_source_id_and_content() -> None:
    """The same item again is the same document; an edited text or a stated revision is another."""
    first = document(item())
    assert document(item(collected_at=NOW - timedelta(days=1))).id == first.id
    assert document(item(text="Shares of Tesla fell.")).id != first.id
    assert document(item(native_id="n2")).id != first.id
    stated = document(item(revision="r1"))
    assert stated.revision == "r1"
    assert document(item(revision="r1", text="other words")).id == stated.id


@pytest.mark.parametrize(
    ("published", "how", "stale"),
    [
        (None, "unknown", "unknown"),
        (timedelta(hours=1), "feed", "fresh"),
        (timedelta(hours=-1), "feed", "fresh"),
        (timedelta(hours=1), "unknown", "unknown"),
        (timedelta(days=2), "stated", "stale"),
        (timedelta(days=2), "unknown", "stale"),
    ],
)
def test_staleness_compares_publication_with_collection(published: timedelta | None, how: str, stale: str) -> None:
    """Old news collected today is stale; without a trusted time it is unknown, neither fresh nor dropped."""
    at = None if published is None else NOW - published
    assert document(item(published_at=at, published_how=how)).stale == stale


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"title": "", "text": ""}, "no_text"),
        ({"title": " \u200b", "text": "<script>x</script>\x00"}, "no_text"),
        ({"collected_at": datetime(1970, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"collected_at": datetime(2099, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"published_at": datetime(1970, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"published_at": datetime(2099, 1, 1, tzinfo=UTC)}, "bad_time"),
        ({"source": "\u200b"}, "no_source"),
    ],
)
def test_a_bad_item_is_rejected_with_its_reason(values: dict[str, Any], reason: str) -> None:
    """What cannot be a document has a stable reason."""
    with pytest.raises(Reject) as caught:
        PIPELINE.prepare(item(**values), "o", NOW)
    assert caught.value.reason == reason


def test_a_long_text_is_cut_and_marked() -> None:
    """Title and text are bounded, and the record says that something is missing."""
    made = document(item(title="t" * 2_000, text="word " * 10_000))
    assert made.truncated
    assert len(made.text) <= SETTINGS.text_limit
    assert len(headline(made)) == 200


def test_a_prepared_item_does_not_show_what_came_in() -> None:
    """The representation of a prepared item, which a traceback might print, holds no personal data."""
    prepared = PIPELINE.prepare(item(text="call 13800138000", author="Bob Smith"), "o", NOW)
    assert "13800138000" not in repr(prepared)
    assert "Bob" not in repr(prepared)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "title": st.text(max_size=80),
            "text": st.text(max_size=300),
            "author": st.text(max_size=40),
            "url": st.text(max_size=80),
            "lang": st.text(max_size=16),
            "native_id": st.text(min_size=1, max_size=80),
            "source": st.text(min_size=1, max_size=20),
            "revision": st.text(max_size=20),
        },
    )
)
def test_any_item_is_a_document_or_a_reject(values: dict[str, Any]) -> None:
    """Whatever the fields hold, the result is a record that the wire takes, or Reject."""
    try:
        made = document(item(**values))
    except Reject:
        return
    assert decode(encode(made), Document) == made
    for mention in PIPELINE.mentions(made, "news.raw/0", 0):
        assert decode(encode(mention), Mention) == mention


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece",
    ["a", "1", " ", "<", "中", "\u0315\u0301", "@a ", "$A ", "13800138000 ", "&amp;", "苹果", "https://a ", "\ud800"],
)
def test_ten_megabytes_of_anything_are_bounded(piece: str) -> None:
    """A text far over the limits is handled within seconds, and what is kept is small."""
    try:
        made = document(item(text=piece * (10_000_000 // len(piece))))
    except Reject:
        return
    assert len(encode(made)) < 100_000


def test_lone_surrogates_become_replacement_characters() -> None:
    """A text that no UTF-8 can carry is kept, with the broken places marked."""
    assert document(item(text="Tesla \ud800 fell")).text == "Tesla \ufffd fell"


def test_retention_flags_travel() -> None:
    """What the source allows stands on the record."""
    made = document(item(may_train=True, retention_days=30, demo=True))
    assert (made.may_train, made.retention_days, made.demo) == (True, 30, True)
    assert made.expires_at == made.collected_at + timedelta(days=30)
    assert msgspec.structs.replace(made, demo=False) != made
    assert replace(PIPELINE.prepare(item(), "o", NOW), title="x").title == "x"
