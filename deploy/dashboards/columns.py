"""Buckets and metrics as columns of Lens, the way it keeps them in saved objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.dashboards.fieldtypes import lens_type
from deploy.dashboards.filters import kql
from deploy.dashboards.naming import Words
from deploy.dashboards.spec import TIME, Bucket, Metric, OverTime, Panel, Split, Terms

RECORDS: Final = "___records___"
OPERATIONS: Final = {"count": "count", "unique": "unique_count", "average": "average", "max": "max"}


@dataclass(slots=True)
class Columns:
    """The columns of one layer: buckets first, as Lens demands, then metrics and what formulas are made of."""

    buckets: list[str] = field(default_factory=list)
    nesting: tuple[int, ...] = ()  # places of the buckets, from the outermost
    metrics: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    all: dict[str, dict[str, Any]] = field(default_factory=dict)

    def layer(self) -> dict[str, Any]:
        """The layer as Lens keeps it."""
        order = [*(self.buckets[n] for n in self.nesting), *self.metrics, *self.parts]
        return {
            "columnOrder": order,
            "columns": {name: self.all[name] for name in order},
            "incompleteColumns": {},
            "sampling": 1,
        }


def columns(panel: Panel, words: Words) -> Columns:
    """All columns of a panel. Their ids come from the panel's, so the same panel has the same at every import."""
    found = Columns(nesting=panel.nesting)
    found.metrics = [f"{panel.id}-metric-{n}" for n in range(len(panel.metrics))]
    for n, bucket in enumerate(panel.by):
        name = f"{panel.id}-bucket-{n}"
        found.buckets.append(name)
        found.all[name] = _bucket(panel, bucket, found.metrics, words)
    for name, metric in zip(found.metrics, panel.metrics, strict=True):
        if metric.of == "share":
            made = _share(name, metric, words.say(f"metrics.{metric.label}"))
            found.all |= made
            found.parts += [part for part in made if part != name]
        else:
            found.all[name] = _metric(panel, metric, words)
    return found


def _bucket(panel: Panel, bucket: Bucket, metrics: list[str], words: Words) -> dict[str, Any]:
    match bucket:
        case OverTime():
            return {
                "dataType": "date", "isBucketed": True, "label": TIME, "operationType": "date_histogram",
                "params": {"dropPartials": False, "includeEmptyRows": True, "interval": "auto"},
                "scale": "interval", "sourceField": TIME,
            }  # fmt: skip
        case Terms():
            return {
                "customLabel": True, "dataType": lens_type(panel.view, bucket.field), "isBucketed": True,
                "label": words.say(f"buckets.{bucket.label}"), "operationType": "terms",
                "params": {
                    "exclude": [], "excludeIsRegex": False, "include": [], "includeIsRegex": False,
                    "missingBucket": False, "orderBy": {"columnId": metrics[bucket.rank], "type": "column"},
                    "orderDirection": "desc", "otherBucket": False, "parentFormat": {"id": "terms"},
                    "size": bucket.limit,
                },
                "scale": "ordinal", "sourceField": bucket.field,
            }  # fmt: skip
        case Split():
            parts = [
                {"input": {"language": "kuery", "query": kql(part)}, "label": words.say(f"metrics.{label}")}
                for label, part in bucket.parts
            ]
            return {
                "customLabel": True, "dataType": "string", "isBucketed": True,
                "label": words.say(f"buckets.{bucket.label}"), "operationType": "filters",
                "params": {"filters": parts}, "scale": "ordinal",
            }  # fmt: skip


def _number_format(metric: Metric) -> dict[str, Any]:
    return {"format": {"id": "number", "params": {"decimals": metric.digits}}}


def _metric(panel: Panel, metric: Metric, words: Words) -> dict[str, Any]:
    dated = metric.of == "max" and lens_type(panel.view, metric.field) == "date"
    params: dict[str, Any] = {"emptyAsNull": metric.of in ("average", "max")}
    column: dict[str, Any] = {
        "customLabel": True,
        "dataType": "date" if dated else "number",
        "isBucketed": False,
        "label": words.say(f"metrics.{metric.label}"),
        "operationType": OPERATIONS[metric.of],
        "params": params if dated else params | _number_format(metric),
        "scale": "ratio",
        "sourceField": metric.field or RECORDS,
    }
    return column | _filter(kql(metric.where))


def _filter(condition: str) -> dict[str, Any]:
    return {"filter": {"language": "kuery", "query": condition}} if condition else {}


def formula(metric: Metric) -> str:
    """A share in the language of Lens' formulas. Conditions hold no single quote, which would end them."""
    whole = f"count(kql='{kql(metric.among)}')" if metric.among else "count()"
    return f"count(kql='{kql(metric.where)}') / {whole}"


def _share(name: str, metric: Metric, label: str) -> Mapping[str, dict[str, Any]]:
    """A formula and the columns that Lens splits it into: without those the number stays empty."""
    text = formula(metric)
    part, whole, quotient = (f"{name}X{n}" for n in range(3))
    plain = {"customLabel": True, "dataType": "number", "isBucketed": False, "scale": "ratio"}
    count = plain | {"operationType": "count", "sourceField": RECORDS, "params": {"emptyAsNull": False}}
    syntax = {
        "type": "function", "name": "divide", "args": [part, whole],
        "location": {"min": 0, "max": len(text)}, "text": text,
    }  # fmt: skip
    return {
        name: plain | {
            "label": label, "operationType": "formula", "references": [quotient],
            "params": {
                "formula": text, "isFormulaBroken": False,
                "format": {"id": "percent", "params": {"decimals": metric.digits}},
            },
        },
        part: count | {"label": f"Part of {label}"} | _filter(kql(metric.where)),
        whole: count | {"label": f"Part of {label}"} | _filter(kql(metric.among)),
        quotient: plain | {
            "label": f"Part of {label}", "operationType": "math", "references": [part, whole],
            "params": {"tinymathAst": syntax},
        },
    }  # fmt: skip
