"""`tocsin models`: train, measure, deploy and compare what judges the texts. Each area of it registers itself here."""

from __future__ import annotations

import importlib
from typing import Final

import typer

AREAS: Final[tuple[str, ...]] = (
    "console.model_versions",
    "console.model_training",
    "console.model_feedback",
    "console.model_quality",
)

models_app = typer.Typer(
    help="Train, measure, deploy and compare the models that judge the texts.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for area in AREAS:
        importlib.import_module(area).register(models_app)
    app.add_typer(models_app, name="models")
