"""The rules in force: read from the files in the settings, and again when one of them changes.

A file with a fault changes nothing: the rules before stay in force, and the log says what is wrong and where.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import structlog

from alerts.rule_files import SHIPPED, RuleError, in_force, read_rules
from alerts.rules import Rule
from alerts.sayings import saying
from alerts.yaml_structs import Fault
from streams import metrics
from streams.gazetteer.watchlist import read_lists
from streams.settings import Settings, SettingsError

EVERY: Final = 5.0  # seconds between two looks at the files
FOLLOWED: Final = ("source", "market")  # subjects that enrich follows only when told to

log = structlog.get_logger(__name__)
Stamp = dict[Path, tuple[int, int]]


class Rulebook:
    """The files named by the settings, what they include, and the lists of the watchlist."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.rules or SHIPPED
        self._files: frozenset[Path] = frozenset()
        self._stamp: Stamp = {}

    def read(self) -> tuple[Rule, ...]:
        """The enabled rules. Raises SettingsError with every fault."""
        before = self._stamp = self._look()
        try:
            rules, self._files = read_rules(self._path)
        except RuleError as error:
            self._files = error.files
            raise
        finally:
            # What changed while it was read counts as changed: of files known before, the state before holds.
            self._stamp = self._look() | before
        found = in_force(rules, read_lists(self._settings.watchlist))
        check_followed(found, self._settings)
        return found

    def changed(self) -> bool:
        """Whether a file is another than when it was last read."""
        return self._look() != self._stamp

    def _look(self) -> Stamp:
        found: Stamp = {}
        watched = {*self._files, *([self._settings.watchlist] if self._settings.watchlist else [])}
        watched |= set(self._path.glob("*.yaml")) if self._path.is_dir() else {self._path}
        for path in watched:
            try:
                status = path.stat()
            except OSError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
        return found

    async def watch(self, use: Callable[[Sequence[Rule]], Awaitable[None]], every: float = EVERY) -> NoReturn:
        """Hand over the rules after each change, until cancelled."""
        while True:
            await asyncio.sleep(every)
            if not await asyncio.to_thread(self.changed):
                continue
            try:
                rules = await asyncio.to_thread(self.read)
            except SettingsError as error:
                metrics.RULE_READS.labels("refused").inc()
                log.error("rules.refused", faults=str(error).splitlines(), effect="the rules before stay in force")
                continue
            try:
                await use(rules)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look tries again
                self._stamp = {}
                log.error("rules.not_taken", error=str(error), effect="the rules before stay in force; tried again")
                continue
            metrics.RULE_READS.labels("taken").inc()
            log.info("rules.taken", rules=len(rules))


def check_followed(rules: Sequence[Rule], settings: Settings) -> None:
    """RuleError where a rule looks at subjects that nobody follows: it would never ring."""
    needed = {rule.scope.subject: rule for rule in rules if rule.scope.subject in FOLLOWED}
    wanted = ",".join(s for s in FOLLOWED if s in needed or s in settings.follow)
    faults = [
        Fault(*rule.place, saying("not_followed", rule=rule.name, subject=subject, wanted=wanted))
        for subject, rule in needed.items()
        if subject not in settings.follow
    ]
    if faults:
        raise RuleError(faults)
