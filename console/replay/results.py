"""Results of `tocsin replay --json`, read back for whoever compares them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from alerts.evaluation.result import VERSION, Evaluation


class ResultUnreadable(ValueError):  # noqa: N818 - what is wrong
    """A file is no result; the message says why, and what to do."""


def read_result(path: Path) -> Evaluation:
    """The result in a file. Raises ResultUnreadable."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Evaluation)
    except (OSError, UnicodeDecodeError) as error:
        raise ResultUnreadable(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except msgspec.DecodeError as error:
        raise ResultUnreadable(f"{path}: no result of `tocsin replay … --json FILE`: {error}") from None
    if found.v != VERSION:
        raise ResultUnreadable(f"{path}: a result of form {found.v}, this is form {VERSION}: replay again")
    if not _refers_to_its_events(found):
        raise ResultUnreadable(f"{path}: names events that it does not hold: it was changed by hand; replay again")
    return found


def _refers_to_its_events(result: Evaluation) -> bool:
    places = range(len(result.events))
    outcomes = all(each.event in places for rule in result.rules.values() for each in rule.outcomes)
    episodes = (each.event for rule in result.rules.values() for each in rule.episodes)
    return outcomes and all(event is None or event in places for event in episodes)


def write_json(path: Path, value: object) -> None:
    """The value as JSON with a line for each field. Raises ResultUnreadable where the file cannot be written."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    except OSError as error:
        raise ResultUnreadable(f"{path}: cannot be written: {error.strerror}") from None
