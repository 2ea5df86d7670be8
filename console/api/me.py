"""`GET /me`: who the caller is, and what is running here."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.api.tokens import Role
from streams.version import VERSION

DEMO: Final = "demo-"  # how the namespace of every demo begins


class Me(BaseModel):
    """The caller, and this installation."""

    name: str = Field(description="Of the token: the author of what it does.")
    role: Role = Field(description="read < operate < admin.")
    version: str
    namespace: str
    demo: bool = Field(description="This is a demo: every document in it is invented.")
    now: datetime = Field(description="The server's clock.")
    current: bool = Field(description="False while Kafka does not answer: what is told may be old.")


def router(context: Context) -> APIRouter:
    """The route."""
    made = APIRouter()

    @made.get("/me")
    async def me(caller: Reader) -> Me:
        """Who the caller is, what it may do, and what is running here."""
        namespace = context.settings.namespace
        return Me(
            name=caller.name,
            role=caller.role,
            version=VERSION,
            namespace=namespace,
            demo=namespace.startswith(DEMO),
            now=context.now(),
            current=context.feed.current,
        )

    return made
