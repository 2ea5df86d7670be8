"""The rules in use, what a text of rules would mean, and saving one. Nothing else of the disk is shown or written."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from starlette.responses import JSONResponse

from alerts import operations
from alerts.delivery.message import measured_data
from alerts.precision import UNMARKED, Precision
from alerts.rule_files import RuleError, read_rules
from alerts.rulebook import EVERY
from alerts.rules import Rule
from console.api import rules_shapes as told
from console.api import shapes
from console.api.access import Admin, Reader
from console.api.context import Context
from console.api.errors import ApiError, language_of
from console.api.threads import in_thread
from console.messages import language, say
from console.rule_check import Checked, check
from console.rule_check import told as shown_faults
from console.rule_display import brief
from console.rule_phrases import steps
from console.rule_store import (
    Draft,
    FileChanged,
    NoSuchFile,
    NotWritable,
    RuleFile,
    alone,
    hash_of,
    path_of,
    root_of,
    rule_file,
    why_not,
)
from console.rule_words import sentences
from streams.settings import Settings

Name = Annotated[str, PathParameter(max_length=96, description="Name of a file in the folder of the rules in use.")]
FAULTS: Final = "api.errors.rule_faults"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the rules stand by name: what people's marks say of them, and how many of their alerts are open."""

    precisions: Mapping[str, Precision]
    open: Counter[str]


def router(context: Context) -> APIRouter:
    """The routes."""
    made = APIRouter()
    saving = asyncio.Lock()

    @made.get("/rules")
    async def rules(_: Reader, request: Request) -> told.RuleList:
        """The rules in use by file: what each does in sentences, how good it was on history and by people's marks."""
        board, now = context.board, context.now()  # read here: the feed changes it while a thread would go through it
        known = Standing(board.precisions(now), Counter(entry.event.rule for entry in board.entries(now)))
        return await in_thread(language_of(request.headers), _listed, context, known)

    @made.post("/rules/check")
    async def check_rules(caller: Reader, body: told.CheckRequest, request: Request) -> told.CheckResult:
        """What a text would mean in its file, with every fault by line; nothing is written."""
        file = place_of(context.settings, body.file)
        return await context.long.do(
            caller.name, language_of(request.headers), _checked, context.settings, body.text, file
        )

    @made.put("/rules/files/{name}", response_model=told.Saved)
    async def save(caller: Admin, name: Name, body: told.SaveRequest, request: Request) -> told.Saved | JSONResponse:
        """Put a new text in a file's place. Refused with any fault (400), where the file says something else than `was`
        (409), and where the rules are those that came with Tocsin (409). The former text is kept."""
        lang = language_of(request.headers)
        file = place_of(context.settings, name)
        found = await context.long.do(caller.name, lang, check, context.settings, body.text, file)
        if found.faults:
            return refused(found, lang)
        async with saving:
            operation = await _save(context, name, body, caller.name, lang)
        said = say("rules_api.saved", lang, seconds=round(EVERY))
        return told.Saved(hash=hash_of(body.text), operation=operation, in_force_within_s=EVERY, said=said)

    return made


def place_of(settings: Settings, name: str) -> Path | None:
    """Where the file of this name is or would be; None for no name. Raises ApiError 404."""
    if not name:
        return None
    try:
        return path_of(settings, name)
    except NoSuchFile:
        raise ApiError(404, "rule_file_unknown") from None


async def _save(context: Context, name: str, body: told.SaveRequest, author: str, lang: str) -> dict[str, object]:
    """In order: the new text lies beside the file; the record of the change is durable; the text takes its place."""
    at, now = context.now(), hash_of(body.text)
    change = operations.rule_change(name, was=body.was, now=now, author=author, at=at, reason=body.reason)
    with ExitStack() as stack:
        try:
            await asyncio.to_thread(stack.enter_context, alone(context.settings))
            draft = await asyncio.to_thread(Draft, context.settings, name, body.text, body.was)
            stack.callback(draft.discard)
            await context.desk.do(change)
            await asyncio.to_thread(draft.put, at)
        except FileChanged:
            raise ApiError(409, "file_changed") from None
        except NotWritable as error:
            raise _read_only(error.why, lang) from None
        except OSError as error:
            log.error("rules.not_saved", error=error.strerror)
            raise _read_only("forbidden", lang) from None
    return shapes.operation(change)


