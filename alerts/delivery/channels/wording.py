"""A message in the language, or the languages, and the time zone of its receiver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from alerts.delivery.card import Block, Button, Card, Mail, Span
from alerts.delivery.channel import Language, Message
from alerts.delivery.render import card, lock_screen, mail

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
        first, *others = (mail(message, lang, self.zone) for lang in self._languages)
        if not others:
            return first
        (second,) = others
        html = f"{_END.sub('', first.html)}<hr>{_START.sub('', second.html)}"
        return Mail(f"{first.subject} / {second.subject}", f"{first.text}\n\n{second.text}", html)
