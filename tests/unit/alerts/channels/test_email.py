"""E-mail through a real mail server on loopback."""

from __future__ import annotations

import base64
import email
import email.policy
import socket
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from pydantic import SecretStr

from alerts.delivery.card import Mail
from alerts.delivery.channels.email import Server, answered, composed
from alerts.delivery.specs import EmailSpec
from streams.settings import SettingsError
from tests.receivers.mailing import PASSWORD, USER, Mailbox, certificate, mail_server
from tests.ringing import START
from tests.unit.alerts.channels.cards import TEXTS, channel, message

TO = ("desk@bank.example", "night@bank.example")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


def spec(port: int, pem: Path | None = None, **changes: Any) -> EmailSpec:
    given: dict[str, Any] = {
        "name": "desk-mail",
        "host": "localhost",
        "port": port,
        "tls": "none" if pem is None else "starttls",
        "ca_file": str(pem or ""),
        "sender": "tocsin@bank.example",
        "to": TO,
        "language": "both",
    }
    return EmailSpec(**(given | changes))


async def sent(folder: Path, given: EmailSpec, **changes: Any) -> Any:
    found = channel(folder, given, **changes)
    (part,) = found.render(message())
    reply = await found.send(part, "msg_abc", START)
    await found.close()
    return reply


def parsed(data: bytes) -> EmailMessage:
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_letter_is_taken_over_starttls(tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a login, to all recipients at once, as text and as HTML, in both languages."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    box = Mailbox()
    async with mail_server(box, pem, auth=True) as port:
        reply = await sent(tmp_path, spec(port, pem, user=USER, password_env="MAIL_PASSWORD"))
    assert (reply.answer, reply.status, reply.code) == ("accepted", 250, "250")
    (envelope,) = box.taken
    assert envelope.rcpt_tos == list(TO)
    assert isinstance(envelope.content, bytes)
    letter = parsed(envelope.content)
    assert letter["Message-ID"] == "<msg_abc@tocsin>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == START
    assert letter["Importance"] == "high"
    assert "严重" in letter["Subject"]
    assert "Critical" in letter["Subject"]
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Brightwater" in text.get_content()
    assert html.get_content().lower().count("</body>") <= 1
    assert box.names == ["bank.example"]


async def test_tls_from_the_start(tmp_path: Path, pem: Path) -> None:
    """Implicit TLS, as on port 465."""
    box = Mailbox()
    async with mail_server(box, pem, implicit=True) as port:
        reply = await sent(tmp_path, spec(port, pem, tls="implicit"))
    assert reply.answer == "accepted"
    assert len(box.taken) == 1


async def test_a_certificate_that_cannot_be_trusted_stops_it(tmp_path: Path, pem: Path) -> None:
    """Without the authority's certificate nothing is handed over, login included."""
    box = Mailbox()
    async with mail_server(box, pem) as port:
        reply = await sent(tmp_path, spec(port, pem, ca_file=""))
    assert (reply.answer, reply.code) == ("unreachable", "tls")
    assert box.taken == []


async def test_a_server_without_starttls_gets_nothing(tmp_path: Path, pem: Path) -> None:
    """STARTTLS is required: a server, or somebody between, that does not offer it is refused."""
    box = Mailbox()
    async with mail_server(box, None) as port:
        reply = await sent(tmp_path, spec(port, pem))
    assert (reply.answer, reply.code) == ("refused", "unsupported")
    assert box.taken == []


async def test_without_tls_only_where_it_was_allowed(tmp_path: Path) -> None:
    """`tls: none` needs an allow list, and the address that was connected to must lie in it."""
    box = Mailbox()
    async with mail_server(box, None) as port:
        assert (await sent(tmp_path, spec(port))).answer == "accepted"
        refused = await sent(tmp_path, spec(port), webhook_allow="10.0.0.0/8")
        with pytest.raises(SettingsError, match=r"receiver desk-mail, tls: .*TOCSIN_WEBHOOK_ALLOW"):
            channel(tmp_path, spec(port), webhook_allow="")
    assert (refused.answer, refused.code) == ("refused", "address_refused")
    assert len(box.taken) == 1


@pytest.mark.parametrize(
    ("box", "answer", "code", "final", "word"),
    [
        (Mailbox(answer="451 try later"), "throttled", "451", False, "try later"),
        (Mailbox(answer="452 disk full"), "throttled", "452", False, "no room"),
        (Mailbox(answer="554 policy"), "refused", "554", True, "policy"),
        (Mailbox(answer="552 too big"), "refused", "552", True, "too large"),
        (Mailbox({TO[0]: "550 unknown"}), "refused", "550", True, "1 of 2 recipients"),
        (Mailbox({TO[0]: "450 greylisted"}), "refused", "450", False, "1 of 2 recipients"),
        (Mailbox(dict.fromkeys(TO, "550 unknown")), "refused", "550", True, "2 of 2 recipients"),
        (Mailbox(dict.fromkeys(TO, "450 greylisted")), "throttled", "450", False, "2 of 2 recipients"),
        (Mailbox({TO[0]: "550 unknown", TO[1]: "450 later"}), "throttled", "450", False, "2 of 2 recipients"),
    ],
)
async def test_what_the_server_says_is_read(
    tmp_path: Path, box: Mailbox, answer: str, code: str, final: bool, word: str
) -> None:
    """4xx passes, 5xx does not for this letter; a recipient that was not taken is a refusal that counts them."""
    async with mail_server(box, None) as port:
        reply = await sent(tmp_path, spec(port))
    assert (reply.answer, reply.code, reply.final) == (answer, code, final)
    assert word in reply.meaning
    assert reply.fix
    assert str(reply) == f"smtp {code}"


async def test_a_wrong_password_is_told_and_not_shown(
    tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """535, what to check, and no password in reply or repr; the letter waits for the right one."""
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-canary")
    async with mail_server(Mailbox(), pem, auth=True) as port:
        given = spec(port, pem, user=USER, password_env="MAIL_PASSWORD")
        reply = await sent(tmp_path, given)
        assert "canary" not in repr(channel(tmp_path, given))
    assert (reply.answer, reply.code, reply.final) == ("refused", "535", False)
    assert "canary" not in repr(reply)


@pytest.mark.parametrize("form", ["{password}", "{plain}", "{login}"])
def test_a_server_that_repeats_the_password_is_not_repeated(form: str) -> None:
    """Neither as it is nor in the forms in which a login writes it."""
    server = Server(host="mail.example", port=25, tls="none", user="desk", password=SecretStr("pass-0123"))
    plain = base64.b64encode(b"\0desk\0pass-0123").decode()
    forms = {"password": "pass-0123", "plain": plain, "login": base64.b64encode(b"pass-0123").decode()}
    reply = answered(535, f"5.7.8 cannot use {form.format(**forms)} here", server)
    assert "5.7.8 cannot use … here" in reply.meaning


@pytest.mark.parametrize(("greeting", "code"), [(b"", "disconnected"), (None, "timeout")])
async def test_a_server_that_hangs_or_hangs_up(tmp_path: Path, greeting: bytes | None, code: str) -> None:
    """Silence ends at the time limit, a closed connection at once; both are tried again."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            if greeting is not None:
                connection.close()
            else:
                done.wait(5)
                connection.close()

        done = threading.Event()
        thread = threading.Thread(target=accept)
        thread.start()
        reply = await sent(tmp_path, spec(server.getsockname()[1]), webhook_timeout=0.3)
        done.set()
        thread.join()
    assert (reply.code, reply.final) == (code, False)
    assert reply.answer == ("timed_out" if code == "timeout" else "unreachable")


async def test_nobody_there(tmp_path: Path) -> None:
    """A closed port is a fault of the network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert (await sent(tmp_path, spec(port))).code == "connect"


def test_a_letter_depends_on_its_arguments_alone() -> None:
    """The same message gives the same bytes, so every attempt sends the same."""
    mail = Mail("主题", "text", "<p>text</p>")
    one, two = (composed(mail, "msg_abc", START, "t@a.example", TO, important=False) for _ in range(2))
    assert one == two
    assert b"Importance" not in one


@given(TEXTS, TEXTS)
def test_no_subject_makes_a_header(subject: str, text: str) -> None:
    """Line breaks and encodings in a headline stay within the subject; the letter has the headers it should have."""
    hostile = Mail(f"{subject}\r\nBcc: evil@evil.example\r\n\r\n<b>", text, f"<p>{text}</p>")
    letter = parsed(composed(hostile, "msg_abc", START, "t@a.example", TO, important=True))
    assert set(letter.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Importance", "MIME-Version", "Content-Type")
    }
    assert [str(address) for address in letter["To"].addresses] == list(TO)
    assert [part.get_content_type() for part in letter.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_every_smtp_code_has_a_remedy(tmp_path: Path) -> None:
    """Known or not, a code is explained."""
    server = channel(tmp_path, spec(25)).server
    for code in (421, 450, 451, 452, 454, 471, 500, 530, 535, 550, 554, 599):
        reply = answered(code, b"x", server)
        assert reply.meaning
        assert reply.fix
        assert reply.final is (code >= 500)
