"""`GET /names`: what companies are called in Chinese, for whoever shows subjects to readers of Chinese."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.opinion.names import known


class Names(BaseModel):
    """Names by id of the company, without `entity:`."""

    zh: dict[str, str] = Field(description="Companies without a Chinese name are not in it.")


def router(context: Context) -> APIRouter:
    """The route."""
    made = APIRouter(tags=["opinion"])

    @made.get("/names")
    async def names(_: Reader) -> Names:
        """Chinese names of companies, of the shipped list and the watchlist as the file is now.

        Alerts and documents carry the one name that the list gave when they were made.
        """
        companies = known(context.settings).companies
        return Names(zh={id_: company.chinese for id_, company in companies.items() if company.chinese})

    return made
