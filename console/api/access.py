"""Who may call a route: `Reader`, `Operator` and `Admin` are what a route asks for, and give it its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from console.api.errors import ApiError
from console.api.tokens import Caller, Role

_bearer = HTTPBearer(auto_error=False, description="A token of TOCSIN_API_TOKENS.")


def _holder(role: Role) -> Callable[..., Caller]:
    def check(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Caller:
        caller: Caller | None = request.scope.get("caller")  # the guard found it
        if caller is None:
            raise ApiError(401, "unauthorized", {"WWW-Authenticate": "Bearer"})
        if not caller.may(role):
            raise ApiError(403, "forbidden", role=role)
        return caller

    return check


Reader = Annotated[Caller, Depends(_holder("read"))]
Operator = Annotated[Caller, Depends(_holder("operate"))]
Admin = Annotated[Caller, Depends(_holder("admin"))]
