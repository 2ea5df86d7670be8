"""What is known to have happened: dated events of a subject that a rule should ring for, and controls it should not.

A truth file (`truth.yaml` or JSON) is a list of events under `events`, with an optional `labelled`: the subjects and
the period for which the list is complete. Without it, it is taken to be complete for every subject of the replay or, by
option (`result.Matching.unlabelled`), for those that it names. Times state their zone. `alerts.evaluation.truth_files`
reads and writes it; `dated` and `price_drops` make it of what others wrote.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from streams.records import Id, Short, Time

YEARS: Final = range(1900, 2200)  # of times in truth files: others are slips, and computing with them overflows


class TruthEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that happened to one subject. `negative` must ring; `control` (copies, good news) must not."""

    subject: Id  # "entity:AAPL"
    onset: Time  # when it began, or when the public could first know
    end: Time | None = None  # None: as long after the onset as the matching says
    kind: Literal["negative", "control"] = "negative"
    note: Annotated[str, Meta(max_length=1000)] = ""
    topic: Short = ""  # of models.labels; as `risk` and `lang` for figures by group
    risk: Short = ""
    lang: Annotated[str, Meta(max_length=16)] = ""
    name: Short = ""  # of the subject, for people
    day_only: bool = False  # the onset is known to the day: no delay is measured
    source: Short = ""  # who says so: a file, an importer, a person
    stream: Short = ""  # noted in this collection: left out where a replay's stream never speaks of the subject


class Labelled(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For whom and when the events are all there were. Empty `subjects`: every subject that the replay followed."""

    subjects: tuple[Id, ...] = ()
    begin: Time | None = None
    end: Time | None = None


class Truth(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A truth file."""

    events: tuple[TruthEvent, ...]
    labelled: Labelled | None = None
    note: Annotated[str, Meta(max_length=2000)] = ""
