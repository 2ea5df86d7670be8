"""Versions of a model side by side: which lie in its folder, which one is used, which are kept.

A plan is what `config.pbtxt` says of them; changes of a plan are pure. Nothing here talks to Triton: `models.control`
has it load what a plan says, and takes a plan back that fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from models import registry
from models.reference import FILE as REFERENCE
from models.registry import ACTIVE, PREVIOUS, PROGRAMS, SERVING, SHADOW, WEIGHTS, ModelRefused, Served
from models.text import prepare, read_tokenizer

CONFIG: Final = "config.pbtxt"
NEEDED: Final = ("metadata.json", "tokenizer.json", WEIGHTS[0])
# A version is these files and no other. Formats that run code when they are read (pickles) have no place in it, and the
# programs always are this Tocsin's own: loading a model runs them.
TAKEN: Final = tuple(dict.fromkeys((*NEEDED, *WEIGHTS, REFERENCE)))
ALLOWED: Final = frozenset({*TAKEN, *PROGRAMS})

State = Literal["active", "shadow", "retained", "damaged"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of the versions that Triton serves, of the one used, of the shadow (empty: none), and of those before."""

    served: frozenset[str]
    active: str
    shadow: str = ""
    previous: tuple[str, ...] = ()  # the latest last


@dataclass(frozen=True, slots=True)
class Version:
    """One version folder, as `tocsin models list` shows it. `fault`: why it cannot be used; then it has no metadata."""

    number: str
    state: State
    loaded: bool  # Triton is told to serve it
    served: Served | None
    fault: str = ""


# ---- pure


def activate(plan: Plan, number: str) -> Plan:
    """`number` is used from now on; the one it replaces is served on, for workers that have not noticed yet."""
    if number == plan.active:
        return plan
    shadow = "" if plan.shadow == number else plan.shadow
    before = (*(each for each in plan.previous if each != number), plan.active)
    return Plan(_set(number, shadow, plan.active), number, shadow, before)


def roll_back(plan: Plan) -> Plan:
    """The version that was active before is used again. Raises ModelRefused when there was none."""
    if not plan.previous:
        raise ModelRefused("no version was active before this one. Which there are: tocsin models list")
    number = plan.previous[-1]
    shadow = "" if plan.shadow == number else plan.shadow
    return Plan(_set(number, shadow, plan.active), number, shadow, plan.previous[:-1])


def with_shadow(plan: Plan, number: str) -> Plan:
    """`number` is scored beside the active version and not used; an empty one ends that. Raises ModelRefused."""
    if number == plan.active:
        raise ModelRefused(f"version {number} is the active one; a shadow is another version")
    return replace(plan, served=_set(plan.active, number, *plan.previous[-1:]), shadow=number)


def without(plan: Plan, gone: Iterable[str]) -> Plan:
    """The plan once the folders of `gone` are removed."""
    removed = set(gone)
    return replace(
        plan,
        served=plan.served - removed,
        previous=tuple(number for number in plan.previous if number not in removed),
    )


def surplus(plan: Plan, numbers: Iterable[str], keep: int) -> list[str]:
    """Versions to remove so that `keep` of those neither active nor shadow stay, oldest first.

    The one to roll back to always stays: it is not counted.
    """
    needed = {plan.active, plan.shadow, *plan.previous[-1:]}
    retained = sorted((number for number in numbers if number not in needed), key=int)
    return retained[: max(0, len(retained) - keep)]


def _set(*numbers: str) -> frozenset[str]:
    return frozenset(filter(None, numbers))


