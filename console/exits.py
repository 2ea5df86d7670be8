"""Exit codes of the commands beyond 0 (well) and 1 (what was asked about is not well), after sysexits.h."""

from typing import Final

WRONG_INPUT: Final = 2  # options, arguments or files; as typer's own
UNAVAILABLE: Final = 69  # EX_UNAVAILABLE: an engine does not answer; the same command may work later
WRONG_SETTINGS: Final = 78  # EX_CONFIG: starting again cannot help
INTERRUPTED: Final = 130  # Ctrl-C
