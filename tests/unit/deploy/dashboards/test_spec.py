"""What a dashboard can be described as."""

from __future__ import annotations

import pytest

from deploy.dashboards.filters import Is
from deploy.dashboards.naming import Names
from deploy.dashboards.spec import Metric, OverTime, Panel, Terms, Text, stacked

COUNT = Metric("documents")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Metric("documents", "count", "source"),
        lambda: Metric("sources", "unique"),
        lambda: Metric("negative_share", "share"),
        lambda: Panel("p", "metric", "documents", (COUNT,), (OverTime(),)),
        lambda: Panel("p", "heatmap", "documents", (COUNT,), (OverTime(),)),
        lambda: Panel("p", "pie", "documents", (COUNT, COUNT), (OverTime(),)),
        lambda: Panel("p", "ranking", "documents", (Metric("s", "share", where=Is("a", True)),), (Terms("b", "b"),)),
    ],
)
def test_what_kibana_cannot_draw_cannot_be_described(wrong: object) -> None:
    """A panel that would be blank is refused where it is written."""
    with pytest.raises(ValueError, match=r"the (metric|panel)"):
        wrong()  # type: ignore[operator]


def test_values_are_chosen_before_time() -> None:
    """The greatest values are those of the whole span, not of each stretch of it."""
    panel = Panel("p", "line", "documents", (COUNT,), (OverTime(), Terms("topic.label", "topic")))
    assert panel.nesting == (1, 0)


def test_rows_are_filled_from_the_left_and_stand_below_each_other() -> None:
    """Places follow from the order: nobody counts columns."""
    tiles = stacked((5, [(12, Text("a")), (36, Text("b"))]), (7, [(48, Text("c"))]))
    assert [(one.place.x, one.place.y, one.place.w, one.place.h) for one in tiles] == [
        (0, 0, 12, 5), (12, 0, 36, 5), (0, 5, 48, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("namespace", "view", "pattern"),
    [
        ("", "documents", "documents-*"),
        ("desk", "alerts", "desk-alerts-*"),
        ("", "replayed", "replay.*.documents-*,-replay.*.*.documents-*"),
        ("desk", "replayed", "replay.desk.*.documents-*"),
        ("desk", "compared", "desk-alerts-*,replay.desk.*.alerts-*"),
    ],
)
def test_patterns_keep_to_their_namespace(namespace: str, view: str, pattern: str) -> None:
    """Neither live indices nor replays of another namespace are reached."""
    assert Names(namespace).pattern(view) == pattern  # type: ignore[arg-type]


def test_ids_tell_namespaces_apart_and_demo_data_is_marked() -> None:
    """Two namespaces in one Kibana do not write over each other."""
    assert Names().id("overview") == "tocsin-overview"
    assert Names("desk").id("overview") == "tocsin-desk-overview"
    assert Names("demo-000712-eb15").demo
    assert not Names("desk").demo
