"""Keys that are made once and kept."""

from __future__ import annotations

import stat
from pathlib import Path

from streams.keys import kept_key


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """The second call gives the first one's key; nothing else is left in the folder."""
    path = tmp_path / "state" / "some.key"
    key = kept_key(path)
    assert len(bytes.fromhex(key)) == 32
    assert kept_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert kept_key(tmp_path / "other.key") != key
