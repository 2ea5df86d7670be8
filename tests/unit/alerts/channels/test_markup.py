"""Text from outside stays text, and links are links."""

from __future__ import annotations

import pytest
from hypothesis import given

from alerts.delivery.channels.markup import address, disarmed, marked, opening, target
from tests.unit.alerts.channels.cards import HOSTILE, TEXTS, folded


@given(TEXTS)
def test_disarmed_text_means_nothing(text: str) -> None:
    """Nothing of what Markdown, HTML, mentions or automatic links are made of is left, and no letter is lost."""
    found = disarmed(text)
    assert not set(found) & set("<>[]*_`#~|\\@\n\r")
    assert "://" not in found
    assert "www." not in found.lower()
    assert folded(found) == folded(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_beginning_of_a_line_means_nothing(text: str) -> None:
    """No list, rule, underline of a heading, or block of code."""
    line = opening(disarmed(text))
    assert line[:2] not in ("- ", "+ ", "1.", "2)")
    assert line.strip() not in ("---", "===", "-", "+")
    assert not line.startswith((" ", "\t"))


@pytest.mark.parametrize("line", ["+37 suppressed", "-3.5 %", "1.5 times", "2026-03-02", "9 sources", ""])
def test_an_innocent_line_stays_as_it_is(line: str) -> None:
    """Signs and figures are no lists."""
    assert opening(line) == line


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://a.example/x?y=1&z=2", "https://a.example/x?y=1&z=2"),
        ("http://a.example/", "http://a.example/"),
        ("https://例え.example/", "https://xn--r8jz45g.example/"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("dingtalk://dingtalkclient/page", ""),
        ("//a.example/", ""),
        ("https://user:pass@a.example/", ""),
        ("https://", ""),
        ("https://a.example/" + "x" * 2000, ""),
        ("https://[::1", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_links(href: str, expected: str) -> None:
    """http and https without a user name and of reasonable length; nothing else may be clicked on."""
    assert address(href) == expected


@given(TEXTS)
def test_a_link_s_target_cannot_be_left(text: str) -> None:
    """Whatever stands in an address, it closes neither parenthesis nor attribute."""
    found = target(f"https://a.example/{text}")
    assert not set(found) & set("()[]<>\"' \n*_~`|\\")


def test_blanks_stay_outside_of_markup() -> None:
    """Markdown wants its marks next to the text."""
    assert marked(" a b ", "**", "**") == " **a b** "
    assert marked("  ", "**", "**") == "  "
