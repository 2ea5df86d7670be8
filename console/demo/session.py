"""A place of its own for each run of the demo: namespace, state folder, settings; and the removal of former runs."""

from __future__ import annotations

import fcntl
import re
import secrets
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from elasticsearch import AsyncElasticsearch
from pydantic import SecretStr

from streams.endpoints import Endpoints
from streams.kafka import client_options
from streams.settings import Settings, environment

FOLDER: Final = "demo"
ENVIRONMENT: Final = "env"
_NAMESPACE: Final = re.compile(r"demo-\d{6}-[0-9a-f]{4}(?=[.-])")
# What tells another command where the demo lives; none of it is secret.
_SHOWN: Final = (
    "STATE_DIR", "NAMESPACE", "PARTITIONS", "KAFKA_BOOTSTRAP", "ELASTICSEARCH_URL", "TRITON_URL", "RULES", "WATCHLIST",
)  # fmt: skip
RULES: Final = "rules"  # in the demo's folder: a copy of its rules, to be changed by whoever looks at it
_RULES: Final = Path(str(files("console.demo") / "rules.yaml"))
_OF_THE_MACHINE: Final = frozenset(
    "cache_dir replication model_repository requests_in_flight token_budget metrics_host log_level log_format".split()
)


def new_namespace(now: datetime) -> str:
    """`demo-` with the time of day and four random hex digits: no two runs share topics or indices."""
    return f"demo-{now:%H%M%S}-{secrets.token_hex(2)}"


def folder(settings: Settings) -> Path:
    """Where the demo keeps its state, inside the user's state folder."""
    return settings.state_dir / FOLDER


class DemoBusy(RuntimeError):  # noqa: N818 - reads as what it says
    """Another demo runs in this state folder."""


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Let one demo at a time use the state folder; DemoBusy otherwise. A crash lets go of it."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / f"{FOLDER}.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoBusy(str(settings.state_dir)) from None
        yield


def _kept(name: str) -> bool:
    """Whether a setting of the user's holds for the demo too: engines, credentials, machine, logs."""
    return name.startswith(("kafka_", "elasticsearch_", "triton_")) or name in _OF_THE_MACHINE


def own_settings(settings: Settings, namespace: str, at: Endpoints, url: str, secret: str) -> Settings:
    """Settings for the demo's workers: the user's engines and credentials, everything else the demo's own."""
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items() if not _kept(name)}
    return settings.model_copy(
        update=defaults
        | {
            "state_dir": folder(settings),
            "namespace": namespace,
            "kafka_bootstrap": at.kafka,
            "elasticsearch_url": at.elasticsearch,
            "triton_url": at.triton,
            "partitions": 2,  # two cores read it; fewer ticks than with four
            "snapshot_every": 1.0,  # the end of the day is known as soon as the detector has acknowledged it
            "watchlist": Path(str(files("console.demo") / "watchlist.yaml")),
            "rules": own if (own := folder(settings) / RULES).is_dir() else _RULES,
            "webhook_urls": url,
            "webhook_secret": SecretStr(secret),
            "webhook_allow": "127.0.0.0/8",
            "webhook_demo": True,
        }
    )


def copy_rules(settings: Settings) -> None:
    """Rules of the demo's own, which may be changed while it runs."""
    own = folder(settings) / RULES
    own.mkdir(parents=True)
    shutil.copyfile(_RULES, own / _RULES.name)


def fresh_folder(settings: Settings) -> Path:
    """The demo's state folder, emptied of what the last run left."""
    place = folder(settings)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def write_environment(settings: Settings) -> Path:
    """A file for the shell, so that `tocsin status` looks at the demo: `(. FILE; tocsin status)`."""
    known = environment(settings)
    lines = [f"export {name}={shlex.quote(known[name])}" for key in _SHOWN if (name := f"TOCSIN_{key}") in known]
    path = settings.state_dir / ENVIRONMENT
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def is_ours(name: str, keep: str = "") -> bool:
    """Whether a topic, index or template belongs to some run of the demo, other than the one to keep."""
    found = _NAMESPACE.match(name.removeprefix("tocsin-"))
    return found is not None and found[0] != keep


async def sweep(settings: Settings, bootstrap: str, elastic: AsyncElasticsearch, keep: str = "") -> int:
    """Delete the topics, indices and templates of all runs of the demo but `keep`; how many."""
    topics = await _sweep_kafka(settings, bootstrap, keep)
    found = (await elastic.indices.get(index="demo-*", filter_path="*.settings.index.uuid")).body
    indices = [name for name in found if is_ours(name, keep)]
    for index in indices:
        await elastic.indices.delete(index=index, ignore_unavailable=True)
    listed = await elastic.options(ignore_status=404).indices.get_index_template(name="tocsin-demo-*")
    templates = [t["name"] for t in listed.get("index_templates", []) if is_ours(t["name"], keep)]
    for name in templates:
        await elastic.options(ignore_status=404).indices.delete_index_template(name=name)
    return topics + len(indices) + len(templates)


async def _sweep_kafka(settings: Settings, bootstrap: str, keep: str) -> int:
    admin = AIOKafkaAdminClient(**client_options(settings, bootstrap), request_timeout_ms=20_000)
    await admin.start()
    try:
        old = [name for name in await admin.list_topics() if is_ours(name, keep)]
        if old:
            await admin.delete_topics(old)
        return len(old)
    finally:
        await admin.close()
