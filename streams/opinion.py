"""What a model says of one document: as a whole, and towards each company where it names several.

The same for the stream and for a replay: which texts are asked about, and what becomes of the answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from models.client import BadText, Unjudged, Verdict
from streams.document import Prepared, judged_for, judged_text
from streams.records import Document, Judgement, Reject


class Judge(Protocol):
    """Who judges texts: `models.client.Scorer`, or something that remembers what it said."""

    async def score(self, text: str, lang: str, *, kind: str = "") -> Verdict | Unjudged:
        """The verdict on a text of a `kind` of source. Raises BadText."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The texts of one document that a model reads."""

    text: str
    lang: str
    kind: str
    towards: dict[str, str]  # by id of the company

    @classmethod
    def of(cls, prepared: Prepared) -> Asked:
        """What is asked about an item."""
        return cls(prepared.judged_text, prepared.lang, prepared.item.kind, prepared.judged_for())

    @classmethod
    def again(cls, document: Document) -> Asked:
        """What is asked about a document that was stored: its title alone where the body could not be."""
        text = judged_text(document.title, document.text)
        return cls(text, document.lang, document.kind, judged_for(text, document.entities))


@dataclass(frozen=True, slots=True)
class Opinion:
    """The verdict, and the sentiment towards each of several companies, by its id."""

    verdict: Verdict | Unjudged
    towards: dict[str, dict[str, float]]

    @property
    def judgement(self) -> Judgement | None:
        """The verdict as the record that travels on; None when there is none."""
        return judgement(self.verdict) if isinstance(self.verdict, Verdict) else None

    @property
    def unjudged(self) -> str:
        """Why there is no verdict; empty when there is one."""
        return self.verdict.reason if isinstance(self.verdict, Unjudged) else ""


async def form(judge: Judge, asked: Asked) -> Opinion:
    """The model's opinion. Raises Reject `model_refused` for a text that no model takes, ModelRefused."""
    try:
        verdict = await judge.score(asked.text, asked.lang, kind=asked.kind)
        if isinstance(verdict, Unjudged):
            return Opinion(verdict, {})
        answers = await asyncio.gather(
            *(judge.score(text, asked.lang, kind=asked.kind) for text in asked.towards.values())
        )
    except BadText as error:
        raise Reject("model_refused", str(error)) from None
    found = zip(asked.towards, answers, strict=True)
    return Opinion(verdict, {company: rounded(v.sentiment) for company, v in found if isinstance(v, Verdict)})


def judgement(verdict: Verdict) -> Judgement:
    """The model's answer as the record that travels on."""
    return Judgement(
        model=verdict.model,
        version=verdict.version,
        sentiment=rounded(verdict.sentiment),
        topic=rounded(verdict.topic),
        risk=rounded(verdict.risk),
        abstained=verdict.abstained,
    )


def rounded(probabilities: dict[str, float]) -> dict[str, float]:
    """Four digits: what lies below depends on the neighbours a text was batched with, and would differ on restart."""
    return {label: round(value, 4) for label, value in probabilities.items()}
