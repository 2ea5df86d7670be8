"""The local Triton Inference Server with its Python backend, on loopback and on the CPU."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from deploy.cache import component
from deploy.downloads import fetch
from deploy.engine import Check, Launch, Ports
from deploy.faults import EngineError
from deploy.lock import read, requirements, short
from streams.keys import kept_key
from streams.settings import Settings

# numpy below 2, which the backend needs, has wheels up to 3.12.
PYTHONS: Final = ((3, 11), (3, 12))
SHARED_MIB: Final = 64
KEY_FILE: Final = "triton-control.key"
KEY_NAME: Final = "tocsin-control"  # of the HTTP header; over gRPC it is triton-grpc-protocol-tocsin-control
# What the key guards: loading a model runs code, the others map memory or write files. Judging and health stay open.
GUARDED: Final = ("model-repository", "shared-memory", "trace", "logging")
SHIPPED: Final = Path(__file__).resolve().parent.parent / "models" / "repository"
_TELL: Final = (
    "import sys,sysconfig;print(sys.version_info[0],sys.version_info[1],sysconfig.get_config_var('LIBDIR'),sep='\\n')"
)


class Triton:
    """Triton from a Python package that carries the server, with an environment of its own for the models."""

    name = "triton"
    ports: ClassVar[Ports] = {"grpc": 8001, "http": 8000, "metrics": 8002}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def repository(self) -> Path:
        """Folder of the models served."""
        return self._settings.model_repository or SHIPPED

    def install(self, say: Callable[[str], None]) -> Path:
        """Folder with the server, its libraries, the Python backend and the backend's environment `python`."""
        python, version, _ = interpreter()
        name = _name(python, version)
        return component(self._settings.cache_dir, name, lambda folder: _build(folder, python, version, say))

    def checks(self) -> dict[str, Check]:
        """The machine, a Python for the models, shared memory, and the models themselves."""
        return checks(self._settings)

    def cached(self) -> bool:
        """Whether the server is here."""
        return cached(self._settings.cache_dir)

    def launch(self, home: Path, data: Path, ports: Ports) -> Launch:
        """The server's command. Its shared memory carries a name of this state folder, so that it can be removed."""
        _, _, libraries = interpreter()
        key = control_key(self._settings)
        guard = f"{','.join(GUARDED)}:{KEY_NAME}={key}"
        options = {
            "model-repository": self.repository,
            "model-control-mode": "explicit",
            "load-model": "*",
            "grpc-restricted-protocol": guard,
            "http-restricted-api": guard,
            "backend-directory": home / "backends",
            "backend-config": f"python,shm-region-prefix-name={shared_memory(data)}",
            "cache-directory": home / "caches",
            "http-address": "127.0.0.1",
            "http-port": ports["http"],
            "grpc-address": "127.0.0.1",
            "grpc-port": ports["grpc"],
            "metrics-address": "127.0.0.1",
            "metrics-port": ports["metrics"],
            "allow-gpu-metrics": "false",
            "exit-timeout-secs": 5,
        }
        argv = (str(home / "bin" / "tritonserver"), *(f"--{name}={value}" for name, value in options.items()))
        env = {
            # The backend takes the interpreter it finds first.
            "PATH": f"{home / 'python' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "LD_LIBRARY_PATH": f"{home / 'libs'}{os.pathsep}{libraries}",
            # Set by an activated environment or by a wrapper, they would win over the interpreter's own.
            "PYTHONHOME": "",
            "PYTHONPATH": "",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return Launch(argv, env=env, content=self._content(), secret=key)

    def addresses(self, ports: Ports) -> dict[str, str]:
        """`triton` (gRPC), `triton_http` and `triton_metrics`: host:port."""
        names = {"grpc": "triton", "http": "triton_http", "metrics": "triton_metrics"}
        return {names[use]: f"127.0.0.1:{port}" for use, port in ports.items()}

    def external(self) -> str:
        """The setting `triton_url`."""
        return self._settings.triton_url

    async def probe(self, address: str) -> str:
        """Ready when the server is and, for the local one, each model of the repository."""
        tls = self._settings.triton_tls
        authority = self._settings.triton_ca_file
        roots = str(authority) if authority else None
        # Not the client's asyncio kind: gRPC serves one event loop per process, and that is the workers'.
        direct = [("grpc.enable_http_proxy", 0)]  # a proxy of the environment knows nothing of this machine
        client = InferenceServerClient(address, ssl=tls, root_certificates=roots, channel_args=direct)
        try:
            if not client.is_server_ready(client_timeout=5):
                return "the server is not ready"
            for model in () if self.external() else self.models():
                if not client.is_model_ready(model, client_timeout=5):
                    return f"the model {model} is not ready"
        except InferenceServerException as error:
            return str(error.message())
        finally:
            client.close()
        return ""

    def models(self) -> list[str]:
        """Names of the models in the repository."""
        return sorted(path.parent.name for path in self.repository.glob("*/config.pbtxt"))

    def _content(self) -> str:
        """What the repository holds, cheaply: a changed model means a restart, unless model control has loaded it."""
        files = (
            path
            for path in sorted(self.repository.rglob("*"))
            if path.is_file() and path.suffix != ".pyc" and not _hidden(path.relative_to(self.repository))
        )
        entries = [(path, path.stat()) for path in files]
        return repr([(str(path), found.st_size, found.st_mtime_ns) for path, found in entries])


def control_key(settings: Settings) -> str:
    """Who knows it may make Triton load models: the setting's key, or one made once and kept in the state folder."""
    return settings.triton_control_key.get_secret_value() or kept_key(settings.state_dir / KEY_FILE)


def control_headers(settings: Settings) -> Mapping[str, str]:
    """What a gRPC call of model control carries; nothing for a Triton of one's own without a key in the settings."""
    if settings.triton_url and not settings.triton_control_key.get_secret_value():
        return {}
    return {f"triton-grpc-protocol-{KEY_NAME}": control_key(settings)}


def _hidden(path: Path) -> bool:
    """Whether it is a file on its way: written under such a name, then moved into place."""
    return any(part.startswith(".") for part in path.parts)


def shared_memory(data: Path) -> str:
    """Prefix of the shared memory regions of the Triton whose state is in `data`."""
    return f"tocsin-{short(str(data))}-"


def interpreter() -> tuple[str, tuple[int, int], str]:
    """Python for the backend: path, version, folder of its library. This one when it fits, else one on PATH."""
    base = str(getattr(sys, "_base_executable", sys.executable))
    for candidate in (base, *(shutil.which(f"python{a}.{b}") for a, b in PYTHONS)):
        found = _ask(candidate) if candidate else None
        if candidate and found and found[0] in PYTHONS:
            return candidate, *found
    raise EngineError("python_version", found=platform.python_version())


def _ask(python: str) -> tuple[tuple[int, int], str] | None:
    done = subprocess.run([python, "-I", "-c", _TELL], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        return None  # a launcher of a version manager without that version behind it
    major, minor, libraries = done.stdout.split("\n")[:3]
    return (int(major), int(minor)), libraries


def checks(settings: Settings) -> dict[str, Check]:
    """What the local Triton needs from this machine."""
    return {
        "machine": check_machine,
        "python": check_python,
        "shared_memory": check_shared_memory,
        "models": lambda: check_models(settings),
    }


def check_shared_memory() -> str:
    """Free MiB of shared memory, through which server and models exchange tensors."""
    folder = Path("/dev/shm")  # noqa: S108 - Linux's own name for it
    available = shutil.disk_usage(folder).free // 1_048_576 if folder.is_dir() else 0
    if available < SHARED_MIB:
        raise EngineError("shared_memory", free=available, needed=SHARED_MIB)
    return f"{available} MiB"


def cached(cache: Path) -> bool:
    """Whether the server was downloaded before."""
    try:
        python, version, _ = interpreter()
    except EngineError:
        return False
    return (cache / _name(python, version)).is_dir()


def _name(python: str, version: tuple[int, int]) -> str:
    lock = read()
    mark = short(repr(lock.triton), requirements(), python)
    return f"triton-{lock.versions['triton']}-py{version[0]}.{version[1]}-{mark}"


def check_python() -> str:
    """Path of the interpreter for the backend, which the backend can also load as a library."""
    python, version, libraries = interpreter()
    check_library(python, version, libraries)
    return python


def check_library(python: str, version: tuple[int, int], libraries: str) -> None:
    """Raise EngineError when Python's shared library is not there: the backend has Python inside."""
    name = f"libpython{version[0]}.{version[1]}.so.1.0"
    command = [python, "-I", "-c", f"import ctypes; ctypes.CDLL('{name}')"]
    env = {"LD_LIBRARY_PATH": libraries}
    if subprocess.run(command, capture_output=True, timeout=30, check=False, env=env).returncode != 0:
        raise EngineError("libpython", name=name, version=f"{version[0]}.{version[1]}", python=python)


def check_models(settings: Settings) -> str:
    """Names of the models in the repository. Raises EngineError when there is none."""
    triton = Triton(settings)
    if not triton.models():
        raise EngineError("no_models", folder=triton.repository)
    return " ".join(triton.models())


def check_machine() -> str:
    """Raise EngineError where the published server cannot run: another system, machine type or an old C library."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in read().triton.sha256:
        raise EngineError("platform", system=sys.platform, machine=machine)
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 35):
        raise EngineError("glibc", found=f"{name} {version}".strip())
    return f"{sys.platform} {machine} {name} {version}"


def _build(folder: Path, python: str, version: tuple[int, int], say: Callable[[str], None]) -> None:
    lock = read().triton
    wheel, pins = folder / "wheel", folder / "pins"
    pins.mkdir()
    server = pins / "server.txt"
    hashes = " ".join(f"--hash=sha256:{value}" for value in lock.sha256.values())
    server.write_text(f"{lock.requirement} {hashes}\n", encoding="utf-8")
    packages = pins / "backend.txt"
    packages.write_text(requirements(), encoding="utf-8")
    environment = folder / "python"
    _virtual_environment(python, environment)
    inner = str(environment / "bin" / "python")
    install = _installer(inner)
    strict = ("--no-deps", "--require-hashes", "--only-binary", ":all:")
    fetch([*install, *strict, "--target", str(wheel), "-r", str(server)], say, _registry())
    fetch([*install, *strict, "-r", str(packages)], say, _registry())
    _arrange(folder, wheel, version)
    shutil.rmtree(wheel)


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def _virtual_environment(python: str, environment: Path) -> None:
    uv = _uv()
    if uv:
        command = [uv, "venv", "--quiet", "--no-project", "--python", python, str(environment)]
    else:
        command = [python, "-m", "venv", str(environment)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise EngineError("venv", python=python, tail=(done.stdout + done.stderr).strip()[-2000:])


def _installer(python: str) -> list[str]:
    uv = _uv()
    return [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install", "--progress-bar=off"]


def _registry() -> dict[str, str]:
    """The environment, with the package index that pip is set to use told to uv, which does not read pip's settings."""
    env = dict(os.environ)
    if not (env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL")):
        index = env.get("PIP_INDEX_URL") or _pip_index()
        if index:
            env["UV_DEFAULT_INDEX"] = index
    return env


def _pip_index() -> str:
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


def _arrange(folder: Path, wheel: Path, version: tuple[int, int]) -> None:
    """Take what is needed out of the unpacked package; programs find their libraries through LD_LIBRARY_PATH."""
    server = wheel / "pytriton" / "tritonserver"
    stub = server / "python_backend_stubs" / f"{version[0]}.{version[1]}" / "triton_python_backend_stub"
    (server / "bin").rename(folder / "bin")
    (server / "backends").rename(folder / "backends")
    (server / "caches").rename(folder / "caches")
    shutil.copy2(stub, folder / "backends" / "python" / stub.name)
    (wheel / "nvidia_pytriton.libs").rename(folder / "libs")
    (folder / "bin" / "tritonserver").chmod(0o755)
    (folder / "backends" / "python" / stub.name).chmod(0o755)
