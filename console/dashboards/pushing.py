"""The dashboards into a Kibana: its version asked first, the format chosen by it, each object with its outcome."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from console.messages import say
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.bundle import Format, bundle, text
from deploy.dashboards.kibana import NEWEST, Kibana, KibanaError, Outcome, Version, connected
from deploy.dashboards.naming import Names, Words
from streams.endpoints import EnginesDown
from streams.settings import Settings, SettingsError

KINDS: Final = {"index-pattern": "data view"}


class KibanaDown(EnginesDown):
    """Kibana does not answer; the same command may work later."""


class KibanaRefused(SettingsError):  # noqa: N818 - reads as what it says
    """Kibana is named wrongly, does not take the key, or is of a version that these dashboards are not for."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was done: `outcomes` is empty when nothing was to be sent."""

    version: Version
    form: Format
    objects: int
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> int:
        """How many objects are not there."""
        return sum(bool(one.reason) for one in self.outcomes)


async def push(settings: Settings, words: Words, space: str, form: Format | None, *, dry: bool) -> Pushed:
    """All dashboards and data views of the namespace. Raises KibanaDown or KibanaRefused."""
    if not settings.kibana_url:
        raise KibanaRefused(say("dashboards.push.no_url"))
    names = Names(settings.namespace)
    try:
        async with connected(settings, space) as kibana:
            version = await kibana.version()
            chosen = choose(version, form)
            objects = bundle(BOARDS, names, words).objects
            outcomes = [] if dry else await _send(kibana, names, words, chosen)
    except KibanaError as error:
        sentence = say(f"dashboards.push.{error.code}", None, **error.values)
        raise (KibanaDown if error.code == "unreachable" else KibanaRefused)(sentence) from None
    return Pushed(version, chosen, objects, tuple(outcomes))


def choose(version: Version, form: Format | None) -> Format:
    """The format for a version, or the one asked for where it may be tried. Raises KibanaRefused."""
    takes = version.takes
    if takes is None:
        newer = version.number[0] > NEWEST
        if newer and form == "dashboards-api":
            return form
        raise KibanaRefused(say("dashboards.push.new" if newer else "dashboards.push.old", version=version.text))
    if form == "dashboards-api" and takes == "saved-objects":
        named = say(f"dashboards.push.format.{form}")
        raise KibanaRefused(say("dashboards.push.mismatch", version=version.text, format=named))
    return form or takes


async def _send(kibana: Kibana, names: Names, words: Words, form: Format) -> list[Outcome]:
    if form == "dashboards-api":
        return await kibana.put(bundle(BOARDS, names, words))
    file = text(BOARDS, names, words, form)
    expected = [(str(one["type"]), str(one["id"])) for one in map(json.loads, file.decode().splitlines())]
    found = await kibana.import_file(file, expected)
    return [Outcome(KINDS.get(one.kind, one.kind), one.id, one.reason) for one in found]
