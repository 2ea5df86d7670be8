"""E-mails, and text from outside in them."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.delivery.phrases import pieces
from alerts.delivery.render import Lang, card, mail
from tests.ringing import event, evidence
from tests.unit.alerts.reading import BOTH, HOSTILE, SAMPLES, Skeleton, message, words


def test_a_chat_shows_three_stories_and_a_mail_all() -> None:
    """The card stays short; the mail has every story and the labels."""
    told = message(event(evidence=tuple(evidence(n) for n in range(5))))
    assert [f"number {n}" in words(card(told, "en")) for n in range(5)] == [True, True, True, False, False]
    assert all(f"number {n}" in mail(told, "en").text for n in range(5))
    assert "baseline=seasonal" in mail(told, "zh").text
    assert "baseline=seasonal" not in words(card(told, "zh"))


@given(hostile=HOSTILE, lang=st.sampled_from(BOTH), group=st.booleans())
@settings(max_examples=300)
def test_hostile_text_never_changes_the_structure_of_a_mail(hostile: str, lang: Lang, group: bool) -> None:
    """Whatever a headline, name, source, label or note holds: the same tags in the same order, and no new address."""

    def html(text: str) -> str:
        of = event(
            name=f"x{text}",
            rule=f"x{text}",
            models=(f"x{text}",),
            labels={f"x{text}": f"x{text}"},
            annotations={f"x{text}": f"x {text}"},
            unit=f"x{text}",
            evidence=(evidence(1, headline=text, source=f"x{text}"),),
        )
        told = (of, event(alert="b" * 32, name=f"x{text}")) if group else (of,)
        return mail(message(*told, group={"desk": f"x{text}"}), lang).html

    found, plain = Skeleton(html(hostile)), Skeleton(html("word"))
    assert found.tags == plain.tags
    assert found.addresses == plain.addresses


@given(HOSTILE, HOSTILE | HOSTILE.map(lambda text: f"https://x.example/{text}"))
@example("", 'https://x.example/"><script>alert(1)</script>')
@example("", 'https://x.example/"onmouseover="alert(1)')
def test_only_web_addresses_become_links_and_nothing_is_loaded(headline: str, url: str) -> None:
    """A link is http or https without blanks; a mail has no image, script, form or style sheet."""
    of = event(evidence=(evidence(1, headline=headline, url=url),), annotations={"runbook": url})
    skeleton = Skeleton(mail(message(of), "en").html)
    assert all(re.fullmatch(r"https?://\S+", address) for address in skeleton.addresses)
    assert set(skeleton.addresses) <= {url, url.strip()}
    assert {name for _, names in skeleton.tags for name in names} <= {
        *"lang charset name content style href target rel".split()
    }
    assert {tag.removeprefix("/") for tag, _ in skeleton.tags} <= set(
        "html head meta title body div h1 p strong mark a".split()
    )


@given(HOSTILE)
def test_a_subject_is_one_line(hostile: str) -> None:
    """No header can be added through a name."""
    subject = mail(message(event(name=hostile)), "en").subject
    assert not set(subject) & {"\r", "\n", "\x00", "\u202e"}


@given(st.text(max_size=80), st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90)), max_size=8))
def test_marked_words_never_lose_or_move_text(headline: str, places: list[tuple[int, int]]) -> None:
    """However wrong the offsets, the pieces together are the headline without its hidden characters."""
    told = evidence(headline=headline, highlights=tuple(places))
    assert "".join(piece for piece, _ in pieces(told)) == "".join(
        piece for piece, _ in pieces(evidence(headline=headline))
    )


def test_a_mail_is_the_card_in_full() -> None:
    """Text and HTML say the same, and the links stand in both."""
    letter = mail(SAMPLES["firing"], "en")
    text = re.sub(r"\s+", " ", Skeleton(letter.html).text)
    for line in letter.text.split("\n"):
        if line and "https://" not in line:
            assert re.sub(r"\s+", "", line) in re.sub(r"\s+", "", text)
    addresses = Skeleton(letter.html).addresses
    assert addresses
    assert all(address in letter.text for address in addresses)
    assert letter.html.count('rel="noopener noreferrer"') == len(addresses)