def _read_only(why: str, lang: str) -> ApiError:
    return ApiError(
        409, "rules_read_only", why=say(f"rules_api.why.{why}", lang), remedy=say(f"rules_api.remedy.{why}", lang)
    )


def refused(found: Checked, lang: str) -> JSONResponse:
    """The form of every error, with the faults beside its words."""
    error = {"code": "rule_faults", "message": say(f"{FAULTS}.what", lang, count=len(found.faults))}
    faults = [told.fault_of(fault).model_dump() for fault in found.faults]
    return JSONResponse({"error": error | {"fix": say(f"{FAULTS}.fix", lang), "faults": faults}}, 400)


def _checked(settings: Settings, text: str, file: Path | None) -> told.CheckResult:
    found = check(settings, text, file)
    return told.CheckResult(
        ok=not found.faults,
        faults=[told.fault_of(fault) for fault in found.faults],
        warnings=[told.fault_of(fault) for fault in found.warnings],
        rules=[
            told.CheckedRule(
                name=rule.name, line=rule.place[1], enabled=rule.enabled, kind=rule.type, explain=sentences(rule),
                hash=rule.hash, changed=(found.changed or {})[rule.name],
            )
            for rule in found.own
        ],
        gone=list(found.gone),
    )  # fmt: skip


def _listed(context: Context, known: Standing) -> told.RuleList:
    root = root_of(context.settings)
    try:
        rules, paths = read_rules(root)
        faults: Sequence[told.FaultOf] = ()
    except RuleError as error:
        rules, paths = (), error.files
        faults = [told.fault_of(fault) for fault in shown_faults(error.faults, "", None, root)]
    files = {path: found for path in sorted(paths) if (found := _file(context.settings, path)) is not None}
    placed = {rule.name: file for rule in rules if (file := files.get(Path(rule.place[0]).resolve())) is not None}
    why = why_not(context.settings)
    return told.RuleList(
        rules=[_rule(context, rule, placed[rule.name], known) for rule in rules if rule.name in placed],
        files=[_told(file, [name for name, each in placed.items() if each is file]) for file in files.values()],
        faults=list(faults),
        writable=not why,
        why=why,
        why_said=say(f"rules_api.why.{why}", language()) if why else "",
        current=context.feed.current,
    )


def _file(settings: Settings, path: Path) -> RuleFile | None:
    try:
        return rule_file(settings, path)
    except (OSError, UnicodeDecodeError):
        return None  # a fault says so


def _told(file: RuleFile, rules: list[str]) -> told.FileOf:
    return told.FileOf(name=file.name, hash=file.hash, text=file.text, writable=file.writable, rules=rules)


def _rule(context: Context, rule: Rule, file: RuleFile, known: Standing) -> told.RuleOf:
    badge = context.badge_of(rule.hash)
    return told.RuleOf(
        name=rule.name,
        file=file.name,
        line=_line(file.text, rule),
        enabled=rule.enabled,
        kind=rule.type,
        about=rule.about,
        subject=rule.scope.subject,
        scope=brief(rule.scope),
        windows=list(dict.fromkeys(str(look.window) for look in rule.looks)),
        severity=dict(steps(rule)),
        labels=rule.labels,
        hash=rule.hash,
        explain=sentences(rule),
        measured=None if badge is None else measured_data(badge),
        precision=shapes.precision(rule.name, known.precisions.get(rule.name, UNMARKED)),
        open=known.open[rule.name],
    )


def _line(text: str, rule: Rule) -> int:
    """Where the rule's name stands; else where its scope does."""
    named = re.search(rf"\bname:\s*[\"']?{re.escape(rule.name)}\b", text)
    return text.count("\n", 0, named.start()) + 1 if named else rule.place[1]
