"""The page: plain files and its messages, served as they are. They hold no data, so nobody needs a token to read them.

A browser keeps them and asks each time whether they have changed (ETag), so that a new version is seen at once. What is
served lies in one folder and has a known ending; a file is packed once, not at each request.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.errors import ApiError
from console.messages import LANGUAGES
from console.web import STATIC
from console.web.words import words

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Encoding",
}
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
PACKED: Final = frozenset({".html", ".css", ".js", ".json", ".svg", ".txt", ".md"})
NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,5}")  # no part begins with .
INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one address, as they are and packed."""

    type: str
    plain: bytes
    packed: bytes = field(repr=False)  # empty: it would not be smaller
    tag: str


def content(type_: str, plain: bytes, *, pack: bool) -> Content:
    """The same bytes always give the same tag."""
    packed = gzip.compress(plain, 9, mtime=0) if pack else b""
    tag = hashlib.blake2b(plain, digest_size=12).hexdigest()
    return Content(type_, plain, packed if len(packed) < len(plain) else b"", tag)


class Web:
    """The files below one folder. Each is read anew when its time or size has changed."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, tuple[tuple[int, int], Content]] = {}
        self._messages: dict[str, Content] = {}

    def router(self) -> APIRouter:
        """The routes; they are no part of the API, so not in its description."""
        router = APIRouter(include_in_schema=False)
        for path, route in (("/", self.index), ("/static/{name:path}", self.file)):
            router.add_api_route(path, route, methods=["GET", "HEAD"], response_model=None)
        return router

    async def index(self, request: Request) -> Response:
        """The page itself."""
        return answer(request, self.read(INDEX))

    async def file(self, name: str, request: Request) -> Response:
        """What the page asks for."""
        for lang in LANGUAGES:
            if name == f"messages/{lang}.json":
                return answer(request, self._told(lang))
        return answer(request, self.read(name))

    def read(self, name: str) -> Content:
        """The file. Raises ApiError 404 for what is none, lies elsewhere, or has an ending that is not served."""
        path = self._folder / name if NAME.fullmatch(name) else None
        if path is None or path.suffix not in TYPES or not path.resolve().is_relative_to(self._folder):
            raise ApiError(404, "not_found")
        try:
            state = path.stat()
            mark = (state.st_mtime_ns, state.st_size)
            known = self._files.get(name)
            if known is None or known[0] != mark:
                known = (mark, content(TYPES[path.suffix], path.read_bytes(), pack=path.suffix in PACKED))
                self._files[name] = known
        except OSError:
            raise ApiError(404, "not_found") from None
        return known[1]

    def _told(self, lang: str) -> Content:
        if lang not in self._messages:
            self._messages[lang] = content(TYPES[".json"], msgspec.json.encode(words(lang)), pack=True)
        return self._messages[lang]


def is_page(path: str) -> bool:
    """Whether the address is one of the page's, which everybody may read."""
    return path == "/" or path.startswith("/static/")


def answer(request: Request, found: Content) -> Response:
    """The content, or that the browser has it already. A HEAD is answered without the bytes by the server."""
    zipped = bool(found.packed) and takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{found.tag}{"-gz" if zipped else ""}"'
    headers = HEADERS | {"ETag": tag}
    if has_it(request.headers.get("if-none-match", ""), tag):
        return Response(None, 304, headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(found.packed if zipped else found.plain, 200, headers, media_type=found.type)


def takes_gzip(accepted: str) -> bool:
    """Whether the header Accept-Encoding allows gzip; by RFC 9110 a quality of 0 forbids it."""
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q\s*=\s*0(?:\.0*)?\s*", quality)
    return False


def has_it(given: str, tag: str) -> bool:
    """Whether the header If-None-Match names the tag; weak tags count, as RFC 9110 has it for this header."""
    return given.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in given.split(",")}
