"""What a replay was asked for, read and checked before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from alerts.evaluation.matching import fitting, judged_subjects
from alerts.evaluation.result import Matching
from alerts.evaluation.truth import Truth
from alerts.evaluation.truth_files import read_truth
from alerts.rule_files import PRESET, PRESETS, SHIPPED, RuleError, in_force, load_rules, presets
from alerts.rulebook import FOLLOWED
from alerts.rules import Rule
from alerts.yaml_structs import Fault, suggest
from console.replay.files import Reading
from console.replay.span import Span
from console.truth_subjects import find_companies, read_subjects
from streams.gazetteer.watchlist import read_lists
from streams.records import digest
from streams.settings import Settings

NOTHING: Final = Truth(events=())


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that decides what comes of a replay, and where it goes."""

    sources: tuple[str, ...]
    rules: tuple[Rule, ...]
    truth: Truth
    matching: Matching
    reading: Reading
    span: Span
    models: tuple[str, ...] = ()
    subjects: frozenset[str] = field(default_factory=frozenset)
    settle: float = 86_400.0
    curve: bool = False
    bootstrap: int = 1000
    query: str = ""  # of Elasticsearch

    @property
    def counted(self) -> frozenset[str] | None:
        """The subjects whose alerts are judged, or may find an event; None: everybody."""
        if self.subjects:
            return self.subjects
        judged = judged_subjects(self.truth, self.matching)
        return None if judged is None else judged | {event.subject for event in self.truth.events}

    def words(self, settings: Settings) -> dict[str, str]:
        """What decides the result, by the name of the option. Equal words, equal result."""
        return {
            "source": " ".join(self.sources),
            "--rules": digest(*(f"{rule.name} {rule.hash}" for rule in self.rules)),
            "--truth": digest(msgspec.json.encode(self.truth).decode()),
            "--before, --after, --unlabelled": repr(self.matching),
            "--map, --source, --kind, --lang, --zone, --format, --encoding": repr(self.reading),
            "--from, --to": repr(self.span),
            "--model": " ".join(self.models),
            "--subjects": " ".join(sorted(self.subjects)),
            "--settle": str(self.settle),
            "--curve": str(self.curve),
            "--query": self.query,
            "TOCSIN_ALLOWED_LATENESS": str(settings.allowed_lateness),
        }


def rule_files(words: Sequence[str], settings: Settings) -> tuple[Path, ...]:
    """The files that `--rules` names (`preset:NAME`, a file, a folder); those in use without any. RuleError."""
    found: list[Path] = []
    for word in words:
        name = word.removeprefix(PRESET)
        if name == word:
            found.append(Path(word))
        elif name in presets():
            found.append(PRESETS / f"{name}.yaml")
        else:
            said = f"no preset {name!r}; there are: {', '.join(presets())}"
            raise RuleError([Fault("--rules", 1, said, suggest(name, presets()))])
    return tuple(found) or (settings.rules or SHIPPED,)


def read_rules(paths: Sequence[Path], settings: Settings) -> tuple[Rule, ...]:
    """The enabled rules of the files. RuleError with every fault."""
    return in_force(load_rules(*paths), read_lists(settings.watchlist))


def following(settings: Settings, rules: Sequence[Rule]) -> Settings:
    """The settings, with everything followed that a rule looks at."""
    needed = {rule.scope.subject for rule in rules}
    follow = ",".join(each for each in FOLLOWED if each in needed or each in settings.follow)
    return settings.model_copy(update={"follow": follow})


def read_matching(
    truth: Truth, before: float, after: float, unlabelled: Literal["false", "excluded"] | None
) -> Matching:
    """How alerts and events are brought together; `unlabelled` as the truth asks for where nobody says."""
    asked = Matching(before_s=before, after_s=after)
    if unlabelled is not None:
        return replace(asked, unlabelled=unlabelled)
    return fitting(truth, asked)


def read_asked(text: str, settings: Settings) -> frozenset[str]:
    """The subjects that `--subjects` names. Raises UnknownSubject."""
    words = [word for each in text.split(",") if (word := each.strip())]
    return frozenset(read_subjects(words, settings.watchlist))


def read_truths(paths: Sequence[Path], settings: Settings) -> Truth:
    """The events of all files; none without files. FileRefused with every fault."""
    if not paths:
        return NOTHING
    resolve, known = find_companies(settings.watchlist)
    return read_truth(*paths, resolve=resolve, known=known)