# ---- on disk


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the model's folder alone among all processes that change versions; a crash lets go of it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def plan_of(folder: Path) -> Plan:
    """What the model's configuration says. Raises ModelRefused when it does not say which version is active."""
    told = registry.configured(folder)
    active = told.get(ACTIVE, "")
    if not active.isdigit():
        raise ModelRefused(f"{folder / CONFIG} does not say which version is active: export the model again")
    served = frozenset(name.removesuffix(".version") for name in told if name.endswith(".version"))
    return Plan(served, active, told.get(SHADOW, ""), tuple(told.get(PREVIOUS, "").split()))


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the configuration, in one step. Raises ModelRefused, and writes nothing, where a version in use is damaged.

    A damaged one that is kept only for rolling back is left out. None that is damaged may reach Triton: when a version
    it serves fails to load again, Triton 2.51 goes on serving, but ends with a segmentation fault at the load after.
    """
    served = {}
    for number in plan.served:
        try:
            served[number] = intact(folder, number).metadata
        except ModelRefused:
            if number in (plan.active, plan.shadow):
                raise
    write_config(folder, registry.configuration(served, plan.active, plan.shadow, " ".join(plan.previous)))


def write_config(folder: Path, text: str) -> None:
    """Replace `config.pbtxt` in one step: a reader sees the old or the new one."""
    temporary = folder / f".{CONFIG}.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / CONFIG)


def intact(folder: Path, number: str) -> Served:
    """A version whose files are those its metadata describes. Raises ModelRefused with what is wrong."""
    served = registry.read(folder, number)
    missing = [name for name in NEEDED if not (folder / number / name).is_file()]
    if missing:
        raise ModelRefused(f"{folder / number / missing[0]} is missing: a version needs it")
    if (found := served.weights_digest()) != served.metadata.weights_sha256:
        raise ModelRefused(
            f"{served.weights} is not the network of {served.metadata.model} {served.metadata.version} "
            f"(sha256 {found[:12]}, expected {served.metadata.weights_sha256[:12]}): copy or export it again"
        )
    return served


def versions(folder: Path) -> list[Version]:
    """Every version of the model, oldest first; a damaged one is listed with its fault. Digests are checked."""
    plan, found = plan_of(folder), []
    for number in registry.numbers(folder):
        loaded = number in plan.served
        state: State = "active" if number == plan.active else "shadow" if number == plan.shadow else "retained"
        try:
            found.append(Version(number, state, loaded, intact(folder, number)))
        except ModelRefused as error:
            found.append(Version(number, "damaged", loaded, None, str(error)))
    return found


def source(folder: Path) -> Path:
    """The version folder that a person means: `folder` itself, or the active version of the model folder it is."""
    if (folder / "metadata.json").is_file():
        return folder.resolve()
    if (folder / CONFIG).is_file():
        return (folder / plan_of(folder).active).resolve()
    raise ModelRefused(f"{folder} is no version of a model: it needs metadata.json, as models.export writes it")


def add(repository: Path, given: Path) -> Served:
    """Take a version into the repository under the next number, or give the one it already is there.

    Its digests, labels, tokenizer, languages and probes are checked before it appears; it is not used by that. Raises
    ModelRefused with what is wrong.
    """
    version = source(given)
    if version.parent.parent == repository.resolve() and version.name.isdigit():
        served = intact(repository / version.parent.name, version.name)
        check_probes(served)
        return served
    strange = sorted(path.name for path in version.iterdir() if path.name not in {*ALLOWED, "__pycache__"})
    if strange:
        parts = ", ".join(sorted(ALLOWED))
        raise ModelRefused(f"{version} holds {strange[0]}, which is no part of a version ({parts})")
    model = _name(version)
    folder = repository / model
    if not (folder / CONFIG).is_file():
        there = ", ".join(path.name for path in registry.models(repository))
        raise ModelRefused(f"{version} is a version of {model}; {repository} holds {there}: export it with --name")
    number = str(max(map(int, registry.numbers(folder)), default=0) + 1)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as staging:
        staged = Path(staging) / model / number
        _copy(version, staged)
        _check(intact(staged.parent, number), registry.read(folder), folder)
        staged.rename(folder / number)
    return registry.read(folder, number)


def check_probes(served: Served) -> None:
    """Raise ModelRefused unless there are probes for each language and the tokenizer makes the ids they state."""
    metadata = served.metadata
    tokenizer = read_tokenizer(served.tokenizer, metadata.token_limit)
    if {probe.lang for probe in metadata.probes} != set(metadata.langs):
        raise ModelRefused(f"{metadata.model} {metadata.version} lacks probes for a language: export it again")
    for probe in metadata.probes:
        if tuple(tokenizer.encode(prepare(probe.text)).ids) != probe.ids or max(probe.ids) >= metadata.vocabulary:
            raise ModelRefused(
                f"{metadata.model} {metadata.version}: the tokenizer gives other ids for a probe than the network was "
                f"exported with; export it again. The text: {probe.text}"
            )


def remove(folder: Path, numbers: Iterable[str]) -> None:
    """Remove version folders. They must not be served any more."""
    for number in numbers:
        shutil.rmtree(folder / number)


def _name(version: Path) -> str:
    """The model a version belongs to, by its metadata, which is not believed in anything else yet."""
    name = registry.decode(version / "metadata.json").model
    if Path(name).name != name:
        raise ModelRefused(f"{version}: {name!r} is no name of a model")
    return name


def _copy(version: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in TAKEN:
        if (version / name).is_file():
            shutil.copyfile(version / name, target / name)
    for name in PROGRAMS:
        shutil.copyfile(SERVING / name, target / name)


def _check(new: Served, active: Served, folder: Path) -> None:
    """Raise ModelRefused unless a version may stand beside the others of its model."""
    check_probes(new)
    if set(new.metadata.langs) != set(active.metadata.langs):
        raise ModelRefused(
            f"{new.metadata.version} judges {' '.join(new.metadata.langs)}, the active version "
            f"{' '.join(active.metadata.langs)}: a version of the same model judges the same languages"
        )
    for number in registry.numbers(folder):
        try:
            there = registry.decode(folder / number / "metadata.json").version
        except ModelRefused:
            continue  # a damaged one is no reason to keep others out
        if there == new.metadata.version:
            raise ModelRefused(
                f"{there} is here already, as version {number}: deploy {folder / number}, or export the new one with "
                "another --number"
            )
