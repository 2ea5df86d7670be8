"""What a panel asks Elasticsearch, and what the answer means: the aggregations that Kibana would run, run by us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from deploy.dashboards.filters import Filter, query
from deploy.dashboards.spec import TIME, Bucket, Metric, OverTime, Panel, Split, Terms

STEPS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
)
MOST: Final = 75  # buckets of time in a chart, as Kibana's own
COUNTS: Final = ("count", "share")
Value = float | None


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when; the end does not belong to it."""

    begin: datetime
    end: datetime

    @property
    def step(self) -> timedelta:
        """How long one bucket of time is."""
        length = self.end - self.begin
        return next((step for step in STEPS if length / step <= MOST), STEPS[-1])


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of bucket values, and what the metrics are there. None: there is nothing to tell."""

    keys: tuple[str, ...]
    values: tuple[Value, ...]
    records: int


def body(panel: Panel, window: Window) -> dict[str, Any]:
    """The search of a panel over a window."""
    time = {"range": {TIME: {"gte": _stamp(window.begin), "lt": _stamp(window.end)}}}
    conditions = [time, *([query(panel.where)] if panel.where else [])]
    return {
        "size": 0,
        "track_total_hits": True,
        "query": {"bool": {"filter": conditions}},
        "aggs": _aggregations(panel, tuple(panel.by[n] for n in panel.nesting), window),
    }


def _stamp(at: datetime) -> str:
    return at.isoformat()


def _aggregations(panel: Panel, left: tuple[Bucket, ...], window: Window) -> dict[str, Any]:
    metrics = {name: one for n, metric in enumerate(panel.metrics) for name, one in _metric(n, metric).items()}
    if not left:
        return metrics
    inner = _aggregations(panel, left[1:], window) if left[1:] else {}
    return {"by": _bucket(panel, left[0], window) | {"aggs": metrics | inner}}


def _metric(n: int, metric: Metric) -> dict[str, Any]:
    name, counted = f"m{n}", {"filter": _condition(metric.where)}
    if metric.of == "share":
        return {name: counted, f"{name}w": {"filter": _condition(metric.among)}}
    if metric.of == "count":
        return {name: counted}
    kind = {"unique": "cardinality", "average": "avg", "max": "max"}[metric.of]
    return {name: counted | {"aggs": {"v": {kind: {"field": metric.field}}}}}


def _condition(condition: Filter | None) -> dict[str, Any]:
    return query(condition) if condition else {"match_all": {}}


def _bucket(panel: Panel, bucket: Bucket, window: Window) -> dict[str, Any]:
    match bucket:
        case OverTime():
            bounds = {"min": _stamp(window.begin), "max": _stamp(window.end - timedelta(milliseconds=1))}
            step = int(window.step.total_seconds())
            return {
                "date_histogram": {
                    "field": TIME, "fixed_interval": f"{step}s", "min_doc_count": 0, "extended_bounds": bounds
                }
            }  # fmt: skip
        case Terms(field, _, limit, rank):
            order = f"m{rank}" + ("" if panel.metrics[rank].of in COUNTS else ">v")
            return {"terms": {"field": field, "size": limit, "order": [{order: "desc"}, {"_key": "asc"}]}}
        case Split(_, parts):
            return {"filters": {"filters": {label: query(condition) for label, condition in parts}}}


def rows(panel: Panel, answer: Mapping[str, Any]) -> list[Row]:
    """What an answer says, bucket by bucket; the keys of a row are in the order of the panel's buckets."""
    found = answer.get("aggregations", {})
    total = int(answer["hits"]["total"]["value"])
    if not panel.by:
        return [Row((), _values(panel, found, total), total)]
    return list(_rows(panel, found.get("by", {}), ()))


def _rows(panel: Panel, level: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Row]:
    buckets = level.get("buckets", [])
    if isinstance(buckets, Mapping):  # of conditions: in the order in which they are described
        pairs = [(name, buckets[name]) for name in _named(panel) if name in buckets]
    else:
        pairs = [(_key(bucket), bucket) for bucket in buckets]
    for key, bucket in pairs:
        path = (*keys, str(key))
        if "by" in bucket:
            yield from _rows(panel, bucket["by"], path)
        elif len(path) == len(panel.by):
            count = int(bucket["doc_count"])
            ordered = tuple(path[panel.nesting.index(n)] for n in range(len(path)))
            yield Row(ordered, _values(panel, bucket, count), count)


def _named(panel: Panel) -> list[str]:
    return [name for bucket in panel.by if isinstance(bucket, Split) for name, _ in bucket.parts]


def _key(bucket: Mapping[str, Any]) -> str:
    return str(bucket.get("key_as_string", bucket["key"]))


def _values(panel: Panel, found: Mapping[str, Any], records: int) -> tuple[Value, ...]:
    numbered = enumerate(panel.metrics)
    return tuple(_value(metric, found.get(f"m{n}"), found.get(f"m{n}w"), records) for n, metric in numbered)


def _value(metric: Metric, part: Mapping[str, Any] | None, whole: Mapping[str, Any] | None, records: int) -> Value:
    if part is None:
        return None
    if metric.of == "count":
        return float(part["doc_count"])
    if metric.of == "share":
        among = int(whole["doc_count"]) if whole else records
        return int(part["doc_count"]) / among if among else None
    value = part["v"]["value"]
    return None if value is None else float(value)


def filled(panel: Panel, found: list[Row]) -> bool:
    """Whether there is anything to see. A share of nought per cent is; a count of nought is not."""
    return any(row.records and _seen(panel, row) for row in found)


def _seen(panel: Panel, row: Row) -> bool:
    pairs = zip(panel.metrics, row.values, strict=True)
    return any(value is not None and (value != 0 or metric.of == "share") for metric, value in pairs)
