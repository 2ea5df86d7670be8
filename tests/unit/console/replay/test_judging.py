"""Judging for a replay: the stream's own records, every text asked about once, versions settled at the start."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.replay.judgements import Judgements, JudgementsError, Remembering
from console.replay.judging import Judging
from console.replay.source import Batch, SourceError
from console.replay.versions import VersionError, choose, name_of
from models.client import BadText
from models.labels import HEADS
from models.registry import SHIPPED, find
from models.verdict import Unjudged, Verdict
from streams.document import Pipeline
from streams.enrich import Enrich
from streams.entities import Gazetteer
from streams.kafka import Message
from streams.pseudonyms import pseudonym_key
from streams.records import Document, Mention, RawItem, decode, encode
from streams.version import VERSION
from tests.unit.alerts.signals import at
from tests.unit.console.replay.past import crises, items, settings

METADATA = find(SHIPPED)["en"].metadata


class FakeJudge:
    """Calls every text negative by its length, in many digits; `asked` holds what it read."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def score(self, text: str, lang: str, *, kind: str = "") -> Verdict | Unjudged:
        """Scripted."""
        self.asked.append(text)
        if "poison" in text:
            raise BadText("no")
        if not text.strip("."):
            return Unjudged("no_text")
        heads = {head: {label: 1 / len(labels) for label in labels} for head, labels in HEADS.items()}
        heads["sentiment"] = dict(zip(HEADS["sentiment"], (len(text) % 7 / 7, 0.1, 0.2), strict=True))
        return Verdict(METADATA.model, METADATA.version, **heads, abstained=len(text) % 2 == 0)


def remembering(path: Path, judge: FakeJudge, tokens: int = 256) -> tuple[Judgements, Remembering]:
    """What is kept in a file, with a judge behind it."""

    async def opener() -> FakeJudge:
        return judge

    kept = Judgements(path)
    return kept, Remembering(kept, {"en": METADATA}, tokens, opener)


async def test_a_text_is_asked_about_once(tmp_path: Path) -> None:
    """The second time, in another process, the file answers with the very same verdict."""
    judge, path = FakeJudge(), tmp_path / "state" / "kept.sqlite"
    texts = ["Acme falls", "Acme rises again", "..."]
    answers = []
    for _ in range(2):
        kept, asking = remembering(path, judge)
        answers.append([await asking.score(text, "en", kind="news") for text in texts])
        kept.close()
    assert answers[0] == answers[1]
    assert judge.asked == texts
    assert (asking.remembered, asking.asked) == (3, 0)
    first = answers[0][0]
    assert isinstance(first, Verdict)
    assert all(round(p, 4) == p for p in (*first.sentiment.values(), *first.topic.values()))


@pytest.mark.parametrize(
    ("lang", "kind", "tokens", "text"),
    [("en", "chat", 256, "x"), ("en", "news", 128, "x"), ("en", "news", 256, "y")],
)
async def test_what_differs_is_asked_about(lang: str, kind: str, tokens: int, text: str, tmp_path: Path) -> None:
    """Another kind of source, limit or text is another question."""
    judge = FakeJudge()
    for asked in [("en", "news", 256, "x"), (lang, kind, tokens, text)]:
        kept, asking = remembering(tmp_path / "kept.sqlite", judge, asked[2])
        await asking.score(asked[3], asked[0], kind=asked[1])
        kept.close()
    assert len(judge.asked) == 2


async def test_a_language_without_a_model_is_not_asked_about(tmp_path: Path) -> None:
    """There the answer is known without a model."""
    judge = FakeJudge()
    _, asking = remembering(tmp_path / "kept.sqlite", judge)
    assert await asking.score("Acme fällt", "de") == Unjudged("no_model")
    assert judge.asked == []


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    """It can be deleted: everything in it can be judged again."""
    path = tmp_path / "kept.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(JudgementsError, match="delete it"):
        Judgements(path).get(b"x")


def test_two_replays_share_the_file(tmp_path: Path) -> None:
    """What one has saved the other finds."""
    one, two = Judgements(tmp_path / "k"), Judgements(tmp_path / "k")
    one.put(b"key", b"said")
    assert two.get(b"key") is None
    one.save()
    assert two.get(b"key") == b"said"
    two.put(b"key", b"said")
    two.close()
    one.close()
    assert sqlite3.connect(tmp_path / "k").execute("SELECT count(*) FROM judgements").fetchone() == (1,)


