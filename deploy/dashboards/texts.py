"""The help at the top of each dashboard: what it shows, how to read it, and where to go from here."""

from __future__ import annotations

from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import Board


def link(board: str, names: Names) -> str:
    """Where another dashboard is, from within one: the part of Kibana's address after its own path and space."""
    return f"#/view/{names.id(board)}"


def markdown(board: Board, names: Names, words: Words) -> str:
    """The help of a dashboard in Markdown, with links to others."""
    parts = [words.say(f"boards.{board.id}.help").strip()]
    if names.demo:
        parts.insert(0, f"**{words.say('invented')}**")
    others = " · ".join(f"[{words.say(f'boards.{other}.title')}]({link(other, names)})" for other in board.links)
    return "\n\n".join([*parts, f"{words.say('more')} {others}"]) + "\n"
