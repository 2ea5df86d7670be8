"""Versions side by side: plans, and what may enter a model's folder."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import registry, versions
from models.registry import PROGRAMS, SERVING, SHIPPED, WEIGHTS, ModelRefused
from models.versions import Plan, activate, add, alone, plan_of, roll_back, surplus, with_shadow, without, write_plan

NAME = "opinion-en"
START = Plan(frozenset({"1"}), "1")
NUMBERS = st.integers(1, 6).map(str)
STEPS = st.lists(st.one_of(st.tuples(st.sampled_from(["activate", "shadow"]), NUMBERS), st.just(("back", ""))))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a copy of the shipped model, its networks small stand-ins whose digests are stated."""
    small(tmp_path / "repository" / NAME / "1", "1-first")
    folder = tmp_path / "repository" / NAME
    metadata = registry.decode(folder / "1" / "metadata.json")
    (folder / "config.pbtxt").write_text(registry.configuration({"1": metadata}, "1"), encoding="utf-8")
    return folder.parent


def small(folder: Path, version: str, weights: bytes = b"network", **changes: object) -> Path:
    """A version folder with the shipped tokenizer and a stand-in for the network."""
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED / NAME / "1" / "tokenizer.json", folder)
    (folder / WEIGHTS[0]).write_bytes(weights)
    told = json.loads((SHIPPED / NAME / "1" / "metadata.json").read_text(encoding="utf-8"))
    digest = registry.sha256(folder / WEIGHTS[0])
    told |= {"version": version, "weights_sha256": digest} | changes
    (folder / "metadata.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def carried_out(steps: list[tuple[str, str]]) -> list[Plan]:
    """The plans that follow each other, refused steps left out."""
    plans = [START]
    for kind, number in steps:
        try:
            if kind == "activate":
                plans.append(activate(plans[-1], number))
            elif kind == "shadow":
                plans.append(with_shadow(plans[-1], number))
            else:
                plans.append(roll_back(plans[-1]))
        except ModelRefused:
            continue
    return plans


@given(STEPS)
def test_a_plan_always_serves_what_it_needs(steps: list[tuple[str, str]]) -> None:
    """Active, shadow and the version that workers may still use are served; no more than that."""
    plans = carried_out(steps)
    for before, plan in pairwise(plans):
        assert {plan.active, before.active} <= plan.served
        assert not plan.shadow or plan.shadow in plan.served
        assert plan.shadow != plan.active
        assert plan.active not in plan.previous
        assert len(plan.served) <= 4
        assert len(set(plan.previous)) == len(plan.previous)


@given(STEPS, NUMBERS)
def test_rolling_back_undoes_an_activation(steps: list[tuple[str, str]], number: str) -> None:
    """The version active before is active again, with the history it had but for the version tried."""
    plan = carried_out(steps)[-1]
    if number != plan.active:
        back = roll_back(activate(plan, number))
        assert back.active == plan.active
        assert back.previous == tuple(each for each in plan.previous if each != number)


def test_there_is_nothing_before_the_first() -> None:
    """A roll-back without a version before is refused, with the command that shows what there is."""
    with pytest.raises(ModelRefused, match="tocsin models list"):
        roll_back(START)


def test_the_active_version_is_no_shadow() -> None:
    """It would be compared with itself."""
    with pytest.raises(ModelRefused, match="active"):
        with_shadow(START, "1")


@given(STEPS, st.integers(0, 4))
def test_what_is_removed_is_not_needed(steps: list[tuple[str, str]], keep: int) -> None:
    """Neither active nor shadow nor the version to roll back to; of the others the newest `keep` stay."""
    plan = carried_out(steps)[-1]
    numbers = [str(number) for number in range(1, 7)]
    gone = surplus(plan, numbers, keep)
    needed = {plan.active, plan.shadow, *plan.previous[-1:]}
    assert not needed & set(gone)
    rest = [number for number in numbers if number not in needed]
    assert gone == rest[: max(0, len(rest) - keep)]
    after = without(plan, gone)
    assert not set(gone) & (after.served | set(after.previous))


def test_a_plan_is_written_and_read_again(repository: Path) -> None:
    """config.pbtxt holds the plan, and no other file is left beside it."""
    folder = repository / NAME
    small(folder / "2", "2-x", b"other")
    small(folder / "10", "10-x", b"third")
    plan = Plan(frozenset({"1", "2", "10"}), "10", "2", ("1",))
    write_plan(folder, plan)
    assert plan_of(folder) == plan
    assert "versions: [ 1, 2, 10 ]" in (folder / "config.pbtxt").read_text(encoding="utf-8")
    assert {path.name for path in folder.iterdir()} == {"1", "2", "10", "config.pbtxt"}


def test_damaged_versions_never_reach_triton(repository: Path) -> None:
    """One that is used stops the plan, one that is only kept is left out; both are listed with their fault."""
    folder = repository / NAME
    small(folder / "2", "2-x", b"other")
    before = (folder / "config.pbtxt").read_text(encoding="utf-8")
    (folder / "2" / WEIGHTS[0]).write_bytes(b"damaged")
    with pytest.raises(ModelRefused, match=r"model\.onnx is not the network"):
        write_plan(folder, activate(START, "2"))
    assert (folder / "config.pbtxt").read_text(encoding="utf-8") == before
    write_plan(folder, Plan(frozenset({"1", "2"}), "1", "", ("2",)))
    assert plan_of(folder).served == {"1"}
    first, second = versions.versions(folder)
    assert (first.state, first.loaded, first.fault) == ("active", True, "")
    assert (second.state, second.loaded, second.served) == ("damaged", False, None)
    assert "is not the network" in second.fault


def test_a_version_enters_under_the_next_number(repository: Path, tmp_path: Path) -> None:
    """It is checked and copied, with this Tocsin's own programs, and not used by that."""
    given_ = small(tmp_path / "made" / "7", "7-new", b"new")
    (given_ / PROGRAMS[0]).write_text("raise SystemExit", encoding="utf-8")
    (repository / NAME / "4").mkdir()
    added = add(repository, given_)
    assert (added.number, added.metadata.version) == ("5", "7-new")
    for name in PROGRAMS:
        assert (repository / NAME / "5" / name).read_bytes() == (SERVING / name).read_bytes()
    assert plan_of(repository / NAME) == START
    assert not list((repository / NAME).glob(".*"))


def test_a_version_that_lies_here_is_taken_as_it_is(repository: Path) -> None:
    """Deploying a folder of the repository copies nothing."""
    small(repository / NAME / "2", "2-x", b"other")
    assert add(repository, repository / NAME / "2").number == "2"
    assert registry.numbers(repository / NAME) == ["1", "2"]


def test_a_model_folder_stands_for_its_active_version(repository: Path, tmp_path: Path) -> None:
    """What models.export wrote may be named by its model folder."""
    folder = tmp_path / "out" / NAME
    small(folder / "3", "3-new", b"new")
    metadata = registry.decode(folder / "3" / "metadata.json")
    (folder / "config.pbtxt").write_text(registry.configuration({"3": metadata}, "3"), encoding="utf-8")
    assert add(repository, folder).metadata.version == "3-new"


def spoiled(folder: Path, how: str) -> None:
    """A version folder with one thing wrong."""
    told = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    match how:
        case "weights":
            (folder / WEIGHTS[0]).write_bytes(b"damaged")
        case "no weights":
            (folder / WEIGHTS[0]).unlink()
        case "tokenizer":
            (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
        case "metadata":
            (folder / "metadata.json").write_text("{", encoding="utf-8")
        case "no metadata":
            (folder / "metadata.json").unlink()
        case "pickle":
            (folder / "pytorch_model.bin").write_bytes(b"")
        case "labels":
            told["labels"]["sentiment"].reverse()
        case "probes":
            told["probes"][0]["ids"][1] += 1
        case "no probes":
            told["probes"] = []
        case "languages":
            told["langs"], told["calibration"] = ["fr"], {"fr": told["calibration"]["en"]}
            told["probes"] = [probe | {"lang": "fr"} for probe in told["probes"]]
        case "model":
            told["model"] = "opinion-other"
        case "name":
            told["model"] = "../opinion-en"
        case "same":
            told["version"] = "1-first"
    if how not in ("metadata", "no metadata"):
        (folder / "metadata.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("weights", "is not the network"),
        ("no weights", "is missing"),
        ("tokenizer", "is not the tokenizer"),
        ("metadata", "cannot be read"),
        ("no metadata", "needs metadata.json"),
        ("pickle", "pytorch_model.bin, which is no part of a version"),
        ("labels", "labels of sentiment"),
        ("probes", "other ids for a probe"),
        ("no probes", "lacks probes"),
        ("languages", "same languages"),
        ("model", "export it with --name"),
        ("name", "no name of a model"),
        ("same", "here already, as version 1"),
    ],
)
def test_a_wrong_version_does_not_enter(repository: Path, tmp_path: Path, how: str, words: str) -> None:
    """The message says what is wrong, and the repository is as it was."""
    given_ = small(tmp_path / "made" / "2", "2-new", b"new")
    spoiled(given_, how)
    with pytest.raises(ModelRefused, match=words):
        add(repository, given_)
    assert {path.name for path in (repository / NAME).iterdir()} == {"1", "config.pbtxt"}


def test_one_change_at_a_time(repository: Path) -> None:
    """Who holds the repository lets go of it, also after a fault."""
    with pytest.raises(ZeroDivisionError), alone(repository):
        raise ZeroDivisionError
    with alone(repository):
        pass
