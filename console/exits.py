"""Exit codes of the commands, after sysexits.h; `tocsin help exits` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from alerts.sayings import ToldFault
from console.messages import language, say
from streams.endpoints import EnginesDown
from streams.plain import plain
from streams.settings import SettingsError

WELL: Final = 0
NOT_WELL: Final = 1  # what was asked about is not well: a fault, a difference, a refusal
WRONG_INPUT: Final = 2  # options, arguments or files; as typer's own
INCOMPLETE: Final = 75  # EX_TEMPFAIL: made, with a part missing that it names; later it may be whole
UNAVAILABLE: Final = 69  # EX_UNAVAILABLE: an engine does not answer; the same command may work later
WRONG_SETTINGS: Final = 78  # EX_CONFIG: starting again cannot help
INTERRUPTED: Final = 130  # Ctrl-C
# Every code a command may end with, by the name of its meaning in the messages.
CODES: Final = {
    "well": WELL,
    "not_well": NOT_WELL,
    "wrong_input": WRONG_INPUT,
    "unavailable": UNAVAILABLE,
    "incomplete": INCOMPLETE,
    "wrong_settings": WRONG_SETTINGS,
    "interrupted": INTERRUPTED,
}
Faults = tuple[type[Exception], ...]


@contextmanager
def told(
    *, refused: Faults = (), settings: Faults = (), unavailable: Faults = (), away: Faults = (), key: str = ""
) -> Iterator[None]:
    """What goes wrong within becomes words and the exit code of its kind.

    `refused`: wrong input, whose words may hold text from outside; `settings` and `unavailable`: beside SettingsError
    and EnginesDown; `away`: faults of a client, told by the sentence `key`.
    """
    settings = (SettingsError, *settings)
    unavailable = (EnginesDown, *unavailable)
    try:
        yield
    except refused as error:
        _end(_harmless(error), WRONG_INPUT)
    except settings as error:
        _end(words_of(error), WRONG_SETTINGS)
    except unavailable as error:
        _end(str(error), UNAVAILABLE)
    except away as error:
        _end(say(key, error=type(error).__name__), UNAVAILABLE)


def _harmless(error: Exception) -> str:
    """The words of a fault; of a file's faults each on a line of its own."""
    return "\n".join(map(plain, words_of(error).split("\n")))


def words_of(error: Exception) -> str:
    """What it says, in the language of the commands where there are words."""
    return error.shown(language()) if isinstance(error, ToldFault) else str(error)


def _end(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code) from None
