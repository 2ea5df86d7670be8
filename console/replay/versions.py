"""Which version of which model judges each language in a replay: the active ones, or those that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.yaml_structs import suggest
from console.messages import say
from models import registry
from models.registry import ModelRefused, Served
from models.versions import plan_of
from streams.plain import plain


class VersionError(ValueError):
    """No such version can judge; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settled once: a deployment while a replay runs changes nothing in it."""

    served: Mapping[str, Served]  # by language
    again: frozenset[str]  # languages in which stored judgements are made again

    def names(self) -> list[str]:
        """NAME@VERSION of those that were asked for, as mentions name them."""
        return sorted({name_of(self.served[lang]) for lang in self.again})


def choose(repository: Path, models: Sequence[str]) -> Chosen:
    """The active versions, but those named in `models` for their languages.

    NAME@VERSION, where VERSION is what the version calls itself or its number. Raises VersionError for one that is not
    there or not loaded, ModelRefused for a damaged one.
    """
    served = registry.find(repository)
    again: set[str] = set()
    for word in models:
        found = _find(repository, word)
        served |= dict.fromkeys(found.metadata.langs, found)
        again |= set(found.metadata.langs)
    return Chosen(served, frozenset(again))


def name_of(served: Served) -> str:
    """NAME@VERSION of a version."""
    return f"{served.metadata.model}@{served.metadata.version}"


def _find(repository: Path, word: str) -> Served:
    name, _, version = word.partition("@")
    folders = {folder.name: folder for folder in registry.models(repository)}
    folder = folders.get(name) or folders.get(f"{registry.PREFIX}{name}")
    known = [each for folder in folders.values() for each in _versions(folder)]
    if folder is None or not version:
        raise _unknown(word, known)
    try:
        served = registry.read(folder, version) if version.isdigit() else registry.named(folder, version)
    except ModelRefused:
        if any(name_of(each) == f"{folder.name}@{version}" or each.number == version for each in known):
            raise  # it is there, and damaged
        raise _unknown(word, known) from None
    if served.number not in plan_of(folder).served:
        raise VersionError(say("replay.model.not_loaded", version=name_of(served), number=served.number))
    return served


def _versions(folder: Path) -> list[Served]:
    found = []
    for number in registry.numbers(folder):
        try:
            found.append(registry.read(folder, number))
        except (ModelRefused, OSError):
            continue  # a damaged one is no reason to hide the others
    return found


def _unknown(word: str, known: Sequence[Served]) -> VersionError:
    names = [name_of(each) for each in known]
    meant = suggest(word, names)
    key = "replay.model.meant" if meant else "replay.model.unknown"
    return VersionError(say(key, version=plain(word, 128), meant=meant, known=", ".join(names)))
