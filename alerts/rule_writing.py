"""A rule as a person would write it into a file: what differs from the defaults, in the order of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from alerts.rules import Rule, Scope
from alerts.yaml_lines import ExactDumper

FIRST: Final = ("name", "about", "enabled", "type", "scope", "conditions", "window")
WIDTH: Final = 110


def written(rule: Rule) -> str:
    """The rule as YAML below `rules:`. Read again it is the same rule, with the same hash."""
    said = _brief(rule)
    text = yaml.dump(
        {"rules": [said]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )
    return str(text)


def _brief(of: Struct, scope: Scope | None = None) -> dict[str, Any]:
    """The fields that say something; a condition leaves out what its rule's scope says."""
    found = {
        field.encode_name: getattr(of, field.name)
        for field in msgspec.structs.fields(of)
        if field.required or field.name == "scope" or getattr(of, field.name) != _default(field)
    }
    tag = of.__struct_config__.tag
    said: dict[str, Any] = {name: _plain(value) for name, value in found.items() if name not in ("scope", "conditions")}
    said |= {"type": tag} if tag else {}
    own = found.get("scope")
    if isinstance(own, Scope) and own != scope:
        said["scope"] = _narrowed(own, scope)
    if "conditions" in found:
        said["conditions"] = [_brief(each, own) for each in found["conditions"]]
    return {name: said[name] for name in sorted(said, key=lambda name: (name not in FIRST, _place(name)))}


def _narrowed(scope: Scope, outer: Scope | None) -> dict[str, Any]:
    """A scope, or what differs from the scope around it."""
    whole = outer or Scope(subject=scope.subject)
    names = [field.name for field in msgspec.structs.fields(Scope)]
    said = {name: _plain(getattr(scope, name)) for name in names if getattr(scope, name) != getattr(whole, name)}
    return said if outer is not None else {"subject": scope.subject} | said


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


class _Dumper(ExactDumper):
    """YAML that our reader takes as it is meant: lists are indented, and short ones stay on a line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's own
        super().increase_indent(flow, False)


def _list(dumper: yaml.SafeDumper, items: Sequence[Any]) -> yaml.Node:
    flow = all(not isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


_Dumper.add_representer(list, _list)
_Dumper.add_representer(tuple, _list)
