"""Secrets of receivers: never in the file that describes them, but in a variable or a file that it names."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from alerts.sayings import Saying, ToldFault, saying, sentences

LARGEST: Final = 65_536  # bytes of a secret's file
OTHERS: Final = 0o077  # permissions of anybody but the owner
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ReceiverWrong(ToldFault):
    """One field of one receiver. Never hand it a secret."""

    def __init__(self, name: str, field: str, fault: Saying) -> None:
        self._name, self._field, self._fault = name, field, fault
        super().__init__(self.shown("en"))

    def shown(self, lang: str) -> str:
        """Receiver, field, fault and remedy."""
        around = sentences()["at_receiver"][lang]
        return around.format(name=self._name, field=self._field, said=self._fault.said(lang))


def secret(spec: Any, field: str, *, needed: bool = True) -> SecretStr | None:
    """The secret that `<field>_env` or `<field>_file` of a receiver names; None when neither does and none is needed.

    Raises ReceiverWrong with receiver, field, fault and remedy, and never a character of the secret.
    """
    variable, path = getattr(spec, f"{field}_env"), getattr(spec, f"{field}_file")
    if variable and path:
        raise ReceiverWrong(spec.name, f"{field}_env", saying("secret_twice", field=field))
    if variable:
        return SecretStr(_variable(spec.name, f"{field}_env", variable))
    if path:
        return SecretStr(_file(spec.name, f"{field}_file", Path(path).expanduser()))
    if needed:
        raise ReceiverWrong(spec.name, f"{field}_env", saying("secret_missing", field=field))
    return None


def _variable(name: str, field: str, variable: str) -> str:
    if not VARIABLE.fullmatch(variable):  # most likely the secret itself
        raise ReceiverWrong(name, field, saying("secret_itself"))
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ReceiverWrong(name, field, saying("variable_unset", variable=variable))
    return value


def _file(name: str, field: str, path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise ReceiverWrong(name, field, saying("secret_large", path=path, largest=LARGEST))
        if status.st_mode & OTHERS:
            raise ReceiverWrong(name, field, saying("secret_open", path=path))
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ReceiverWrong(name, field, saying("secret_unread", path=path, reason=error.strerror)) from None
    except UnicodeDecodeError:  # its own words would show a byte of the secret
        raise ReceiverWrong(name, field, saying("secret_bytes", path=path)) from None
    if not value:
        raise ReceiverWrong(name, field, saying("secret_empty", path=path))
    return value
