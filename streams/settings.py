"""Every setting of Tocsin: frozen, typed, described, read once.

Values come from the environment (`TOCSIN_KAFKA_BOOTSTRAP=...`) or, for secrets, from a file named by the variable
with `_FILE` at its end (`TOCSIN_KAFKA_PASSWORD_FILE=/run/secrets/kafka`). A value left empty for an engine's address
means "the engine that `tocsin up` started": its address is read from the state folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "TOCSIN_"


class Settings(BaseSettings):
    """All settings. Immutable; build one with `load()` and hand it down."""

    # A wrong value may be a secret in the wrong place: faults are told without it.
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    state_dir: Path = Field(Path(".tocsin"), description="Folder for everything Tocsin writes; may be deleted.")
    cache_dir: Path = Field(
        Path("~/.cache/tocsin"), description="Downloaded engines, shared by all clones; may be deleted."
    )

    # Engines. Empty address: the local engine started by `tocsin up`.
    kafka_bootstrap: str = Field("", description="host:port[,host:port...] of your own Kafka.")
    kafka_tls: bool = Field(False, description="Use TLS to Kafka.")
    kafka_ca_file: Path | None = Field(None, description="CA bundle for Kafka; the system's when absent.")
    kafka_user: str = Field("", description="SASL user; empty means no SASL.")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism."
    )
    kafka_allow_plaintext_sasl: bool = Field(
        False, description="Permit SASL without TLS. The password then crosses the network readable."
    )
    elasticsearch_url: str = Field("", description="http(s)://host:port of your own Elasticsearch.")
    elasticsearch_api_key: SecretStr = Field(SecretStr(""), description="API key (the encoded form).")
    elasticsearch_ca_file: Path | None = Field(None, description="CA bundle for Elasticsearch.")
    kibana_url: str = Field("", description="http(s)://host:port[/path] of your Kibana, for `tocsin dashboards push`.")
    kibana_api_key: SecretStr = Field(SecretStr(""), description="API key of Kibana (the encoded form).")
    kibana_ca_file: Path | None = Field(None, description="CA bundle for Kibana.")
    triton_url: str = Field("", description="host:port of your own Triton's gRPC endpoint.")
    triton_tls: bool = Field(False, description="Use TLS to Triton.")
    triton_ca_file: Path | None = Field(None, description="CA bundle for Triton.")
    triton_control_key: SecretStr = Field(
        SecretStr(""),
        description="Key of Triton's model control (header tocsin-control); for the local one made when empty.",
    )

    kafka_heap: int = Field(512, ge=256, description="MiB of Java heap of the local Kafka.")
    elasticsearch_heap: int = Field(512, ge=256, description="MiB of Java heap of the local Elasticsearch.")

    # Flow
    partitions: int = Field(4, ge=1, le=256, description="Partitions of the raw, documents and mentions topics.")
    replication: int = Field(1, ge=1, le=9, description="Replicas of each topic; 3 on a real cluster.")
    namespace: str = Field(
        "", pattern=r"^[a-z0-9-]{0,32}$", description="Prefix of topics, groups and indices, to keep runs apart."
    )
    batch_items: int = Field(64, ge=1, le=1024, description="Most records one handler call receives.")
    batch_wait: float = Field(0.05, gt=0, description="Seconds a started batch waits for more records.")
    batches_in_flight: int = Field(12, ge=1, le=64, description="Handler calls of one worker running at once.")
    text_limit: int = Field(32_768, ge=256, description="Characters of a text kept and judged; the rest is cut off.")
    record_limit: int = Field(
        262_144,
        ge=4096,
        le=1_048_576,  # what the raw topics take
        description="Bytes of one raw record; larger input is refused at the door.",
    )

    # Scoring
    model_repository: Path | None = Field(None, description="Folder Triton reads; default: the shipped one.")
    token_budget: int = Field(1024, ge=128, description="Tokens, padding included, of one request to Triton.")
    token_limit: int = Field(256, ge=16, le=512, description="Tokens of one text that the model reads.")
    requests_in_flight: int = Field(2, ge=1, le=16, description="Requests to Triton under way at once, per worker.")
    score_cache: int = Field(50_000, ge=0, description="Texts whose verdict is remembered, so copies are not rescored.")

    # People and places
    watchlist: Path | None = Field(None, description="YAML file with your own companies and their names.")
    pseudonym_key: SecretStr = Field(
        SecretStr(""), description="Key of author pseudonyms; empty: one is made and kept in the state folder."
    )

    # Alerts
    follow: str = Field(
        "",
        pattern=r"^((source|market)(\s*,\s*|$))*$",
        description="Subjects that rules may follow beside companies, topics and lists: source, market.",
    )
    rules: Path | None = Field(None, description="Rule file or folder; default: the shipped rules.")
    allowed_lateness: float = Field(5.0, ge=0, description="Seconds an item may arrive after its tick and still count.")
    snapshot_every: float = Field(5.0, gt=0, description="Seconds between snapshots of the detector.")
    stale_after: float = Field(86_400.0, gt=0, description="An item published longer ago than this does not ring.")
    webhook_urls: str = Field("", description="Webhook receivers, comma separated.")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="`whsec_...` signing secret; two with a space between while you change it."
    )
    webhook_allow: str = Field(
        "", description="CIDR blocks of private receivers that may be called, e.g. 127.0.0.0/8,10.1.2.0/24."
    )
    webhook_demo: bool = Field(False, description="Receivers of TOCSIN_WEBHOOK_URLS are told of demo data too.")
    webhook_timeout: float = Field(15.0, gt=0, description="Seconds one delivery may take.")
    channels: Path | None = Field(
        None,
        description="YAML file with receivers, routes, quiet hours and inhibitions; default: the webhooks of "
        "TOCSIN_WEBHOOK_URLS get everything.",
    )
    heartbeat_url: SecretStr = Field(
        SecretStr(""), description="Address of an outside dead-man's switch that is called while all is well."
    )
    heartbeat_every: float = Field(60.0, ge=1, description="Seconds between two calls of the dead-man's switch.")
    outbox_days: float = Field(
        7.0, ge=1, le=90, description="Days a delivered notification is remembered; an older alert is not sent."
    )

    # Reports
    report_zone: str = Field("UTC", description="Time zone whose days a report covers, e.g. Asia/Shanghai.")
    report_daily_at: str = Field(
        "",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="HH:MM in TOCSIN_REPORT_ZONE at which the report of the day before is sent; empty: never.",
    )
    report_weekly_on: str = Field(
        "",
        pattern=r"^((mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d)?$",
        description="Day and time at which the report of the seven days before is sent: `mon 08:00`; empty: never.",
    )
    report_receivers: str = Field(
        "", description="Names of the receivers that reports are sent to, comma separated; see TOCSIN_CHANNELS."
    )

    # Tocsin itself
    watch_every: float = Field(15.0, ge=1, le=60, description="Seconds between two looks of watch at Tocsin itself.")
    watch_lag_seconds: float = Field(
        300.0, ge=10, description="A stage is behind when the oldest record it has to acknowledge is older than this."
    )
    watch_deadletters: int = Field(
        20, ge=1, description="Dead letters in ten minutes that are an alert, when they are 2 % of all records or more."
    )
    watch_silent_hours: float = Field(
        6.0,
        gt=0,
        description="Hours without anything new after which a source is silent, or 8 times its usual gap if longer.",
    )
    watch_metrics: str = Field(
        "",
        pattern=r"^(https?://[^\s,@]+(\s*,\s*|$))*$",
        description="Addresses of the metrics of processes on other machines, comma separated: http://host:port/metrics.",
    )

    # Doors
    push_host: str = Field("127.0.0.1", description="Address the push endpoint listens on.")
    push_port: int = Field(8099, ge=0, le=65535, description="Port of the push endpoint; 0 takes a free one.")
    push_token: SecretStr = Field(SecretStr(""), description="Bearer token of the push endpoint.")
    push_hosts: str = Field(
        "", description="Names in the Host header the push endpoint answers to, comma separated; local ones always."
    )
    push_rate: float = Field(50.0, gt=0, description="Requests a second the push endpoint takes; bursts of twice that.")
    feeds: Path | None = Field(None, description="YAML file with the RSS/Atom feeds to read.")
    feeds_allow: str = Field(
        "", description="CIDR blocks of private addresses that feeds may be read from, e.g. 127.0.0.0/8,10.1.2.0/24."
    )
    contact: str = Field("", description="E-mail or URL told to web sites in the User-Agent.")
    api_host: str = Field("127.0.0.1", description="Address the HTTP API listens on.")
    api_port: int = Field(8098, ge=0, le=65535, description="Port of the HTTP API; 0 takes a free one.")
    api_tokens: SecretStr = Field(
        SecretStr(""),
        description="Bearer tokens of the HTTP API, one a line: `name role token`, role read, operate or admin. "
        "On loopback one is made and kept in the state folder when empty.",
    )
    api_hosts: str = Field(
        "",
        description="Names in the Host header the HTTP API answers to, comma separated; local ones and "
        "TOCSIN_PUBLIC_URL's always.",
    )
    api_rate: float = Field(
        10.0, gt=0, description="Requests a second the HTTP API takes from each token or address; bursts of twice that."
    )
    public_url: str = Field(
        "", description="https address at which receivers reach the HTTP API; puts signed links into messages."
    )
    link_secret: SecretStr = Field(
        SecretStr(""), description="Key of signed links; empty: one is made and kept in the state folder."
    )

    # Sight
    metrics_host: str = Field("127.0.0.1", description="Address of each worker's Prometheus endpoint.")
    metrics_port: int = Field(
        0,
        ge=0,
        le=65530,
        description="Port of enrich's Prometheus endpoint; index, detect, notify, collect and watch take the next "
        "five. 0 takes free ones.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field("json", description="Log lines for machines or for people.")

    @field_validator("kafka_bootstrap", "triton_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not re.fullmatch(r"(?:[^\s/@,]+:[0-9]+(?:\s*,\s*|$))*", value):
            raise ValueError("write host:port, without http:// or a user name")
        return value

    @field_validator("elasticsearch_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@?#]+:[0-9]+(?:/[^\s@?#]*)?", value):
            raise ValueError("write http(s)://host:port; a key belongs into TOCSIN_ELASTICSEARCH_API_KEY, not here")
        return value

    @field_validator("kibana_url")
    @classmethod
    def _kibana(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@?#]+(?:/[^\s@?#]*)?", value):
            raise ValueError("write http(s)://host:port; a key belongs into TOCSIN_KIBANA_API_KEY, not here")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@?#]+(?:/[^\s@?#]*)?", value):
            raise ValueError("write https://name or https://name/path, without a user name, query or fragment")
        return value

    @field_validator("report_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no such time zone: write one like Asia/Shanghai or Europe/London") from None
        return value

    @field_validator("state_dir", "cache_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


# Names of the settings that no log, repr, message or process beside the workers may hold.
SECRETS: Final = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
# Read elsewhere: the language of messages, the tests' data, the model's own process, and who started a process.
OTHERS: Final = ("LANG", "DATA", "MODEL_RUNTIME", "MODEL_THREADS", "ENGINE", "ENGINE_OWNER", "PARENT")


class SettingsError(ValueError):
    """A setting, or the file it names, is wrong; the message names the variable, the fault and what to do."""


def unknown_variables(names: Iterable[str]) -> dict[str, str]:
    """Variables that look like settings and are none, each with the one that was probably meant, or nothing."""
    from rapidfuzz import process

    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}{name}" for name in OTHERS}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in Settings.model_fields}
    found: dict[str, str] = {}
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = process.extractOne(name.upper(), sorted(known), score_cutoff=85)
            found[name] = near[0] if near else ""
    return found


def origin(name: str) -> Literal["default", "environment", "file"]:
    """Where `load` takes the setting `name` from; other keyword arguments of Settings are not known here."""
    variables = {variable.upper() for variable, value in os.environ.items() if value}
    if f"{PREFIX}{name.upper()}" in variables:
        return "environment"
    return "file" if f"{PREFIX}{name.upper()}_FILE" in variables else "default"


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables for a process that needs none of our secrets."""
    hidden = {f"{PREFIX}{name.upper()}{end}" for name in SECRETS for end in ("", "_FILE")}
    return {name: value for name, value in variables.items() if name.upper() not in hidden}


