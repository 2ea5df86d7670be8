"""Secrets of receivers: never in the file that describes them, but in a variable or a file that it names."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from streams.settings import SettingsError

LARGEST: Final = 65_536  # bytes of a secret's file
OTHERS: Final = 0o077  # permissions of anybody but the owner
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def wrong(name: str, field: str, fault: str) -> SettingsError:
    """The fault of one field of one receiver. Never hand it a value."""
    return SettingsError(f"receiver {name}, {field}: {fault}")


def secret(spec: Any, field: str, *, needed: bool = True) -> SecretStr | None:
    """The secret that `<field>_env` or `<field>_file` of a receiver names; None when neither does and none is needed.

    Raises SettingsError with receiver, field, fault and remedy, and never a character of the secret.
    """
    variable, path = getattr(spec, f"{field}_env"), getattr(spec, f"{field}_file")
    if variable and path:
        raise wrong(spec.name, f"{field}_env", f"give either {field}_env or {field}_file, not both")
    if variable:
        return SecretStr(_variable(spec.name, f"{field}_env", variable))
    if path:
        return SecretStr(_file(spec.name, f"{field}_file", Path(path).expanduser()))
    if needed:
        raise wrong(
            spec.name,
            f"{field}_env",
            f"missing. Name the variable that holds it with {field}_env: NAME, or its file with {field}_file: /path",
        )
    return None


def _variable(name: str, field: str, variable: str) -> str:
    if not VARIABLE.fullmatch(variable):  # most likely the secret itself
        raise wrong(name, field, "expected the name of an environment variable, not the secret itself")
    value = os.environ.get(variable, "").strip()
    if not value:
        raise wrong(name, field, f"the variable {variable} is not set. Set it where the worker starts")
    return value


def _file(name: str, field: str, path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise wrong(name, field, f"{path} is not a file of at most {LARGEST} bytes")
        if status.st_mode & OTHERS:
            raise wrong(name, field, f"{path} can be read by others. Run: chmod 600 {path}")
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise wrong(name, field, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:  # its own words would show a byte of the secret
        raise wrong(name, field, f"{path} is not UTF-8 text") from None
    if not value:
        raise wrong(name, field, f"{path} is empty")
    return value
