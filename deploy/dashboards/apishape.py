"""The part of the Dashboards API (9.5) that is written here, strictly: what does not fit never reaches a Kibana."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deploy.dashboards.apioperations import AnyBucket, AnyMetric, Expression
from deploy.dashboards.strict import Column, Down, Height, Id, Span, Strict, Width, Words


class Source(Strict):
    """The data view."""

    type: Literal["data_view_reference"]
    ref_id: Id


class Drilldown(Strict):
    """The dashboard that a click opens."""

    type: Literal["dashboard_drilldown"]
    trigger: Literal["on_apply_filter"]
    dashboard_id: Id
    label: Words
    use_filters: bool
    use_time_range: bool
    open_in_new_tab: bool


class Config(Strict):
    """What every chart has."""

    title: Words | None = None
    query: Expression | None = None
    drilldowns: list[Drilldown] | None = None


class MetricChart(Config):
    """One number; it shows the label of its metric, not a title."""

    type: Literal["metric"]
    data_source: Source
    metrics: Annotated[list[AnyMetric], Field(min_length=1, max_length=1)]


class Sorting(Strict):
    """Which column orders a table."""

    column_type: Literal["metric"]
    index: Annotated[int, Field(ge=0)]
    direction: Literal["desc"]


class TableStyling(Strict):
    """The look of a table."""

    sort_by: Sorting


class Table(Config):
    """A table."""

    type: Literal["data_table"]
    data_source: Source
    metrics: Annotated[list[AnyMetric], Field(min_length=1)]
    rows: Annotated[list[AnyBucket], Field(min_length=1)]
    styling: TableStyling


class Pie(Config):
    """A pie."""

    type: Literal["pie"]
    data_source: Source
    metrics: Annotated[list[AnyMetric], Field(min_length=1, max_length=1)]
    group_by: Annotated[list[AnyBucket], Field(min_length=1, max_length=1)]


class Heatmap(Config):
    """A heat map."""

    type: Literal["heatmap"]
    data_source: Source
    metric: AnyMetric
    x: AnyBucket
    y: AnyBucket


class Tags(Config):
    """A tag cloud."""

    type: Literal["tag_cloud"]
    data_source: Source
    metric: AnyMetric
    tag_by: AnyBucket


class Layer(Strict):
    """What is drawn."""

    type: Literal["line", "bar_stacked", "area_stacked", "bar_horizontal"]
    data_source: Source
    x: AnyBucket
    y: Annotated[list[AnyMetric], Field(min_length=1)]
    breakdown_by: AnyBucket | None = None


class Visible(Strict):
    """Whether something is shown."""

    visible: bool


class Axis(Strict):
    """One axis."""

    title: Visible


class Axes(Strict):
    """Both axes."""

    x: Axis
    y: Axis


class Legend(Strict):
    """The legend."""

    visibility: Literal["visible", "hidden"]
    position: Literal["bottom"]


class XY(Config):
    """Lines, bars or areas."""

    type: Literal["xy"]
    axis: Axes
    legend: Legend
    layers: Annotated[list[Layer], Field(min_length=1, max_length=1)]


Chart = Annotated[MetricChart | Table | Pie | Heatmap | Tags | XY, Field(discriminator="type")]


class Grid(Strict):
    """The place of a panel."""

    x: Column
    y: Down
    w: Width
    h: Height


class Visual(Strict):
    """A chart in its place."""

    type: Literal["vis"]
    id: Id
    grid: Grid
    config: Chart


class Content(Strict):
    """Markdown."""

    content: Annotated[str, Field(min_length=1, max_length=5000)]


class Markdown(Strict):
    """A text in its place."""

    type: Literal["markdown"]
    id: Id
    grid: Grid
    config: Content


class ControlConfig(Strict):
    """Whose values a control lists."""

    title: Words
    data_view_id: Id
    field_name: Words


class Control(Strict):
    """A list of values above the panels."""

    type: Literal["options_list_control"]
    width: Literal["medium"]
    grow: bool
    config: ControlConfig


class TimeRange(Strict):
    """How far back a dashboard looks."""

    from_: Annotated[Span, Field(alias="from")]
    to: Literal["now"]


class Dashboard(Strict):
    """The body of `PUT /api/dashboards/{id}`."""

    title: Words
    description: Words
    time_range: TimeRange
    pinned_panels: list[Control]
    panels: Annotated[list[Annotated[Visual | Markdown, Field(discriminator="type")]], Field(max_length=100)]
