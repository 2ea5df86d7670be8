"""What every page of ours is printed on: nothing is loaded, nothing runs, everything from outside is text.

The policy in the page's head forbids all but its own style sheet, by its checksum; there is no script. The template
engine escapes every value, and before that takes out what hides or turns text.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from streams.plain import plain

BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0D, 0x2028, 0x2029), " ")  # keep words apart where lines are joined


def environment(package: str) -> Environment:
    """The template engine with `style` and `policy` for the package's templates, which lie beside its `style.css`."""
    made = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_plain, trim_blocks=True, lstrip_blocks=True,
        loader=FunctionLoader(lambda name: _read(package, name)),
    )  # fmt: skip
    style = _read(package, "style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    made.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }
    return made


@cache
def _read(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    """What every value passes on its way into the page; markup of ours passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value.translate(BREAKS))
    return value
