"""The detector's state as bytes: versioned, compressed, led by the position in `mentions` that it contains.

Layout: `TOCSIN` + version (1 byte) + next offset of `mentions` (8 bytes, big-endian) + zlib(msgpack(EngineState)). The
position can be read without unpacking the rest, so the newest of many snapshots is found cheaply.
"""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
from msgspec import Struct

from alerts.baseline import History
from alerts.lifecycle import Alert
from alerts.stories import Entry, Story
from streams.records import Mention

MAGIC: Final = b"TOCSIN"
VERSION: Final = 3  # raise it when EngineState changes; older snapshots are then folded anew
HEAD: Final = len(MAGIC) + 1 + 8
FAST: Final = 1  # zlib level: the state is written every few seconds, and the bulk of it (MinHashes) hardly shrinks
LARGEST: Final = 60 * 1_048_576  # what the topic takes, with room for the envelope


class SubjectState(Struct):
    """What is remembered of one subject."""

    name: str = ""
    entries: list[Entry] = []  # in order of time, as far back as the longest window
    stories: dict[str, Story] = {}  # in order of their last document
    histories: dict[str, History] = {}  # by the filter of a scope; "": of all mentions
    amended: dict[str, str] = {}  # rules whose alert a late document changed, until they are asked again
    runs: dict[str, tuple[int, int]] = {}  # first_seen rules: since when without a pause, and when last
    late: dict[str, list[str]] = {}  # documents that came too late: names of the rules that count them


class EngineState(Struct):
    """Everything a detector knows about one partition of `mentions`. Times are microseconds since 1970."""

    next_offset: int = 0
    ticks: dict[str, int] = {}  # newest tick by channel
    waiting: list[Mention] = []  # not yet passed by the watermark, in any order
    evaluated: int | None = None  # grid point up to which rules were evaluated
    subjects: dict[str, SubjectState] = {}
    alerts: list[Alert] = []
    counters: dict[str, int] = {}


class SnapshotError(ValueError):
    """Bytes that are no snapshot of this version. The state can always be folded anew from the log."""


def pack(state: EngineState) -> bytes:
    """The snapshot of a state; SnapshotError when it is larger than the topic takes."""
    data = zlib.compress(msgspec.msgpack.encode(state), FAST)
    if len(data) > LARGEST:
        raise SnapshotError(
            f"the detector's state is {len(data) >> 20} MiB: use shorter rule windows, or more partitions "
            "(TOCSIN_PARTITIONS) so that each detector follows fewer subjects"
        )
    return MAGIC + bytes([VERSION]) + state.next_offset.to_bytes(8, "big") + data


def position(data: bytes) -> int:
    """The next offset of `mentions` after those the snapshot contains; SnapshotError when it is not one of ours."""
    if len(data) < HEAD or not data.startswith(MAGIC):
        raise SnapshotError("not a snapshot of the detector")
    if data[len(MAGIC)] != VERSION:
        raise SnapshotError(f"snapshot version {data[len(MAGIC)]}, this program reads {VERSION}")
    return int.from_bytes(data[HEAD - 8 : HEAD], "big")


def unpack(data: bytes) -> EngineState:
    """The state in a snapshot; SnapshotError when it is damaged or of another version."""
    at = position(data)
    try:
        state = msgspec.msgpack.decode(zlib.decompress(data[HEAD:]), type=EngineState)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"damaged snapshot: {error}") from None
    if state.next_offset != at:
        raise SnapshotError("damaged snapshot: its position does not match its content")
    return state
