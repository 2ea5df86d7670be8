"""Every metric: name, kind, labels, meaning. Prometheus names, seconds and bytes, defined once."""

from __future__ import annotations

import json
import os
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from streams.settings import Settings, SettingsError

# In this order from the setting `metrics_port` on. Others, that run only where they are wanted, take free ports.
PORTS: Final = ("enrich", "index", "detect", "notify", "collect", "watch")
FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

RECORDS = Counter("tocsin_records_total", "Records a stage took in, by outcome", ["stage", "outcome"])
# The push endpoint answers what it refuses; everywhere else it goes to the dead letters.
REJECTS = Counter("tocsin_rejects_total", "Records refused, by reason", ["stage", "reason"])
LAG = Gauge(
    "tocsin_lag_records",
    "Records of a partition this process has still to acknowledge",
    ["stage", "topic", "partition"],
)
BATCH_RECORDS = Histogram(
    "tocsin_batch_records", "Records in one handler call", ["stage"], buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
BATCH_SECONDS = Histogram(
    "tocsin_batch_seconds", "Seconds from taking a batch to its delivery", ["stage"], buckets=FAST
)
LATENCY = Histogram(
    "tocsin_latency_seconds",
    "Seconds from a record's append to Kafka to its delivery by a stage",
    ["stage"],
    buckets=FAST,
)
LAST_DELIVERY = Gauge("tocsin_last_delivery_timestamp_seconds", "When a stage last delivered a batch", ["stage"])

MENTIONS = Counter("tocsin_mentions_total", "Mentions produced, by kind of subject", ["kind"])
UNJUDGED = Counter("tocsin_unjudged_total", "Documents without a judgement, by reason", ["reason"])
MASKED = Counter("tocsin_masked_total", "Personal data masked, by kind", ["kind"])

SCORE_TEXTS = Gauge("tocsin_score_texts", "Texts judged since the start, by the model or from memory", ["how"])
SCORE_REQUESTS = Counter("tocsin_score_requests_total", "Requests to Triton, by outcome", ["outcome"])
SCORE_SECONDS = Histogram("tocsin_score_request_seconds", "Seconds of one request to Triton", buckets=FAST)
SCORE_PADDING = Gauge("tocsin_score_padding_efficiency", "Share of tokens sent to Triton that are not padding")
# outcomes: agreed, differed (from the sentiment that counts), dropped (it was behind), failed
SCORE_SHADOW = Gauge("tocsin_score_shadow_texts", "Texts offered to a shadow version since the start", ["outcome"])

# Drift watch: of the newest closed window of texts, by language and kind (news, chat). See models/drift.py.
DRIFT_DIVERGENCE = Gauge(
    "tocsin_drift_divergence_bits",
    "Jensen-Shannon divergence of a feature's distribution from the reference or from the own baseline",
    ["lang", "kind", "feature", "against"],
)
DRIFTED = Gauge("tocsin_drifted", "1 where a feature has drifted", ["lang", "kind", "feature", "against"])
DRIFT_OPEN = Gauge("tocsin_drift_open_texts", "Texts in the window that is still open", ["lang", "kind"])
LABEL_RATIO = Gauge("tocsin_label_ratio", "Share of texts by likeliest label", ["lang", "kind", "head", "label"])
CONFIDENCE = Gauge("tocsin_confidence_mean", "Mean probability of the likeliest sentiment", ["lang", "kind"])
ABSTAINED = Gauge("tocsin_abstained_ratio", "Share of texts without a judgement of direction", ["lang", "kind"])
UNKNOWN_PIECES = Gauge("tocsin_unknown_pieces_ratio", "Share of word pieces the vocabulary lacks", ["lang", "kind"])

# outcomes: written, unchanged (already there), rejected, retried, expired (past its retention: not written)
INDEX_ITEMS = Counter("tocsin_index_items_total", "Bulk items, by outcome", ["outcome"])
INDEX_BULK_SECONDS = Histogram("tocsin_index_bulk_seconds", "Seconds of one bulk request", buckets=FAST)
EXPIRED = Counter("tocsin_expired_documents_total", "Documents removed from the index: their retention was over")
EXPIRED_ALL = Gauge(
    "tocsin_expired_removed_timestamp_seconds", "When all documents past their retention had last been removed"
)

WATERMARK = Gauge("tocsin_watermark_timestamp_seconds", "Event time up to which rules were evaluated", ["partition"])
WAITING = Gauge("tocsin_detect_waiting", "Mentions the watermark has not passed: ticks are missing", ["partition"])
DETECT = Counter("tocsin_detect_signals_total", "Signals the detector took in, by outcome", ["outcome"])
ALERTS = Counter("tocsin_alerts_total", "Alert events, by state and severity", ["state", "severity"])
RULES = Gauge("tocsin_rules", "Rules in force")
# outcomes: taken, refused (a fault in a file: the rules before stay in force)
RULE_READS = Counter("tocsin_rule_reads_total", "Rule files read again after a change, by outcome", ["outcome"])
SNAPSHOTS = Counter("tocsin_snapshots_total", "Snapshots of the detector written")
SNAPSHOT_BYTES = Gauge("tocsin_snapshot_bytes", "Bytes of the newest snapshot", ["partition"])

DELIVERIES = Counter("tocsin_deliveries_total", "Attempts to deliver a notification, by outcome", ["outcome"])
OUTBOX = Gauge("tocsin_outbox_rows", "Notifications waiting to be delivered")
OUTBOX_OLDEST = Gauge(
    "tocsin_outbox_oldest_timestamp_seconds", "When the notification was added that waits longest; 0: none waits"
)
NOTIFICATIONS = Counter("tocsin_notifications_total", "Notifications put together, by why", ["why"])
SUPPRESSED = Counter("tocsin_suppressed_steps_total", "Steps of alerts told as a number only: they were held back")
HEARTBEATS = Counter("tocsin_heartbeats_total", "Calls of the outside dead-man's switch, by outcome", ["outcome"])

WATCH_OPEN = Gauge("tocsin_watch_open_alerts", "Alerts about Tocsin itself that fire, by severity", ["severity"])
WATCH_LOOKED = Gauge("tocsin_watch_last_look_timestamp_seconds", "When watch had last looked at everything")

SOURCE_ITEMS = Counter("tocsin_source_items_total", "Items a source handed in, by outcome", ["source", "outcome"])
SOURCE_POLLS = Counter("tocsin_source_polls_total", "Times a feed was asked, by what came of it", ["source", "outcome"])
SOURCE_SEEN = Gauge("tocsin_source_last_success_timestamp_seconds", "When a source last answered", ["source"])


def serve(settings: Settings, stage: str) -> int:
    """Start this process' Prometheus endpoint; its address is noted in the state folder for `tocsin status`.

    Raises SettingsError when its port is taken.
    """
    wanted = settings.metrics_port + PORTS.index(stage) if settings.metrics_port and stage in PORTS else 0
    try:
        server, _ = start_http_server(wanted, addr=settings.metrics_host)
    except OSError as error:
        raise SettingsError(
            f"the metrics of {stage} cannot be served at {settings.metrics_host}:{wanted}: {error.strerror}. "
            "Choose another: TOCSIN_METRICS_PORT (0 takes free ones)"
        ) from None
    port = int(server.server_address[1])
    folder = settings.state_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    note = {"stage": stage, "pid": os.getpid(), "url": f"http://{_reachable(settings.metrics_host)}:{port}/metrics"}
    (folder / f"{stage}-{os.getpid()}.json").write_text(json.dumps(note), encoding="utf-8")
    return port


def _reachable(host: str) -> str:
    """The host of a URL that leads to what listens there from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host
