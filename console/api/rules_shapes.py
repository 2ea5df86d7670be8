"""What the routes about rules take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.rule_files import TEXT_LIMIT
from alerts.yaml_structs import Fault
from console.api.shapes import RulePrecision
from console.rule_store import Why

RuleText = Annotated[str, StringConstraints(max_length=TEXT_LIMIT)]
FileName = Annotated[str, StringConstraints(max_length=96)]
Hash = Annotated[str, StringConstraints(max_length=64)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CheckRequest(_Request):
    """A text of rules, and the file that it would be."""

    text: RuleText
    file: FileName = Field("", description="Its name in the folder of the rules in use; empty: the text alone.")


class SaveRequest(_Request):
    """A new text of a rule file."""

    text: RuleText
    was: Hash = Field(description="`hash` of the file as it was read; empty: there is no such file yet.")
    reason: Annotated[str, StringConstraints(max_length=1000)] = ""


class FaultOf(BaseModel):
    """One thing wrong with a text."""

    file: str = Field(description="Empty: the text itself; else another file of the folder.")
    line: int
    column: int | None
    message: str
    suggestion: str | None


class CheckedRule(BaseModel):
    """One rule of a text."""

    name: str
    line: int
    enabled: bool
    kind: str
    explain: dict[str, list[str]] = Field(description="Sentences by section, in the caller's language.")
    hash: str
    changed: Literal["new", "same", "changed"]


class CheckResult(BaseModel):
    """What a text means, before it is saved."""

    ok: bool
    faults: list[FaultOf] = Field(description="Any of them keeps the whole file from being used.")
    warnings: list[FaultOf] = Field(description="Rules that would be used and never ring.")
    rules: list[CheckedRule]
    gone: list[str] = Field(description="Rules that the file has now, and not with this text.")


class RuleOf(BaseModel):
    """One rule in use."""

    name: str
    file: str
    line: int
    enabled: bool
    kind: str
    about: str
    subject: str = Field(description="entity, topic, source, list or market.")
    scope: str = Field(description="What it looks at, in a few words of the caller's language.")
    windows: list[str]
    severity: dict[str, float] = Field(description="From how many times the bound each is reached.")
    labels: dict[str, str]
    hash: str
    explain: dict[str, list[str]] = Field(description="Sentences by section, in the caller's language.")
    measured: dict[str, Any] | None = Field(description="How good it was on history; null where nobody measured it.")
    precision: RulePrecision
    open: int = Field(description="Alerts of it that are open.")


class FileOf(BaseModel):
    """One file of rules in use."""

    name: str
    hash: str
    text: str
    writable: bool
    rules: list[str]


class RuleList(BaseModel):
    """The rules in use."""

    rules: list[RuleOf]
    files: list[FileOf]
    faults: list[FaultOf] = Field(description="Where there are any, the detector goes on with what it read before.")
    writable: bool
    why: Why = Field(description="What keeps files from being written.")
    why_said: str
    current: bool


class Saved(BaseModel):
    """A file was written."""

    hash: str
    operation: dict[str, Any]
    in_force_within_s: float = Field(description="The running detector looks at the files so often.")
    said: str


def fault_of(fault: Fault) -> FaultOf:
    """A fault as data."""
    return FaultOf(
        file=fault.file, line=fault.line, column=fault.column or None, message=fault.message,
        suggestion=fault.meant or None,
    )  # fmt: skip
