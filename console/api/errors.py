"""Every refusal of the API has one form: `{"error": {"code", "message", "fix"}}`.

Codes are stable, words are for people. The words follow the caller's Accept-Language. They never repeat what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from alerts.board import NotOne
from alerts.refused import OperationRefused
from console.api.desk import Conflict, KafkaAway
from console.api.refusals import shown_path
from console.messages import say

log = structlog.get_logger(__name__)
AGAIN: Final = {"Retry-After": "10"}
PLACE: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
STATUSES: Final = {400: "bad_request", 404: "not_found", 405: "no_method", 413: "too_large", 415: "bad_type"}


class ApiError(Exception):
    """A refusal with its status and code; `values` fill its words."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, **values: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.values = values


def language_of(headers: Mapping[str, str]) -> str:
    """The language to answer in: Chinese where the caller names it first, else English."""
    return "zh" if headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


def refusal(error: ApiError, lang: str) -> JSONResponse:
    """The answer that tells it."""
    told = {part: say(f"api.errors.{error.code}.{part}", lang, **error.values) for part in ("what", "fix")}
    return answer(error.status, error.code, told["what"], told["fix"], error.headers)


def answer(status: int, code: str, message: str, fix: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The one form."""
    return JSONResponse({"error": {"code": code, "message": message, "fix": fix}}, status, headers)


def translate(error: Exception) -> ApiError | None:
    """What the pure parts say, as a status and code."""
    match error:
        case ApiError():
            return error
        case NotOne():
            kind = error.kind if error.reason == "unknown" else "alert"
            return ApiError(409 if error.reason == "ambiguous" else 404, f"{kind}_{error.reason}")
        case Conflict():
            return ApiError(409, "key_reused")
        case KafkaAway():
            return ApiError(503, "kafka_away", AGAIN)
        case RequestValidationError():
            places = [".".join(str(part) for part in each["loc"]) for each in error.errors()[:3]]
            known = [place for place in places if PLACE.fullmatch(place)]  # a field's name came from outside, too
            return ApiError(400, "bad_request", where=", ".join(known) or "body")
        case HTTPException():
            code = STATUSES.get(error.status_code, "bad_request")
            return ApiError(
                error.status_code, code, error.headers, **({"where": "request"} if code == "bad_request" else {})
            )
    return None


async def _handle(request: Request, error: Exception) -> JSONResponse:
    lang, refusals = language_of(request.headers), request.scope["refusals"]
    if isinstance(error, OperationRefused):
        refusals.tell(error.reason, request.scope)
        what, fix = (say(f"alerts.refused.{error.reason}.{part}", lang, **error.values) for part in ("what", "fix"))
        return answer(400, error.reason, what, fix)
    found = translate(error)
    if found is None:
        caller = request.scope.get("caller")
        told = {"method": request.method, "path": shown_path(request.url.path), "caller": caller.name if caller else ""}
        log.error("api.fault", error=type(error).__name__, **told)
        found = ApiError(500, "internal")
    else:
        refusals.tell(found.code, request.scope)
    return refusal(found, lang)


def register(app: FastAPI) -> None:
    """Let every fault of the application be told so."""
    kinds = (ApiError, NotOne, Conflict, KafkaAway, OperationRefused, RequestValidationError, HTTPException, Exception)
    for kind in kinds:
        app.add_exception_handler(kind, _handle)
