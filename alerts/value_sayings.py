"""What msgspec says of a value, as a saying: it knows English only. What is new to us is told as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from alerts.sayings import Saying, saying

KIND: Final = r"Expected `(?P<wanted>[^`]*)`"
FORMS: Final = (
    ("kind", re.compile(rf"{KIND}, got `(?P<got>[^`]*)`")),
    ("bound", re.compile(rf"{KIND} (?P<sign>[<>]=?) (?P<bound>\S+)")),
    ("length", re.compile(rf"{KIND} of length (?P<sign>[<>]=?) (?P<bound>\d+)")),
    ("pattern", re.compile(rf"{KIND} matching regex (?P<pattern>.*)", re.DOTALL)),
    ("missing", re.compile(r"Object missing required field `(?P<name>[^`]*)`")),
    ("choice", re.compile(r"Invalid (?P<what>enum )?value (?P<word>.*)", re.DOTALL)),
    ("at_most", re.compile(r"expected at most (?P<most>\S+), got (?P<got>.*)", re.DOTALL)),
    ("duration", re.compile(r"expected a duration such as 30m, 2h or 1h30m, got (?P<got>.*)", re.DOTALL)),
)
# What `streams.guard` says of an address.
ADDRESSES: Final = (
    ("not_public", re.compile(r"(?P<address>\S+) is not a public address; name its block in the allow list.*")),
    ("not_allowed", re.compile(r"(?P<address>\S+) is outside the allow list: .*")),
    ("other_port", re.compile(r"port (?P<port>\d+) of (?P<host>\S+) is none of (?P<known>\[.*\]); name .*")),
    ("holds_user", re.compile(r"the URL of (?P<host>\S+) holds a user name or password")),
    ("not_https", re.compile(r"the URL of (?P<host>\S+) is not https")),
    ("no_url", re.compile(r"this is not a URL")),
    ("url_form", re.compile(r"the URL must look like https://host/path")),
    ("url_characters", re.compile(r"the URL holds a space, a backslash or a control character")),
)


def of_address(message: str) -> Saying:
    """Why an address is refused."""
    for code, form in ADDRESSES:
        found = form.fullmatch(message)
        if found is not None:
            return saying(code, **found.groupdict())
    return saying("other", message=message)


def of_value(message: str, choices: Sequence[str] = ()) -> Saying:
    """The saying. `choices`: the values allowed there, where it is one of a few."""
    for code, form in FORMS:
        found = form.fullmatch(message)
        if found is not None:
            values = {name: value or "" for name, value in found.groupdict().items()}
            if code == "choice" and choices:
                return saying("choice_of", known=", ".join(choices), **values)
            return saying("kind_text" if code == "kind" and values["wanted"] == "str" else code, **values)
    return saying("other", message=message)
