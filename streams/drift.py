"""The drift watch of a worker: judged texts in; metrics, log lines and the open drifts for `tocsin status` out.

What is watched and when it counts as drift stands in `models.drift`. Each worker watches its own part of the stream;
its own baseline begins anew when it starts, the reference travels with the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog
from tokenizers import Tokenizer

from models import registry
from models.client import Verdict
from models.drift import Change, Closed, Limits, Watch, label_shares
from models.features import observe, unknown_id
from models.labels import HEADS
from models.reference import read_reference
from models.text import lead, prepare, read_tokenizer
from streams import metrics
from streams.records import Kind
from streams.settings import Settings

log = structlog.get_logger(__name__)
FOLDER: Final = "drift"  # in the state folder: one file a worker, while something drifts


@dataclass(frozen=True, slots=True)
class _Watched:
    """One version of a model: its windows, and what reads texts as it does."""

    watch: Watch
    tokenizer: Tokenizer
    unknown: int | None
    tokens: int


class DriftWatch:
    """Counts every judged text once. Never stops the stream: what it cannot write it says in the log."""

    def __init__(self, settings: Settings, stage: str = "enrich", limits: Limits | None = None) -> None:
        self._repository = settings.model_repository or registry.SHIPPED
        self._token_limit = settings.token_limit
        self._path = settings.state_dir / FOLDER / f"{stage}-{os.getpid()}.json"
        self._limits = limits
        self._watched: dict[str, _Watched | None] = {}  # by model and version; the newest version of a model only
        self._open: dict[str, Change] = {}

    def see(self, verdict: Verdict, lang: str, kind: Kind, at: datetime, text: str, key: str) -> None:
        """Count the verdict on `text`, collected at `at`; `key` is the same for copies of a text."""
        watched = self._of(verdict)
        if watched is None or watched.watch.copied(f"{lang}/{kind}/{key}"):
            return
        plain = lead(prepare(text), watched.tokens)
        ids = watched.tokenizer.encode(plain, add_special_tokens=False).ids
        answer = {head: list(getattr(verdict, head).values()) for head in HEADS}
        seen = observe(answer, verdict.abstained, ids, watched.unknown, watched.watch.common(lang), key)
        closed = watched.watch.see(lang, kind, at, seen)
        metrics.DRIFT_OPEN.labels(lang, kind).set(watched.watch.rows(lang, kind))
        if closed is not None:
            show(closed)
            self._tell(closed)

    def _of(self, verdict: Verdict) -> _Watched | None:
        """The watch of the version that judged; None when its folder is gone."""
        name = f"{verdict.model}@{verdict.version}"
        if name not in self._watched:
            others = [each for each in self._watched if each.startswith(f"{verdict.model}@")]
            for each in others:  # another version is in use now: its windows are not to be mixed with the last one's
                self._forget(each)
            self._watched[name] = self._read(verdict)
        return self._watched[name]

    def _forget(self, name: str) -> None:
        """End the watch of a version, and what it told of: nothing can be said of it any more."""
        watched = self._watched.pop(name)
        if watched is None:
            return
        ended = [change for change in self._open.values() if change.labels.get("version") == watched.watch.version]
        for change in ended:
            del self._open[change.id]
        for lang, kind, feature, against in watched.watch.compared:
            for metric in (metrics.DRIFTED, metrics.DRIFT_DIVERGENCE):
                metric.remove(lang, kind, feature, against)
        if ended:
            self._write()

    def _read(self, verdict: Verdict) -> _Watched | None:
        try:
            served = registry.named(self._repository / verdict.model, verdict.version)
            reference = read_reference(served.folder / served.number)
        except (registry.ModelRefused, OSError) as error:
            log.warning("drift.unwatched", model=verdict.model, version=verdict.version, error=str(error))
            return None
        if reference is None or reference.version != verdict.version:  # of weights that lay there before
            log.info("drift.no_reference", model=verdict.model, version=verdict.version)
            reference = None
        tokens = min(self._token_limit, served.metadata.token_limit)
        tokenizer = read_tokenizer(served.tokenizer, tokens)
        watch = Watch(verdict.model, verdict.version, reference, self._limits)
        return _Watched(watch, tokenizer, unknown_id(tokenizer), tokens)

    def _tell(self, closed: Closed) -> None:
        for change in closed.changes:
            tell = log.warning if change.state == "firing" else log.info
            tell(f"drift.{change.state}", **msgspec.to_builtins(change))
            if change.state == "firing":
                self._open[change.id] = change
            else:
                self._open.pop(change.id, None)
        if closed.changes:
            self._write()

    def _write(self) -> None:
        """The open drifts as a file, whole at any moment; no file when there is none."""
        try:
            if not self._open:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_suffix(".new")
            aside.write_bytes(msgspec.json.encode(list(self._open.values())))
            aside.replace(self._path)
        except OSError as error:
            log.warning("drift.not_written", path=str(self._path), error=error.strerror)


def show(closed: Closed) -> None:
    """The figures of a closed window as metrics."""
    where = (closed.lang, closed.kind)
    for comparison in closed.comparisons:
        labels = (*where, comparison.feature, comparison.against)
        metrics.DRIFT_DIVERGENCE.labels(*labels).set(comparison.divergence)
        metrics.DRIFTED.labels(*labels).set(comparison.drifted)
    for head, shares in label_shares(closed).items():
        for label, share in shares.items():
            metrics.LABEL_RATIO.labels(*where, head, label).set(share)
    metrics.CONFIDENCE.labels(*where).set(closed.confidence)
    metrics.ABSTAINED.labels(*where).set(closed.counts["abstained"][1] / closed.rows)
    metrics.UNKNOWN_PIECES.labels(*where).set(closed.unknown)


def read_open(state_dir: Path, running: Callable[[str, int], bool]) -> list[Change]:
    """Open drifts of the workers that run (`running`: stage, process id), newest last; files of others are removed."""
    for path, alive in _files(state_dir, running):
        if not alive:
            path.unlink(missing_ok=True)
    return open_drifts(state_dir, running)


def open_drifts(state_dir: Path, running: Callable[[str, int], bool]) -> list[Change]:
    """The same without removing anything: for whoever may not see the processes of the workers."""
    found: list[Change] = []
    for path, alive in _files(state_dir, running):
        try:
            found += msgspec.json.decode(path.read_bytes(), type=list[Change]) if alive else []
        except (OSError, msgspec.DecodeError):
            continue  # a worker has just ended or removed it
    return sorted(found, key=lambda change: (change.since, change.id))


def _files(state_dir: Path, running: Callable[[str, int], bool]) -> list[tuple[Path, bool]]:
    """The files of workers, and whether each of those runs."""
    named = [(path, path.stem.rpartition("-")) for path in sorted((state_dir / FOLDER).glob("*.json"))]
    return [(path, pid.isdigit() and running(stage, int(pid))) for path, (stage, _, pid) in named]
