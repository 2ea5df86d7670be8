"""The sentences of a rule, filled with fields of the alert: `{name} has {observed} {unit}`.

Nothing but the fields below is known, nothing in a value is looked at again, and no expression is evaluated: text from
outside that holds braces stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

FIELDS: Final = (
    "name", "subject", "rule", "severity", "state", "observed", "expected", "bound", "beyond", "unit", "window",
    "support", "documents", "stories", "sources", "authors", "since", "at",
)  # fmt: skip
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
LONGEST: Final = 1000  # characters of a filled sentence


def unknown(text: str) -> list[str]:
    """What stands in braces and is no field."""
    return [name for name in _FIELD.findall(text) if name not in FIELDS]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The sentence with each field replaced by its value; unknown ones stay as they are."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)[:LONGEST]
