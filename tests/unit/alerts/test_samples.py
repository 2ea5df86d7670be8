"""Invented alerts for previews."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.delivery.card import Block
from alerts.delivery.render import Lang, card, mail
from alerts.delivery.samples import sample_events, sample_messages
from streams.records import AlertEvent, decode, encode
from tests.unit.alerts.reading import BOTH, SAMPLES


@pytest.mark.parametrize("name", sample_events())
def test_samples_are_records_and_marked(name: str) -> None:
    """Each survives the wire, is demo unless asked otherwise, and its highlights are words of its headline."""
    for of in sample_events()[name]:
        assert decode(encode(of), AlertEvent) == of
        assert of.demo
        for told in of.evidence:
            assert all(told.headline[start:end].strip() for start, end in told.highlights)
            assert told.highlights
    assert not any(of.demo for of in sample_events(demo=False)[name])


@pytest.mark.parametrize("lang", BOTH)
@pytest.mark.parametrize("name", sample_events())
def test_the_same_message_gives_the_same_text(name: str, lang: Lang) -> None:
    """Every attempt sends the same bytes: rendering asks neither clock nor chance."""
    again = sample_messages(demo=False)[name]
    assert card(SAMPLES[name], lang) == card(again, lang)
    assert mail(SAMPLES[name], lang) == mail(again, lang)
    assert all(isinstance(block, Block) and block.lines for block in card(again, lang).blocks)


def test_the_sample_moment_is_a_fixed_one() -> None:
    """Samples lie in the past and never change with the clock."""
    assert SAMPLES["firing"].events[0].at < datetime(2026, 4, 1, tzinfo=UTC)
