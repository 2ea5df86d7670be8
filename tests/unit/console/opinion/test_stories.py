"""Stories made of stored documents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.opinion.stories import fold
from tests.opinions import END, document, entity, judged, stored

TEXT = "Halden Motors recalls every delivery van after brakes failed on hills in wet weather near the coast"


def told(number: int, text: str = TEXT, **changes: Any) -> dict[str, Any]:
    return stored(document(number, text, **changes))


def test_copies_are_one_story() -> None:
    """The most negative document stands for it; copies, authors and sources are counted."""
    mild = judged("neutral")
    found = fold([
        told(3, judgement=mild, source="wire"),
        told(1, f"RT @somebody: {TEXT}", author="p_1", source="board", kind="chat"),
        told(2, TEXT + " https://t.co/x", author="p_2", source="board", kind="chat"),
        told(9, "Something else altogether was said about the weather in the mountains", judgement=mild),
    ])  # fmt: skip
    first = found[0]
    assert (len(found), first.copies, first.authors, first.sources) == (2, 3, 3, 2)
    assert (first.negative, first.sentiment) == (0.9, "negative")
    assert first.last - first.first == timedelta(minutes=2)


@given(st.permutations(range(12)))
def test_the_order_of_the_answer_does_not_matter(order: list[int]) -> None:
    """Documents are folded in the order of their collection, as the detector does."""
    texts = [TEXT, TEXT + " again", "A quiet day at the harbour with little to report from anyone at all"]
    sources = [told(number, texts[number % 3]) for number in range(12)]
    assert fold([sources[at] for at in order]) == fold(sources)


def test_the_sentiment_towards_the_company_counts() -> None:
    """Where a document names several, that is how negative it is for the one asked about."""
    towards = {"negative": 0.1, "neutral": 0.2, "positive": 0.7}
    both = (entity("halden", sentiment=towards), entity("orrin", sentiment={**towards, "negative": 0.8}))
    [story] = fold([told(1, entities=both)], "halden")
    assert story.negative == 0.1
    assert fold([told(1, entities=both)])[0].negative == 0.9


def test_what_nobody_judged_has_no_probability() -> None:
    """It is told apart from a probability of zero; a model that abstained is named."""
    unjudged = told(1, judgement=None, unjudged="no_model")
    abstained = told(2, "An entirely different matter of ports and tides", judgement=judged(abstained=True))
    stories = {story.sentiment: story.negative for story in fold([unjudged, abstained])}
    assert stories == {"unjudged": None, "abstained": 0.9}


def test_a_body_that_was_not_stored_is_known_by_its_key() -> None:
    """Exact copies still are one story when only the key of their text is left."""
    sources = [told(number, url="javascript:x") | {"text": "", "title": ""} for number in (1, 2)]
    [story] = fold(sources)
    assert (story.copies, story.url, story.first) == (2, "", END - timedelta(minutes=3))
