"""A replay's indices are its own: no name of theirs is a live one's, and nothing else is filled or removed."""

from __future__ import annotations

import fnmatch
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.replay.indices import NAME, IntoRefused, Names, ReplayIndices
from streams.elastic import KINDS, alerts_index, documents_index, pattern, prefix
from streams.settings import Settings
from tests.ringing import START, event
from tests.unit.streams.test_index import document

NAMESPACES = st.from_regex(r"[a-z0-9-]{0,32}", fullmatch=True)
NAMES = st.from_regex(NAME, fullmatch=True).filter(lambda name: not name.startswith(("documents", "alerts")))


@given(NAMESPACES, NAMES, NAMESPACES)
def test_no_live_pattern_of_any_namespace_reaches_a_replay_index(own: str, name: str, other: str) -> None:
    """Whatever the namespaces and the name, also where they look like parts of each other."""
    names = Names(own, name)
    for live in (documents_index(Settings(namespace=own), None, START), alerts_index(Settings(namespace=own), START)):
        index = names.index(live, prefix(Settings(namespace=own)))
        assert names.owns(index)
        for kind in KINDS:
            assert not fnmatch.fnmatchcase(index, pattern(Settings(namespace=other), kind))


@given(NAMESPACES, NAMES, NAMESPACES, NAMES)
def test_no_replay_owns_or_reaches_an_index_of_another(own: str, name: str, other: str, second: str) -> None:
    """What `drop` looks at is exactly the replay's own."""
    mine, theirs = Names(own, name), Names(other, second)
    index = theirs.index(documents_index(Settings(namespace=other), None, START), prefix(Settings(namespace=other)))
    same = (own, name) == (other, second)
    assert mine.owns(index) == same
    assert fnmatch.fnmatchcase(index, mine.pattern("documents")) == same


@given(NAMESPACES, NAMESPACES, st.datetimes(min_value=datetime(1990, 1, 1)))
def test_a_live_index_is_never_owned(own: str, other: str, at: datetime) -> None:
    """A live index, of this installation or another, is refused by name alone."""
    settings = Settings(namespace=other)
    names = Names(own, "q1")
    for live in (documents_index(settings, at, at), alerts_index(settings, at)):
        assert not names.owns(live)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "a.b",
        "a_b",
        "-a",
        "*",
        "a*",
        "a,b",
        "../a",
        "documents",
        "documents-2026",
        "alerts-x",
        "a" * 33,
        "a\n",
        "ä",
    ],
)
def test_names_that_could_mean_something_else_are_refused(name: str) -> None:
    """Only small letters, digits and hyphens, and no word that an index ends with."""
    with pytest.raises(IntoRefused, match="--into"):
        Names("", name)


def test_an_index_of_another_shape_is_refused() -> None:
    """A name that is made of anything but a live one of this installation is an error, not an index."""
    with pytest.raises(IntoRefused, match=re.escape("replay.q1.elsewhere cannot name")):
        Names("", "q1").index("elsewhere", "")


class Elastic:
    """Answers as Elasticsearch does, from what was said to be there."""

    def __init__(self, existing: dict) -> None:
        self.existing = existing
        self.indices = self
        self.made: list[str] = []
        self.written: list = []

    async def get(self, index: object, **_: object) -> dict:
        return self.existing

    async def create(self, index: str, settings: dict, mappings: dict) -> None:
        self.made.append(index)
        self.mappings = mappings

    async def bulk(self, operations: list, **_: object) -> dict:
        self.written += operations
        return {"items": [{"index": {"status": 201, "_id": "x"}} for _ in range(len(operations) // 2)]}


def filling(existing: dict, fingerprint: str = "one") -> ReplayIndices:
    return ReplayIndices(Settings(), Elastic(existing), "q1", fingerprint)  # type: ignore[arg-type]


def marked(name: str = "q1", fingerprint: str = "one") -> dict:
    return {"mappings": {"_meta": {"tocsin_replay": {"name": name, "fingerprint": fingerprint}}}}


@pytest.mark.parametrize(
    ("existing", "says"),
    [
        ({"replay.q1.documents-2026.03": {"mappings": {}}}, "made by no replay"),
        ({"documents-2026.03": marked()}, "made by no replay"),  # an alias with our name leads there
        ({"replay.q1.documents-2026.03": marked("q2")}, "made by no replay"),
        ({"replay.q1.alerts-2026": marked(fingerprint="two")}, "tocsin replay drop q1"),
        ({"replay.q1.alerts-2026": {"mappings": {"_meta": {"tocsin_replay": "x"}}}}, "made by no replay"),
    ],
)
async def test_what_is_not_of_this_very_replay_is_refused(existing: dict, says: str) -> None:
    """An index without the mark, one behind an alias, and one of a replay with other rules are left alone."""
    with pytest.raises(IntoRefused, match=says):
        await filling(existing).check()


async def test_records_are_marked_and_lie_under_their_own_ids() -> None:
    """Documents and alerts carry `replay`, in indices with the mapping of live ones and one field more."""
    indices = filling({})
    await indices.check()
    await indices.add_document(replace(document(7), retention_days=36_500))
    await indices.add_document(document(8))  # kept for thirty days of 2026
    await indices.add_alert(replace(event(), replay=True))
    await indices.flush()
    elastic = indices._elastic
    assert elastic.made == ["replay.q1.documents-2026.03", "replay.q1.alerts-2026"]  # type: ignore[attr-defined]
    assert elastic.mappings["dynamic"] == "strict"  # type: ignore[attr-defined]
    lines = [line.decode() for line in elastic.written]  # type: ignore[attr-defined]
    assert f'"_id":"{7:032x}"' in lines[0]
    assert '"replay":true' in lines[1]
    assert f'"_id":"{event().id}"' in lines[2]
    assert '"replay":true' in lines[3]
    assert (indices.filled.written, indices.filled.expired) == (2, 1)


async def test_a_live_alert_is_no_replay_s() -> None:
    """An event without the mark cannot be written."""
    with pytest.raises(ValueError, match="not marked"):
        await filling({}).add_alert(event())
