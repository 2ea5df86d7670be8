"""The search for a recipe, on a tiny encoder. Needs the extra `train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.data import Audit
from models.material import Material, MaterialRefused
from models.progress import Lines
from models.recipe import Recipe, RecipeRefused, Search, read_recipe
from tests.unit.models import tiny

pytestmark = pytest.mark.train

RECIPE = Recipe(epochs=2, batch=8, tokens=48, composed=0, corpus_repeats=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base."""
    return tiny.base(tmp_path_factory.mktemp("base"))


def material(dev: str = "invented") -> Material:
    """Forty rows to learn from and sixteen to measure on."""
    return Material(tiny.rows(40), tiny.rows(16, dev), [], Audit(0, 0, 0, 0, 0, 0, 0), [], frozenset({"A"}))


def never() -> bool:
    """Nobody wants it to end."""
    return False


def test_the_best_recipe_is_written_and_can_be_followed(base: Path, tmp_path: Path) -> None:
    """Within the budget of trials; the file says what it was found by, and the same seed finds the same."""
    from models.search import run

    options = Search(base=str(base), out=tmp_path / "r.yaml", trials=3, threads=1, track="none")
    found = run(options, RECIPE, material(), never)
    assert found.tried == 3
    assert 1 <= found.ended <= 3
    assert read_recipe(options.out) == found.recipe
    assert f"{found.score:.4f}" in options.out.read_text(encoding="utf-8")
    assert found.recipe.epochs == RECIPE.epochs
    assert found == run(replace(options, out=tmp_path / "again.yaml"), RECIPE, material(), never)


def test_nothing_is_overwritten_or_begun_in_vain(base: Path, tmp_path: Path) -> None:
    """What cannot end well is refused before the first trial."""
    from models.search import run

    options = Search(base=str(base), out=tmp_path / "r.yaml", trials=1, threads=1, track="none")
    with pytest.raises(MaterialRefused, match="--dev-rows"):
        run(options, RECIPE, material(dev="strange"), never)
    with pytest.raises(RecipeRefused, match="at least 1"):
        run(replace(options, trials=0), RECIPE, material(), never)
    options.out.write_text("mine")
    with pytest.raises(FileExistsError, match="not overwritten"):
        run(options, RECIPE, material(), never)
    assert options.out.read_text() == "mine"


def test_the_minutes_bound_the_search_within_a_trial(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When they are over the running trial ends too; without a single whole trial nothing is found."""
    import sys

    from models.search import NothingFound, search

    options = Search(base=str(base), out=Path("unused.yaml"), trials=50, minutes=1.0, threads=1, track="none")

    def clock(ticks_a_minute: int) -> Any:
        ticks = iter(range(10**6))
        return lambda: next(ticks) * 60.0 / ticks_a_minute

    with pytest.raises(NothingFound, match="--minutes"):
        search(options, RECIPE, material(), Lines(sys.stdout), never, clock(4))
    found = search(options, RECIPE, material(), Lines(sys.stdout), never, clock(25))
    assert found.tried < 50
    assert found.ended >= 1


def test_the_first_trial_is_the_recipe_itself(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search can only do better than what one has."""
    import sys

    from models import search as module

    tried: list[Recipe] = []
    real = module.course_of

    def course_of(given: Material, recipe: Recipe) -> Any:
        tried.append(recipe)
        return real(given, recipe)

    monkeypatch.setattr(module, "course_of", course_of)
    options = Search(base=str(base), out=Path("unused.yaml"), trials=2, threads=1, track="none")
    recipe = replace(RECIPE, epochs=1, rate=3e-4)
    module.search(options, recipe, material(), Lines(sys.stdout), never)
    assert tried[0] == recipe
    assert tried[1] != recipe


def test_what_is_not_varied_is_not_searched() -> None:
    """How many texts are varied matters only when there is a way to vary them."""
    from models.search import SPACE, _varied

    assert set(SPACE) - set(_varied(RECIPE)) == {"augment_share"}
    assert set(_varied(replace(RECIPE, augments=("noise",)))) == set(SPACE)
    assert set(SPACE) <= set(Recipe.__slots__)
