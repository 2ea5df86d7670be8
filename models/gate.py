"""May a new version take the place of the old one? Two reports of `tocsin models evaluate`, compared set by set. Pure.

A set fails when its macro F1 fell by more than the tolerance, and not by chance: the whole 95 % interval of the change
lies below it. The interval is that of a paired bootstrap over the same rows (Berg-Kirkpatrick et al. 2012, "An
Empirical Investigation of Statistical Significance in NLP"). Against full precision chance is no excuse: the rows are
the same and so is the network, so the plain loss counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.measure import difference
from models.report import read_spelt

TOLERANCE: Final = 0.01  # macro F1
ENOUGH: Final = 100  # rows; of fewer, a few texts would decide
FORM: Final = "report of `tocsin models evaluate --json`"


class ReportRefused(ValueError):  # noqa: N818 - what happened
    """A file that is no report, or two reports that cannot be compared."""


@dataclass(frozen=True, slots=True)
class Change:
    """One data set in both reports. `reason`: better, kept, chance, few_rows, lost or missing; the last two fail."""

    data_set: str
    rows: int
    old: float
    new: float
    low: float  # of the change, 95 %
    high: float
    reason: str

    @property
    def fails(self) -> bool:
        """Whether the new version must not be used for this."""
        return self.reason in ("lost", "missing")


def read_report(path: Path) -> dict[str, Any]:
    """A report. Raises ReportRefused."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        sets = report["data_sets"]
        for name, found in sets.items():
            float(found["macro_f1"]), int(found["rows"]), found["answers"]["rows"]
            if not isinstance(name, str) or len(read_spelt(found["answers"]["truth"])) != found["rows"]:
                raise ValueError(f"{name}: the answers are not those of its rows")
            if len(read_spelt(found["answers"]["judged"])) != found["rows"]:
                raise ValueError(f"{name}: the answers are not those of its rows")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportRefused(f"{path} is no {FORM}: {type(error).__name__}: {error}") from None
    return dict(report)


def compare(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float = TOLERANCE) -> list[Change]:
    """Every data set of the old report in a language that the new one's models judge.

    Raises ReportRefused when the two were not measured on the same rows.
    """
    langs = {lang for model in new["models"].values() for lang in model["langs"]}
    return [
        _missing(name, before) if (after := new["data_sets"].get(name)) is None
        else _change(name, before, after, tolerance, chance=True)
        for name, before in old["data_sets"].items()
        if before["lang"] in langs
    ]  # fmt: skip


def compare_forms(full: Mapping[str, Any], served: Mapping[str, Any], tolerance: float = TOLERANCE) -> list[Change]:
    """The same version in full precision and as served. Raises ReportRefused when it is not the same version."""
    versions = [sorted(each["version"] for each in report["models"].values()) for report in (full, served)]
    if versions[0] != versions[1]:
        raise ReportRefused(
            f"full precision was measured of {', '.join(versions[0])}, the served form of {', '.join(versions[1])}: "
            "measure both of one version"
        )
    return [
        _missing(name, before) if (after := served["data_sets"].get(name)) is None
        else _change(name, before, after, tolerance, chance=False)
        for name, before in full["data_sets"].items()
    ]  # fmt: skip


def _missing(name: str, before: Mapping[str, Any]) -> Change:
    return Change(name, before["rows"], before["macro_f1"], 0.0, 0.0, 0.0, "missing")


def _change(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float, *, chance: bool
) -> Change:
    if before["answers"]["rows"] != after["answers"]["rows"]:
        raise ReportRefused(f"{name}: the reports were measured on different rows; measure both versions anew")
    truth, old, new = (
        read_spelt(letters)
        for letters in (before["answers"]["truth"], before["answers"]["judged"], after["answers"]["judged"])
    )
    if before["answers"]["truth"] != after["answers"]["truth"]:
        raise ReportRefused(f"{name}: the reports disagree about the true labels; measure both versions anew")
    labels = 1 + int(max(truth.max(), old.max(), new.max()))
    delta, low, high = difference(truth, old, new, labels)
    if delta >= 0:
        reason = "better" if delta > 0 else "kept"
    elif delta >= -tolerance:
        reason = "kept"
    elif len(truth) < ENOUGH:
        reason = "few_rows"
    elif chance and high >= -tolerance:
        reason = "chance"
    else:
        reason = "lost"
    return Change(name, len(truth), before["macro_f1"], after["macro_f1"], low, high, reason)
