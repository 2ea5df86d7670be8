"""Every setting as it may be shown: its value without secrets, where it comes from, its group, what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from pydantic_core import PydanticUndefined

from console.translations import translated
from streams.settings import PREFIX, SECRETS, Settings, origin

HIDDEN: Final = "********"
# The first setting of each group, in the order of `streams.settings`; those that follow it belong to the same one.
BEGINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "state_dir": "places",
        "kafka_bootstrap": "engines",
        "partitions": "flow",
        "model_repository": "scoring",
        "watchlist": "people",
        "follow": "alerts",
        "report_zone": "reports",
        "watch_every": "watch",
        "push_host": "doors",
        "metrics_host": "sight",
    }
)
# Variables that are read without being settings, and that a user may want to set.
OTHERS: Final = ("LANG", "DATA", "MODEL_RUNTIME", "MODEL_THREADS")


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `value` is fit to be shown: empty when it is not set, stars for a secret."""

    variable: str
    value: str
    origin: str  # default, environment or file
    description: str
    group: str
    default: str
    takes: str  # what may be written, e.g. `1 … 256`


def shown(name: str, settings: Settings) -> str:
    """The value of a setting as it may be shown. Of a webhook only the host: its path and query are often a secret."""
    value = getattr(settings, name)
    if value is None:
        return ""
    if name in SECRETS:
        return HIDDEN if value.get_secret_value() else ""
    if name == "webhook_urls":
        return ",".join(_host(url.strip()) for url in value.split(",") if url.strip())
    return _written(value)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}/{HIDDEN}" if parts.scheme and parts.hostname else HIDDEN
    except ValueError:
        return HIDDEN


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def groups() -> dict[str, str]:
    """The group of every setting."""
    found: dict[str, str] = {}
    group = ""
    for name in Settings.model_fields:
        group = BEGINS.get(name, group)
        found[name] = group
    return found


def default(name: str) -> str:
    """The value where none is set, as a user would write it."""
    value = Settings.model_fields[name].default
    return "" if name in SECRETS or value is None or value is PydanticUndefined else _written(value)


def takes(name: str) -> str:
    """What may be written: true or false, a choice, or the bounds of a number; empty for any text."""
    field = Settings.model_fields[name]
    if field.annotation is bool:
        return "true | false"
    if field.annotation not in (int, float):
        choices = get_args(field.annotation)
        return " | ".join(choices) if all(isinstance(choice, str) for choice in choices) else ""
    signed = ((sign, bound) for bound in field.metadata for sign in ("ge", "gt", "le") if hasattr(bound, sign))
    bounds = {sign: getattr(bound, sign) for sign, bound in signed}
    if "ge" in bounds and "le" in bounds:
        return f"{_written(bounds['ge'])} … {_written(bounds['le'])}"
    signs = {"ge": "≥", "gt": ">", "le": "≤"}
    return ", ".join(f"{signs[sign]} {_written(value)}" for sign, value in bounds.items())


def lines(settings: Settings, lang: str | None = None) -> list[Line]:
    """Every setting, in the order of `streams.settings`."""
    grouped = groups()
    return [
        Line(
            variable=f"{PREFIX}{name.upper()}",
            value=shown(name, settings),
            origin=origin(name),
            description=translated(field.description or "", lang),
            group=grouped[name],
            default=default(name),
            takes=takes(name),
        )
        for name, field in Settings.model_fields.items()
    ]
