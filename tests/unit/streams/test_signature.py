"""Signatures: copies are equal, near copies are near, and numbers do not depend on the process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.signature import ALGORITHM, copy_key, jaccard, minhash, sign

NEWS = "Regulator fines the bank two million euros after clients complained about hidden fees in old contracts"


@pytest.mark.parametrize(
    "copy",
    [
        "foo bar",
        "FOO  Bar",
        "RT @x: foo bar http://…",
        "RT [handle]: foo bar…",
        "RT@x foo bar",
        "RT @a: RT @b: foo bar",
        "foo bar via @bar",
        "//@老王：foo bar",
        "转发微博 foo bar",
        "foo bar https://t.co/abc",
        "“foo bar.”",
        "foo @someone bar [email]",
    ],
)
def test_copies_have_one_key(copy: str) -> None:
    """Retweet marks, links, handles, tokens, case, spaces and edges do not matter."""
    assert copy_key(copy) == copy_key("foo bar")


def test_what_differs_has_another_key() -> None:
    """Numbers, cashtags and emoji are what a text says; texts of links only are told apart."""
    texts = [
        "$AAPL up 5",
        "$AAPL up 6",
        "$GOOG up 5",
        "$AAPL 🚀",
        "$AAPL 💩",
        "http://t.co/a",
        "http://t.co/b",
        "@a",
        "",
        "🚀",
    ]
    assert len({copy_key(text) for text in texts}) == len(texts)


@given(
    st.text(alphabet="abc xyz中文$5%", min_size=1).filter(str.strip),
    st.from_regex(r"[A-Za-z0-9_]{1,15}", fullmatch=True),
)
def test_the_key_survives_being_passed_on(text: str, handle: str) -> None:
    """Whatever is said, passing it on with a mark, a link and another case keeps the key."""
    assert copy_key(f"RT @{handle}: {text.upper()} http://t.co/{handle} …") == copy_key(text)


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "und"]))
def test_any_text_can_be_signed(text: str, lang: str) -> None:
    """Every text has a key of 32 digits and a signature of 64 small numbers or none."""
    signature = sign(text, lang)
    assert len(signature.copy_key) == 32
    assert len(signature.minhash) in (0, 64)
    assert all(0 <= value < 65_536 for value in signature.minhash)


def test_near_copies_are_near() -> None:
    """A changed word keeps texts near; another story is far; Chinese compares by characters."""
    signed = minhash(NEWS, "en")
    assert jaccard(signed, minhash(NEWS.upper() + " http://t.co/x", "en")) == 1.0
    assert jaccard(signed, minhash(NEWS.replace("two million", "three million"), "en")) > 0.5
    assert (
        jaccard(signed, minhash("Shares of the carmaker rise on strong sales in the north of the country", "en")) < 0.1
    )
    chinese = "证监会对该公司信息披露违规行为立案调查，股价开盘跌停"
    assert jaccard(minhash(chinese, "zh"), minhash(chinese.replace("开盘", "早盘"), "zh")) > 0.6


def test_the_estimate_is_as_good_as_stated() -> None:
    """Over 200 pairs with Jaccard one half the error's spread is below the stated standard error."""
    words = [f"w{n}" for n in range(10_000)]
    errors = []
    for at in range(0, 8_000, 40):
        # 40 words shared of 60: with shingles of three, 38 shared of 78 in all
        a, b = words[at : at + 60], words[at : at + 40] + [f"x{word}" for word in words[at : at + 20]]
        errors.append(jaccard(minhash(" ".join(a), "en"), minhash(" ".join(b), "en")) - 38 / 78)
    mean = sum(errors) / len(errors)
    assert abs(mean) < 0.02
    assert (sum(error**2 for error in errors) / len(errors)) ** 0.5 < 0.0625


def test_a_missing_signature_is_like_nothing() -> None:
    """Texts without words are similar to none, and lengths are never mixed."""
    assert jaccard((), minhash(NEWS, "en")) == 0.0
    with pytest.raises(ValueError, match="shorter"):
        jaccard((1, 2), (1,))


def test_the_signature_does_not_depend_on_the_process() -> None:
    """Another process with other hash seeds computes the same numbers under the same algorithm name."""
    code = f"from streams.signature import *; print(ALGORITHM, minhash({NEWS!r}, 'en'))"
    env = {"PYTHONHASHSEED": "7", "PATH": ""}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert out.strip() == f"{ALGORITHM} {minhash(NEWS, 'en')}"
    assert minhash("one two three four", "en")[:4] == FIRST


# Pinned: a new version of the library that changes the numbers must come with another ALGORITHM.
FIRST = (51719, 37886, 48748, 24515)
