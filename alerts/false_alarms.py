"""How improbable a count must be for a rule to ring, so that all its subjects together ring for nothing rarely.

A rule that looks at many subjects many times a day tests a family of hypotheses. Its author states what a desk can
bear, false alarms a week, and every test gets the same part of it: the expected number of false alarms of the family,
the per-family error rate, then is within the budget however the tests depend on each other, because expectations add
up (Spjøtvoll 1972, "On the optimality of some multiple comparison procedures"; Gordon et al. 2007, "Control of the mean
number of false discoveries, Bonferroni and stability of multiple testing").

Why not Benjamini and Hochberg: their bound of one subject's p-value depends on the p-values of all others at that
moment. A subject's alerts would come and go with its neighbours', with the partition it happens to share, and with the
order of replay. Here the bound is a number of the rule alone.
"""

from __future__ import annotations

from typing import Final

WEEK: Final = 7 * 86_400
LARGEST: Final = 0.5  # a bound above would call the usual unusual


def p_for(false_per_week: float, among: int, window_seconds: int) -> float:
    """The p-value at which `among` subjects together ring for nothing `false_per_week` times a week, expected.

    Windows slide: neighbouring ones share most of their content, and what rings twice in a row is one alert. So a
    subject counts as one test for each window length of the week that passes; ValueError for what is no budget.
    """
    if false_per_week <= 0.0:
        raise ValueError(f"false_per_week must be above 0, got {false_per_week}: no test can promise never to be wrong")
    if among < 1 or window_seconds < 1:
        raise ValueError(f"needs at least one subject and a window of a second, got {among} and {window_seconds}")
    return min(LARGEST, false_per_week / (among * max(1.0, WEEK / window_seconds)))


def false_per_week(p: float, among: int, window_seconds: int) -> float:
    """The expected false alarms a week of a rule that rings at `p`: what a fixed `p` costs a desk."""
    return p * among * max(1.0, WEEK / window_seconds)
