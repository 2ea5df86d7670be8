"""The preparation that training, evaluation and serving share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.registry import SHIPPED, find
from models.text import TARGET, about, lead, mark, prepare, read_tokenizer

TOKENIZER = find(SHIPPED)["en"].tokenizer


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
        ("貴州茅臺營收跌５８．３％，ＡＢＣ", "贵州茅台营收跌58.3%，ABC"),
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
    """A text that spells a name of padding or of an end cannot end or mask itself."""
    ids = read_tokenizer(TOKENIZER, 64).encode("[PAD] profit [SEP] <pad> </s> 警告 pad end").ids
    assert 0 not in ids
    assert (ids.count(ids[0]), ids.count(ids[-1])) == (1, 1)


def test_the_target_sign_is_one_known_token() -> None:
    """The sign for the company asked about is neither unknown nor split."""
    pieces = read_tokenizer(TOKENIZER, 64).encode(f"涨停{TARGET}减持").tokens
    assert TARGET in pieces


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Alder beats Birk, Alder rises", ["Alder"], "◆ beats Birk, ◆ rises"),
        ("恒远集团起诉恒远", ["恒远", "恒远集团"], "◆起诉◆"),
        ("Alder beats Birk", ["Cedar", ""], "Alder beats Birk"),
        ("◆ Alder", ["Alder"], "  ◆"),
        ("◆ Birk fell", ["Alder"], "Birk fell"),
        ("Metals rally as Meta's plan fails", ["Meta"], "Metals rally as ◆'s plan fails"),
        ("恒远AI跌停", ["AI"], "恒远◆跌停"),
    ],
)
def test_mark(text: str, names: list[str], expected: str) -> None:
    """Every name of the company becomes the sign, the longest first; a sign in the text is none."""
    assert mark(text, names) == expected


def test_a_part_of_another_company_s_name_is_not_marked() -> None:
    """The bank's bad news is not its namesake's; names of several companies are told apart by the longest."""
    text = "Halden Bank plunges while Halden gains"
    assert mark(text, ["Halden"], ["Halden Bank", "Halden"]) == "Halden Bank plunges while ◆ gains"
    assert mark("平安银行大跌，平安上涨", ["平安"], ["平安银行"]) == "平安银行大跌，◆上涨"


def test_a_company_deep_in_a_text_is_brought_to_the_front() -> None:
    """The model reads a few hundred characters: those around the company."""
    assert about("x" * 5_000 + " Alder fell", ["Alder"]).endswith(f"x {TARGET} fell")
    assert len(about("x" * 5_000 + " Alder fell", ["Alder"])) == 206
    assert about("y Alder " + "x" * 5_000, ["Alder"]).startswith(f"y {TARGET} x")
    assert about("nobody", ["Alder"]) == "nobody"


def test_tokenizer_cuts_at_the_limit() -> None:
    """A long text gives exactly the tokens the model reads."""
    assert len(read_tokenizer(TOKENIZER, 16).encode("word " * 500).ids) == 16


def test_lead_spares_the_tokenizer_what_the_model_cannot_read() -> None:
    """Ten megabytes are cut before they are tokenised."""
    assert len(lead("x" * 10_000_000, 256)) == 4096
