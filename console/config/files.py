"""The files and lists that settings name, read by the very code that will use them. Nothing is written or sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from alerts.delivery.channels_file import load_channels
from alerts.delivery.heart import read_switch
from alerts.rule_files import SHIPPED, in_force, load_rules
from alerts.rulebook import FOLLOWED
from alerts.yaml_structs import FileRefused
from console.api.tokens import callers, parse_tokens
from console.exits import words_of
from console.findings import Check, Told
from console.messages import language, say
from models import registry
from models.registry import ModelRefused
from streams.gazetteer.watchlist import read_lists, read_watchlist
from streams.hosts import local_address
from streams.plain import plain
from streams.settings import Settings, SettingsError
from streams.sources.collector import feeds_of
from streams.sources.feedlist import FeedFileError
from streams.sources.push import PushError, token_for

MANY: Final = 8  # faults of a file that are told; its own command tells all
Reading = Callable[[Settings], str]


def rules(settings: Settings) -> str:
    """The rules, with the lists they name; Told `follow` for one about subjects that nobody follows."""
    found = load_rules(settings.rules or SHIPPED)
    enabled = in_force(found, read_lists(settings.watchlist))
    lost = [rule for rule in enabled if rule.scope.subject in FOLLOWED and rule.scope.subject not in settings.follow]
    if lost:
        raise Told("follow", True, rule=lost[0].name, subject=lost[0].scope.subject)
    where = str(settings.rules) if settings.rules else say("config.check.shipped")
    return say("config.check.rules", count=len(enabled), off=len(found) - len(enabled), where=where)


def watchlist(settings: Settings) -> str:
    """The companies of the user's own."""
    if settings.watchlist is None:
        raise Told("no_watchlist", True)
    lists = read_lists(settings.watchlist)
    named = ", ".join(f"{name} {len(ids)}" for name, ids in sorted(lists.items())) or "-"
    return say("config.check.watchlist", count=len(read_watchlist(settings.watchlist)), lists=named)


def channels(settings: Settings) -> str:
    """Receivers and routes, their secrets' files read; Told `no_channels` where nobody would hear an alert."""
    found, routing = load_channels(settings)
    if not found:
        raise Told("no_channels", True)
    return say("config.check.channels", count=len(found), routes=len(routing.routes))


def feeds(settings: Settings) -> str:
    """The feeds to read; Told `no_contact` where sites would not learn who reads."""
    count = len(feeds_of(settings))
    if count and not settings.contact:
        raise Told("no_contact", True, count=count)
    return say("config.check.feeds", count=count) if count else say("config.check.unset")


def tokens(settings: Settings) -> str:
    """The tokens of the API and of the push endpoint; none is made here."""
    known = parse_tokens(settings.api_tokens.get_secret_value())
    if not known and not local_address(settings.api_host):
        callers(settings)
    if settings.push_token.get_secret_value() or not local_address(settings.push_host):
        token_for(settings)
    return say("config.check.tokens", count=len(known)) if known else say("config.check.own_token")


def heartbeat(settings: Settings) -> str:
    """The address of the dead-man's switch, without a word of it: it is a secret."""
    return say("config.check.set" if read_switch(settings) else "config.check.unset")


def models(settings: Settings) -> str:
    """The models of the repository, by language; their files are whole enough to be read."""
    found = registry.find(settings.model_repository or registry.SHIPPED)
    return ", ".join(f"{lang}: {each.metadata.version}" for lang, each in sorted(found.items()))


READINGS: Final[Mapping[str, Reading]] = MappingProxyType(
    {
        "rules": rules,
        "watchlist": watchlist,
        "channels": channels,
        "feeds": feeds,
        "tokens": tokens,
        "heartbeat": heartbeat,
        "models_read": models,
    }
)


def checks(settings: Settings) -> dict[str, Check]:
    """Each reading as a check whose faults are in words."""
    return {name: partial(_told, reading, settings) for name, reading in READINGS.items()}


def _told(reading: Reading, settings: Settings) -> str:
    try:
        return reading(settings)
    except FileRefused as error:
        shown = [plain(fault.shown(language()), 300) for fault in error.faults[:MANY]]
        more = len(error.faults) - len(shown)
        if more > 0:
            shown.append(say("config.check.more", count=more))
        raise Told("file", what="\n".join(shown)) from None
    except FeedFileError as error:
        raise Told("file", what="\n".join(plain(line, 300) for line in str(error).splitlines()[:MANY])) from None
    except (SettingsError, PushError, ModelRefused) as error:
        raise Told("setting", what=plain(words_of(error), 600)) from None
    except OSError as error:
        raise Told("unreadable", file=plain(str(Path(error.filename or "?"))), error=error.strerror or error) from None
