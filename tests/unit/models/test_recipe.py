"""Recipes: their file, their checks, their command line."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipe import (
    Pretraining,
    Recipe,
    RecipeRefused,
    Run,
    Search,
    assembled,
    changed,
    options_of,
    pretraining_of,
    read_options,
    read_recipe,
    write_recipe,
)


@given(
    st.builds(
        Recipe, epochs=st.integers(1, 9), rate=st.floats(0, 1), langs=st.tuples(st.sampled_from(["en", "zh"])),
        train_words=st.booleans(), precision=st.sampled_from(["fp32", "bf16", "fp16"]), paraphrases=st.text(),
    )
)  # fmt: skip
def test_a_recipe_survives_its_file(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    """What is written is what is read."""
    path = tmp_path_factory.mktemp("recipe") / "r.yaml"
    write_recipe(path, recipe, ["found somewhere"])
    assert read_recipe(path) == recipe
    assert path.read_text(encoding="utf-8").startswith("# found somewhere\n")


def test_a_recipe_file_is_never_overwritten(tmp_path: Path) -> None:
    """The one that is there stays."""
    path = tmp_path / "r.yaml"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_recipe(path, Recipe())
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epoch": 3}, "did you mean epochs"), ({"epochs": "3"}, "one int"), ({"epochs": True}, "one int"),
        ({"epochs": 0}, "at least 1"), ({"augments": "noise"}, "a list of words"), ({"augments": ["nois"]}, "noise"),
        ({"precision": "fp8"}, "precision"), ({"smoothing": 2}, "between 0 and 1"), ({"focal": -1.0}, "negative"),
        ({"lora": 4, "train_words": True}, "either lora or train_words"),
    ],
)  # fmt: skip
def test_a_wrong_number_says_what_is_right(changes: dict[str, Any], told: str) -> None:
    """The message names the number and what to write."""
    with pytest.raises(RecipeRefused, match=told):
        changed(Recipe(), changes)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    """An unreadable file, a list and a wrong number all name the file."""
    path = tmp_path / "r.yaml"
    for text in ("[1, 2]", "a: [", "epochs: many"):
        path.write_text(text)
        with pytest.raises(RecipeRefused, match=r"r\.yaml"):
            read_recipe(path)
    with pytest.raises(RecipeRefused, match="absent"):
        read_recipe(tmp_path / "absent.yaml")


def test_options_go_before_the_file_and_the_file_before_the_defaults(tmp_path: Path) -> None:
    """Also where an option says what is the default."""
    path = tmp_path / "r.yaml"
    path.write_text("epochs: 7\nrate: 1\ntrain_words: true\n")
    arguments = [
        "--base",
        "b",
        "--out",
        "o",
        "--recipe",
        str(path),
        "--epochs",
        "2",
        "--no-train-words",
        "--langs",
        "en",
    ]
    run, recipe = read_options("x", Run, arguments)
    assert run == Run(base="b", out=Path("o"))
    assert asdict(recipe) == asdict(Recipe()) | {"epochs": 2, "rate": 1.0, "langs": ("en",)}


def test_every_field_is_an_option_with_a_help() -> None:
    """Nothing of a run can be set in code alone."""
    for form in (Run, Search, Recipe, Pretraining):
        options = options_of(form)
        assert [option.name for option in options] == [each.name for each in fields(form)]
        assert all(option.help and option.kind in (str, int, float, bool, Path) for option in options)


def test_no_option_means_two_things() -> None:
    """What a run reads and how it learns have no name in common."""
    names = {option.name for option in options_of(Recipe)}
    assert names.isdisjoint(option.name for form in (Run, Search) for option in options_of(form))


def test_an_unknown_tracker_is_refused() -> None:
    """The message names the known ones or the near one."""
    with pytest.raises(RecipeRefused, match="mlflow"):
        assembled({"base": "b", "out": Path("o"), "track": "mflow"}, Run)


@pytest.mark.parametrize("changes", [{"texts": []}, {"epochs": 0}, {"masked": 1.0}, {"precision": "x"}, {"track": "x"}])
def test_pretraining_checks_its_options(changes: dict[str, Any]) -> None:
    """Before anything is read."""
    with pytest.raises(RecipeRefused):
        pretraining_of({"base": "b", "out": Path("o"), "texts": [Path("t")]} | changes)


def test_nothing_special_is_done_unless_somebody_asks_for_it() -> None:
    """Each of these changes what is learnt."""
    new = {"accumulate": 1, "focal": 0.0, "paraphrases": "", "adversarial": 0.0, "lora": 0, "patience": 0}
    assert asdict(Recipe()) | new | {"augments": (), "precision": "fp32"} == asdict(Recipe())
