"""What can go wrong in a replay, told in words: one list for all commands that run one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from aiokafka.errors import KafkaError
from elastic_transport import TransportError
from elasticsearch import ApiError

from alerts.replay.playback import OutOfOrder
from alerts.snapshots import SnapshotError
from alerts.yaml_structs import FileRefused
from console.exits import told
from console.replay.indices import IntoRefused
from console.replay.judgements import JudgementsError
from console.replay.options import OptionRefused
from console.replay.results import ResultUnreadable
from console.replay.runs import RunRefused
from console.replay.source import SourceError
from console.replay.versions import VersionError
from console.truth_subjects import UnknownSubject
from models.registry import ModelRefused
from streams.sources.mapping import MappingError

REFUSED: Final = (
    SourceError, RunRefused, IntoRefused, VersionError, OutOfOrder, SnapshotError, MappingError, FileRefused,
    ResultUnreadable, OptionRefused, UnknownSubject,
)  # fmt: skip


def told_of_replay(*refused: type[Exception]) -> AbstractContextManager[None]:
    """Within it, faults become words and exit codes (`console.exits.told`). `refused`: what the command itself refuses
    beside what every replay does."""
    return told(
        refused=(*REFUSED, *refused),
        settings=(ModelRefused, JudgementsError),
        unavailable=(TimeoutError,),
        away=(KafkaError, TransportError, ApiError),
        key="replay.away",
    )
