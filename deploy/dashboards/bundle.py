"""Everything that a Kibana is given, in either of the two formats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deploy.dashboards import api, saved, views
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import Board

Format = Literal["saved-objects", "dashboards-api"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Bodies of requests for Kibana 9.5 and newer: data views first, for the dashboards need them."""

    views: tuple[dict[str, Any], ...]
    dashboards: tuple[tuple[str, dict[str, Any]], ...]  # id and body

    @property
    def objects(self) -> int:
        """How many objects it makes."""
        return len(self.views) + len(self.dashboards)

    def text(self) -> str:
        """The whole as one file of JSON, the same for the same description."""
        whole = {"data_views": list(self.views), "dashboards": dict(self.dashboards)}
        return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def bundle(boards: Sequence[Board], names: Names, words: Words) -> Bundle:
    """Requests for the Dashboards API."""
    return Bundle(
        tuple(views.requests(names, words)),
        tuple((names.id(board.id), api.dashboard(board, names, words)) for board in boards),
    )


def text(boards: Sequence[Board], names: Names, words: Words, form: Format) -> bytes:
    """The file of one format."""
    if form == "saved-objects":
        return saved.ndjson(tuple(boards), names, words)
    return bundle(boards, names, words).text().encode()
