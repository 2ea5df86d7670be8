"""Texts written otherwise, and how many verdicts stay."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import robustness
from models.data import Row
from models.labels import HEADS
from models.robustness import KINDS, changed, invented, other_company, stayed, typos
from models.text import TARGET
from models.truth import WHOLE, Case, Truth, corpus_truth


def case(text: str, lang: str = "en", names: tuple[str, ...] = (), dataset: str = "d") -> Case:
    """A labelled text."""
    return Case(Row(text, text, {"sentiment": 0}, dataset, "A", lang), names)


@given(st.text(alphabet="abcdefgh XYZ 跌涨不公司亏损0123", min_size=5, max_size=80), st.integers(0, 99))
def test_typos_only_swap_letters(text: str, seed: int) -> None:
    """No letter is lost or made up, figures stay where they are, and the same chance makes the same text."""
    found = typos(case(text), random.Random(seed))
    assert Counter(found) == Counter(text)
    assert [at for at, letter in enumerate(found) if letter.isdigit() or letter == "不"] == [
        at for at, letter in enumerate(text) if letter.isdigit() or letter == "不"
    ]
    assert found == typos(case(text), random.Random(seed))


def test_typos_spare_companies_and_short_words() -> None:
    """Only long words, their first and last letters kept; of a name nothing moves."""
    for seed in range(20):
        found = typos(case("Halden cut the dividend", names=("Halden",)), random.Random(seed))
        assert found.startswith("Halden cut the d")
        assert found.endswith("d")
        assert found != "Halden cut the dividend"
        assert typos(case("不 亏", "zh"), random.Random(seed)) == "不 亏"


@pytest.mark.parametrize(
    ("kind", "text", "lang", "expected"),
    [
        ("capitals", "Profit up 5%", "en", "PROFIT UP 5%"),
        ("small letters", "Profit Up", "en", "profit up"),
        ("full-width digits", "亏损12亿", "zh", "亏损１２亿"),
    ],
)
def test_plain_changes(kind: str, text: str, lang: str, expected: str) -> None:
    """What it says."""
    assert KINDS[kind](case(text, lang), random.Random(0)) == expected


@pytest.mark.train
def test_traditional_characters_are_written_for_chinese_only() -> None:
    """English stays as it is."""
    assert KINDS["traditional characters"](case("业绩亏损", "zh"), random.Random(0)) == "業績虧損"
    assert KINDS["traditional characters"](case("loss", "en"), random.Random(0)) == "loss"


def test_emoji_is_added_and_nothing_else() -> None:
    """In front or behind."""
    found = {KINDS["emoji"](case("up"), random.Random(seed)) for seed in range(30)}
    assert all(text.startswith("up ") or text.endswith(" up") for text in found)
    assert len(found) > 5


def test_company_is_exchanged_for_an_invented_one_of_its_script() -> None:
    """Every place of the name; another company of the text stays itself."""
    found = other_company(case("甲乙科技起诉丙丁银行，甲乙科技股价跌", "zh", ("甲乙科技",)), random.Random(0))
    name, separator, rest = found.partition("起诉丙丁银行，")
    assert separator
    assert rest == f"{name}股价跌"
    assert name in invented("zh", "han")
    assert other_company(case("$ABC falls", names=("$ABC",)), random.Random(0)).startswith("$")


def test_same_rows_every_time_and_only_changed_ones() -> None:
    """At most as many as asked for; half may come from our corpus; rows that the kind leaves alone do not count."""
    cases = corpus_truth().cases + [case(f"Company {n} raises its outlook", dataset="p") for n in range(100)]
    cases += [case("second reading of a set 1", dataset="p" + WHOLE)]
    for kind in ("typos", "capitals", "full-width digits"):
        found = changed(Truth(cases), kind, "en", 60)
        assert found == changed(Truth(cases), kind, "en", 60)
        assert len(found) == 60
        assert sum(cases[each.at].row.dataset == "p" for each in found) == 30
        folded = kind == "full-width digits"  # the preparation of every text takes the change back
        assert all((each.row.text == cases[each.at].row.text) == folded for each in found)
        assert all(each.row.labels == cases[each.at].row.labels for each in found)
    assert not changed(Truth([case("all small")]), "small letters", "en")
    assert not changed(Truth(cases[-2:], coarse={"p"}), "capitals", "en")  # says only negative or not


def test_mark_of_a_company_stays() -> None:
    """A change never loses what is asked about."""
    for kind in ("typos", "capitals", "small letters", "emoji", "full-width digits"):
        for each in changed(Truth([case(f"{TARGET} Reports Losses of 12m")]), kind, "en"):
            assert TARGET in each.row.text


def test_shares_and_scores_by_kind_language_and_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that takes capitals for good news loses every negative verdict to them and none to small letters."""
    monkeypatch.setattr(robustness, "KINDS", {kind: KINDS[kind] for kind in ("capitals", "small letters")})
    cases = [case(f"Losses at plant {n}") for n in range(10)]

    def judge(rows: object) -> dict[str, np.ndarray]:
        texts = [row.text for row in rows]  # type: ignore[attr-defined]
        sure = np.eye(3)[[2 if text.isupper() else 0 for text in texts]]
        return {head: sure if head == "sentiment" else np.ones((len(texts), len(n))) for head, n in HEADS.items()}

    found = robustness.robustness(Truth(cases), judge([each.row for each in cases]), judge)
    assert found == {
        "capitals": {"en": {"sentiment": {"rows": 10, "kept": 0.0, "macro_f1_before": 1.0, "macro_f1_after": 0.0}}},
        "small letters": {
            "en": {"sentiment": {"rows": 10, "kept": 1.0, "macro_f1_before": 1.0, "macro_f1_after": 1.0}}
        },
    }


def test_a_verdict_that_stays_wrong_has_stayed() -> None:
    """Kept is about the verdict, not about the truth."""
    assert stayed(np.array([0, 1]), np.array([1, 1]), np.array([1, 0]), 3)["kept"] == 0.5
