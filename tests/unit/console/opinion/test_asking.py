"""What is missing from an answer is said, or is a fault."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.opinion.asking import Incomplete, Missing, ask
from console.opinion.span import last
from console.opinion.totals import totals
from streams.settings import Settings
from tests.opinions import END


class Elastic:
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    async def search(self, **asked: Any) -> Any:
        self.asked = asked
        return SimpleNamespace(body=self.answer, get=self.answer.get)


@pytest.mark.parametrize("answer", [{"timed_out": True}, {"_shards": {"failed": 1}}])
async def test_a_part_that_is_missing_is_never_passed_over(tmp_path: Path, answer: dict[str, Any]) -> None:
    """Whoever can say so is told; for whoever cannot, numbers that are too low are a fault."""
    settings, missing = Settings(state_dir=tmp_path), Missing()
    await ask(Elastic(**answer), settings, {}, missing)  # type: ignore[arg-type]
    assert missing.any
    with pytest.raises(Incomplete):
        await totals(Elastic(**answer), settings, last(END, 1))  # type: ignore[arg-type]


async def test_only_the_indices_of_this_namespace_are_asked(tmp_path: Path) -> None:
    """Neither another namespace's documents nor those of a replay."""
    elastic = Elastic()
    await ask(elastic, Settings(state_dir=tmp_path, namespace="mine"), {"size": 0})  # type: ignore[arg-type]
    assert elastic.asked["index"] == "mine-documents-*"
    assert elastic.asked["allow_partial_search_results"] is False
