"""A replay from its choices to its result: everything opened, played, measured, closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from msgspec.structs import replace

from alerts.evaluation.evaluate import evaluate
from alerts.evaluation.notes import sentence
from alerts.evaluation.result import Evaluation
from console.commit import code
from console.messages import say
from console.replay.choices import Choices, following
from console.replay.files import Files
from console.replay.indices import Filled, filling
from console.replay.judging import FOLDER, Judging
from console.replay.keeping import Keeping, complete
from console.replay.opening import open_fold, open_source
from console.replay.pace import Pace
from console.replay.runner import Parts, Replay
from console.replay.runs import Checkpoint, Run, RunRefused, remove
from console.replay.source import Notes, Source, SourceError
from console.replay.variants import Variants, vary
from streams import clock
from streams.endpoints import resolve
from streams.records import AlertEvent, digest
from streams.settings import Settings
from streams.sources.files import run_key

RUNS: Final = "runs"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a replay writes to beside its result, and how it is run."""

    log: Path | None = None
    keep: Path | None = None
    into: str = ""
    run: str = ""  # its name; empty: it cannot be continued
    anew: bool = False
    speed: float | None = None
    rang: Callable[[AlertEvent], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a replay."""

    evaluation: Evaluation
    notes: Notes  # of the source
    unjudged: Notes  # of judging
    texts: tuple[int, int]  # answered from the state folder, and by the models
    records: int  # mentions and ticks taken in by this process
    counters: Mapping[str, int]  # of the engine
    finished_before: bool  # a named run that was at its end already
    filled: Filled | None


class Session:
    """One replay. `conduct` may be cancelled: a named run can then be continued."""

    def __init__(self, choices: Choices, outputs: Outputs, settings: Settings, stdin: BinaryIO | None = None) -> None:
        self.choices = choices
        self.outputs = outputs
        self.settings = following(settings, choices.rules)
        self.source: Source | None = None
        self.judging: Judging | None = None
        self.replay: Replay | None = None
        self._stdin = stdin
        self._variants = vary(choices.rules, choices.counted) if choices.curve else Variants()

    async def conduct(self) -> Outcome:
        """The replay, or what is left of a named one.

        Raises what the parts raise: SourceError, RunRefused, IntoRefused, VersionError, ModelRefused, JudgementsError,
        OutOfOrder, SnapshotError, EnginesDown, TimeoutError, OSError, and the clients of Kafka and Elasticsearch.
        """
        async with AsyncExitStack() as stack:
            source = self.source = open_source(self.choices, self.settings, self._stdin)
            if isinstance(source, Files):
                stack.callback(source.close)
            words = self._words(source)
            run = self._run(stack)
            checkpoint = run.load(words)
            judging = self.judging = Judging(self.settings, self.choices.models)
            stack.push_async_callback(judging.close)
            if checkpoint.position:
                source.notes, judging.notes = checkpoint.notes, deepcopy(checkpoint.unjudged)
                judging.taken = checkpoint.taken
            parts = self._parts(stack, source, judging, run, checkpoint)
            finished = checkpoint.done
            if finished:
                self._complete(checkpoint)
            else:
                await self._play(stack, parts, checkpoint, words)
            self._write_log(parts)
            return self._outcome(parts, finished)

    def _run(self, stack: AsyncExitStack) -> Run:
        named = self.outputs.run
        folder = self.settings.state_dir / FOLDER / RUNS
        run = Run(folder, named or f"unnamed-{uuid4().hex[:12]}")
        stack.callback(run.close) if named else stack.callback(remove, run)
        if self.outputs.anew:
            run.forget()
        return run

    def _parts(
        self, stack: AsyncExitStack, source: Source, judging: Judging, run: Run, checkpoint: Checkpoint
    ) -> Parts:
        fold = open_fold(self.choices, self._variants, self.settings, source, checkpoint, run)
        stack.callback(fold.log.close)
        if fold.variants_log is not None:
            stack.callback(fold.variants_log.close)
        return Parts(source, judging, fold, run, bool(self.outputs.run), self.choices.settle, rang=self.outputs.rang)

    def _complete(self, checkpoint: Checkpoint) -> None:
        """What a finished run owes after a crash: the kept mentions in their place."""
        keep = self.outputs.keep
        if keep is not None and not complete(keep, self.outputs.run, checkpoint.kept):
            raise RunRefused(say("replay.run.kept_gone", path=keep, name=self.outputs.run))

    async def _play(
        self, stack: AsyncExitStack, parts: Parts, checkpoint: Checkpoint, words: Mapping[str, str]
    ) -> None:
        if self.outputs.keep is not None:
            parts.keeping = Keeping(self.outputs.keep, self.outputs.run, checkpoint.kept)
            stack.callback(parts.keeping.close if parts.named else parts.keeping.remove)
        if self.outputs.speed is not None:
            parts.pace = Pace(self.outputs.speed)
        self.replay = Replay(parts, checkpoint)
        if not self.outputs.into:
            await self.replay.play()
            return
        url = resolve(self.settings, "elasticsearch").elasticsearch
        fingerprint = digest(*(f"{name}={words[name]}" for name in sorted(words)))
        async with filling(self.settings, url, self.outputs.into, fingerprint) as parts.into:
            await self.replay.play()

    def _words(self, source: Source) -> dict[str, str]:
        words = self.choices.words(self.settings) | {"--keep": str(self.outputs.keep or "")}
        if isinstance(source, Files):
            words["files"] = run_key(source.inputs)
            if self.outputs.run and not words["files"]:
                raise RunRefused(say("replay.run.stdin"))
        return words

    def _write_log(self, parts: Parts) -> None:
        if self.outputs.log is not None:
            with self.outputs.log.open("wb") as file:
                parts.fold.log.copy(file)

    def _outcome(self, parts: Parts, finished: bool) -> Outcome:
        return Outcome(
            evaluation=self._evaluation(parts),
            notes=parts.source.notes,
            unjudged=parts.judging.notes,
            texts=parts.judging.counts,
            records=self.replay.records if self.replay else 0,
            counters=parts.fold.playback.counters,
            finished_before=finished,
            filled=parts.into.filled if parts.into else None,
        )

    def _evaluation(self, parts: Parts) -> Evaluation:
        choices, fold = self.choices, parts.fold
        if not fold.observed.mentions:
            raise SourceError(self._nothing(parts))
        heard = self._variants.heard(fold.variants_log.events()) if fold.variants_log is not None else {}
        found = evaluate(
            fold.log.events(),
            choices.rules,
            choices.truth,
            fold.observed,
            matching=choices.matching,
            variants=heard,
            knobs=self._variants.knobs,
            sources=[parts.source.name],
            code=code(),
            made_at=clock.now(),
            bootstrap=choices.bootstrap,
            labelled_subjects=choices.subjects or None,
        )
        more = (*parts.source.notes.caveats, *parts.judging.caveats())
        return replace(found, notes=(*found.notes, *more), caveats=(*found.caveats, *(sentence(note) for note in more)))

    def _nothing(self, parts: Parts) -> str:
        """Why there is nothing to tell of, with the first row of each fault."""
        notes, name = (parts.source.notes, parts.judging.notes), parts.source.name
        faults = [fault.first[0] for each in notes for fault in each.faults.values()]
        said = say("replay.source.empty", source=name)
        if parts.source.notes.read and self.choices.subjects:
            said = say("replay.source.unspoken", source=name, subjects=", ".join(sorted(self.choices.subjects)))
        elif not faults and (self.choices.span.begin or self.choices.span.end):
            said = say("replay.source.outside", source=name)
        return " · ".join([said, *faults])
