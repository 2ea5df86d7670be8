"""A mail server on loopback (aiosmtpd) that offers TLS, wants a login, and refuses when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "tocsin", "password-canary-7Q"


@dataclass
class Mailbox:
    """What it took, and what it answers: by recipient, and to the message."""

    recipients: dict[str, str] = field(default_factory=dict)  # address -> answer to RCPT
    answer: str = "250 OK"
    taken: list[Envelope] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: smtp.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipients.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.names.append(str(session.host_name))
        if self.answer.startswith("2"):
            self.taken.append(envelope)
        return self.answer


def login(server: smtp.SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """The one account there is."""
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def certificate(folder: Path) -> Path:
    """A self-made certificate for localhost with its key, in one file."""
    made, key = folder / "mail.pem", folder / "mail.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(made), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    return made


@contextlib.asynccontextmanager
async def mail_server(
    mailbox: Mailbox, pem: Path | None, *, implicit: bool = False, auth: bool = False
) -> AsyncIterator[int]:
    """The port of a running server; with a certificate it offers STARTTLS, or speaks TLS from the start."""
    context = None
    if pem is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
    more: dict[str, Any] = {"authenticator": login, "auth_required": True} if auth else {}
    offered = None if implicit else context

    def made() -> smtp.SMTP:
        return smtp.SMTP(mailbox, hostname="localhost", tls_context=offered, require_starttls=bool(offered), **more)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(made, "127.0.0.1", 0, ssl=context if implicit else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
