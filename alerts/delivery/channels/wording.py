"""A message in the language, or the languages, and the time zone of its receiver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from alerts.delivery.card import Block, Button, Card, Mail, Span
from alerts.delivery.channel import Language, Message
from alerts.delivery.facts import address
from alerts.delivery.letter import letter
from alerts.delivery.phrases import say
from alerts.delivery.render import card, lock_screen, mail
from streams.records import Bulletin, Edition, Paragraph

_END: Final = re.compile(r"</body>.*", re.DOTALL | re.IGNORECASE)
_START: Final = re.compile(r".*<body[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads. For both languages Chinese comes first, then English below it."""

    language: Language = "en"
    zone: ZoneInfo | None = None

    @property
    def _languages(self) -> tuple[Literal["en", "zh"], ...]:
        return ("zh", "en") if self.language == "both" else (self.language,)

    def card(self, message: Message) -> Card:
        """The message for a chat."""
        first, *others = (card(message, lang, self.zone) for lang in self._languages)
        if not others:
            return first
        (second,) = others
        pairs = zip(first.buttons, second.buttons, strict=True)
        buttons = tuple(Button(f"{one.label} / {other.label}", one.href) for one, other in pairs)
        blocks = (*first.blocks, Block(((Span(second.title, "bold"),),)), *second.blocks)
        return Card(first.title, first.severity, blocks, buttons)

    def glance(self, message: Message) -> Card:
        """No more than a lock screen shows, for services of a few characters."""
        texts = [lock_screen(message, lang, self.zone) for lang in self._languages]
        title, *rest = [line for text in texts for line in text.splitlines()]
        blocks = (Block(tuple((Span(line),) for line in rest)),) if rest else ()
        return Card(title, self.card(message).severity, blocks)

    def mail(self, message: Message) -> Mail:
        """The message as an e-mail."""
        return _joined([mail(message, lang, self.zone) for lang in self._languages])

    def editions(self, bulletin: Bulletin) -> list[Edition]:
        """A report in this reader's languages, as far as it was made in them; else as it was made."""
        wanted = [bulletin.editions[lang] for lang in self._languages if lang in bulletin.editions]
        return wanted or list(bulletin.editions.values())[:1]

    def report(self, bulletin: Bulletin) -> Card:
        """A report for a chat: its figures and main items, with a link to the rest."""
        first, *others = self.editions(bulletin)
        blocks = list(_blocks(first.brief))
        for other in others:
            blocks += [Block(((Span(other.title, "bold"),),)), *_blocks(other.brief)]
        return Card(first.title, "info", tuple(blocks), self._link(bulletin))

    def report_mail(self, bulletin: Bulletin) -> Mail:
        """A report as the text of an e-mail; the whole is attached."""
        link, lang = self._link(bulletin), self._languages[0]
        cards = [Card(e.title, "info", tuple(_blocks(e.letter)), link) for e in self.editions(bulletin)]
        return _joined([letter(card, lang) for card in cards])

    def _link(self, bulletin: Bulletin) -> tuple[Button, ...]:
        href = address(bulletin.link)
        return (Button(" / ".join(say("link.report", lang) for lang in self._languages), href),) if href else ()


def _blocks(paragraphs: Iterable[Paragraph]) -> Iterator[Block]:
    for paragraph in paragraphs:
        yield Block(tuple(tuple(Span(p.text, p.style, address(p.href)) for p in line) for line in paragraph))


def _joined(mails: Sequence[Mail]) -> Mail:
    """One mail, or two in one: the first language above the second."""
    first, *others = mails
    if not others:
        return first
    (second,) = others
    html = f"{_END.sub('', first.html)}<hr>{_START.sub('', second.html)}"
    return Mail(f"{first.subject} / {second.subject}", f"{first.text}\n\n{second.text}", html)
