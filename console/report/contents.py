"""What a report is made of: figures and records of one period, before any words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from alerts.evaluation.badge import Badge
from console.opinion.counts import Counts
from console.opinion.stories import Story
from console.opinion.totals import Series
from console.report.happenings import Happening
from console.report.noise import Difference, Tally
from console.report.period import Period

What = Literal["share", "number"]
Missing = Literal["opinion"]


@dataclass(frozen=True, slots=True)
class Usual:
    """The same weekdays of the weeks before, as far as there was anything then."""

    weeks: int
    counts: Counts  # of all of them together

    @property
    def documents(self) -> float:
        """The mean."""
        return self.counts.documents / self.weeks


@dataclass(frozen=True, slots=True)
class Move:
    """A company or topic that moved by more than noise, counted in stories."""

    subject: str
    name: str
    what: What
    by: Difference
    now: Tally
    before: Tally
    documents: Counts
    stories: tuple[Story, ...]  # of now, the negative ones, most told first
    cut: bool = False  # more documents than were read: the tally is that of the newest


@dataclass(frozen=True, slots=True)
class Row:
    """One topic, kind of risk, source or language, now and before."""

    value: str
    name: str
    now: Counts
    before: Counts
    stories: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True)
class Judges:
    """One model, and how many documents it judged."""

    name: str
    version: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the index holds of the period."""

    now: Counts
    before: Counts | None  # None: nothing had been collected yet
    usual: Usual | None
    collected_since: datetime | None  # when the oldest document was collected
    stale: int
    late: int  # indexed only after the period had ended …
    latest: datetime | None  # … the last of them then
    demo: int
    cells: Series  # bucket by bucket
    days: tuple[tuple[date, Counts], ...]
    companies: tuple[Row, ...]  # with most negative documents
    topics: tuple[Row, ...]
    risks: tuple[Row, ...]
    sources: tuple[Row, ...]
    gone: tuple[str, ...]  # sources that brought something in the time before, and nothing now
    moves: tuple[Move, ...]
    subjects: int  # companies and topics of both spans …
    compared: int  # … and the comparisons of them that there was enough for
    stories: tuple[Story, ...]  # negative ones, most told first
    stories_of: int  # all negative stories
    stories_cut: bool
    models: tuple[Judges, ...]
    unjudged: Mapping[str, int]  # by reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. What is `missing` could not be read, and is said to be missing."""

    period: Period
    made_at: datetime
    namespace: str
    opinion: Opinion | None
    rang: tuple[Happening, ...]  # began to ring within the period, gravest first
    open_before: tuple[Happening, ...]  # began before, and went on into it
    rang_before: int | None  # in the period before; None: the log does not reach back so far
    itself: tuple[Happening, ...]  # what Tocsin said of itself
    letters: Mapping[str, int]  # dead letters by stage
    badges: Mapping[str, Badge] = field(default_factory=dict)  # by hash of the rule
    missing: tuple[Missing, ...] = ()

    @property
    def demo(self) -> bool:
        """Whether any of it is invented."""
        documents = self.opinion is not None and self.opinion.demo > 0
        return documents or any(h.event.demo for h in (*self.rang, *self.open_before))

    @property
    def empty(self) -> bool:
        """Whether nothing was collected and nothing rang or went on."""
        quiet = not self.rang and not self.open_before
        return quiet and self.opinion is not None and not self.opinion.now.documents
