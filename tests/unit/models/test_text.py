"""The preparation that training, evaluation and serving share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.registry import SHIPPED
from models.text import lead, prepare, read_tokenizer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Procter &amp; Gamble  beats\n", "Procter & Gamble beats"),
        ("up 3% https://t.co/abc123 today", "up 3% today"),
        ("see www.example.com/a?b=1.", "see"),
        ("cafe\u0301", "café"),
        ("a\x00b\ud800c", "a b c"),
        ("\u3000公司 股价\t大跌", "公司 股价 大跌"),
        ("https://t.co/only", ""),
        (f"up &#{'9' * 5000}; now", "up \ufffd now"),
        ("", ""),
    ],
)
def test_prepare(text: str, expected: str) -> None:
    """Entities, links, control characters, lone surrogates and whitespace are settled in one way."""
    assert prepare(text) == expected


@given(st.text())
def test_prepared_text_can_always_be_encoded(text: str) -> None:
    """Whatever comes in, UTF-8 comes out, without line breaks and without surrounding space."""
    done = prepare(text)
    assert done.encode().decode() == done
    assert "\n" not in done
    assert done == done.strip()


def test_special_tokens_in_a_text_are_ordinary_words() -> None:
    """A text that spells [PAD] or [SEP] cannot end or mask itself."""
    ids = read_tokenizer(SHIPPED / "opinion-en" / "tokenizer.json", 64).encode("[PAD] profit [SEP] warning").ids
    assert 0 not in ids
    assert ids.count(102) == 1
    assert ids[-1] == 102


def test_tokenizer_cuts_at_the_limit() -> None:
    """A long text gives exactly the tokens the model reads."""
    assert len(read_tokenizer(SHIPPED / "opinion-en" / "tokenizer.json", 16).encode("word " * 500).ids) == 16


def test_lead_spares_the_tokenizer_what_the_model_cannot_read() -> None:
    """Ten megabytes are cut before they are tokenised."""
    assert len(lead("x" * 10_000_000, 256)) == 4096
