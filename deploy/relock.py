"""Write the checksums of `engines.lock.json`, the pins of the Triton environment and those of the application anew.

For maintainers, after a version was changed: `make lock`, then read the difference before committing it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.cache import sha256
from deploy.jvm import download
from deploy.lock import FILE, REQUIREMENTS, read

HERE = Path(__file__).parent


def jars() -> dict[str, dict[str, str]]:
    """Checksums of every library that Maven brings for the coordinates in the lock."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "fetch"
        download(project, lambda _: None)
        return {
            name: {path.name: sha256(path) for path in sorted((project / name / "out").glob("*.jar"))}
            for name in read().jars
        }


def compile_requirements(source: Path, target: Path, *more: str) -> None:
    """Pin and checksum `source` with everything it needs, naming no registry."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal", "--no-header"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate", *more]
    subprocess.run([*command, str(source), "-o", str(target)], check=True)


def main() -> None:
    """Rewrite the checksums and both lists of pins."""
    lock = json.loads((HERE / FILE).read_text(encoding="utf-8"))
    for name, found in jars().items():
        lock["jars"][name]["files"] = found
    (HERE / FILE).write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
    # The telemetry package would report usage to a third party; the runtime works without it.
    without = ("--generate-hashes", "--no-emit-package", "openvino-telemetry", "--python-version", "3.11")
    compile_requirements(HERE / "triton-requirements.txt", HERE / REQUIREMENTS, *without)
    extras = ("--extra", "channels", "--extra", "test", "--extra", "train")
    compile_requirements(HERE.parent / "pyproject.toml", HERE / "constraints.txt", *extras)


if __name__ == "__main__":
    main()
