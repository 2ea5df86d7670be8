"""`tocsin explain TEXT`: which words moved the verdict, shown on the text itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from console.exits import WRONG_INPUT, told
from console.messages import say
from console.score import START_SECONDS, Query, language_of
from models import registry
from models.client import BadText, ModelRefused, Scorer, Verdict
from models.explain import Explanation, Pieces, explain
from models.labels import HEADS
from models.text import TARGET, about, lead, mark, prepare, read_tokenizer, unmarked
from streams.endpoints import resolve
from streams.plain import plain
from streams.scoring import create_scorer
from streams.settings import Settings, load

SHOWN: Final = 10  # words in the list below the text
# Background by the size of a weight, in log-odds: half of one is felt, two turn even a sure verdict.
STRENGTHS: Final = ((1.0, "bold"), (0.3, ""), (0.1, "dim"))
FOR, AGAINST = "on dark_green", "on dark_red"


class NotExplained(ValueError):  # noqa: N818 - what happened
    """There is nothing to explain; the message says why and what to do."""


def readable(text: str, company: str, tokens: int) -> str:
    """The text as the model reads it, no longer than it reads. Raises NotExplained."""
    prepared = prepare(text)
    if not prepared:
        raise NotExplained(say("explain.no_text"))
    if not company:
        return lead(unmarked(prepared), tokens)
    name = prepare(company)
    if TARGET not in mark(prepared, [name]):
        raise NotExplained(say("explain.no_company", company=plain(company)))
    return lead(about(prepared, [name]), tokens)


def within(text: str, pieces: Pieces) -> str:
    """The text up to where the tokenizer's limit cuts it: what follows moves nothing."""
    places = pieces(text)
    return text[: max((end for _, end in places), default=0)] or text


async def judge(scorer: Scorer, texts: Sequence[str], lang: str) -> list[Verdict]:
    """The verdicts, in order. Raises NotExplained, BadText, ModelRefused, TimeoutError."""
    try:
        await asyncio.wait_for(scorer.start(), START_SECONDS)
        verdicts = await asyncio.gather(*(scorer.score(text, lang) for text in texts))
        if not isinstance(verdicts[0], Verdict):  # of a text that was escaped twice, nothing may be left
            raise NotExplained(say("explain.no_text"))
        # A part of which nothing is left has no verdict either; it is taken to say what the whole says.
        return [each if isinstance(each, Verdict) else verdicts[0] for each in verdicts]
    finally:
        await scorer.stop()


def as_dict(found: Explanation, head: str, lang: str, verdict: Verdict) -> dict[str, Any]:
    """The explanation as plain data; `start` and `end` count characters of `text`."""
    (start, end), left = found.strongest
    return {
        "head": head, "label": found.label, "probability": round(found.probability, 4), "abstained": verdict.abstained,
        "lang": lang, "model": verdict.model, "version": verdict.version, "text": found.text,
        "words": [{"word": w.word, "start": w.start, "end": w.end, "weight": w.weight} for w in found.words],
        "towards": round(found.towards, 4), "against": round(found.against, 4),
        "strongest": {"start": start, "end": end, "probability_without": round(left, 4)},
        "examined": len(found.words), "of": found.count,
    }  # fmt: skip


def style(weight: float) -> str:
    """How a word of this weight looks; nothing for one that hardly moved the verdict."""
    strength = next((look for least, look in STRENGTHS if abs(weight) >= least), None)
    if strength is None:
        return ""
    return f"{strength} white {FOR if weight > 0 else AGAINST}".strip()


def coloured(found: Explanation, company: str) -> Text:
    """The text with its words coloured, and nothing that a terminal obeys; the company's sign is its name again."""
    shown, at = Text(), 0
    for word in found.words:
        shown.append(_safe(found.text[at : word.start], company))
        shown.append(_safe(found.text[word.start : word.end], company), style(word.weight))
        at = word.end
    return shown.append(_safe(found.text[at:], company))


def _safe(text: str, company: str) -> str:
    return plain(text.replace(TARGET, company) if company else text)


