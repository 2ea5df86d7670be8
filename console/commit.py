"""The commit that this Tocsin was made of, where it runs from a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

from streams.version import VERSION


def commit() -> str:
    """The commit of a checkout; empty where Tocsin is installed without one."""
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def code() -> str:
    """The version of this Tocsin, with its commit where that is known: what results and proposals say made them."""
    made = commit()
    return f"{VERSION}+{made[:12]}" if made else VERSION
