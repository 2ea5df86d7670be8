"""The result of an evaluation as data: what `tocsin replay --json` writes, and what pages, comparisons, gates and
badges are made of. Shares are of 1, durations seconds, times RFC 3339. What cannot be computed is null, never zero.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from streams.records import Time

VERSION: Final = 1


class Interval(Struct, frozen=True):
    """95 %, by percentile bootstrap over truth events and, for what false alarms enter, over subject-weeks; exact where
    a sample is all or nothing."""

    low: float
    high: float


class Measure(Struct, frozen=True, kw_only=True):
    """How good a rule is on some events and subject-days."""

    alerts: int  # episodes that fired
    true: int  # alerts that were the first of a negative event
    repeats: int  # further alerts within an event already found: neither right nor wrong
    false: int  # all others
    excluded: int  # outside what is labelled, when that is not counted as false
    events: int  # negative truth events
    found: int
    controls: int
    controls_fired: int
    subject_days: float
    precision: float | None  # true / (true + false)
    recall: float | None
    f1: float | None
    false_per_subject_day: float | None
    delay_median_s: float | None  # from onset to firing; of events whose onset is known to the second
    delay_p90_s: float | None
    public_delay_median_s: float | None  # from the first document about the subject within the event
    public_delay_p90_s: float | None
    score: float | None  # delay-weighted, after NAB: 1 all found at once and nothing false, 0 a rule that never rings
    score_low_false: float | None  # the same where a false alarm weighs double
    score_low_miss: float | None  # … where a miss weighs double
    precision_interval: Interval | None = None
    recall_interval: Interval | None = None
    f1_interval: Interval | None = None
    false_interval: Interval | None = None
    delay_interval: Interval | None = None


class Point(Struct, frozen=True, kw_only=True):
    """One setting of a rule's knob, replayed."""

    value: float
    precision: float | None
    recall: float | None
    false_per_subject_day: float | None
    delay_median_s: float | None
    controls_fired: int
    alerts: int
    found: int


class AtRate(Struct, frozen=True, kw_only=True):
    """The best recall of a rule's curve at no more than so many false alarms."""

    limit: float  # false alerts per subject-day, or alerts a week
    value: float | None  # of the knob; None: no setting of the knob keeps the limit
    recall: float | None
    false_per_subject_day: float | None
    delay_median_s: float | None
    controls_fired: int | None


class Told(Struct, frozen=True, kw_only=True):
    """A document that shows what an alert or an event was about."""

    at: Time
    headline: str
    source: str
    url: str
    negative: float | None
    document: str = ""


class Episode(Struct, frozen=True, kw_only=True):
    """One alert of one rule: from firing to its end, and what the truth says of it."""

    alert: str
    rule: str
    subject: str
    name: str
    at: Time  # fired
    until: Time | None  # resolved; None: still open at the end
    severity: str  # the highest it reached
    beyond: float  # the most times the bound was reached
    observed: float
    expected: float | None
    judged: Literal["true", "repeat", "false", "control", "excluded"]
    event: int | None = None  # place in `Evaluation.events`
    lang: str = ""
    topic: str = ""
    risk: str = ""
    documents: tuple[Told, ...] = ()


class Outcome(Struct, frozen=True, kw_only=True):
    """What one rule made of one truth event."""

    event: int  # place in `Evaluation.events`
    found: bool  # a control: it rang
    at: Time | None = None
    alert: str = ""
    delay_s: float | None = None
    public_delay_s: float | None = None


class RuleResult(Measure, frozen=True, kw_only=True):
    """One rule, measured."""

    hash: str
    type: str
    by: dict[str, dict[str, Measure]] = {}  # subject, topic, risk, lang -> value -> figures
    episodes: tuple[Episode, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    knob: str = ""  # name of the parameter that the curve varies
    curve: tuple[Point, ...] = ()
    at_false_rates: tuple[AtRate, ...] = ()
    at_alerts_a_week: tuple[AtRate, ...] = ()


class Matching(Struct, frozen=True, kw_only=True):
    """How alerts and events are brought together. An alert matches a negative event of its subject when it fires no
    earlier than `before_s` before the onset and no later than the end, or `after_s` after the onset when that is later.
    The first alert finds the event. Of several events that nothing has found yet an alert takes the one that began
    last; where all of them are found it is a repeat. Controls have the same window; within a negative event's there is
    no control. `unlabelled`: what becomes of alerts outside the subjects and the time that the truth is complete for.
    """

    before_s: float = 7200.0
    after_s: float = 86_400.0
    unlabelled: Literal["false", "excluded"] = "false"


class EventOf(Struct, frozen=True, kw_only=True):
    """A truth event as it was used, with what the replayed stream holds about it. Elsewhere it goes by its place in
    `Evaluation.events`: events of the truth that lie outside the replay are not among them."""

    subject: str
    name: str
    onset: Time
    begin: Time  # of the window in which an alert finds it
    end: Time
    kind: str
    note: str
    day_only: bool
    documents: int
    first_public: Time | None
    told: tuple[Told, ...] = ()
    topic: str = ""
    risk: str = ""
    lang: str = ""


class Day(Struct, frozen=True, kw_only=True):
    """One subject on one UTC day."""

    day: str
    mentions: int
    judged: int
    negative: int


class Note(Struct, frozen=True, kw_only=True):
    """A sentence by its code, so that it can be said in any language (`alerts.evaluation.notes.sentence`)."""

    code: str
    values: dict[str, str | int | float] = {}


class Evaluation(Struct, frozen=True, kw_only=True):
    """Everything measured in one replay."""

    v: int = VERSION
    code: str  # version of Tocsin, with the commit where it is known
    made_at: Time
    sources: tuple[str, ...]
    models: dict[str, int]  # judged mentions by model@version
    begin: Time
    end: Time
    mentions: int
    subjects: int  # followed by the rules, within what is labelled
    subject_days: float
    labelled: str  # for people: for whom and when the truth is complete
    matching: Matching
    events: tuple[EventOf, ...]
    rules: dict[str, RuleResult]  # by name
    timelines: dict[str, tuple[Day, ...]] = {}  # of subjects with events or false alarms
    caveats: tuple[str, ...] = ()  # what the data cannot show
    notes: tuple[Note, ...] = ()  # the sentences of `caveats`, in their order
    labelled_as: Note | None = None  # the sentence of `labelled`
