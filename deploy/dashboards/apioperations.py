"""Numbers and buckets as the Dashboards API (9.5) takes them, strictly."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deploy.dashboards.strict import Colour, Query, Strict, Words


class Expression(Strict):
    """A condition."""

    language: Literal["kql"]
    expression: Query


class Format(Strict):
    """How a number is shown."""

    type: Literal["number", "percent"]
    decimals: Annotated[int, Field(ge=0, le=4)]


class Colouring(Strict):
    """One colour for all of a metric."""

    type: Literal["static"]
    color: Colour


class Metric(Strict):
    """What every operation has."""

    label: Words
    format: Format | None = None
    color: Colouring | None = None
    type: Literal["primary"] | None = None


class Count(Metric):
    """How many records."""

    operation: Literal["count"]
    filter: Expression | None = None


class OfField(Metric):
    """Something of the values of a field."""

    operation: Literal["unique_count", "average", "max"]
    field: Words
    filter: Expression | None = None


class Formula(Metric):
    """A share."""

    operation: Literal["formula"]
    formula: Annotated[str, Field(pattern=r"^count\(kql='[^']+'\) / count\((?:kql='[^']+')?\)$")]


AnyMetric = Annotated[Count | OfField | Formula, Field(discriminator="operation")]


class OverTime(Strict):
    """Buckets of time."""

    operation: Literal["date_histogram"]
    field: Literal["@timestamp"]


class Rank(Strict):
    """By which metric values are chosen."""

    type: Literal["metric"]
    metric_index: Annotated[int, Field(ge=0)]
    direction: Literal["desc"]


class Terms(Strict):
    """Buckets of values."""

    operation: Literal["terms"]
    fields: Annotated[list[Words], Field(min_length=1, max_length=1)]
    label: Words
    limit: Annotated[int, Field(ge=1, le=100)]
    rank_by: Rank
    click_filter: Literal[True] | None = None


class Part(Strict):
    """One condition of several."""

    filter: Expression
    label: Words


class Filters(Strict):
    """Buckets of conditions."""

    operation: Literal["filters"]
    label: Words
    filters: Annotated[list[Part], Field(min_length=1, max_length=20)]


AnyBucket = Annotated[OverTime | Terms | Filters, Field(discriminator="operation")]
