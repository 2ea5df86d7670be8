"""Copies become stories."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.snapshots import EngineState, SubjectState, pack, unpack
from alerts.stories import MOST_KEYS, Stories
from streams.records import Signature, digest


def signature(key: str, places: list[int], algorithm: str = "m1") -> Signature:
    """A signature with this copy key and these places."""
    return Signature(copy_key=digest(key), minhash=tuple(places), algorithm=algorithm)


def changed(places: list[int], share: float, seed: int = 1) -> list[int]:
    """The places with this share of them changed."""
    found, rng = list(places), random.Random(seed)
    for i in rng.sample(range(len(found)), round(len(found) * share)):
        found[i] ^= 1
    return found


BASE = [random.Random(0).getrandbits(16) for _ in range(64)]


@pytest.mark.parametrize(("share", "same"), [(0.0, True), (0.2, True), (0.4, False), (0.9, False)])
@pytest.mark.parametrize("bits", [0, 20, 40])
def test_near_copies_are_one_story_and_others_are_not(share: float, same: bool, bits: int) -> None:
    """Agreement decides, whatever the width of the places."""
    wide = [v << bits for v in BASE]
    stories = Stories()
    assert stories.assign(1, "a", signature("a", wide)) == ("a", True)
    other = [
        v ^ (1 << bits) if v != w else v for v, w in zip(wide, [c << bits for c in changed(BASE, share)], strict=True)
    ]
    assert stories.assign(2, "b", signature("b", other)) == (("a", False) if same else ("b", True))


def test_signatures_of_different_algorithms_are_never_compared() -> None:
    """The same numbers of another algorithm say nothing."""
    stories = Stories()
    stories.assign(1, "a", signature("a", BASE, "m1"))
    assert stories.assign(2, "b", signature("b", BASE, "m2")) == ("b", True)
    assert stories.assign(3, "c", signature("c", BASE[:32], "m1")) == ("c", True)


def test_an_equal_copy_key_is_enough() -> None:
    """Short texts have no MinHash; a near copy's key belongs to the story from then on."""
    stories = Stories()
    stories.assign(1, "a", signature("k", []))
    assert stories.assign(2, "b", signature("k", BASE)) == ("a", False)
    stories.assign(3, "c", signature("m", BASE))
    stories.assign(4, "d", signature("n", changed(BASE, 0.1)))
    assert stories.assign(5, "e", signature("n", [])) == ("c", False)


def test_a_story_does_not_drift() -> None:
    """Small steps away from the first text end the story: it is compared with its first document only."""
    stories = Stories()
    places, names = BASE, []
    for turn in range(8):
        names.append(stories.assign(turn, f"d{turn}", signature(f"k{turn}", places))[0])
        places = changed(places, 0.15, seed=turn)
    assert len(set(names)) > 1


def test_a_forgotten_story_leaves_nothing_behind() -> None:
    """Its copies are a new story; nothing of it stays in memory."""
    stories = Stories()
    stories.assign(1, "a", signature("k", BASE))
    stories.assign(5, "b", signature("other", []))
    stories.forget(1)
    assert list(stories.found) == ["b"]
    stories.forget(5)
    assert (stories.found, stories._by_key, stories._near.to(b"", 2)) == ({}, {}, frozenset())
    assert stories.assign(6, "c", signature("k", BASE)) == ("c", True)


steps = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.floats(0, 0.6)), min_size=1, max_size=40)


@given(steps, st.integers(0, 40))
def test_stories_restored_anywhere_go_on_as_before(log: list[tuple[int, int, float]], cut: int) -> None:
    """The plain state holds everything that decides."""

    def run(restore_at: int) -> list[Any]:
        stories, out = Stories(), []
        for turn, (key, base, share) in enumerate(log):
            if turn == restore_at:
                state = EngineState(subjects={"s": SubjectState(stories=stories.found)})
                stories = Stories(unpack(pack(state)).subjects["s"].stories)
            stories.forget(turn - 10)
            places = changed([v + base for v in BASE], share, seed=turn)
            out.append(stories.assign(turn, f"d{turn}", signature(f"k{key}-{base}", places)))
        return out

    assert run(cut) == run(-1)


@given(st.lists(st.integers(-5, 2**70), max_size=5))
def test_any_numbers_are_a_signature_or_none(places: list[int]) -> None:
    """Values that no machine word holds are no reason to stop."""
    assert Stories().assign(1, "a", signature("a", places)) == ("a", True)


def test_a_late_document_makes_no_story_older_and_stands_at_its_place() -> None:
    """A story lives from its newest document on, whichever came last."""
    stories = Stories()
    stories.assign(100, "a", signature("a", []))
    stories.assign(40, "late copy", signature("a", []))
    stories.assign(50, "late story", signature("b", []))
    assert list(stories.found) == ["late story", "a"]
    stories.forget(60)
    assert list(stories.found) == ["a"]
    assert stories.found["a"].last == 100


def test_a_document_that_is_signed_anew_begins_no_second_story() -> None:
    """Another version of the code signs the same document otherwise; the story it began goes on, and is forgotten."""
    stories = Stories()
    stories.assign(1, "a", signature("old", BASE))
    stories.assign(5, "copy", signature("old", BASE))
    assert stories.assign(9, "a", signature("new", changed(BASE, 0.9), "m2")) == ("a", False)
    assert stories.assign(10, "copy again", signature("old", BASE)) == ("a", False)
    stories.forget(10)
    assert stories.found == {}
    assert stories.assign(11, "b", signature("old", BASE)) == ("b", True)


def test_a_wording_that_is_told_for_years_does_not_grow_without_end() -> None:
    """Of its copy keys the newest are kept; older ones are found by what they have in common."""
    stories = Stories()
    for day in range(MOST_KEYS + 50):
        stories.assign(day, f"d{day}", signature(f"text of day {day}", BASE))
    assert len(stories.found) == 1
    assert len(stories.found["d0"].keys) == MOST_KEYS
    assert stories.assign(MOST_KEYS + 60, "old words", signature("text of day 0", BASE)) == ("d0", False)
    stories.forget(MOST_KEYS + 60)
    assert stories.found == {}
