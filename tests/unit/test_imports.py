"""Imports run one way, and what is imported is this repository."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL = {
    f"streams.{m}" for m in "clock deadletter endpoints faust_app guard kafka metrics records safe_batches".split()
}
SHELL |= {f"streams.{m}" for m in "settings signature topics version log plain keys".split()}
MAY_IMPORT: dict[str, set[str]] = {
    "models": set(),
    "streams": {f"models.{m}" for m in "client drift features labels reference registry text".split()},
    "alerts": SHELL | {"models.labels", "models.registry", "streams.gazetteer", "streams.gazetteer.watchlist"},
    "deploy": SHELL | {"streams.elastic"},
    "console": {"streams", "models", "alerts", "deploy"},
}
APPS = {"streams.enrich_app", "streams.index_app", "alerts.detect_app", "alerts.notify_app"}
MODULES = sorted(
    path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py") if "repository" not in path.parts
)


def imported(path: Path) -> set[str]:
    """Full names of the modules a file imports, `from package import module` included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            deeper = {f"{node.module}.{a.name}" for a in node.names}
            found |= deeper if node.module in MAY_IMPORT else {node.module}
    return {name for name in found if name.split(".")[0] in MAY_IMPORT}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    """A package imports only what lies below it; nobody imports an app."""
    package = path.relative_to(ROOT).parts[0]
    allowed = MAY_IMPORT[package]
    for name in imported(path):
        inside = name.split(".")[0] == package
        assert inside or name in allowed or name.split(".")[0] in allowed, f"{package} may not import {name}"
        assert name not in APPS, f"an app is run, not imported: {name}"


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_the_imported_packages_are_the_repository_s_own(package: str) -> None:
    """No other installation of a package with the same name is picked up."""
    module = importlib.import_module(package)
    assert Path(str(module.__file__)).parent == ROOT / package
