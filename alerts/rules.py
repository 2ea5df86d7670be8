"""When a signal over a window is a risk: the kinds of rules and every field of theirs.

`alerts.rule_files` reads them; `rules/schema.json`, made from these types by `alerts.rule_schema`, gives editors
completion and the same limits.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Final, Literal, cast

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
    """What a rule looks at. An empty list means all.

    `entity`, `topic` and `source`: each for itself. `list`: the companies of one list of the watchlist as one.
    `market`: everything as one.
    """

    subject: Literal["entity", "topic", "source", "list", "market"]
    ids: tuple[Text, ...] = ()  # ids as in `subject`, without the prefix: AAPL, not entity:AAPL
    lists: tuple[Text, ...] = ()  # of the watchlist: their companies, each for itself
    topics: tuple[Text, ...] = ()  # only documents about these topics
    risks: tuple[Text, ...] = ()  # only documents that tell of these kinds of risk event
    keywords: tuple[Text, ...] = ()  # only headlines with one of these words or phrases (`alerts.keywords`)
    min_confidence: Share01 = 0.5  # of the model in such a topic or kind of risk event
    min_relevance: Share01 = 0.0  # of the company for the document
    sources: tuple[Text, ...] = ()
    languages: tuple[Text, ...] = ()
    kind: Literal["any", "news", "chat"] = "any"

    def filter(self) -> str:
        """Names what the scope leaves out of its subject's mentions; empty when nothing. Equal filters, equal names."""
        whole = Scope(subject=self.subject)
        names = ("topics", "risks", "min_relevance", "sources", "languages", "kind", "keywords")
        narrow = {name: getattr(self, name) for name in names if getattr(self, name) != getattr(whole, name)}
        if self.topics or self.risks:
            narrow["min_confidence"] = self.min_confidence
        return digest(msgspec.json.encode(narrow).decode())[:16] if narrow else ""


