"""One condition, two languages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.dashboards.filters import All, Exists, Filter, Is, Not, fields, kql, query

NAMES = st.sampled_from(["judged", "sentiment.label", "entities.name"])
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Is, NAMES, st.one_of(st.booleans(), st.text(max_size=8))), st.builds(Exists, NAMES)
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.builds(Not, inner), st.lists(inner, min_size=1).map(lambda parts: All(tuple(parts)))),
    max_leaves=6,
)  # fmt: skip


def test_a_condition_is_written_in_both_languages() -> None:
    """What Kibana filters by and what Elasticsearch is asked are the same."""
    condition = All((Is("judged", True), Not(Is("risk.label", "none")), Exists("entities.name")))
    assert kql(condition) == 'judged: true and (not risk.label: "none") and entities.name: *'
    assert query(condition) == {"bool": {"filter": [
        {"term": {"judged": True}}, {"bool": {"must_not": [{"term": {"risk.label": "none"}}]}},
        {"exists": {"field": "entities.name"}},
    ]}}  # fmt: skip


def test_no_condition_filters_nothing() -> None:
    """An empty query is what Kibana takes for everything."""
    assert kql(None) == ""
    assert list(fields(None)) == []


@given(st.text(max_size=20))
def test_a_value_stays_within_its_quotes(value: str) -> None:
    """No value ends its own string."""
    written = kql(Is("source", value)).removeprefix('source: "')
    assert written.endswith('"')
    inside, escaped = written[:-1], False
    for letter in inside:
        assert escaped or letter != '"'
        escaped = letter == "\\" and not escaped
    assert not escaped


@given(CONDITIONS)
def test_brackets_are_balanced_and_all_fields_named(condition: Filter) -> None:
    """However conditions are put together, nothing is left open and no field is overlooked."""
    for field, _ in fields(condition):
        assert field in kql(condition)
        assert field in str(query(condition))
