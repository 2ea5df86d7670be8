"""Which texts go into the next request."""

from hypothesis import given
from hypothesis import strategies as st

from models.batching import Limits, Pool, choose

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=80)
LIMITS = st.builds(
    Limits, tokens=st.integers(128, 2048), rows=st.integers(1, 64), fill=st.sampled_from([0.0, 0.5, 0.75, 0.95])
)


@given(LENGTHS, LIMITS)
def test_oldest_is_always_in_the_next_request(lengths: list[int], limits: Limits) -> None:
    """The text that has waited longest is never passed over."""
    assert 0 in choose(lengths, limits)


@given(LENGTHS, LIMITS)
def test_request_of_several_texts_keeps_every_limit(lengths: list[int], limits: Limits) -> None:
    """Rows, padded tokens and share of padding stay within bounds unless one text alone exceeds them."""
    chosen = [lengths[at] for at in choose(lengths, limits)]
    padded = len(chosen) * max(chosen)
    assert len(chosen) == 1 or (
        len(chosen) <= limits.rows and padded <= limits.tokens and sum(chosen) >= limits.fill * padded
    )


@given(LENGTHS, LIMITS)
def test_request_is_a_stretch_of_neighbouring_lengths(lengths: list[int], limits: Limits) -> None:
    """No waiting text lies strictly between two chosen lengths without being chosen."""
    chosen = choose(lengths, limits)
    low, high = min(lengths[at] for at in chosen), max(lengths[at] for at in chosen)
    assert all(at in chosen for at, length in enumerate(lengths) if low < length < high)


@given(LENGTHS, LIMITS)
def test_every_text_is_taken_exactly_once(lengths: list[int], limits: Limits) -> None:
    """Taking until the pool is empty hands out each text once, and each request starts with the oldest left."""
    pool: Pool[int] = Pool(limits)
    for index, length in enumerate(lengths):
        pool.add(index, length, float(index))
    taken: list[int] = []
    while len(pool):
        left = set(range(len(lengths))) - set(taken)
        assert pool.oldest() == min(left)
        batch = pool.take()
        assert min(left) in batch
        taken += batch
    assert sorted(taken) == list(range(len(lengths)))
    assert pool.take() == []


def test_short_text_is_not_padded_to_a_long_one() -> None:
    """Texts of very different length go separately even when both would fit."""
    assert choose([10, 200], Limits(tokens=1024)) == [0]


def test_longer_neighbour_that_does_not_fit_leaves_room_for_shorter_ones() -> None:
    """When the nearest text would burst the budget, the other side is used."""
    assert sorted(choose([100, 101, 90], Limits(tokens=200, fill=0))) == [0, 2]


def test_pool_is_full_by_rows_or_by_tokens() -> None:
    """Lingering ends as soon as a whole request waits."""
    pool: Pool[int] = Pool(Limits(tokens=100, rows=3))
    pool.add(1, 60, 0.0)
    assert not pool.full()
    pool.add(2, 40, 0.0)
    assert pool.full()
    pool.take()
    for at in range(3):
        pool.add(at, 1, 0.0)
    assert pool.full()
