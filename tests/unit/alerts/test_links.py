"""Signed links permit what they say, for a while, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts.links import ACTIONS, VALID, Link, LinkRefused, links_for, read_link
from streams.settings import Settings, SettingsError
from tests.ringing import ALERT, START

SECRET = "an-invented-secret-of-links-0123"
BASE = "https://tocsin.example/desk"


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {"public_url": BASE, "link_secret": SecretStr(SECRET)}
    return Settings(**(given | changes))


def tokens(of: Settings) -> dict[str, str]:
    found = links_for(of, ALERT, "desk", START)
    return {action: link.removeprefix(f"{BASE}/act/") for action, link in found.items()}


def test_each_action_has_its_own_link() -> None:
    """An address for each, the same each time it is made; read again it says action, alert, receiver and end."""
    made = tokens(settings())
    assert made == tokens(settings())
    assert tuple(made) == ACTIONS
    for action, token in made.items():
        found = read_link(settings(), token, START)
        assert isinstance(found, Link)
        assert (found.action, found.alert, found.receiver, found.expires) == (action, ALERT, "desk", START + VALID)
    assert len({found.id for t in made.values() if isinstance(found := read_link(settings(), t, START), Link)}) == 4


def test_without_an_address_there_are_no_links() -> None:
    """Nothing that could be pressed leads nowhere."""
    assert links_for(settings(public_url=""), ALERT, "desk", START) == {}


def test_a_link_ends() -> None:
    """It holds up to its last second and not after it."""
    token = tokens(settings())["acknowledge"]
    assert isinstance(read_link(settings(), token, START + VALID - timedelta(seconds=1)), Link)
    assert read_link(settings(), token, START + VALID) == LinkRefused("expired")


def test_the_signature_is_hmac_sha256_of_the_payload() -> None:
    """Made a second way: the key is derived for links alone, so nothing signed for another purpose fits."""
    key = hmac.digest(SECRET.encode(), b"tocsin action link v1\0", "sha256")
    payload, signature = tokens(settings())["wrong"].split(".")
    expected = base64.urlsafe_b64encode(hmac.digest(key, payload.encode(), "sha256")).rstrip(b"=").decode()
    assert signature == expected
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert said == ["wrong", ALERT, "desk", int((START + VALID).timestamp())]


@pytest.mark.parametrize("action", [a for a in ACTIONS if a != "show"])
def test_a_link_does_not_become_another(action: str) -> None:
    """The payload of one action with the signature of another is forged; so is a link of another key or namespace."""
    made = tokens(settings())
    payload, signature = made[action].split(".")[0], made["show"].split(".")[1]
    assert read_link(settings(), f"{payload}.{signature}", START) == LinkRefused("forged")
    for other in (settings(link_secret=SecretStr("another-secret-of-24-characters")), settings(namespace="night")):
        assert read_link(other, made[action], START) == LinkRefused("forged")


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_no_changed_token_is_read(place: int, letter: str) -> None:
    """Any character changed anywhere permits nothing."""
    token = tokens(settings())["silence"]
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    found = read_link(settings(), changed, START)
    assert isinstance(found, LinkRefused) == (changed != token)


@given(st.text(max_size=60))
def test_no_text_is_a_token(text: str) -> None:
    """Whatever is given, the answer is a reason."""
    assert isinstance(read_link(settings(), text, START), LinkRefused)


def test_what_was_signed_by_another_version_is_malformed() -> None:
    """A payload of ours that says something unknown permits nothing."""
    key = hmac.digest(SECRET.encode(), b"tocsin action link v1\0", "sha256")
    for said in (
        ["explode", ALERT, "desk", 2**40],
        ["wrong", ALERT, "desk", 10**30],
        {"a": 1},
        ["wrong", "../x", "d", 9],
    ):
        payload = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=")
        signature = base64.urlsafe_b64encode(hmac.new(key, payload, hashlib.sha256).digest()).rstrip(b"=")
        assert read_link(settings(), f"{payload.decode()}.{signature.decode()}", START) == LinkRefused("malformed")


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """Without a secret one is kept in the state folder, for its owner only, and links of it are read again."""
    of = settings(link_secret=SecretStr(""), state_dir=tmp_path)
    token = tokens(of)["show"]
    assert isinstance(read_link(of, token, START), Link)
    assert stat.S_IMODE((tmp_path / "link.key").stat().st_mode) == 0o600


def test_a_short_secret_is_refused_without_being_told() -> None:
    """It is named by its variable and not shown."""
    with pytest.raises(SettingsError, match="TOCSIN_LINK_SECRET") as caught:
        links_for(settings(link_secret=SecretStr("canary-short")), ALERT, "desk", START)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://x.example", "https://me:pw@x.example", "https://x.example/?a", "x.example"])
def test_a_public_address_is_checked(url: str) -> None:
    """Only http(s), without user name, query or fragment."""
    with pytest.raises(ValueError, match="public_url"):
        settings(public_url=url)
