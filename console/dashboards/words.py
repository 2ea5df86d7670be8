"""The words of the dashboards in one language: messages, and what the values of fields are called."""

from __future__ import annotations

from typing import Final

from alerts.delivery import phrases
from console.messages import catalogue, say
from deploy.dashboards.naming import Words

FIELDS: Final = {  # field of the index: the key under which its values have names
    "sentiment.label": "sentiment",
    "state": "state",
    "stale": "stale",
    "kind": "kind",
    "lang": "lang",
    "published_how": "published_how",
    "masked.kind": "masked",
    "severity": "severity",
}
LABELS: Final = {"topic.label": "topic", "risk.label": "risk", "evidence.risk": "risk"}  # named in notifications


def words(lang: str) -> Words:
    """All words of a language."""
    ours = {field: _named(catalogue(lang), f"dashboards.values.{key}.") for field, key in FIELDS.items()}
    theirs = {field: _named(phrases.catalogue(lang), f"{key}.") for field, key in LABELS.items()}
    none = _named(catalogue(lang), "dashboards.values.risk.")
    theirs |= {field: theirs[field] | none for field in ("risk.label", "evidence.risk")}
    return Words(lambda key: say(f"dashboards.{key}", lang), ours | theirs)


def _named(messages: dict[str, str], prefix: str) -> dict[str, str]:
    found = {key.removeprefix(prefix): text for key, text in messages.items() if key.startswith(prefix)}
    return {value: text for value, text in found.items() if "{" not in text}
