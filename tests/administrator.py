"""Programs of an administrator as they work on a machine below a folder; tests/machine.py tells of each.

`python administrator.py NAME WORDS…`, with the folder in MACHINE. Only the standard library: it runs often.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

MACHINE: Final = Path(os.environ["MACHINE"])
PASSWD: Final = MACHINE / "etc" / "passwd"
REAL: Final = {name: f"/usr/{folder}/{name}" for name, folder in
               {"useradd": "sbin", "install": "bin", "systemctl": "bin"}.items()}  # fmt: skip


def become(program: str, *words: str) -> NoReturn:
    """Go on as another program."""
    os.execvp(program, [program, *words])  # noqa: S606 - as the shell would


def know(user: str) -> None:
    """End where the machine has no such user."""
    if not any(line.startswith(f"{user}:") for line in PASSWD.read_text(encoding="utf-8").splitlines()):
        sys.exit(f"unknown user {user}")


def sudo(words: Sequence[str]) -> NoReturn:
    """Run the rest, as whoever runs the tests; the user must be known."""
    if words[0] == "-u":
        know(words[1])
        words = words[2:]
    become(*words)


def useradd(words: Sequence[str]) -> None:
    """The real one, on the folder; without root, which it needs, its options and the home that it would make."""
    below = [word.removeprefix(str(MACHINE)) for word in words]
    if os.geteuid() == 0 and os.access(REAL["useradd"], os.X_OK):
        become(REAL["useradd"], "--prefix", str(MACHINE), *below)
    parser = argparse.ArgumentParser(prog="useradd", allow_abbrev=False)
    parser.add_argument("--system", action="store_true")
    parser.add_argument("--create-home", action="store_true")
    parser.add_argument("--home-dir", required=True)
    parser.add_argument("name")
    wanted = parser.parse_args(below)
    if wanted.create_home:
        (MACHINE / wanted.home_dir.lstrip("/")).mkdir()
    with PASSWD.open("a", encoding="utf-8") as file:
        file.write(f"{wanted.name}:x:999:999::{wanted.home_dir}:/bin/sh\n")


def install(words: Sequence[str]) -> NoReturn:
    """The real one without `-o USER`, who must be known."""
    left = list(words)
    if "-o" in left:
        at = left.index("-o")
        know(left[at + 1])
        del left[at : at + 2]
    become(REAL["install"], *left)


def systemctl(words: Sequence[str]) -> None:
    """`enable --now`: the real one makes the links, where there is one; what is to start is noted."""
    if tuple(words[:2]) != ("enable", "--now"):
        sys.exit(f"systemctl {words}: not known here")
    if os.access(REAL["systemctl"], os.X_OK):
        subprocess.run([REAL["systemctl"], "--quiet", f"--root={MACHINE}", "enable", *words[2:]], check=True)
    with (MACHINE / "to-start").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in words[2:])


def sh(words: Sequence[str]) -> NoReturn:
    """The real one. What makes the environment takes packages from the cache; from the index what is not there."""
    if words[0] == "deploy/environment.sh":
        offline = os.environ | {"UV_OFFLINE": "1", "PYTHON": "python-with-uv"}
        if subprocess.run(["/bin/sh", *words], env=offline, check=False).returncode == 0:
            sys.exit(0)
    become("/bin/sh", *words)


def python_with_uv(words: Sequence[str]) -> None:
    """Python; a virtual environment that it makes has the installer of the tests' own, which needs no network."""
    done = subprocess.run([sys.executable, *words], check=False)
    found = Path(sys.executable).with_name("uv")
    if done.returncode == 0 and tuple(words[:2]) == ("-m", "venv") and found.exists():
        shutil.copy(found, Path(words[2], "bin"))
    sys.exit(done.returncode)


PROGRAMS: Final[dict[str, Callable[[Sequence[str]], None]]] = {
    "sudo": sudo, "useradd": useradd, "install": install, "systemctl": systemctl, "sh": sh,
    "python-with-uv": python_with_uv,
}  # fmt: skip

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2:])
