"""E-mail by SMTP: one message as it will lie in the mailbox, handed over with STARTTLS or TLS.

The Message-ID is the notification's identity, so a mailbox that compares them shows a repeated delivery once.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, Literal

from pydantic import SecretStr

from alerts.delivery.card import Mail
from alerts.delivery.channel import Limit, Message
from alerts.delivery.channels.calls import explained
from alerts.delivery.channels.layout import clean
from alerts.delivery.channels.robot import urgent
from alerts.delivery.channels.threads import Threads
from alerts.delivery.channels.verdicts import shown
from alerts.delivery.channels.wording import Reader
from alerts.delivery.schedule import Reply
from streams.guard import Network, Refused, check_address
from streams.records import Answer as Said
from streams.records import Bulletin, Edition

Tls = Literal["starttls", "implicit", "none"]
SUBJECT_LIMIT: Final = 200
THROTTLING: Final = frozenset({421, 450, 451, 452})
_CODES: Final[Mapping[int, tuple[str, str]]] = {
    421: ("the server takes no more for now", "Nothing to do: it is tried again"),
    450: ("the mailbox is busy, or the server greylists", "Nothing to do: it is tried again"),
    451: ("the server could not deal with it now", "See the server's log if it goes on"),
    452: ("the server has no room", "Let its administrator see to the disk or the quota"),
    454: ("the server cannot do TLS or the login now", "See the server's log"),
    530: ("the server wants a login or TLS first", "Set `user` and its password, or `tls: starttls`"),
    534: ("the server wants another kind of login", "Make an application password for this account"),
    535: ("the server refuses user or password", "Check `user` and the password this receiver is given"),
    550: ("a mailbox does not exist or may not be written to", "Check `to`, and whether this server may relay for it"),
    552: ("the message is too large for the server", "Raise the server's limit"),
    553: ("the server takes an address for malformed", "Check `sender` and `to`"),
    554: ("the server refuses the message", "See the server's log: policy, reputation or content"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: SecretStr = field(default=SecretStr(""), repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)
    allow: Sequence[Network] = ()  # where a connection without TLS may lead
    timeout: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """A channel that posts to fixed recipients."""

    id: str
    name: str
    settings: str = field(repr=False)
    demo: bool
    reader: Reader
    server: Server
    sender: str
    to: tuple[str, ...]
    threads: Threads = field(default_factory=Threads, repr=False)
    type: str = "email"
    grouped: bool = True
    limits: tuple[Limit, ...] = ()

    def render(self, message: Message) -> tuple[bytes, ...]:
        """One message."""
        mail = self.reader.mail(message)
        return (composed(mail, message.id, message.at, self.sender, self.to, important=urgent(message)),)

    def report(self, bulletin: Bulletin, id_: str) -> tuple[bytes, ...]:
        """One message: the report's figures and items as its text, the whole report attached."""
        mail, files = self.reader.report_mail(bulletin), self.reader.editions(bulletin)
        return (composed(mail, id_, bulletin.at, self.sender, self.to, important=False, files=files),)

    async def send(self, part: bytes, id_: str, at: datetime) -> Reply:  # noqa: ARG002 - both stand in the message
        """One attempt, in a thread. What the server or the network does is a Reply."""
        try:
            return await self.threads.call(
                lambda: delivered(self.server, self.sender, self.to, part), self.server.timeout
            )
        except TimeoutError:
            return explained(Reply(None, "timeout"))

    async def close(self) -> None:
        """Nothing is held open."""


