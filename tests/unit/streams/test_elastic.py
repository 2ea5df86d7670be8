"""Names of indices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.elastic import alerts_index, documents_index, pattern
from streams.settings import Settings

NOW = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("published", "name"),
    [
        (None, "documents-2026.03"),
        (NOW - timedelta(days=40), "documents-2026.02"),
        (NOW + timedelta(hours=2), "documents-2026.04"),
        (NOW + timedelta(days=3), "documents-2026.03"),
        (NOW - timedelta(days=3000), "documents-old"),
    ],
)
def test_month_of_publication_names_the_index(published: datetime | None, name: str) -> None:
    """Published decides, collected stands in for unknown and impossible times, old ones share an index."""
    assert documents_index(Settings(), published, NOW) == name


def test_an_item_sent_again_next_month_stays_in_its_index() -> None:
    """The same publication time gives the same index whenever the item is collected."""
    published = NOW - timedelta(minutes=5)
    again = NOW + timedelta(days=2)
    assert documents_index(Settings(), published, NOW) == documents_index(Settings(), published, again)


def test_the_namespace_stands_first() -> None:
    """Indices of different namespaces share no pattern."""
    settings = Settings(namespace="demo")
    assert alerts_index(settings, NOW) == "demo-alerts-2026"
    assert pattern(settings, "alerts") == "demo-alerts-*"
