"""Records are put in order on disk."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from console.replay.ordering import AHEAD, Ordering

KEYS = st.tuples(st.integers(-(2**40), 2**60), st.integers(0, 300), st.integers(0, 2**50))


@given(st.dictionaries(KEYS, st.binary(max_size=40), max_size=60), st.integers(1, 2000))
def test_any_order_comes_out_sorted_whatever_fits_into_memory(entries: dict, run: int) -> None:
    """What went in comes out in the order of keys, each once, and again when asked again."""
    with TemporaryDirectory() as folder:
        ordering = Ordering(Path(folder), run)
        for key, data in entries.items():
            ordering.add(key, data)
        assert len(ordering) == len(entries)
        assert list(ordering) == sorted(entries.items())
        assert list(ordering) == sorted(entries.items())
        ordering.close()


def test_records_larger_than_what_is_read_ahead_come_out_whole(tmp_path: Path) -> None:
    """A record may be larger than the read-ahead, and lie across its edge."""
    ordering = Ordering(tmp_path, 1)
    sizes = [AHEAD * 2 + 7, 0, AHEAD - 30, 100, AHEAD]
    for number, size in enumerate(sizes):
        ordering.add((-number, 0, 0), bytes([number]) * size)
    assert [(key[0], len(data)) for key, data in ordering] == [(-n, sizes[n]) for n in reversed(range(len(sizes)))]
    ordering.close()


def test_nothing_lies_in_the_folder(tmp_path: Path) -> None:
    """The file has no name: nothing is left behind by a process that is killed."""
    ordering = Ordering(tmp_path, 1)
    ordering.add((1, 0, 0), b"x")
    assert list(tmp_path.iterdir()) == []
    ordering.close()
