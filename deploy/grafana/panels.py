"""Every panel of the operators' dashboard: what it asks Prometheus, in which unit, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["stat", "timeseries", "table"]
STAGE: Final = 'stage=~"$stage"'
RANGE: Final = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    """One question, and how its answers are called: `{{label}}` is filled in by Grafana."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `steps`: values from which its colour is another, lowest first."""

    title: str
    about: str
    queries: tuple[Query, ...]
    unit: str
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float, str], ...] = ()
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading, filled from the left."""

    title: str
    panels: tuple[Panel, ...]


def _rate(metric: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{where}}}[{RANGE}]))"


def _quantile(share: float, metric: str, by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, {_rate(f'{metric}_bucket', f'le, {by}' if by else 'le', where)})"


GOOD: Final = (0.0, "green")
SECTIONS: Final = (
    Section("Is all well?", (
        Panel("Processes that answer", "Scraped processes of Tocsin that answer Prometheus.",
              (Query('count(up{job="tocsin"} == 1) or vector(0)', "up"),), "none", "stat", 4, 5,
              ((0, "red"), (4, "green"))),
        Panel("Alerts about Tocsin", "What Tocsin itself says is wrong, by severity; from its watcher.",
              (Query("sum by (severity) (tocsin_watch_open_alerts)", "{{severity}}"),), "none", "stat", 5, 5,
              (GOOD, (1, "red"))),
        Panel("Records waiting", "Records in Kafka that a stage has still to acknowledge.",
              (Query("sum by (stage) (tocsin_lag_records)", "{{stage}}"),), "none", "stat", 6, 5,
              (GOOD, (10_000, "yellow"), (100_000, "red"))),
        Panel("Notifications waiting", "Rows in the outbox; each attempt that fails leaves its row there.",
              (Query("sum(tocsin_outbox_rows)", "rows"),), "none", "stat", 4, 5, (GOOD, (20, "yellow"), (200, "red"))),
        Panel("Watcher last looked", "Seconds since the watcher looked at everything; it does so every 15 s.",
              (Query("time() - max(tocsin_watch_last_look_timestamp_seconds > 0)", "age"),), "s", "stat", 5, 5,
              (GOOD, (60, "yellow"), (180, "red"))),
    )),
    Section("Flow", (
        Panel("Records by stage", "Records that each stage took in and accepted.",
              (Query(_rate("tocsin_records_total", "stage", f'outcome="accepted",{STAGE}'), "{{stage}}"),), "reqps"),
        Panel("Delay by stage, 95 %", "From a record's append to Kafka to its delivery by the stage.",
              (Query(_quantile(0.95, "tocsin_latency_seconds", "stage", STAGE), "{{stage}}"),), "s"),
        Panel("Records waiting", "Lag by topic and stage; a line that only climbs is a stage that cannot keep up.",
              (Query(f"sum by (stage, topic) (tocsin_lag_records{{{STAGE}}})", "{{stage}} {{topic}}"),), "none"),
        Panel("Records refused", "By reason; each but those of the push endpoint is a dead letter.",
              (Query(_rate("tocsin_rejects_total", "stage, reason", STAGE), "{{stage}} {{reason}}"),), "reqps"),
        Panel("Batches: time, 95 %", "From taking a batch to its delivery.",
              (Query(_quantile(0.95, "tocsin_batch_seconds", "stage", STAGE), "{{stage}}"),), "s"),
        Panel("Records in a batch, mean", "Many small batches cost more than few large ones.",
              (Query(f"{_rate('tocsin_batch_records_sum', 'stage', STAGE)} / "
                     f"{_rate('tocsin_batch_records_count', 'stage', STAGE)}", "{{stage}}"),), "none"),
        Panel("Since the last delivery", "Seconds since a stage delivered a batch: it matters where records wait.",
              (Query(f"time() - max by (stage) (tocsin_last_delivery_timestamp_seconds{{{STAGE}}})", "{{stage}}"),),
              "s", width=24, height=6),
    )),
    Section("Judging", (
        Panel("Requests to Triton", "By outcome.",
              (Query(_rate("tocsin_score_requests_total", "outcome"), "{{outcome}}"),), "reqps"),
        Panel("Time of a request to Triton", "Half and 95 % of the requests take at most so long.",
              (Query(_quantile(0.5, "tocsin_score_request_seconds", ""), "50 %"),
               Query(_quantile(0.95, "tocsin_score_request_seconds", ""), "95 %")), "s"),
        Panel("Texts judged", "By the model, or from memory because a copy was judged before.",
              (Query(f"sum by (how) (rate(tocsin_score_texts[{RANGE}]))", "{{how}}"),), "reqps"),
        Panel("Documents without a judgement", "By reason.",
              (Query(_rate("tocsin_unjudged_total", "reason"), "{{reason}}"),), "reqps"),
        Panel("Abstained", "Share of texts without a judgement of direction, of the newest closed window.",
              (Query("max by (lang, kind) (tocsin_abstained_ratio)", "{{lang}} {{kind}}"),), "percentunit"),
        Panel("Drift", "Divergence from the reference or the own baseline, in bits, where a feature has drifted.",
              (Query("max by (lang, kind, feature, against) (tocsin_drift_divergence_bits) and "
                     "max by (lang, kind, feature, against) (tocsin_drifted) == 1",
                     "{{lang}} {{kind}} {{feature}}"),), "none"),
        Panel("Shadow version", "Texts offered to a shadow version: agreed, differed, dropped, failed.",
              (Query(f"sum by (outcome) (rate(tocsin_score_shadow_texts[{RANGE}]))", "{{outcome}}"),), "reqps"),
        Panel("Tokens that are not padding", "Share of tokens sent to Triton that carry text.",
              (Query("avg(tocsin_score_padding_efficiency > 0)", "share"),), "percentunit"),
        Panel("Personal data masked", "By kind.", (Query(_rate("tocsin_masked_total", "kind"), "{{kind}}"),), "reqps"),
    )),
    Section("Index", (
        Panel("Items written", "Bulk items by outcome; `unchanged` were there already.",
              (Query(_rate("tocsin_index_items_total", "outcome"), "{{outcome}}"),), "reqps", width=12),
        Panel("Time of a bulk request, 95 %", "Long ones hold up the index stage.",
              (Query(_quantile(0.95, "tocsin_index_bulk_seconds", ""), "95 %"),), "s", width=12),
        Panel("Documents removed", "Past their retention; the worker index looks once an hour.",
              (Query(f"sum(increase(tocsin_expired_documents_total[{RANGE}]))", "removed"),), "none", width=12),
        Panel("Since all were removed", "That were past their retention. More than a day: run tocsin expire.",
              (Query("time() - max(tocsin_expired_removed_timestamp_seconds > 0)", "behind"),), "s", width=12),
    )),
    Section("Detecting and telling", (
        Panel("Alert events", "By state and severity.",
              (Query(f"sum by (state, severity) (increase(tocsin_alerts_total[{RANGE}]))", "{{state}} {{severity}}"),),
              "none", stacked=True),
        Panel("Event time behind the clock", "Seconds between now and the time up to which rules were evaluated.",
              (Query("time() - max by (partition) (tocsin_watermark_timestamp_seconds > 0)",
                     "partition {{partition}}"),), "s"),
        Panel("Mentions that wait for event time", "They wait for ticks of the sources.",
              (Query("sum by (partition) (tocsin_detect_waiting)", "partition {{partition}}"),), "none"),
        Panel("Attempts to deliver", "By outcome.",
              (Query(_rate("tocsin_deliveries_total", "outcome"), "{{outcome}}"),), "reqps"),
        Panel("Notifications", "Put together, by why; and steps that were told as a number only.",
              (Query(f"sum by (why) (increase(tocsin_notifications_total[{RANGE}]))", "{{why}}"),
               Query(f"sum(increase(tocsin_suppressed_steps_total[{RANGE}]))", "held back")), "none", stacked=True),
        Panel("Oldest notification that waits", "Seconds since it was added to the outbox.",
              (Query("time() - max(tocsin_outbox_oldest_timestamp_seconds > 0)", "age"),), "s"),
        Panel("Rules in force", "And rule files read again: a refused one leaves the rules before in force.",
              (Query("max(tocsin_rules)", "rules"),
               Query(f"sum by (outcome) (increase(tocsin_rule_reads_total[{RANGE}]))", "files {{outcome}}")), "none"),
        Panel("Snapshots of the detector", "Written, and the bytes of the newest.",
              (Query(f"sum(rate(tocsin_snapshots_total[{RANGE}]))", "written a second"),), "none"),
        Panel("Size of the newest snapshot", "By partition; one that only grows will slow every start.",
              (Query("max by (partition) (tocsin_snapshot_bytes)", "partition {{partition}}"),), "bytes"),
        Panel("Outside dead-man's switch", "Calls by outcome; none for minutes, and the switch rings.",
              (Query(_rate("tocsin_heartbeats_total", "outcome"), "{{outcome}}"),), "reqps", width=12),
        Panel("Signals the detector took in", "By outcome.",
              (Query(_rate("tocsin_detect_signals_total", "outcome"), "{{outcome}}"),), "reqps", width=12),
    )),
    Section("Sources", (
        Panel("Items handed in", "By source.",
              (Query(_rate("tocsin_source_items_total", "source", 'outcome="sent"'), "{{source}}"),), "reqps"),
        Panel("Polls that failed", "Feeds that answered neither with items nor with `unchanged`, by what came of it.",
              (Query(_rate("tocsin_source_polls_total", "source, outcome", 'outcome!~"items|unchanged"'),
                     "{{source}} {{outcome}}"),), "reqps"),
        Panel("Since a source last answered", "Seconds, the longest first.",
              (Query("sort_desc(time() - max by (source) (tocsin_source_last_success_timestamp_seconds))",
                     "{{source}}"),), "s", "table"),
    )),
)  # fmt: skip
