"""The tests of rules are tested too."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rule_files import SHIPPED, RuleError
from alerts.rule_tests import run_file

RULES = "rules:\n  - {name: r, type: threshold, scope: {subject: entity}, window: 30m, at_least: 2}\n"
CASE = """rules: r.yaml
tests:
  - name: c
    start: 2026-01-05T00:00:00Z
    until: 20m
    feed:
      - {at: 1m, every: 1m, times: 2, subject: "entity:x", negative: 0.9}
    expect:
      - {at: 2m, rule: r, state: firing, reason: held, observed: 2}
"""


def write(folder: Path, case: str) -> Path:
    """A rule file and its test."""
    (folder / "r.yaml").write_text(RULES)
    (folder / "r_test.yaml").write_text(case)
    return folder / "r_test.yaml"


@pytest.mark.parametrize("outcome", run_file(SHIPPED / "default_test.yaml"), ids=lambda o: o.case)
def test_the_shipped_rules_keep_their_timelines(outcome: object) -> None:
    """Every case of default_test.yaml."""
    assert outcome.differences == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("", ""), ""),
        (("at: 2m", "at: 3m"), "expected at 3m, rule r, state firing, reason held, observed 2.0; got at 2m"),
        (("times: 2", "times: 1"), "did not come: at 2m"),
        (
            ("    expect:\n      - {at: 2m, rule: r, state: firing, reason: held, observed: 2}\n", ""),
            "not expected: at 2m",
        ),
    ],
)
def test_a_difference_is_told_as_what_was_expected_and_what_came(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    """Missing, surplus and different events."""
    (outcome,) = run_file(write(tmp_path, CASE.replace(*change)))
    assert words in "\n".join(outcome.differences)
    assert bool(outcome.differences) is bool(words)


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("negative: 0.9", "negativ: 0.9"), 7, "unknown field"),
        (("until: 20m", "until: soon"), 5, "expected a duration"),
        (("2026-01-05T00:00:00Z", "monday"), 4, "RFC3339"),
        (("rules: r.yaml", "rules: none.yaml"), 1, "cannot be read"),
        (("until: 20m", "until: 20m\n    rules: [q]"), 1, "no rule named q"),
    ],
)
def test_a_faulty_test_file_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    """Test files have the same manners as rule files."""
    with pytest.raises(RuleError, match=words) as caught:
        run_file(write(tmp_path, CASE.replace(*change)))
    assert caught.value.faults[0].line == line
