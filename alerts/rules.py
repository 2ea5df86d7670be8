"""When a signal over a window is a risk: the kinds of rules and every field of theirs.

`alerts.rule_files` reads them; `rules/schema.json`, made from these types, gives editors completion and the same
limits.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from streams.records import digest

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION: Final = r"^0$|^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"


class Duration:
    """A length of time in whole seconds, written `30m`, `1h30m`, `2d` or `0`."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds

    @classmethod
    def parse(cls, value: object) -> Duration:
        """The duration in `value`; ValueError when it is not one."""
        text = str(value)
        if isinstance(value, bool) or not text or not re.match(DURATION, text) or len(text) > 24:
            raise ValueError(f"expected a duration such as 30m, 2h or 1h30m, got {value!r}")
        return cls(sum(int(n) * UNITS[u] for n, u in re.findall(r"([0-9]+)([dhms])", text)))

    def __str__(self) -> str:
        """The duration as it is written: `1h30m`."""
        left, text = self.seconds, ""
        for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
            text += f"{left // size}{unit}" if left >= size else ""
            left %= size
        return text or "0"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.seconds == self.seconds

    def __hash__(self) -> int:
        return hash(self.seconds)

    def __repr__(self) -> str:
        return f"Duration({self})"


Level = Literal["info", "warning", "critical"]
LEVELS: Final[tuple[Level, ...]] = ("info", "warning", "critical")
Text = Annotated[str, Meta(min_length=1, max_length=256)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Share01 = Annotated[float, Meta(ge=0.0, le=1.0)]


class Scope(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule looks at. An empty list means all."""

    subject: Literal["entity", "topic"]
    ids: tuple[Text, ...] = ()  # ids as in `subject`, without the prefix: AAPL, not entity:AAPL
    sources: tuple[Text, ...] = ()
    languages: tuple[Text, ...] = ()
    kind: Literal["any", "news", "chat"] = "any"


class Common(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", dict=True):
    """What all kinds of rules share."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    about: Annotated[str, Meta(max_length=1000)] = ""
    scope: Scope
    count: Literal["stories", "documents", "authors"] = "stories"
    negative_at: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5  # mean negative probability that makes a unit negative
    min_share: Share01 = 0.0  # negative units over judged units; keeps good news with a few complaints quiet
    min_support: Annotated[int, Meta(ge=0)] = 0  # judged units in the window
    min_sources: Count = 1  # distinct sources of what was counted
    min_authors: Count = 1  # distinct authors of what was counted; an unknown author counts as its source
    window: Duration
    for_: Duration = msgspec.field(name="for", default_factory=Duration)
    keep_firing_for: Duration = msgspec.field(default_factory=Duration)
    severity: Level | dict[Level, Annotated[float, Meta(ge=1.0)]] = msgspec.field(
        default_factory=lambda: {"warning": 1.0, "critical": 2.0}
    )  # a level, or by how many times the bound is reached
    labels: dict[Text, Annotated[str, Meta(max_length=256)]] = {}
    ignore_stale: bool = True

    @cached_property
    def hash(self) -> str:
        """16 hex digits of everything the rule says: another text of the rule is another rule."""
        return digest(msgspec.json.encode(self, enc_hook=str, order="deterministic").decode())[:16]

    @cached_property
    def prefix(self) -> str:
        """How the ids of its subjects begin."""
        return f"{self.scope.subject}:"

    def covers(self, subject: str) -> bool:
        """Whether the rule looks at this subject."""
        if not subject.startswith(self.prefix):
            return False
        return not self.scope.ids or subject[len(self.prefix) :] in self.scope.ids

    def level(self, beyond: float) -> Level:
        """Severity when the bound is reached `beyond` times (1 = just reached)."""
        if isinstance(self.severity, str):
            return self.severity
        reached = [name for name in LEVELS if beyond >= self.severity.get(name, float("inf"))]
        return reached[-1] if reached else min(self.severity, key=lambda name: self.severity[name])  # type: ignore[index]


class Threshold(Common, frozen=True, kw_only=True, tag="threshold"):
    """Rings at `at_least` negative units in the window."""

    at_least: Count


class Share(Common, frozen=True, kw_only=True, tag="share"):
    """Rings when the negative share is certainly (Wilson lower bound) at least a limit, or a multiple of the usual."""

    at_least: Annotated[float, Meta(gt=0.0, lt=1.0)] | None = None
    over_baseline: Annotated[float, Meta(gt=1.0)] | None = None
    confidence: Annotated[float, Meta(ge=0.5, lt=1.0)] = 0.95  # one-sided


class Surge(Common, frozen=True, kw_only=True, tag="surge"):
    """Rings when a count this high is improbable (negative-binomial tail) against the subject's seasonal baseline."""

    p: Annotated[float, Meta(gt=0.0, le=0.5)] = 1e-3
    of: Literal["negative", "all"] = "negative"  # stories counted; all: a surge of volume, whatever its tone
    min_count: Count = 5  # doubled while the baseline is warming
    min_ratio: Annotated[float, Meta(ge=1.0)] = 2.0


Rule = Threshold | Share | Surge
KINDS: Final[dict[str, type[Struct]]] = {"threshold": Threshold, "share": Share, "surge": Surge}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a rule file, for editors; `rules/schema.json` is this, committed."""
    shape = {"type": ["string", "integer"], "pattern": DURATION, "description": "30m, 2h, 1h30m or 0"}
    (items,), components = msgspec.json.schema_components(
        [Rule], schema_hook=lambda _: dict(shape), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tocsin rule file",
        "type": "object",
        "properties": {"rules": {"type": "array", "minItems": 1, "items": items}},
        "required": ["rules"],
        "additionalProperties": False,
        "$defs": components,
    }
