"""The index of bands names every story that may be near and is remembered."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.near import ROWS, Near, bands

DAY = 100
texts = [random.Random(seed).randbytes(64 * 2) for seed in range(3)]


def near(text: int, change: int) -> bytes:
    """A signature of 64 places of two bytes, with one band of it changed."""
    places = bytearray(texts[text])
    places[change * ROWS * 2] ^= 1
    return bytes(places)


SIGNATURES = {f"s{number}": near(number % 3, number) for number in range(16)}


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(SIGNATURES))), max_size=60))
def test_every_remembered_story_that_shares_a_band_is_found(steps: list[tuple[int, str]]) -> None:
    """Each step a story is told, the first time or again, and what was told last before a while is forgotten."""
    index, told, now = Near(), dict[str, int](), 0
    for wait, name in steps:
        now += wait
        index.forget(now - DAY)
        told = {other: at for other, at in told.items() if at > now - DAY}
        own = set(bands(SIGNATURES[name], 2))
        assert {other for other in told if own & set(bands(SIGNATURES[other], 2))} <= set(index.to(SIGNATURES[name], 2))
        index.tell(name, now, SIGNATURES[name], 2)
        told[name] = now


def test_nothing_is_kept_of_what_is_forgotten() -> None:
    """As soon as the last story is."""
    index = Near()
    for at in range(5):
        index.tell(f"s{at}", at, near(0, at), 2)
    index.forget(3)
    assert index.to(near(0, 9), 2)
    index.forget(4)
    assert not index.to(near(0, 9), 2)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_equal_bands_are_equal_numbers_whatever_their_width(width: int) -> None:
    """A signature has a band for each four of its places; a rest of fewer is none."""
    places = bytes(range(200))[: 4 * width * 3 + width]
    assert len(bands(places, width)) == 3
    assert bands(places, width)[0] == int.from_bytes(places[: 4 * width], "little")
    assert bands(bytes(8 * width), width) == (0,)