def composed(
    mail: Mail,
    id_: str,
    at: datetime,
    sender: str,
    to: Sequence[str],
    *,
    important: bool,
    files: Sequence[Edition] = (),
) -> bytes:
    """The message as bytes, from its arguments alone: date, identity and boundary are not made up at the moment."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Tocsin", addr_spec=sender)
    message["To"] = [Address(addr_spec=address) for address in to]
    message["Subject"] = clean(mail.subject).strip()[:SUBJECT_LIMIT]
    message["Date"] = format_datetime(at.astimezone(UTC))
    message["Message-ID"] = f"<{id_}@tocsin>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    if important:
        message["Importance"] = "high"
    message.set_content(_encodable(mail.text), cte="base64")
    message.add_alternative(_encodable(mail.html), subtype="html", cte="base64")
    message.set_boundary(f"=_{id_}")  # not within base64
    for each in files:
        main, _, sub = each.file_type.partition("/")
        message.add_attachment(each.file, maintype=main, subtype=sub, filename=clean(each.file_name), cte="base64")
    if files:
        message.set_boundary(f"=_all_{id_}")
    return message.as_bytes()


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def delivered(server: Server, sender: str, to: Sequence[str], part: bytes) -> Reply:
    """Hand one message over; blocks. Whatever the server or the network does comes back as a Reply."""
    try:
        with _opened(server, sender.rpartition("@")[2]) as smtp:
            refused = smtp.sendmail(sender, to, part)
    except smtplib.SMTPRecipientsRefused as error:
        return _refused_recipients(error.recipients, len(to), server)
    except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
        # Said before the letter was seen: its turn comes when the login is put right, or the server well again.
        return replace(answered(error.smtp_code, error.smtp_error, server), final=False)
    except smtplib.SMTPResponseException as error:
        return answered(error.smtp_code, error.smtp_error, server)
    except smtplib.SMTPNotSupportedError:
        return Reply(
            None,
            "smtp",
            answer="refused",
            code="unsupported",
            meaning="the server does not offer what is asked of it: STARTTLS, or a login",
            fix="Use port 465 with `tls: implicit`, or see the server's configuration",
        )
    except (smtplib.SMTPException, OSError) as error:
        return explained(Reply(None, _word(error)))
    return _refused_recipients(refused, len(to), server) if refused else Reply(250, answer="accepted", code="250")


def _opened(server: Server, name: str) -> smtplib.SMTP:
    if server.tls == "implicit":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=server.timeout, context=server.context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, name, server.timeout)
    try:
        if server.tls == "none" and smtp.sock is not None:
            host, port, *_ = smtp.sock.getpeername()
            check_address(host, port, server.allow, public=False)
        if server.tls == "starttls":
            smtp.starttls(context=server.context)
        if server.user:
            smtp.login(server.user, server.password.get_secret_value())
    except BaseException:
        smtp.close()
        raise
    return smtp


def answered(code: int, text: bytes | str, server: Server) -> Reply:
    """What an SMTP code amounts to: 4xx passes, 5xx does not for this message."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    repeated = shown(words, _unsayable(server))
    default = ("the server refuses it", "See the server's log") if code >= 500 else _CODES[451]
    meaning, fix = _CODES.get(code, default)
    answer: Said = "throttled" if code in THROTTLING else "unreachable" if code < 500 else "refused"
    meaning = f"{meaning} ({repeated})" if repeated else meaning
    return Reply(None, f"smtp {code}", answer=answer, code=str(code), meaning=meaning, fix=fix, final=code >= 500)


def _unsayable(server: Server) -> tuple[str, ...]:
    """The password, as it is and as a login writes it: some servers repeat what they refuse."""
    password = server.password.get_secret_value()
    if not password:
        return ()
    written = (f"\0{server.user}\0{password}", f"{server.user}\0{server.user}\0{password}", password)
    return (password, *(base64.b64encode(text.encode()).decode() for text in written))


def _refused_recipients(refused: Mapping[str, tuple[int, bytes]], of: int, server: Server) -> Reply:
    """A reply for recipients that the server did not take. Only when none of them may be taken later is it final: the
    others have the message already."""
    code, text = min(refused.values(), key=lambda answer: answer[0])
    reply = answered(code, text, server)
    answer: Said = reply.answer if len(refused) == of else "refused"
    return Reply(
        None,
        reply.error,
        answer=answer,
        code=reply.code,
        meaning=f"{len(refused)} of {of} recipients were not taken: {reply.meaning}",
        fix=reply.fix,
        final=reply.final,
    )


def _word(error: Exception) -> str:
    if isinstance(error.__context__, TimeoutError):  # smtplib calls a silent server a disconnected one
        return "timeout"
    words: tuple[tuple[type[Exception], str], ...] = (
        (Refused, "address_refused"),
        (TimeoutError, "timeout"),
        (ssl.SSLError, "tls"),
        (socket.gaierror, "dns"),
        (smtplib.SMTPServerDisconnected, "disconnected"),
        (ConnectionResetError, "disconnected"),
        (OSError, "connect"),
    )
    return next((word for kind, word in words if isinstance(error, kind)), "protocol")
