"""The local Elasticsearch: one node from its published libraries, on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from elastic_transport import TransportError
from elasticsearch import ApiError

from deploy.engine import Check, Launch, Ports
from deploy.jvm import LOCALE, OPTIONS, cached, check_java, checks, libraries
from deploy.logs import folder, log4j
from streams.elastic import client
from streams.settings import Settings


class Elasticsearch:
    """A real node without the parts that are not published as libraries (x-pack, painless, ingest processors, ILM)."""

    name = "elasticsearch"
    ports: ClassVar[Ports] = {"http": 9200, "transport": 9300}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def install(self, say: Callable[[str], None]) -> Path:
        """The node's home folder, shared and never written to."""
        return libraries(self._settings.cache_dir, say) / "elasticsearch"

    def checks(self) -> dict[str, Check]:
        """Java and, before the first download, its compiler and Maven."""
        return checks(self._settings.cache_dir)

    def cached(self) -> bool:
        """Whether the libraries are here."""
        return cached(self._settings.cache_dir)

    def launch(self, home: Path, data: Path, ports: Ports) -> Launch:
        """Java command with all settings on it; the configuration folder holds only the logging."""
        config, temporary = data / "config", data / "tmp"
        temporary.mkdir(exist_ok=True)
        heap = f"{self._settings.elasticsearch_heap}m"
        argv = (
            *(check_java(), f"-Xms{heap}", f"-Xmx{heap}", *OPTIONS),
            *(f"-Des.path.home={home}", f"-Djava.io.tmpdir={temporary}", "-Dlog4j2.disable.jmx=true"),
            *("--module-path", str(home / "lib"), "--add-modules", "ALL-MODULE-PATH"),
            *("-cp", str(home / "launcher"), "EsNode", str(config)),
            *(f"{name}={value}" for name, value in self._node(home, data, ports).items()),
        )
        logging = log4j(self._settings.state_dir, self.name)
        return Launch(argv, env=LOCALE, files={config / "log4j2.properties": logging, config / "elasticsearch.yml": ""})

    def _node(self, home: Path, data: Path, ports: Ports) -> dict[str, object]:
        disk = "cluster.routing.allocation.disk.watermark"
        return {
            "path.home": home,
            "path.data": data / "data",
            "path.logs": folder(self._settings.state_dir),
            "cluster.name": "tocsin",
            "node.name": "tocsin",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": ports["http"],
            "transport.port": ports["transport"],
            "http.type": "netty4",
            "transport.type": "netty4",
            # In bytes: the default of 95 % full would block writing on a large disk with plenty of room.
            f"{disk}.low": "900mb",
            f"{disk}.high": "600mb",
            f"{disk}.flood_stage": "300mb",
        }

    def addresses(self, ports: Ports) -> dict[str, str]:
        """`elasticsearch`: URL."""
        return {"elasticsearch": f"http://127.0.0.1:{ports['http']}"}

    def external(self) -> str:
        """The setting `elasticsearch_url`."""
        return self._settings.elasticsearch_url

    async def probe(self, address: str) -> str:
        """Ready when the cluster's health is yellow or green."""
        elastic = client(self._settings, address)
        try:
            health = await elastic.options(request_timeout=5).cluster.health()
        except (ApiError, TransportError) as error:
            return f"{type(error).__name__}: {_root(error)}"
        finally:
            await elastic.close()
        return "" if health["status"] in ("green", "yellow") else f"the cluster's health is {health['status']}"


def _root(error: BaseException) -> BaseException:
    """What the network or TLS said, which the client wraps."""
    inner = error.__cause__ or error.__context__
    return _root(inner) if inner else error
