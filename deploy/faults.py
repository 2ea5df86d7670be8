"""The one exception of this package. Its words for people live in the message catalogues, under `engines.<code>`."""

from __future__ import annotations

from typing import Any


class EngineError(RuntimeError):
    """An engine cannot be had, started or ended. `code` names the reason, `values` fill the message for people.

    `str()` is for logs and tracebacks: the code with its values. `console.engines.explain` turns it into a sentence
    that says what is wrong, why it matters and what to do.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{name}={value}" for name, value in self.values.items())])
