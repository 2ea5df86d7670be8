"""How the shapes of both formats are checked: nothing unknown passes, nothing is converted."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from deploy.dashboards.spec import COLUMNS

Id = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,128}$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Query = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^']*$")]  # a quote would end it in a formula
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Span = Annotated[str, Field(pattern=r"^now-[1-9][0-9]*h$")]
Column = Annotated[int, Field(ge=0, lt=COLUMNS)]
Width = Annotated[int, Field(ge=1, le=COLUMNS)]
Down = Annotated[int, Field(ge=0)]
Height = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A part of a format: unknown keys are refused, as Kibana refuses them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
