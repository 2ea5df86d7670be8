"""What a filter means, and what its facets count."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.opinion.facets import FACETS, called, faceting, read_facets
from console.opinion.filters import Filter, NoSuchSubject, checked_subject, query
from console.opinion.names import known, matches
from streams.settings import Settings

WATCHLIST = """
- {id: halden, name: Halden Motors, aliases: [海登汽车], tickers: [HLDN], lists: [suppliers]}
- {id: orrin, name: Orrin Foods, lists: [suppliers, food]}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "watchlist.yaml"
    path.write_text(WATCHLIST, encoding="utf-8")
    return Settings(state_dir=tmp_path, watchlist=path)


@pytest.mark.parametrize("subject", ["", "halden", "entity:", "model:opinion-en", "market:some", "ENTITY:x", ":x"])
def test_a_subject_has_a_kind_that_documents_have(subject: str) -> None:
    """Anything else is refused before it is searched for."""
    with pytest.raises(NoSuchSubject):
        checked_subject(subject)


def test_each_kind_of_subject_has_its_documents(settings: Settings) -> None:
    """A list means the companies that are in it today; the market means everything."""

    def clause(subject: str) -> object:
        return query(Filter(subject=subject), settings)["bool"]["filter"][0]

    assert clause("entity:halden") == {"term": {"entities.id": "halden"}}
    assert clause("list:suppliers") == {"terms": {"entities.id": ["halden", "orrin"]}}
    assert clause("list:unknown") == {"terms": {"entities.id": []}}
    assert clause("source:a:b/c") == {"term": {"source": "a:b/c"}}
    assert clause("market:all") == {"match_all": {}}


def test_one_value_and_several_mean_the_same_way(settings: Settings) -> None:
    """A text is one value; of several any will do."""
    assert query(Filter(topic="legal"), settings) == query(Filter(topic=("legal",)), settings)
    [clause] = query(Filter(lang=("en", "zh")), settings)["bool"]["filter"]
    assert clause == {"terms": {"lang": ["en", "zh"]}}


def test_a_facet_heeds_all_but_itself(settings: Settings) -> None:
    """So that one sees what another value would hold."""
    chosen = Filter(subject="entity:halden", topic="legal", words="recall")
    for name, aggregation in faceting(chosen, settings).items():
        others = aggregation["filter"]["bool"]["filter"]
        assert len(others) == (1 if name in ("subject", "topic") else 2)


def test_facets_of_nothing_are_empty() -> None:
    """Every facet is there, whatever was found."""
    found = called(read_facets({}), {})
    assert found == {name: [] for name in FACETS}


def test_names_come_from_the_watchlist_as_it_is_now(settings: Settings) -> None:
    """A changed file counts at once; one that cannot be read counts as none."""
    assert known(settings).companies["halden"].name == "Halden Motors"
    assert settings.watchlist is not None
    settings.watchlist.write_text("- {id: halden", encoding="utf-8")
    assert "orrin" not in known(settings).companies
    assert known(settings).lists == {}


def test_people_type_parts_of_names() -> None:
    """In any case, with spaces around."""
    assert matches(" halDEN ", "Halden Motors")
    assert not matches("orrin", "Halden Motors", "HLDN")
