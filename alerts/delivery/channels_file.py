"""The file of channels (`TOCSIN_CHANNELS`): receivers, routes, schedules, inhibitions; read as a whole or refused.

Every fault names file, line, field and the nearest valid word. Secrets are not in the file: receivers name where they
are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Struct

from alerts.delivery.channel import Channel
from alerts.delivery.receivers import Spec, build, environment_receivers
from alerts.delivery.routing import CLOCK, FIELDS, LABEL, NAME, Inhibition, Name, Route, Routing, Schedule
from alerts.rules import DURATION, Duration
from alerts.sayings import saying
from alerts.yaml_structs import Fault, FileRefused, Tree, suggest, unreadable
from streams.settings import Settings

SECTIONS: Final = ("receivers", "routes", "schedules", "inhibit", "flapping")
LONGEST: Final = 30 * 86_400  # seconds: whatever waits for longer is a mistake, and leaves the calendar in the end
PATTERNS: Final = {
    CLOCK: saying("clock"),
    NAME: saying("small_name"),
    "^[a-z][a-z0-9-]{0,31}$": saying("short_name"),
}


@dataclass(frozen=True, slots=True)
class ChannelsFile:
    """What the file says."""

    receivers: tuple[Spec, ...]
    routing: Routing
    lines: tuple[int, ...] = ()  # of the receivers


class _Shape(Struct, forbid_unknown_fields=True):
    """The whole file, for its JSON Schema."""

    receivers: list[Spec]
    routes: list[Route]
    schedules: dict[Name, Schedule] = {}
    inhibit: list[Inhibition] = []
    flapping: bool = True


def load_channels(settings: Settings) -> tuple[tuple[Channel, ...], Routing]:
    """The channels and the routing in force. The webhooks of TOCSIN_WEBHOOK_URLS get everything at once, with a file
    or without. SettingsError says what is wrong."""
    webhooks = environment_receivers(settings)
    everything = tuple(webhook.name for webhook in webhooks)
    if settings.channels is None:
        return webhooks, Routing(everything=everything)
    found = read_channels(settings.channels)
    made = tuple(build(spec, settings) for spec in found.receivers)
    _check_addresses(str(settings.channels), webhooks, made, found.lines)
    return (*webhooks, *made), replace(found.routing, everything=everything)


def _check_addresses(file: str, webhooks: Sequence[Channel], made: Sequence[Channel], lines: Sequence[int]) -> None:
    """One address is one receiver: of two names one would hear nothing, or both of everything twice."""
    listed = {webhook.id for webhook in webhooks}
    seen: dict[str, tuple[str, int]] = {}
    faults: list[Fault] = []
    for channel, line in zip(made, lines, strict=True):
        if channel.id in listed:
            faults.append(Fault(file, line, saying("address_listed", name=channel.name)))
        elif channel.id in seen:
            other, at = seen[channel.id]
            faults.append(Fault(file, line, saying("address_twice", name=channel.name, other=other, line=at)))
        seen.setdefault(channel.id, (channel.name, line))
    if faults:
        raise FileRefused(faults)


def read_channels(path: Path) -> ChannelsFile:
    """The file at `path`; FileRefused with every fault otherwise."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused([unreadable(path, error)]) from None
    return parse_channels(text, str(path))


def parse_channels(text: str, file: str = "<channels>") -> ChannelsFile:
    """The channels in a text; FileRefused with every fault otherwise."""
    tree = Tree(text, file, PATTERNS)
    if not isinstance(tree.data, dict):
        tree.fault("$", saying("channels_shape"))
        tree.finish()
    for key in tree.data:
        if key not in SECTIONS:
            tree.fault(f"$.{key}", saying("no_section"), suggest(str(key), SECTIONS))
    receivers = _listed(tree, "receivers", Spec, needed=True)
    routes = _listed(tree, "routes", Route, needed=True)
    inhibitions = _listed(tree, "inhibit", Inhibition)
    schedules = _schedules(tree)
    flapping = tree.data.get("flapping", True)
    if not isinstance(flapping, bool):
        tree.fault("$.flapping", saying("true_or_false"))
    _check_names(tree, receivers, routes, schedules)
    for path, inhibition in inhibitions.items():
        _check_fields(tree, f"{path}.equal", inhibition.equal)
    tree.finish()
    routing = Routing(tuple(routes.values()), schedules, tuple(inhibitions.values()), flapping)
    return ChannelsFile(tuple(receivers.values()), routing, tuple(tree.line(path) for path in receivers))