async def test_items_become_what_the_stream_makes_of_them(tmp_path: Path) -> None:
    """Documents and mentions are those of `enrich`, but for where the record came from."""
    home, raw = settings(tmp_path), items()
    judging = Judging(home, (), FakeJudge())
    documents, mentions = await judging.judged(Batch(raw=raw))
    pipeline = Pipeline(home, Gazetteer.load(home.watchlist), pseudonym_key(home), VERSION)
    stage = Enrich(home, pipeline, FakeJudge(), None, lambda: at(1000))  # type: ignore[arg-type]  # nothing is sent
    messages = [Message("news.raw", 0, n, None, encode(item), 0.0) for n, item in enumerate(raw)]
    made = [record for each in await stage.prepare(messages) for record in each.records]
    live = [decode(r.value, Document) for r in made if r.topic.name == "documents"]
    told = [decode(r.value, Mention) for r in made if r.topic.name == "mentions"]
    assert [_placeless(d) for d in documents] == [_placeless(d) for d in live]
    assert [_placeless(m) for m in mentions] == [_placeless(m) for m in told]
    assert {m.subject for m in mentions} >= {"entity:acme"}


async def test_an_item_that_cannot_be_judged_is_counted(tmp_path: Path) -> None:
    """Others of its batch are judged."""
    raw = [*items(2), _item("poison"), _item("")]
    judging = Judging(settings(tmp_path), (), FakeJudge())
    documents, _ = await judging.judged(Batch(raw=raw))
    assert len(documents) == 2
    assert {reason: fault.count for reason, fault in judging.notes.faults.items()} == {"model_refused": 1, "no_text": 1}


async def test_stored_judgements_need_no_model(tmp_path: Path) -> None:
    """Documents and mentions with judgements are taken as they are."""
    home = settings(tmp_path)
    made, _ = await Judging(home, (), FakeJudge()).judged(Batch(raw=items()))
    judge = FakeJudge()
    judging = Judging(home, (), judge)
    again, mentions = await judging.judged(Batch(documents=made))
    assert again == made
    assert mentions
    assert (await judging.judged(Batch(mentions=crises())))[1] == crises()
    assert judge.asked == []


async def test_stored_documents_are_judged_again_where_it_is_asked_for(tmp_path: Path) -> None:
    """By the version that was named, in its languages, but for those it judged already."""
    home = settings(tmp_path)
    served = find(SHIPPED)["en"]
    judging = Judging(home, [name_of(served)], judge := FakeJudge())
    made, _ = await Judging(home, (), FakeJudge()).judged(Batch(raw=items(2)))
    stored = [_judged_by(made[0], "older"), _judged_by(made[1], served.metadata.version)]
    again, _ = await judging.judged(Batch(documents=stored))
    assert [d.judgement.version for d in again if d.judgement] == [served.metadata.version] * 2
    assert again[1] is stored[1]
    assert len(judge.asked) == 1
    with pytest.raises(SourceError, match="elasticsearch:"):
        await judging.judged(Batch(mentions=crises()))


@pytest.mark.parametrize("word", ["{name}@{version}", "{name}@{number}", "{short}@{number}"])
def test_versions_are_named_by_name_or_number(word: str) -> None:
    """The name of the model may go without its beginning."""
    served = find(SHIPPED)["zh"]
    name = served.metadata.model
    said = word.format(
        name=name, version=served.metadata.version, number=served.number, short=name.removeprefix("opinion-")
    )
    chosen = choose(SHIPPED, [said])
    assert (chosen.again, chosen.names()) == ({"zh"}, [name_of(served)])


@pytest.mark.parametrize("word", ["opinion-en@0-none", "opinion-xx@1", "opinion-en", "@", "opinion-en@99"])
def test_a_version_that_is_not_there_is_refused(word: str) -> None:
    """With those that are there."""
    with pytest.raises(VersionError, match=METADATA.version):
        choose(SHIPPED, [word])


def _placeless(record: Document | Mention) -> Document | Mention:
    return replace(record, origin="") if isinstance(record, Document) else replace(record, channel="", offset=0)


def _item(text: str) -> RawItem:
    return replace(items(1)[0], title=text, text="", native_id=f"odd {text}")


def _judged_by(document: Document, version: str) -> Document:
    assert document.judgement is not None
    return replace(document, judgement=replace(document.judgement, version=version))


async def test_documents_whose_body_was_not_kept_are_judged_by_their_titles_and_counted(tmp_path: Path) -> None:
    """What was signed then is more than the title that is left; one that never had a body is no such case."""
    home = settings(tmp_path)
    judge = FakeJudge()
    first = Judging(home, (), judge)
    bare = replace(items(1)[0], native_id="bare", text="")
    made, _ = await first.judged(Batch(raw=[*items(2), bare]))
    stored = [replace(document, text="", judgement=None) for document in made]
    again = Judging(home, (f"{METADATA.model}@{METADATA.version}",), judge)
    judge.asked.clear()
    await again.judged(Batch(documents=stored))
    assert judge.asked == [document.title for document in made]
    assert {note.code: note.values for note in again.caveats()} == {
        "judged_later": {"count": 3}, "title_alone": {"count": 2},
    }  # fmt: skip
