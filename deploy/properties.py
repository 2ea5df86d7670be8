"""Java's `.properties` files: read as Latin-1, with escapes for everything else."""

from __future__ import annotations

from collections.abc import Mapping


def render(values: Mapping[str, object]) -> str:
    """One `name=value` a line. Backslashes and what is not ASCII are escaped: a folder may have any name."""
    return "".join(f"{name}={_escaped(str(value))}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    points = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(point) if 32 <= point < 127 else f"\\u{point:04x}" for point in points)