class Common(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", dict=True):
    """What all kinds of rules share. A condition of a composed rule has no name, and the scope of its rule."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")] = ""
    about: Annotated[str, Meta(max_length=1000)] = ""
    enabled: bool = True
    scope: Scope = Scope(subject="entity")
    count: Literal["stories", "documents", "authors", "sources"] = "stories"
    negative_at: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5  # mean negative probability that makes a unit negative
    min_share: Share01 = 0.0  # negative units over judged units; keeps good news with a few complaints quiet
    min_support: Annotated[int, Meta(ge=0)] = 0  # judged units in the window
    min_sources: Count = 1  # distinct sources of what was counted
    min_authors: Count = 1  # distinct authors of what was counted; an unknown author counts as its source
    window: Duration = msgspec.field(default_factory=Duration)  # of every rule but a composed one
    for_: Duration = msgspec.field(name="for", default_factory=Duration)
    keep_firing_for: Duration = msgspec.field(default_factory=Duration)
    clear_at: Annotated[float, Meta(gt=0.0, le=1.0)] = (
        1.0  # once it rings: goes on while so much of the bound is reached
    )
    severity: Level | dict[Level, Annotated[float, Meta(ge=1.0, le=1_000_000.0)]] = msgspec.field(
        default_factory=lambda: {"warning": 1.0, "critical": 2.0}
    )  # a level, or by how many times the bound is reached
    labels: dict[Text, Annotated[str, Meta(max_length=256)]] = {}
    annotations: dict[Text, Annotated[str, Meta(max_length=1000)]] = {}  # sentences with {fields} of the alert
    ignore_stale: bool = True

    @cached_property
    def hash(self) -> str:
        """16 hex digits of everything the rule says: another text of the rule is another rule."""
        said = msgspec.to_builtins(self, enc_hook=str, order="deterministic")
        for part in (said, *said.get("conditions", ())):  # what came later and says nothing: an upgrade ends no alert
            if not part["scope"]["keywords"]:
                del part["scope"]["keywords"]
            for name in [name for name, nothing in LATER.items() if name in part and part[name] == nothing]:
                del part[name]
        return digest(msgspec.json.encode(said).decode())[:16]

    @cached_property
    def type(self) -> str:
        """The kind of rule as it is written in a file."""
        return str(self.__struct_config__.tag)

    @property
    def place(self) -> tuple[str, int]:
        """File and line of its scope, for what is found wrong later; set by `alerts.rule_files`."""
        return cast("tuple[str, int]", self.__dict__.get("placed", ("TOCSIN_RULES", 1)))

    @cached_property
    def prefix(self) -> str:
        """How the ids of its subjects begin."""
        return f"{self.scope.subject}:"

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The conditions that look at a window of their own: those of a composed rule, else the rule itself."""
        return cast("tuple[Leaf, ...]", getattr(self, "conditions", (self,)))

    @cached_property
    def looks(self) -> tuple[Leaf, ...]:
        """What a window is kept for: each of its conditions, and a surge for each length of its windows."""
        return tuple(each for leaf in self.leaves for each in (leaf.lengths if isinstance(leaf, Surge) else (leaf,)))

    @cached_property
    def span(self) -> int:
        """Seconds that a window of its own must hold."""
        return self.window.seconds

    @cached_property
    def reach(self) -> int:
        """Seconds it looks back."""
        return max(look.span for look in self.looks)

    def covers(self, subject: str) -> bool:
        """Whether the rule looks at this subject."""
        if not subject.startswith(self.prefix):
            return False
        return not self.scope.ids or subject[len(self.prefix) :] in self.scope.ids

    @cached_property
    def ladder(self) -> dict[Level, float]:
        """From how many times the bound each severity is reached."""
        return {self.severity: 1.0} if isinstance(self.severity, str) else self.severity

    def level(self, beyond: float) -> Level:
        """Severity when the bound is reached `beyond` times (1 = just reached)."""
        reached = [name for name in LEVELS if beyond >= self.ladder.get(name, float("inf"))]
        return reached[-1] if reached else min(self.ladder, key=lambda name: self.ladder[name])


Tone = Literal["negative", "all"]
Probability = Annotated[float, Meta(gt=0.0, le=0.5)]


class Threshold(Common, frozen=True, kw_only=True, tag="threshold"):
    """Rings at `at_least` units in the window."""

    at_least: Count
    of: Tone = "negative"  # units counted; all: whatever their tone


class Share(Common, frozen=True, kw_only=True, tag="share"):
    """Rings when the negative share is certainly (lower bound of its interval) at least a limit, or a multiple of the
    usual. Corrected, where the model's confusion matrix is known, for what the model takes for negative."""

    at_least: Annotated[float, Meta(gt=0.0, lt=1.0)] | None = None
    over_baseline: Annotated[float, Meta(gt=1.0, le=1_000_000.0)] | None = None
    confidence: Annotated[float, Meta(ge=0.5, lt=1.0)] = 0.95  # one-sided
    corrected: bool = True


class Surge(Common, frozen=True, kw_only=True, tag="surge"):
    """Rings when a count this high is improbable (negative-binomial tail) against the subject's seasonal baseline."""

    p: Probability = 1e-3
    false_per_week: Annotated[float, Meta(gt=0.0, le=1000.0)] | None = None  # instead of p: false alarms to live with …
    among: Count = 200  # … over so many followed subjects
    of: Tone = "negative"  # stories counted; all: a surge of volume, whatever its tone
    min_count: Count = 5  # doubled while the baseline is warming
    min_ratio: Annotated[float, Meta(ge=1.0, le=1_000_000.0)] = 2.0
    also: Annotated[tuple[Duration, ...], Meta(max_length=4)] = ()  # further lengths of the window: any of them rings
    allowance: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.0  # stories expected in any window beside the usual ones
    unsigned_news: Literal["source", "story"] = "source"  # of news without an author: who counts for `min_authors`

    @cached_property
    def lengths(self) -> tuple[Surge, ...]:
        """The rule for each length of its windows alone, the first one first; a budget is split among them."""
        if not self.also:
            return (self,)
        windows = (self.window, *self.also)
        budget = None if self.false_per_week is None else self.false_per_week / len(windows)
        changed = {"also": (), "false_per_week": budget}
        return tuple(msgspec.structs.replace(self, window=window, **changed) for window in windows)


class Shift(Common, frozen=True, kw_only=True, tag="shift"):
    """Rings when the level has changed for good: a cumulative sum of hourly counts against the baseline (CUSUM)."""

    of: Tone = "negative"
    ratio: Annotated[float, Meta(gt=1.0, le=100.0)] = 2.0  # the change looked for: so many times the usual
    at_least: Annotated[float, Meta(gt=0.0, le=1000.0)] = 6.0  # the sum of log likelihood ratios that rings
    min_count: Count = 8  # units since the change


class Silence(Common, frozen=True, kw_only=True, tag="silence"):
    """Rings when so little is improbable: a source or a subject that usually speaks has gone quiet."""

    at_most: Annotated[int, Meta(ge=0)] = 0
    p: Probability = 1e-3
    min_expected: Annotated[float, Meta(gt=0.0, le=1_000_000.0)] = (
        5.0  # usual in such a window; a rare speaker's silence says nothing
    )


class FirstSeen(Common, frozen=True, kw_only=True, tag="first_seen"):
    """Rings when a subject has something that it did not have for as long as `memory`."""

    what: Literal["risk", "topic", "source"] = "risk"
    memory: Duration = msgspec.field(default_factory=lambda: Duration(90 * 86_400))
    learn: Duration = msgspec.field(
        default_factory=lambda: Duration(7 * 86_400)
    )  # followed for less: nothing is new yet
    of: Tone = "negative"
    at_least: Count = 1  # units that have it

    @cached_property
    def sight(self) -> str:
        """Names what it takes for seen: a rule whose bound or text changes goes on with what it knows."""
        counted = (self.count, self.of, self.negative_at, self.ignore_stale, self.scope.min_confidence)
        return digest(self.what, str(self.memory), str(self.window), self.scope.filter(), *map(str, counted))[:16]


class Coordination(Common, frozen=True, kw_only=True, tag="coordination"):
    """Rings when one story is told many times by few authors."""

    at_least: Annotated[int, Meta(ge=2, le=1_000_000)] = 20  # copies
    max_author_share: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.3  # authors over copies
    of: Tone = "all"


class Spike(Common, frozen=True, kw_only=True, tag="spike"):
    """Rings when the window has many times what the time right before it had, hour for hour."""

    ratio: Annotated[float, Meta(ge=1.0, le=1000.0)] = 3.0
    reference: Duration = msgspec.field(default_factory=Duration)  # right before the window; 0: as long as the window
    of: Tone = "negative"
    min_count: Count = 5  # units in the window
    min_reference: Annotated[int, Meta(ge=0, le=1_000_000)] = 1  # units before it: many times nothing says nothing
    learn: Duration = msgspec.field(default_factory=Duration)  # followed for less: there is nothing to compare with

    @cached_property
    def before(self) -> int:
        """Seconds of its reference."""
        return self.reference.seconds or self.window.seconds

    @cached_property
    def span(self) -> int:
        """Seconds that a window of its own must hold, with what lies behind it."""
        return self.window.seconds + self.before


class Deviation(Common, frozen=True, kw_only=True, tag="deviation"):
    """Rings when the mean of the hours of the window is more than `k` standard deviations above that of a reference."""

    k: Annotated[float, Meta(ge=0.0, le=100.0)] = 2.0
    reference: Duration = msgspec.field(default_factory=lambda: Duration(7 * 86_400))  # whole hours
    apart: bool = False  # the reference ends where the window begins; else now, so that the window is part of it
    of: Tone = "negative"
    min_count: Count = 5  # units in the window
    learn: Duration = msgspec.field(default_factory=Duration)  # followed for less: there is nothing to compare with

    @cached_property
    def span(self) -> int:
        """Seconds that a window of its own must hold; apart, with the hour that the window begins within."""
        apart = self.window.seconds + self.reference.seconds + 3600
        return apart if self.apart else max(self.window.seconds, self.reference.seconds)


Leaf = Threshold | Share | Surge | Shift | Silence | FirstSeen | Coordination | Spike | Deviation
Conditions = Annotated[tuple[Leaf, ...], Meta(min_length=2, max_length=8)]


class All(Common, frozen=True, kw_only=True, tag="all"):
    """Rings while all its conditions hold for one subject."""

    conditions: Conditions


class Any_(Common, frozen=True, kw_only=True, tag="any"):  # noqa: N801 - `any` is the word in a rule file
    """Rings while one of its conditions holds."""

    conditions: Conditions


Rule = Leaf | All | Any_
LEAVES: Final[dict[str, type[Struct]]] = {
    "threshold": Threshold,
    "share": Share,
    "surge": Surge,
    "shift": Shift,
    "silence": Silence,
    "first_seen": FirstSeen,
    "coordination": Coordination,
    "spike": Spike,
    "deviation": Deviation,
}
KINDS: Final[dict[str, type[Struct]]] = LEAVES | {"all": All, "any": Any_}
# What only a whole rule has.
OF_RULE: Final = frozenset(
    {"name", "about", "enabled", "for", "keep_firing_for", "clear_at", "severity", "labels", "annotations", "also"}
)
# Fields that were added to a kind, and what they say when they say nothing.
LATER: Final = {"also": (), "allowance": 0.0, "unsigned_news": "source"}
# What only the scope of a whole rule has: a condition looks at the subjects of its rule.
OF_SCOPE: Final = ("ids", "lists")
