"""`tocsin score` without Triton: lines in, answers out, in order."""

import asyncio
import io
import json
from typing import Any

import pytest

from console import score
from models.client import BadText, ModelRefused, Unjudged, Verdict
from models.labels import HEADS
from streams.settings import Settings

SETTINGS = Settings(record_limit=4096, text_limit=300)


def verdict() -> Verdict:
    """An answer of the model."""
    heads = {head: dict.fromkeys(labels, 1 / len(labels)) for head, labels in HEADS.items()}
    return Verdict("opinion-en", "1-x", **heads, abstained=True)


async def judge(text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
    """English has a model; later lines are answered sooner."""
    await asyncio.sleep(0.01 if "slow" in text else 0)
    if "poison" in text:
        raise BadText("the model refuses this text")
    return verdict() if lang == "en" else Unjudged("no_model")


def run(*lines: bytes, settings: Settings = SETTINGS, judged: Any = judge) -> tuple[int, list[dict[str, Any]]]:
    """Number of bad lines and the answers."""
    sink = io.BytesIO()
    bad = asyncio.run(score.Flow(io.BytesIO(b"\n".join(lines)), sink, settings, judged).run())
    return bad, [json.loads(line) for line in sink.getvalue().splitlines()]


def test_answers_come_in_the_order_of_the_lines() -> None:
    """A text that takes longer does not change places with the next."""
    lines = [json.dumps({"text": f"profit {'slow' if n % 2 else ''} {n}", "lang": "en"}).encode() for n in range(3000)]
    seen: list[str] = []

    async def remember(text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
        seen.append(text)
        result = await judge(text, lang)
        return Verdict(text, "1", {"negative": 1.0}, {}, {}, False) if isinstance(result, Verdict) else result

    bad, answers = run(*lines, judged=remember)
    assert bad == 0
    assert [answer["model"] for answer in answers] == [json.loads(line)["text"] for line in lines]


def test_form_of_an_answer() -> None:
    """Every label of each head, whether it abstains, the language, the model and its version."""
    bad, (answer,) = run(b'{"text":"profit up", "lang":"EN-us", "id": 7}')
    assert bad == 0
    assert list(answer) == ["sentiment", "topic", "risk", "abstained", "lang", "model", "version"]
    assert {head: tuple(answer[head]) for head in HEADS} == HEADS
    assert answer["abstained"] is True
    assert (answer["lang"], answer["model"], answer["version"]) == ("en", "opinion-en", "1-x")


def test_a_company_named_with_the_text_is_what_is_asked_about() -> None:
    """The model reads a sign in its place; other companies keep their names."""
    read: list[str] = []

    async def remember(text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
        read.append(text)
        return await judge(text, lang)

    run(
        b'{"text":"Alder beats Birk","lang":"en","company":"Birk"}',
        b'{"text":"Alder falls","lang":"en"}',
        judged=remember,
    )
    assert read == ["Alder beats ◆", "Alder falls"]


def test_language_without_a_model_is_unjudged_with_its_reason() -> None:
    """The language is found when it is not stated, and nothing is guessed."""
    bad, answers = run('{"text":"公司股价大跌，投资者恐慌"}'.encode(), b'{"text":"The company raised its outlook"}')
    assert bad == 0
    assert answers[0] == {
        "sentiment": None, "topic": None, "risk": None, "abstained": None, "lang": "zh", "model": None,
        "version": None, "unjudged": "no_model",
    }  # fmt: skip
    assert answers[1]["lang"] == "en"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "truncated"),
        (b"", "truncated"),
        (b"[1]", "Expected `object`"),
        (b'{"lang":"en"}', "text"),
        (b'{"text":null}', "$.text"),
        (b'{"text":"a","lang":5}', "$.lang"),
        (b'{"text":"\xff"}', "UTF-8"),
        (b'{"text":"\\ud800 and more text"}', "surrogate"),
        (b'{"text":"' + b"x" * 5000 + b'"}', "longer than 4096"),
        (b'{"text":"poison","lang":"en"}', "refuses"),
    ],
)
def test_bad_line_is_answered_in_its_place(line: bytes, words: str) -> None:
    """The error stands where the answer would, with the number of the line; the others are judged."""
    good = b'{"text":"profit","lang":"en"}'
    bad, answers = run(good, line, good)
    assert bad == 1
    assert answers[1]["line"] == 2
    assert words in answers[1]["error"]
    assert [answer.get("model") for answer in answers] == ["opinion-en", None, "opinion-en"]


def test_overlong_line_does_not_swallow_the_next() -> None:
    """Ten megabytes without an end are skipped in pieces; the line after is read whole."""
    source = io.BytesIO(b"y" * 10_000_000 + b"\nnext\n" + b"z" * 50)
    assert list(score.lines(source, 40)) == [None, b"next", None]


def test_lines_are_read_no_faster_than_they_are_answered() -> None:
    """Memory stays bounded however long the input is."""
    waiting = most = 0

    async def slow(text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.001)
        waiting -= 1
        return Unjudged("no_model")

    bad, answers = run(*[b'{"text":"profit up","lang":"en"}'] * 5000, judged=slow)
    assert (bad, len(answers)) == (0, 5000)
    assert most <= score.LINES_IN_FLIGHT


def test_refused_model_ends_the_run() -> None:
    """A wrong model is not one bad line but the end, with its words."""

    async def refuse(text: str, lang: str, kind: str = "") -> Verdict | Unjudged:
        raise ModelRefused("labels are swapped")

    with pytest.raises(ModelRefused, match="swapped"):
        run(b'{"text":"profit","lang":"en"}', judged=refuse)


def test_no_input_gives_no_output() -> None:
    """An empty input is no error."""
    assert run() == (0, [])