def lines(found: Explanation, head: str, lang: str, verdict: Verdict, company: str = "") -> list[Text]:
    """What a person reads: the verdict, the coloured text, the words by weight, the sums."""
    told = {"head": say(f"explain.heads.{head}"), "label": found.label, "probability": f"{found.probability:.2f}"}
    key = "explain.verdict_about" if company else "explain.verdict"
    answer = [Text(say(key, **told, company=plain(company)))]
    if head == "sentiment" and verdict.abstained:
        answer.append(Text(say("explain.abstained"), "yellow"))
    answer += [Text(), coloured(found, company), Text()]
    heaviest = sorted(found.words, key=lambda word: (-abs(word.weight), word.start))[:SHOWN]
    for word in heaviest:
        answer.append(Text(f"  {word.weight:+6.2f}  ").append(_safe(word.word, company), style(word.weight)))
    answer.append(Text(say("explain.sums", towards=f"{found.towards:+.2f}", against=f"{found.against:+.2f}")))
    (start, end), left = found.strongest
    if end > start and left < found.probability:
        span = _safe(found.text[start:end], company)
        answer.append(Text(say("explain.strongest", span=span, label=found.label, probability=f"{left:.2f}")))
    if found.count > len(found.words):
        answer.append(Text(say("explain.cut", examined=len(found.words), count=found.count), "yellow"))
    answer.append(Text(say("explain.how", language=lang, model=verdict.model, version=verdict.version), "dim"))
    return answer


def _explained(settings: Settings, text: str, lang: str, company: str, head: str) -> tuple[Explanation, Verdict]:
    """Raises NotExplained, BadText, ModelRefused, EnginesDown, TimeoutError."""
    served = registry.find(settings.model_repository or registry.SHIPPED).get(lang)
    if served is None:
        raise NotExplained(say("explain.no_model", language=plain(lang)))
    tokens = min(settings.token_limit, served.metadata.token_limit)
    tokenizer = read_tokenizer(served.tokenizer, tokens)

    def pieces(part: str) -> Sequence[tuple[int, int]]:
        return [place for place in tokenizer.encode(part).offsets if place[1] > place[0]]

    url = resolve(settings, "triton").triton
    # One request after the other and nothing remembered: the same text is judged in the same company each time.
    scorer = create_scorer(settings.model_copy(update={"requests_in_flight": 1, "score_cache": 0}), url)
    verdicts: list[Verdict] = []

    def score(texts: Sequence[str]) -> list[Mapping[str, float]]:
        verdicts.extend(asyncio.run(judge(scorer, texts, lang)))
        return [getattr(each, head) for each in verdicts]

    whole = within(readable(text[: settings.text_limit], company, tokens), pieces)
    try:
        return explain(whole, score, pieces), verdicts[0]
    except TimeoutError:
        raise TimeoutError(say("score.silent", address=url, seconds=int(START_SECONDS))) from None


def explain_text(
    text: Annotated[str, typer.Argument(help="The text, in quotes.")],
    lang: Annotated[str, typer.Option(help="Its language, en or zh; else it is detected.")] = "",
    company: Annotated[str, typer.Option(help="Ask about this company, as it is named in the text.")] = "",
    head: Annotated[str, typer.Option(help=f"Which verdict: {', '.join(HEADS)}.")] = "sentiment",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which words moved the verdict on a text: each is left out, and the text judged again, by Triton."""
    if head not in HEADS:
        typer.echo(say("explain.no_head", head=plain(head), heads=", ".join(HEADS)), err=True)
        raise typer.Exit(WRONG_INPUT)
    language = language_of(Query(text=text, lang=lang))
    with told(refused=(NotExplained, BadText), settings=(ModelRefused,), unavailable=(TimeoutError,)):
        found, verdict = _explained(load(), text, language, company, head)
    if as_json:
        typer.echo(json.dumps(as_dict(found, head, language, verdict), ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in lines(found, head, language, verdict, prepare(company)):
        console.print(line)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain_text)
