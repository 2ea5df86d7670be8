"""Java for Kafka and Elasticsearch: the installed JDK, and libraries that Maven fetches by the user's own settings."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from os import environ
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from deploy.cache import component, verify
from deploy.downloads import fetch
from deploy.engine import Check
from deploy.faults import EngineError
from deploy.lock import Jars, read, short

OLDEST: Final = 17
GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# For a broker and a node that run for minutes beside a model on a few cores. The optimising compiler would take a core
# for the first minutes (two thirds of Elasticsearch's time in a benchmark) and repay it only after hours.
OPTIONS: Final = ("-Djava.awt.headless=true", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=1")
# Java reads its arguments, file names among them, as the locale says; under `C` a folder with a Chinese name is lost.
LOCALE: Final = {"LC_ALL": "C.UTF-8"}
NETTY_MODULE: Final = "transport-netty4"


def tool(name: str) -> str:
    """Path of a JDK program, from JAVA_HOME when that is set, else from PATH."""
    home = environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / name).is_file():
        return str(Path(home) / "bin" / name)
    found = shutil.which(name)
    if found is None:
        raise EngineError(f"{name}_missing")
    return found


def version(java: str) -> int:
    """Feature version of a Java program (17 for 17.0.15, 8 for 1.8.0)."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else 0


def check_java() -> str:
    """Path of a Java that is new enough."""
    java = tool("java")
    found = version(java)
    if found < OLDEST:
        raise EngineError("java_old", path=java, found=found, needed=OLDEST)
    return java


def libraries(cache: Path, say: Callable[[str], None]) -> Path:
    """Folder with `kafka/` and an Elasticsearch home `elasticsearch/`, downloaded and checked when needed.

    Files already in the cache are checked again on each call: 0.2 s buys certainty about what is executed.
    """
    home = component(cache, _name(), lambda folder: _build(folder, say))
    for jars, folder in _folders(home).items():
        verify(folder, read().jars[jars].files)
    return home


def checks(cache: Path) -> dict[str, Check]:
    """What the Java engines need from this machine: more before the first download."""
    once: dict[str, Check] = {"javac": lambda: tool("javac"), "maven": lambda: tool("mvn")}
    return {"java": check_java} | ({} if cached(cache) else once)


def cached(cache: Path) -> bool:
    """Whether the libraries were downloaded before."""
    return (cache / _name()).is_dir()


def _name() -> str:
    lock = read()
    return f"java-{lock.versions['kafka']}-{lock.versions['elasticsearch']}-{short(repr(lock.jars), _launcher())}"


def _folders(home: Path) -> dict[str, Path]:
    netty = home / "elasticsearch" / "modules" / NETTY_MODULE
    return {"kafka": home / "kafka", "elasticsearch": home / "elasticsearch" / "lib", "elasticsearch-netty": netty}


def _launcher() -> str:
    return files("deploy").joinpath("java", "EsNode.java").read_text(encoding="utf-8")


def _build(folder: Path, say: Callable[[str], None]) -> None:
    javac = tool("javac")
    project = folder / "fetch"
    download(project, say)
    for name, target in _folders(folder).items():
        verify(project / name / "out", read().jars[name].files)
        target.parent.mkdir(parents=True, exist_ok=True)
        (project / name / "out").rename(target)
    shutil.rmtree(project)
    home = folder / "elasticsearch"
    _describe(home / "modules" / NETTY_MODULE)
    _compile(javac, home)


def _describe(module: Path) -> None:
    """Lay the module's descriptor and policy beside its jars, where the node looks; they lie inside one of them."""
    with zipfile.ZipFile(next(module.glob(f"{NETTY_MODULE}-*.jar"))) as jar:
        for name in ("plugin-descriptor.properties", "entitlement-policy.yaml"):
            (module / name).write_bytes(jar.read(f"META-INF/es-plugins/{NETTY_MODULE}/{name}"))


def download(project: Path, say: Callable[[str], None]) -> None:
    """Have Maven copy all libraries to `project/<name>/out`. One run for all engines: they download side by side."""
    mvn = tool("mvn")
    jars = read().jars
    project.mkdir(parents=True)
    modules = "".join(f"<module>{name}</module>" for name in jars)
    (project / "pom.xml").write_text(_pom("engines", f"<modules>{modules}</modules>"), encoding="utf-8")
    for name, wanted in jars.items():
        (project / name).mkdir()
        (project / name / "pom.xml").write_text(_pom(name, _dependencies(wanted)), encoding="utf-8")
    command = [mvn, "-B", "-T", "3", "-f", str(project), GOAL]
    fetch([*command, "-DincludeScope=runtime", "-DoutputDirectory=out"], say, environ | LOCALE)


def _pom(name: str, content: str) -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>tocsin</groupId><artifactId>{escape(name)}</artifactId><version>1</version>"
        f"<packaging>pom</packaging>{content}</project>\n"
    )


def _dependencies(jars: Jars) -> str:
    nothing = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    entries = [_dependency(a, "") for a in jars.artifacts] + [_dependency(a, nothing) for a in jars.alone]
    return f"<dependencies>{''.join(entries)}</dependencies>"


def _dependency(coordinates: str, more: str) -> str:
    group, artifact, number = map(escape, coordinates.split(":"))
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{number}</version>{more}</dependency>"
    )


def _compile(javac: str, home: Path) -> None:
    """Compile the launcher once; started from source, the compiler would run at each start."""
    command: Sequence[str] = (
        *(javac, "--release", str(OLDEST), "--module-path", str(home / "lib")),
        *("--add-modules", "ALL-MODULE-PATH", "-d", str(home / "launcher")),
    )
    with as_file(files("deploy").joinpath("java", "EsNode.java")) as source:
        done = subprocess.run(
            [*command, str(source)], env=environ | LOCALE, capture_output=True, text=True, timeout=120, check=False
        )
    if done.returncode != 0:
        raise EngineError("compile", tail=(done.stderr + done.stdout).strip()[-2000:])
