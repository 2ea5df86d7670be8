"""Who may call the API: bearer tokens with a name and a role. Only their SHA-256 digests are kept in memory."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from streams.hosts import local_address
from streams.keys import kept_key
from streams.settings import Settings, SettingsError

Role = Literal["read", "operate", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
LEAST_TOKEN: Final = 24
NAME: Final = re.compile(r"[\w.@-]{1,64}")
FILE: Final = "api.token"
LOCAL: Final = "local"  # name of the token that is made where none is set
MAKE: Final = "make one: openssl rand -hex 32"


@dataclass(frozen=True, slots=True)
class Caller:
    """A holder of a token. `name` is the author of what it does."""

    name: str
    role: Role
    digest: bytes = field(repr=False)

    def may(self, role: Role) -> bool:
        """Whether the role covers what is asked: who may operate may read, an admin may both."""
        return ROLES.index(self.role) >= ROLES.index(role)


def callers(settings: Settings) -> tuple[Caller, ...]:
    """Those in TOCSIN_API_TOKENS; on loopback without any, one whose token is made and kept in the state folder.

    Raises SettingsError, whose words name the line and never the token.
    """
    found = parse_tokens(settings.api_tokens.get_secret_value())
    if found:
        return found
    if not local_address(settings.api_host):
        raise SettingsError(
            f"the HTTP API would listen on {settings.api_host} without tokens. Set TOCSIN_API_TOKENS_FILE to a file "
            f"with lines `name role token` ({MAKE}), or TOCSIN_API_HOST=127.0.0.1"
        )
    return (Caller(LOCAL, "admin", _digest(kept_key(settings.state_dir / FILE))),)


def parse_tokens(text: str) -> tuple[Caller, ...]:
    """Callers out of lines `name role token`; empty lines and those that begin with # are skipped."""
    found: list[Caller] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            found.append(_caller(words, number, found))
    return tuple(found)


def token_of(settings: Settings, name: str) -> str | None:
    """The token of the caller with this name in TOCSIN_API_TOKENS, or None. Raises SettingsError."""
    text = settings.api_tokens.get_secret_value()
    if name not in {caller.name for caller in parse_tokens(text)}:
        return None
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return next(words[2] for words in lines if words and words[0] == name)


def _caller(words: Sequence[str], number: int, before: Sequence[Caller]) -> Caller:
    where = f"TOCSIN_API_TOKENS, line {number}"
    if len(words) != 3:
        raise SettingsError(f"{where}: write `name role token`")
    name, role, token = words
    if not NAME.fullmatch(name):
        raise SettingsError(f"{where}: a name has 1 to 64 letters, digits, full stops, hyphens or @")
    if role not in ROLES:
        raise SettingsError(f"{where}: the role is read, operate or admin")
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable():
        raise SettingsError(f"{where}: a token has at least {LEAST_TOKEN} printable ASCII characters; {MAKE}")
    caller = Caller(name, ROLES[ROLES.index(role)], _digest(token))
    if any(other.name == caller.name or other.digest == caller.digest for other in before):
        raise SettingsError(f"{where}: name or token is there already; each caller has its own")
    return caller


def caller_of(authorization: str, known: Sequence[Caller]) -> Caller | None:
    """Whose token the header carries. All are compared, each in constant time."""
    scheme, _, token = authorization.partition(" ")
    given = _digest(token.strip())
    found: Caller | None = None
    for caller in known:
        if hmac.compare_digest(caller.digest, given):
            found = caller
    return found if scheme.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
