"""What cannot be done with alerts, and why: a stable code with a sentence in both languages."""

from __future__ import annotations

from typing import Literal

Fault = Literal[
    "no_author",
    "no_reason",
    "too_long",
    "no_match",
    "bad_match",
    "unknown_field",
    "meant_field",
    "bad_severity",
    "bad_subject",
    "bad_duration",
    "too_short",
    "too_far",
    "no_note",
    "bad_time",
    "bad_onset",
    "bad_end",
    "bad_risk",
    "unknown_subject",
]


class OperationRefused(ValueError):  # noqa: N818 - what happened
    """This cannot be done. `reason` is a stable code with a sentence in both languages, `values` what it names."""

    def __init__(self, reason: Fault, **values: str) -> None:
        super().__init__(f"{reason}: {values}" if values else reason)
        self.reason: Fault = reason
        self.values = values


def whole(text: str) -> str:
    """The text without half characters, which a command line with broken bytes, or JSON, can hold and no record can."""
    return text.encode("utf-8", "replace").decode("utf-8")
