"""The dashboards themselves, each in a module of its own, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from deploy.dashboards.boards.alerts import ALERTS
from deploy.dashboards.boards.company import COMPANY
from deploy.dashboards.boards.overview import OVERVIEW
from deploy.dashboards.boards.replay import REPLAY
from deploy.dashboards.boards.sources import SOURCES
from deploy.dashboards.boards.topics import TOPICS
from deploy.dashboards.spec import Board

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, COMPANY, TOPICS, SOURCES, ALERTS, REPLAY)