def _listed(tree: Tree, section: str, kind: Any, *, needed: bool = False) -> dict[str, Any]:
    """The entries of a section by their paths; those with faults are left out."""
    entries = tree.data.get(section, [])
    if not isinstance(entries, list) or (needed and not entries):
        tree.fault(f"$.{section}", saying("some_list") if needed else saying("a_list"))
        return {}
    found = {}
    for index, entry in enumerate(entries):
        path = f"$.{section}[{index}]"
        value = tree.convert(entry, kind, path, _decode)
        if value is not None:
            found[path] = value
    return found


def _schedules(tree: Tree) -> dict[str, Schedule]:
    entries = tree.data.get("schedules", {})
    if not isinstance(entries, dict):
        tree.fault("$.schedules", saying("schedules_shape"))
        return {}
    found: dict[str, Schedule] = {}
    for name, entry in entries.items():
        path = f"$.schedules.{name}"
        schedule = tree.convert(entry, Schedule, path, _decode)
        # A schedule with a fault of its own keeps its name: routes that use it are right.
        found[name] = schedule or Schedule()
        if schedule is not None:
            _check_schedule(tree, path, schedule)
    return found


def _check_schedule(tree: Tree, path: str, schedule: Schedule) -> None:
    try:
        ZoneInfo(schedule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = suggest(schedule.zone, available_timezones())
        tree.fault(f"{path}.zone", saying("no_zone", zone=schedule.zone), near)
    if schedule.from_ == schedule.to or schedule.from_ == "24:00":
        tree.fault(f"{path}.from", saying("schedule_empty"))
    if not schedule.days:
        tree.fault(f"{path}.days", saying("schedule_dayless"))


def _check_names(
    tree: Tree, receivers: Mapping[str, Spec], routes: Mapping[str, Route], schedules: Mapping[str, Schedule]
) -> None:
    """Names are given once, and what a route names is there."""
    seen: dict[str, str] = {}
    for path, spec in receivers.items():
        if spec.name in seen:
            line = tree.line(seen[spec.name])
            tree.fault(f"{path}.name", saying("receiver_twice", name=spec.name, line=line))
        seen.setdefault(spec.name, path)
    known = {*seen, *_said_names(tree.data.get("receivers"))}
    for path, route in routes.items():
        _check_known(tree, f"{path}.receivers", route.receivers, known, "no_receiver")
        _check_known(tree, f"{path}.quiet", route.quiet, schedules, "no_schedule")
        _check_known(tree, f"{path}.only", route.only, schedules, "no_schedule")
        _check_fields(tree, f"{path}.group_by", route.group_by)
        if route.escalate is not None:
            _check_known(tree, f"{path}.escalate.to", route.escalate.to, known, "no_receiver")
            if not route.escalate.after.seconds:
                tree.fault(f"{path}.escalate.after", saying("after_nothing"))
            for name in sorted(set(route.escalate.to) & set(route.receivers)):
                tree.fault(f"{path}.escalate.to", saying("told_already", name=name))


def _said_names(entries: object) -> set[str]:
    """Names of receivers that have faults of their own: whoever uses them is not wrong as well."""
    found = entries if isinstance(entries, list) else []
    return {str(entry["name"]) for entry in found if isinstance(entry, dict) and "name" in entry}


def _check_known(tree: Tree, path: str, names: Iterable[str], known: Iterable[str], code: str) -> None:
    for name in names:
        if name not in known:
            tree.fault(path, saying(code, name=name), suggest(name, known))


def _check_fields(tree: Tree, path: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in FIELDS and not (name.startswith(LABEL) and len(name) > len(LABEL)):
            there = f"{', '.join(FIELDS)} and {LABEL}NAME"
            tree.fault(path, saying("no_field_of", name=name, known=there), suggest(name, FIELDS))


def _decode(kind: type, value: Any) -> Any:
    if kind is Duration:
        found = Duration.parse(value)
        if found.seconds > LONGEST:
            raise ValueError(f"expected at most {Duration(LONGEST)}, got {value!r}")
        return found
    raise NotImplementedError(kind)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    shape = {"type": ["string", "integer"], "pattern": DURATION, "description": "30m, 2h, 1h30m or 0"}
    _, components = msgspec.json.schema_components(
        [_Shape], schema_hook=lambda _: dict(shape), ref_template="#/$defs/{name}"
    )
    whole = components.pop(_Shape.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "Tocsin channels file",
        "$defs": components,
    }
