"""Properties files, read back the way Java reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.properties import render


def read(text: str) -> dict[str, str]:
    """What `java.util.Properties` makes of bytes that are all ASCII (escapes of letters, line by line)."""
    text.encode("ascii")
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        units = [
            int(m[1], 16) if m[1] else ord(m[2] or m[3]) for m in re.finditer(r"\\u([0-9a-f]{4})|\\(.)|(.)", value)
        ]
        found[name] = b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")
    return found


@pytest.mark.parametrize("value", ["/home/用户/项目/.tocsin", "C:\\logs", "/a b/ü/😀", "9092", ""])
def test_a_value_is_read_back_as_it_was(value: str) -> None:
    """Chinese, spaces, backslashes and characters beyond 16 bits reach Java unharmed."""
    assert read(render({"log.dirs": value})) == {"log.dirs": value}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_becomes_another_property(value: str) -> None:
    """A line break in a value is no new line of the file."""
    assert read(render({"a": value, "b": 1})) == {"a": value, "b": "1"}
