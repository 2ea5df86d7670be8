"""JSON Schema of rule files, made from the types of the rules; `rules/schema.json` is this, committed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec

from alerts.rules import DURATION, LEAVES, OF_RULE, OF_SCOPE, All, Any_, Rule


def json_schema() -> dict[str, Any]:
    """JSON Schema of a rule file, for editors."""
    written = {"type": "string", "pattern": f"^(?=.)(?:{DURATION})"}
    shape = {"anyOf": [written, {"const": 0}], "description": "30m, 2h, 1h30m or 0"}
    (items,), components = msgspec.json.schema_components(
        [Rule], schema_hook=lambda _: dict(shape), ref_template="#/$defs/{name}"
    )
    _narrow(components)
    whole = {"allOf": [items], "required": ["name", "type", "scope"]}
    include = {"type": "array", "items": {"type": "string"}, "description": "files beside this one, or preset:NAME"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tocsin rule file",
        "type": "object",
        "properties": {"rules": {"type": "array", "items": whole}, "include": include},
        "anyOf": [{"required": ["rules"]}, {"required": ["include"]}],
        "additionalProperties": False,
        "$defs": components,
    }


def _narrow(components: dict[str, Any]) -> None:
    """What the loader refuses too: fields of a rule in a condition, and a kind with a window but without one."""
    narrower = deepcopy(components["Scope"]) | {"title": "Narrower", "required": []}
    for name in OF_SCOPE:
        del narrower["properties"][name]
    components["Narrower"] = narrower
    for kind in LEAVES.values():
        name = kind.__name__
        components[name]["required"] = [*components[name]["required"], "window"]
        inner = deepcopy(components[name])
        for field in OF_RULE:
            inner["properties"].pop(field, None)  # some are of one kind only
        inner["properties"]["scope"] = {"$ref": "#/$defs/Narrower"}
        components[f"{name}Condition"] = inner
    for composed in (All, Any_):
        fields = components[composed.__name__]["properties"]
        del fields["window"]
        refs = [{"$ref": f"#/$defs/{kind.__name__}Condition"} for kind in LEAVES.values()]
        fields["conditions"]["items"] = {"anyOf": refs}
