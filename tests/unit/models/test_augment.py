"""Texts varied without a change of what they say, and paraphrases that a user brings."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.augment import AUGMENTS, OTHERS, SYNONYMS, casing, composed, noise, parts, synonyms, varied
from models.corpus import texts
from models.data import Row
from models.labels import HEADS
from models.paraphrases import ParaphrasesRefused, paraphraser
from models.text import TARGET

TEXTS = st.text(alphabet="abc def GHI 0123456789 涨跌公司减持 %.-，。" + TARGET, max_size=60)


def row(text: str) -> Row:
    """A row about nothing."""
    return Row("r", text, {"sentiment": 1}, "set", "A", "en", "flash")


@given(TEXTS, st.integers())
def test_noise_leaves_amounts_signs_and_marks_alone(text: str, seed: int) -> None:
    """Whatever is mistyped, digits keep their value, and signs and the company asked about their place."""
    found = noise(text, random.Random(seed))

    def kept(of: str) -> str:
        narrow = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "９" else c for c in of)
        return re.sub(r"[^\d%.\-，。◆]", "", narrow)

    numbers = kept(text)
    # A letter may be disguised as a digit (o as 0), so that digits are added to it, never taken away.
    remaining = iter(kept(found))
    assert all(character in remaining for character in numbers)
    assert abs(len(found) - len(text)) <= 2


@given(TEXTS, st.integers())
def test_the_same_chance_varies_alike(text: str, seed: int) -> None:
    """A run is repeated by its seed."""
    for way in AUGMENTS.values():
        assert way(text, random.Random(seed)) == way(text, random.Random(seed))


def test_casing_changes_the_text_where_anything_can() -> None:
    """A text in capitals is not 'varied' into capitals; Chinese has none."""
    assert {casing("Corvane Falls", random.Random(seed)) for seed in range(30)} == {"CORVANE FALLS", "corvane falls"}
    assert casing("公司 123", random.Random(1)) == "公司 123"


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("the firm confirms", {"the company confirms"}), ("Shares up", {"Stock up"}), ("SHARES UP", {"STOCK UP"}),
        ("遭立案调查", {"遭立案"}), ("提起诉讼", {"起诉"}), ("confirmation", {"confirmation"}), ("", {""}),
    ],
)  # fmt: skip
def test_synonyms_are_whole_words_in_the_case_of_the_text(text: str, possible: set[str]) -> None:
    """No word is taken for a part of another, in either language."""
    assert {synonyms(text, random.Random(seed)) for seed in range(20)} == possible


def test_a_word_belongs_to_one_group() -> None:
    """Else it would have two meanings."""
    words = [word.casefold() for groups in SYNONYMS.values() for group in groups for word in group]
    assert len(words) == len(set(words))


def test_varied_rows_keep_everything_but_the_text() -> None:
    """Labels, register and mark stay; a way that loses the mark is not taken."""
    rows = [row(f"{TARGET} shares fall"), row("shares")]
    lost = varied(rows, [lambda text, _: text.replace(TARGET, "it") + "!"], 1.0, random.Random(1))
    assert [each.text for each in lost] == [rows[0].text, "shares!"]
    assert (lost[1].labels, lost[1].register) == (rows[1].labels, "flash")
    assert varied(rows, [], 1.0, random.Random(1)) == rows
    assert varied(rows, [lambda *_: ""], 1.0, random.Random(1)) == rows
    assert varied(rows, [lambda *_: "x"], 0.0, random.Random(1)) == rows


def test_paraphrases_come_from_a_file(tmp_path: Path) -> None:
    """One of those of the text, by chance; a text that has none stays."""
    path = tmp_path / "p.jsonl"
    lines = [{"text": "a &amp; b", "paraphrase": each} for each in ("b and a", "both")]
    path.write_text("\n".join(map(json.dumps, lines)))
    way = paraphraser(str(path))
    assert {way("a & b", random.Random(seed)) for seed in range(20)} == {"b and a", "both"}
    assert way("c", random.Random(1)) == "c"
    path.write_text('{"text": "a"}')
    with pytest.raises(ParaphrasesRefused, match=r"p\.jsonl:1"):
        paraphraser(str(path))


def test_paraphrases_come_from_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may give one or several, and is asked once for each text."""
    (tmp_path / "own_paraphrases.py").write_text(
        "asked = []\ndef several(text):\n    asked.append(text)\n    return [text + ' b', text + ' c']\n"
        "def none(text):\n    return []\nnothing = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    way = paraphraser("own_paraphrases:several")
    assert {way("a", random.Random(seed)) for seed in range(20)} == {"a b", "a c"}
    import own_paraphrases  # type: ignore[import-not-found]  # written above

    assert own_paraphrases.asked == ["a"]
    assert paraphraser("own_paraphrases:none")("a", random.Random(1)) == "a"
    for named in ("own_paraphrases:absent", "no_such_module:f", "own_paraphrases:nothing"):
        with pytest.raises(ParaphrasesRefused, match=named):
            paraphraser(named)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_composed_texts_are_about_the_marked_company(lang: str) -> None:
    """Sentiment, topic and risk are those of the text whose company is marked; the others keep their names."""
    written = [text for text in texts.read() if text.lang == lang]
    pool = {text.id: text for text in parts(written, lang)}
    made = composed(written, 200, (lang,), random.Random(4))
    assert len(made) == 200
    for row in made:
        asked, *others = (pool[each] for each in row.id.split("+"))
        assert TARGET in row.text
        assert len(others) in OTHERS[lang]
        wanted = {"topic": asked.topic, "risk": asked.risk, "sentiment": asked.companies[0][1]}
        assert {head: HEADS[head][label] for head, label in row.labels.items()} == wanted