def _secrets_from_files() -> dict[str, str]:
    """Values of `TOCSIN_X_FILE` variables: the content of the named files, without the trailing newline.

    `TOCSIN_X` itself goes before: a child process that is handed other settings inherits the variables of the files.
    """
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path is None or f"{name}_file" in Settings.model_fields or os.environ.get(f"{PREFIX}{name.upper()}"):
            continue
        try:
            found[name] = Path(path).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise SettingsError(f"{PREFIX}{name.upper()}_FILE: cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:  # its own words would show a byte of a secret
            raise SettingsError(f"{PREFIX}{name.upper()}_FILE: {path} is not UTF-8 text") from None
    return found


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read the settings once. Raises SettingsError, whose message never holds a value, only names and reasons."""
    from pydantic import ValidationError

    try:
        settings = Settings(**_secrets_from_files())  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    if settings.state_dir.exists() and not (settings.state_dir.is_dir() and os.access(settings.state_dir, os.W_OK)):
        raise SettingsError("TOCSIN_STATE_DIR: this is not a folder that can be written to")
    for name in Settings.model_fields:
        path = getattr(settings, name) if name.endswith("_ca_file") else None
        if path is not None and not os.access(path, os.R_OK):
            raise SettingsError(f"{PREFIX}{name.upper()}: there is no file of that name that can be read")
    if settings.kafka_user and not (settings.kafka_tls or settings.kafka_allow_plaintext_sasl):
        raise SettingsError(
            "TOCSIN_KAFKA_USER is set without TOCSIN_KAFKA_TLS: the password would cross the network readable. "
            "Set TOCSIN_KAFKA_TLS=true, or TOCSIN_KAFKA_ALLOW_PLAINTEXT_SASL=true if that is what you want."
        )
    return settings


def environment(settings: Settings) -> dict[str, str]:
    """Variables that give a child process these very settings, secrets included; never log the result."""
    found: dict[str, str] = {}
    for name in settings.model_fields_set | {"state_dir", "cache_dir"}:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            found[f"{PREFIX}{name.upper()}"] = text
    return found
