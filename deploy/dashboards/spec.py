"""What a dashboard is made of, whatever Kibana it is for: panels described by their aggregations.

Words are keys of messages; whoever writes a dashboard says in which language. A panel that cannot be drawn is refused
here, when it is described, not by a Kibana later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from deploy.dashboards.filters import Filter

COLUMNS: Final = 48  # of Kibana's grid
TIME: Final = "@timestamp"
Of = Literal["count", "unique", "average", "max", "share"]
Kind = Literal["metric", "line", "bars", "area", "ranking", "pie", "table", "heatmap", "tags"]
ViewName = Literal["documents", "alerts", "compared", "replayed"]
# How many buckets each kind is made of, and how many metrics it can show.
SHAPES: Final[dict[Kind, tuple[range, range]]] = {
    "metric": (range(1), range(1, 2)),
    "line": (range(1, 3), range(1, 9)),
    "bars": (range(1, 3), range(1, 9)),
    "area": (range(1, 3), range(1, 9)),
    "ranking": (range(1, 2), range(1, 4)),
    "pie": (range(1, 2), range(1, 2)),
    "table": (range(1, 4), range(1, 11)),
    "heatmap": (range(2, 3), range(1, 2)),
    "tags": (range(1, 2), range(1, 2)),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: how many records, how many different values, an average, a greatest value, or a share of records.

    `where` limits what is counted; of a share it is the part, and `among` the whole.
    """

    label: str
    of: Of = "count"
    field: str = ""
    where: Filter | None = None
    among: Filter | None = None
    colour: str = ""
    digits: int = 0

    def __post_init__(self) -> None:
        if (self.of in ("count", "share")) == bool(self.field):
            raise ValueError(f"the metric {self.label}: {self.of} and the field {self.field or '(none)'} do not go")
        if self.of == "share" and self.where is None:
            raise ValueError(f"the metric {self.label}: a share has a part")


@dataclass(frozen=True, slots=True)
class OverTime:
    """One bucket for each stretch of time; how long is decided by the span that is looked at."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One bucket for each of the values that are greatest by the metric in the place `rank`."""

    field: str
    label: str
    limit: int = 10
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """One bucket for each condition, each under a name of its own."""

    label: str
    parts: tuple[tuple[str, Filter], ...]


Bucket = OverTime | Terms | Split


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart, number or table. `opens`: the dashboard that a click leads to, with the value as its filter."""

    id: str
    kind: Kind
    view: ViewName
    metrics: tuple[Metric, ...]
    by: tuple[Bucket, ...] = ()
    where: Filter | None = None
    opens: str = ""

    def __post_init__(self) -> None:
        buckets, metrics = SHAPES[self.kind]
        if len(self.by) not in buckets or len(self.metrics) not in metrics:
            raise ValueError(
                f"the panel {self.id}: a {self.kind} of {len(self.by)} buckets, {len(self.metrics)} metrics"
            )
        for bucket in self.by:
            if isinstance(bucket, Terms) and self.metrics[bucket.rank].of == "share":
                raise ValueError(f"the panel {self.id}: Kibana cannot order values by a share")

    @property
    def nesting(self) -> tuple[int, ...]:
        """Places of the buckets from the outermost: values before time, so that the greatest are those of all time."""
        return tuple(sorted(range(len(self.by)), key=lambda n: isinstance(self.by[n], OverTime)))


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the reader, in Markdown."""

    id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the grid of 48 columns."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel or a text in its place."""

    tile: Panel | Text
    place: Place


@dataclass(frozen=True, slots=True)
class Control:
    """A list of values above the panels; what is chosen filters all of them."""

    field: str
    label: str


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `hours`: how far back it looks when it is opened."""

    id: str
    hours: int
    view: ViewName  # whose values the controls list
    tiles: tuple[Placed, ...]
    controls: tuple[Control, ...] = ()
    links: tuple[str, ...] = field(default=())  # other dashboards that its help leads to

    def panels(self) -> Iterator[tuple[Panel, Place]]:
        """The panels, without the texts."""
        for one in self.tiles:
            if isinstance(one.tile, Panel):
                yield one.tile, one.place


Row = tuple[int, Sequence[tuple[int, Panel | Text]]]  # height, then width and what stands there, from the left


def stacked(*rows: Row) -> tuple[Placed, ...]:
    """Rows from the top, each filled from the left, without gaps: Kibana would close them."""
    found: list[Placed] = []
    y = 0
    for height, tiles in rows:
        x = 0
        for width, tile in tiles:
            found.append(Placed(tile, Place(x, y, width, height)))
            x += width
        y += height
    return tuple(found)
