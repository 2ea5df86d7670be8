"""What was measured of a rule, kept beside the rule: whoever reads an alert knows how often such alerts are right.

A badge belongs to one text of one rule, by its hash. When the rule is changed the badge is out of date: it is told as
such where rules are listed, and no alert carries it. Badges are kept in `badges.json` in the folder of the rules, one
for each rule and data; a newer measurement of the same rule on the same data takes the place of the older one.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from alerts.evaluation.badge import Badge
from alerts.evaluation.result import Evaluation, RuleResult
from alerts.rule_files import PRESETS, SHIPPED
from streams.plain import plain
from streams.settings import Settings, SettingsError

FILE: Final = "badges.json"
VERSION: Final = 1
NAME_LIMIT: Final = 80  # characters of the name of data or truth

log = structlog.get_logger(__name__)


class _File(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    v: int = VERSION
    badges: tuple[Badge, ...] = ()


class BadgesUnreadable(SettingsError):  # noqa: N818 - what is wrong
    """A file of badges is damaged; the message says which, and what to do."""


class Badges:
    """Badges as they are looked up."""

    def __init__(self, badges: Iterable[Badge] = ()) -> None:
        self._all = tuple(badges)

    def of(self, hash_: str) -> tuple[Badge, ...]:
        """Those of a rule as it is now, that with the most events first, then the newest."""
        return tuple(sorted((badge for badge in self._all if badge.hash == hash_), key=_weight, reverse=True))

    def best(self, hash_: str) -> Badge | None:
        """The one to show where there is room for one."""
        return next(iter(self.of(hash_)), None)

    def outdated(self, rule: str, hash_: str) -> Badge | None:
        """The newest of what the rule was before it was changed, where it was not measured since."""
        if self.of(hash_):
            return None
        return max((badge for badge in self._all if badge.rule == rule), key=lambda badge: badge.made_at, default=None)


def badges_of(evaluation: Evaluation, data: str = "", truth: str = "") -> tuple[Badge, ...]:
    """A badge for each rule that there were events for; without any there is nothing to say of a rule.

    `data`: a name of the history for people; by default the names of its sources.
    """
    named = _name(data or ", ".join(PurePath(source).name.split(".")[0] for source in evaluation.sources))
    return tuple(
        _badge(name, rule, evaluation, named, _name(truth)) for name, rule in evaluation.rules.items() if rule.events
    )


def merged(known: Sequence[Badge], new: Sequence[Badge]) -> tuple[Badge, ...]:
    """Both, where `new` takes the place of what is known of the same rule and data; in order of rule and data."""
    found = {(badge.rule, badge.data): badge for badge in (*known, *new)}
    return tuple(found[key] for key in sorted(found))


def beside(rules: Path) -> Path:
    """Where the badges of a rule file, or of a folder of them, are kept."""
    return (rules if rules.is_dir() else rules.parent) / FILE


def write_badges(rules: Path, evaluation: Evaluation, data: str = "", truth: str = "") -> Path:
    """Add what was measured to the badges beside the rules; the file they are in.

    Written whole or not at all, by one replay at a time: what another adds meanwhile is not lost. Raises
    BadgesUnreadable, and OSError where the folder cannot be written.
    """
    path = beside(rules)
    with _alone(path.parent):
        found = _File(badges=merged(_read(path), badges_of(evaluation, data, truth)))
        _replace(path, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    return path


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While the body runs no other replay writes badges into the folder; a process that dies lets go."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: bytes) -> None:
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def read_badges(*rules: Path) -> Badges:
    """The badges beside rule files or folders, the shipped ones with them. Raises BadgesUnreadable."""
    return Badges(badge for path in _files(rules) for badge in _read(path))


class Shelf:
    """The badges of the rules in use, read again when a file of them changes."""

    def __init__(self, settings: Settings) -> None:
        self._paths = _files([settings.rules] if settings.rules else [])
        self._stamp: Mapping[Path, tuple[int, int]] | None = None
        self._badges = Badges()

    def best(self, hash_: str) -> Badge | None:
        """The badge of the rule with this hash. A damaged file is logged, and what was read before stays."""
        stamp = {path: _look(path) for path in self._paths}
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._badges = Badges(badge for path in self._paths for badge in _read(path))
            except BadgesUnreadable as error:
                log.warning("badges.unreadable", error=str(error), effect="the badges before stay in use")
        return self._badges.best(hash_)


def _badge(name: str, rule: RuleResult, evaluation: Evaluation, data: str, truth: str) -> Badge:
    return Badge(
        rule=name,
        hash=rule.hash,
        data=data,
        truth=truth,
        begin=evaluation.begin,
        end=evaluation.end,
        events=rule.events,
        alerts=rule.alerts,
        subject_days=rule.subject_days,
        precision=rule.precision,
        precision_interval=rule.precision_interval,
        recall=rule.recall,
        recall_interval=rule.recall_interval,
        false_per_subject_day=rule.false_per_subject_day,
        delay_median_s=rule.delay_median_s,
        controls=rule.controls,
        controls_fired=rule.controls_fired,
        made_at=evaluation.made_at,
        code=evaluation.code,
    )


def _weight(badge: Badge) -> tuple[int, float]:
    return badge.events, badge.made_at.timestamp()


def _name(text: str) -> str:
    return plain(" ".join(text.split()), NAME_LIMIT)


def _files(rules: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys([*(beside(path) for path in rules), SHIPPED / FILE, PRESETS / FILE]))


def _look(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> tuple[Badge, ...]:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadgesUnreadable(f"{path}: {error}. Delete it, and measure again: tocsin replay … --badge") from None
    if found.v != VERSION:
        raise BadgesUnreadable(f"{path}: written by another version of Tocsin ({found.v}). Delete it, measure again")
    return found.badges
