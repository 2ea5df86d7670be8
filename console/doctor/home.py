"""This installation as doctor sees it: files of secrets, processes, the API's port, the names of receivers."""

from __future__ import annotations

import http.client
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from alerts.delivery.channels_file import read_channels
from alerts.delivery.secret_sources import secret
from alerts.delivery.specs import Addressed, AlertmanagerSpec, AppriseSpec, EmailSpec
from alerts.delivery.webhook import read_receivers
from console.findings import Told
from console.messages import say
from console.report.schedule import planned
from console.running import present
from console.workers import ALL, REPORT
from streams.plain import plain
from streams.settings import PREFIX, SECRETS, Settings, SettingsError

OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO
KEPT: Final = ("*.key", "*.token")  # in the state folder
PATIENCE: Final = 1.0  # seconds for a door on this machine


def secrets(settings: Settings, variables: Mapping[str, str]) -> str:
    """Files that hold secrets, in the state folder and named by variables, are for their owner alone."""
    kept = [path for pattern in KEPT for path in settings.state_dir.glob(pattern)]
    named = [Path(file) for name in SECRETS if (file := variables.get(f"{PREFIX}{name.upper()}_FILE"))]
    found = [path for path in (*kept, *named) if path.is_file()]
    open_ = [path for path in found if path.stat().st_mode & OTHERS_MAY]
    if open_:
        mode = f"{stat.S_IMODE(open_[0].stat().st_mode):o}"
        raise Told("secret_open", True, file=open_[0], mode=mode, count=len(open_))
    return say("doctor.found.secrets", count=len(found))


def processes(settings: Settings) -> str:
    """Which of the five workers run here, and which do not; and `report` where one is planned."""
    running = {str(note["stage"]) for note in present(settings)}
    wanted = (*ALL, REPORT) if planned(settings) else ALL
    missing = [stage for stage in wanted if stage not in running]
    if not running:
        raise Told("workers_none", True)
    if missing:
        raise Told("workers_missing", True, missing=", ".join(missing))
    return ", ".join(sorted(running))


def api_port(settings: Settings) -> str:
    """The port of the API is free, or the API itself is there."""
    host, port = settings.api_host, settings.api_port
    if port == 0:
        return say("doctor.found.any_port")
    where = f"{host}:{port}"
    if _free(host, port):
        return say("doctor.found.free_port", address=where)
    if _healthy(host, port):
        return say("doctor.found.our_port", address=where)
    raise Told("port_taken", address=where)


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _healthy(host: str, port: int) -> bool:
    """Whether an API of Tocsin's answers there; not through a proxy, which knows nothing of this machine."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    asking = http.client.HTTPConnection(local, port, timeout=PATIENCE)
    try:
        asking.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return asking.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def receivers(settings: Settings) -> str:
    """The hosts of all receivers have addresses; nothing is sent to them."""
    try:
        wanted = hosts(settings)
    except SettingsError:
        raise Told("channels_unread", None) from None  # the check of the channels tells why
    if not wanted:
        raise Told("no_hosts", None)
    lost = []
    for name, host in sorted(wanted.items()):
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            lost.append(f"{name} ({plain(host, 100)})")
    if lost:
        raise Told("unresolved", names=", ".join(lost))
    return say("doctor.found.hosts", count=len(wanted))


def hosts(settings: Settings) -> dict[str, str]:
    """The host of every receiver by its name. Raises SettingsError. Apprise's own addresses are left out."""
    found = {each.name: str(each.url.host) for each in read_receivers(settings)}
    for spec in read_channels(settings.channels).receivers if settings.channels else ():
        if isinstance(spec, EmailSpec):
            found[spec.name] = spec.host
        elif isinstance(spec, AlertmanagerSpec):
            found[spec.name] = urlsplit(spec.url).hostname or ""
        elif isinstance(spec, Addressed) and not isinstance(spec, AppriseSpec):
            value = secret(spec, "url")
            found[spec.name] = urlsplit(value.get_secret_value()).hostname or "" if value else ""
    return {name: host for name, host in found.items() if host}
