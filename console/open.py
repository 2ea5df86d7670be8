"""`tocsin console`: opens the page of the running API, signed in."""

from __future__ import annotations

import os
import sys
import urllib.request
import webbrowser
from collections.abc import Mapping
from html import escape
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from console.api import address
from console.api.tokens import FILE, token_of
from console.exits import NOT_WELL, WRONG_INPUT, told
from console.messages import say
from streams.keys import kept_key
from streams.plain import plain
from streams.settings import Settings, load

DOOR: Final = "console.html"
WAIT: Final = 3.0  # seconds
LARGEST: Final = 1000  # bytes of its answer
# It is on this machine: a proxy of the environment knows nothing of it.
_direct: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def serving(settings: Settings) -> tuple[str, bool]:
    """The address of the API that runs in this state folder, empty when none answers; and whether it has read all there
    is."""
    url = address.note(settings)
    if not url.startswith("http://"):
        return "", False
    try:
        with _direct.open(f"{url}/healthz", timeout=WAIT) as answer:
            return url, b'"current"' in answer.read(LARGEST)
    except (OSError, HTTPException):
        return "", False


def signed_in(url: str, token: str) -> str:
    """The page's address. What follows # stays in the browser, which takes it out of the address at once."""
    return f"{url}/#token={quote(token, safe='')}" if token else f"{url}/"


def local_token(settings: Settings) -> str:
    """The token that is made where none is set; empty where some are: whose to take is not ours to guess."""
    return "" if settings.api_tokens.get_secret_value() else kept_key(settings.state_dir / FILE)


def door(settings: Settings, url: str) -> Path:
    """A page for this user's eyes that leads on to the address: as an argument of the browser, every user of this
    machine could read the token in the list of processes."""
    path = settings.state_dir / DOOR
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Tocsin</title>'
            f'<meta http-equiv="refresh" content="0;url={escape(url)}"><a href="{escape(url)}">Tocsin</a>\n'
        )
    return path


def has_screen(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser can show itself: on Linux, without a display, only one for text would come up."""
    return not platform.startswith("linux") or any(environment.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def console(
    show: Annotated[bool, typer.Option("--print", help="Print the address in place of opening it.")] = False,
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Sign in as this caller of TOCSIN_API_TOKENS.")
    ] = "",
) -> None:
    """Open the console in a browser, signed in. The API must run: tocsin api, or tocsin demo."""
    with told():
        settings = load()
        token = token_of(settings, name) if name else local_token(settings)
    if token is None:
        typer.echo(say("console_open.unknown", name=plain(name, 64)), err=True)
        raise typer.Exit(WRONG_INPUT)
    url, _ = serving(settings)
    if not url:
        typer.echo(say("console_open.none", folder=settings.state_dir), err=True)
        raise typer.Exit(NOT_WELL)
    where = signed_in(url, token)
    if not show and has_screen() and webbrowser.open(door(settings, where).as_uri()):
        typer.echo(say("console_open.opened", url=f"{url}/"))
    else:
        typer.echo(where)
        if not show:
            typer.echo(say("console_open.no_browser"), err=True)
        typer.echo(say("console_open.credential" if token else "console_open.sign_in"), err=True)


def register(app: typer.Typer) -> None:
    """Add the command `console`."""
    app.command()(console)
