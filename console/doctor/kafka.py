"""Kafka as doctor sees it: the topics with their partitions, replicas and retention. Nothing is made or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from console.findings import Told
from console.messages import say
from streams.endpoints import EnginesDown, resolve
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import TOPICS, Topic

PATIENCE: Final = 3000  # milliseconds Kafka gets to answer
Described = Mapping[str, Mapping[str, Any]]


def topics(settings: Settings) -> str:
    """Every topic is there as the settings say; Told says what differs and what that means."""
    try:
        address = resolve(settings, "kafka").kafka
    except EnginesDown:
        raise Told("no_engine", None, engine="Kafka") from None
    try:
        found, kept = asyncio.run(_asked(settings, address))
    except (KafkaError, OSError, TimeoutError) as error:
        raise Told("away", None, engine="Kafka", error=type(error).__name__) from None
    return compared(settings, found, kept)


async def _asked(settings: Settings, address: str) -> tuple[Described, Mapping[str, Mapping[str, str]]]:
    admin = AIOKafkaAdminClient(**client_options(settings, address), request_timeout_ms=PATIENCE)
    try:
        await admin.start()
        wanted = {topic.full(settings) for topic in TOPICS}
        found = {each["topic"]: each for each in await admin.describe_topics() if each["topic"] in wanted}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs=_keys()) for name in found]
        answers = await admin.describe_configs(asked) if asked else []
    finally:
        await admin.close()
    kept: dict[str, dict[str, str]] = {}
    for answer in answers:
        for _, _, _, name, entries in answer.resources:
            kept[name] = {key: value for key, value, *_ in entries}
    return found, kept


def _keys() -> dict[str, None]:
    return dict.fromkeys(("retention.ms", "cleanup.policy"))


def compared(settings: Settings, found: Described, kept: Mapping[str, Mapping[str, str]]) -> str:
    """What the topics are against what they should be: the gravest difference is told."""
    there = [topic for topic in TOPICS if topic.full(settings) in found]
    if not there:
        raise Told("topics_none", True)
    for topic in there:
        _count(settings, topic, found[topic.full(settings)])
    for topic in there:
        _retention(topic, topic.full(settings), kept.get(topic.full(settings), {}))
    for topic in there:
        _replicas(settings, topic.full(settings), found[topic.full(settings)])
    missing = [topic.full(settings) for topic in TOPICS if topic not in there]
    if missing:
        raise Told("topics_some", True, missing=", ".join(missing))
    return say("doctor.found.topics", count=len(there), partitions=settings.partitions)


def _count(settings: Settings, topic: Topic, found: Mapping[str, Any]) -> None:
    count, wanted = len(found["partitions"]), topic.count(settings)
    if count > wanted and topic.partitions is None:
        raise Told("partitions_more", topic=topic.full(settings), found=count, wanted=wanted)
    if count < wanted:
        raise Told("partitions_fewer", True, topic=topic.full(settings), found=count, wanted=wanted)


def _retention(topic: Topic, name: str, kept: Mapping[str, str]) -> None:
    policy = "compact" if topic.compacted else "delete"
    if (found := kept.get("cleanup.policy", policy)) != policy:
        raise Told("policy", topic=name, found=found, wanted=policy)
    text = kept.get("retention.ms", "")
    if topic.retention_ms == -1 and not topic.compacted and text.isdigit():
        raise Told("retention", True, topic=name, hours=round(int(text) / 3_600_000))


def _replicas(settings: Settings, name: str, found: Mapping[str, Any]) -> None:
    least = min(len(each["replicas"]) for each in found["partitions"])
    behind = sum(len(each["isr"]) < len(each["replicas"]) for each in found["partitions"])
    if behind:
        raise Told("replicas_behind", True, topic=name, count=behind)
    if least < settings.replication:
        raise Told("replicas_few", True, topic=name, found=least, wanted=settings.replication)
