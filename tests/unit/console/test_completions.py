"""What a shell is offered, within a moment and without a word on failure."""

from __future__ import annotations

import time

import pytest

from console.completions import bounded, rule_names


def test_reading_that_is_late_offers_nothing() -> None:
    """Nobody waits at a prompt for a cluster that is away."""

    def slow() -> list[tuple[str, str]]:
        time.sleep(5)
        return [("never", "")]

    began = time.monotonic()
    assert bounded(slow, 0.2) == []
    assert time.monotonic() - began < 2


def test_reading_that_fails_offers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault is told by the command itself, not while its line is being typed."""

    def broken() -> list[tuple[str, str]]:
        raise RuntimeError("no Kafka")

    assert bounded(broken) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("own_state")
def test_names_of_rules_in_use_and_of_presets_are_offered() -> None:
    """Each with what it is about."""
    offered = dict(rule_names("bank-r"))
    assert {"bank-run", "bank-regulator", "bank-run-zh"} <= set(offered)
    assert all(name.startswith("bank-r") for name in offered)
    assert rule_names("nothing-like-it") == []
