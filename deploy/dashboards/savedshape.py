# ruff: noqa: N815 - the names are Kibana's
"""The part of Kibana's saved objects (8.19 to 9.4) that is written here, strictly.

What Kibana keeps as strings of JSON is read before it is checked; a string where an object belongs, or the other way
round, is what makes an import end in an error 500.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Json

from deploy.dashboards.strict import Column, Down, Height, Id, Span, Strict, Width, Words


class Reference(Strict):
    """What an object needs to be there."""

    id: Id
    name: Words
    type: Literal["index-pattern", "dashboard"]


class Kuery(Strict):
    """A condition."""

    language: Literal["kuery"]
    query: Annotated[str, Field(max_length=2000, pattern=r"^[^']*$")]


class Part(Strict):
    """What every column of Lens has."""

    dataType: Literal["number", "string", "date", "boolean"]
    isBucketed: bool
    label: Words
    scale: Literal["ratio", "interval", "ordinal"]
    customLabel: Literal[True] | None = None
    params: dict[str, Any]


class OfRecords(Part):
    """A metric or a bucket of a field, or of all records."""

    operationType: Literal["count", "unique_count", "average", "max", "date_histogram", "terms"]
    sourceField: Words
    filter: Kuery | None = None


class OfOthers(Part):
    """A formula, or a part of one."""

    operationType: Literal["formula", "math"]
    references: Annotated[list[Words], Field(min_length=1, max_length=2)]


class OfConditions(Part):
    """Buckets of conditions."""

    operationType: Literal["filters"]


LensColumn = Annotated[OfRecords | OfOthers | OfConditions, Field(discriminator="operationType")]


class Layer(Strict):
    """The columns of a panel."""

    columnOrder: Annotated[list[Words], Field(min_length=1)]
    columns: dict[str, LensColumn]
    incompleteColumns: Annotated[dict[str, Any], Field(max_length=0)]
    sampling: Literal[1]


class Layers(Strict):
    """The layers of the datasource that is used."""

    layers: Annotated[dict[str, Layer], Field(min_length=1, max_length=1)]


class NoLayers(Strict):
    """A datasource that is not used and must be there."""

    layers: Annotated[dict[str, Any], Field(max_length=0)]


class Datasources(Strict):
    """All three of them."""

    formBased: Layers
    indexpattern: NoLayers
    textBased: NoLayers


class State(Strict):
    """What Lens keeps of a chart."""

    adHocDataViews: Annotated[dict[str, Any], Field(max_length=0)]
    datasourceStates: Datasources
    filters: Annotated[list[Any], Field(max_length=0)]
    internalReferences: Annotated[list[Any], Field(max_length=0)]
    query: Kuery
    visualization: dict[str, Any]


class Attributes(Strict):
    """A chart."""

    title: Words
    description: str
    type: Literal["lens"]
    visualizationType: Literal["lnsMetric", "lnsXY", "lnsPie", "lnsDatatable", "lnsHeatmap", "lnsTagcloud"]
    references: Annotated[list[Reference], Field(min_length=1, max_length=1)]
    state: State


class Goal(Strict):
    """How a click leads on."""

    openInNewTab: bool
    useCurrentDateRange: bool
    useCurrentFilters: bool


class Action(Strict):
    """What a click does."""

    config: Goal
    factoryId: Literal["DASHBOARD_TO_DASHBOARD_DRILLDOWN"]
    name: Words


class Event(Strict):
    """A click."""

    action: Action
    eventId: Id
    triggers: list[Literal["FILTER_TRIGGER"]]


class Events(Strict):
    """Clicks."""

    events: list[Event]


class Enhancements(Strict):
    """What a panel does beside being drawn."""

    dynamicActions: Events | None = None


class LensConfig(Strict):
    """A chart in a dashboard."""

    attributes: Attributes
    enhancements: Enhancements
    hidePanelTitles: bool


class SavedText(Strict):
    """Markdown, as the older visualization that holds it."""

    data: dict[str, Any]
    description: str
    id: str
    title: str
    type: Literal["markdown"]
    uiState: Annotated[dict[str, Any], Field(max_length=0)]
    params: dict[str, Any]


class TextConfig(Strict):
    """A text in a dashboard."""

    enhancements: Enhancements
    hidePanelTitles: bool
    savedVis: SavedText


class Grid(Strict):
    """The place of a panel."""

    x: Column
    y: Down
    w: Width
    h: Height
    i: Id


class LensPanel(Strict):
    """A chart in its place."""

    type: Literal["lens"]
    title: Words
    gridData: Grid
    panelIndex: Id
    embeddableConfig: LensConfig


class TextPanel(Strict):
    """A text in its place."""

    type: Literal["visualization"]
    gridData: Grid
    panelIndex: Id
    embeddableConfig: TextConfig


Panel = Annotated[LensPanel | TextPanel, Field(discriminator="type")]


class Controls(Strict):
    """The lists above the panels."""

    chainingSystem: Literal["HIERARCHICAL"]
    controlStyle: Literal["oneLine"]
    ignoreParentSettingsJSON: Json[dict[str, bool]]
    panelsJSON: Json[dict[str, dict[str, Any]]]
    showApplySelections: bool


class Search(Strict):
    """What the whole dashboard is filtered by."""

    searchSourceJSON: Json[dict[str, Any]]


class Refresh(Strict):
    """How often it is drawn anew."""

    pause: bool
    value: int


class DashboardAttributes(Strict):
    """A dashboard."""

    title: Words
    description: Words
    version: Literal[1]
    timeRestore: Literal[True]
    timeFrom: Span
    timeTo: Literal["now"]
    refreshInterval: Refresh
    optionsJSON: Json[dict[str, bool]]
    panelsJSON: Json[Annotated[list[Panel], Field(min_length=1, max_length=100)]]
    kibanaSavedObjectMeta: Search
    controlGroupInput: Controls


class DataViewAttributes(Strict):
    """A data view."""

    title: Words
    name: Words
    timeFieldName: Literal["@timestamp"]
    allowNoIndex: Literal[True]
    fields: Json[list[Any]]
    fieldAttrs: Json[dict[str, Any]]
    fieldFormatMap: Json[dict[str, dict[str, Any]]]
    runtimeFieldMap: Json[dict[str, Any]]
    typeMeta: Json[dict[str, Any]]


class Saved(Strict):
    """What every saved object has; without its versions an import ends in an error 500."""

    id: Id
    managed: Literal[False]
    references: list[Reference]
    coreMigrationVersion: Literal["8.8.0"]


class SavedDashboard(Saved):
    """A dashboard as a line of the file."""

    type: Literal["dashboard"]
    typeMigrationVersion: Literal["10.2.0"]
    attributes: DashboardAttributes


class SavedDataView(Saved):
    """A data view as a line of the file."""

    type: Literal["index-pattern"]
    typeMigrationVersion: Literal["8.0.0"]
    attributes: DataViewAttributes


SavedObject = Annotated[SavedDashboard | SavedDataView, Field(discriminator="type")]
