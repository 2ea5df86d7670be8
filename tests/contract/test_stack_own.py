"""Engines of one's own, secured as on real clusters: TLS with a private CA, SASL, API key."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deploy import processes
from deploy.elastic import Elasticsearch
from deploy.engine import Engine, Launch
from deploy.faults import EngineError
from deploy.kafka import Kafka
from deploy.ports import claim
from deploy.stack import Stack
from deploy.triton import Triton
from streams.settings import Settings

pytestmark = pytest.mark.engines

PASSWORD = "right-and-long"
KEY = "aWQ6c2VjcmV0"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with key.pem, cert.pem (its own CA, for 127.0.0.1) and both.pem."""
    folder = tmp_path_factory.mktemp("tls")
    options = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tocsin -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", "req", *options.split(), "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


def serve(launch: Launch, folder: Path, engine: Engine, address: str) -> processes.Process:
    """Start a program as a user would and wait until the engine's own question is answered."""
    import os

    for path, content in launch.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    env = {k: v for k, v in {**os.environ, **launch.env, processes.OWNER: processes.owner()}.items() if v}
    process = processes.start(launch.argv, env, folder / f"{engine.name}.out")
    deadline = time.monotonic() + 180
    while answer := asyncio.run(engine.probe(address)):
        output = (folder / f"{engine.name}.out").read_text()[-3000:]
        assert processes.alive(process), output
        assert time.monotonic() < deadline, f"{answer}\n{output}"
        time.sleep(0.3)
    return process


@pytest.fixture(scope="module")
def secured_kafka(authority: Path, folder: Path) -> Iterator[Settings]:
    """A broker that speaks only TLS and asks for a password; settings that reach it."""
    settings = Settings(state_dir=folder / "kafka-state")
    engine, data = Kafka(settings), folder / "kafka-data"
    data.mkdir()
    home = engine.install(lambda _: None)
    with claim({"broker": 0, "controller": 0}) as ports:
        launch = engine.launch(home, data, ports)
        address = f"127.0.0.1:{ports['broker']}"
        ((path, content), *others) = launch.files.items()
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        more = {
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f'{plain} username="tocsin" password="{PASSWORD}" user_tocsin="{PASSWORD}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": authority / "both.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": authority / "cert.pem",
        }
        content = content.replace("PLAINTEXT://", "SASL_SSL://", 1).replace("=PLAINTEXT", "=SASL_SSL")
        content += "".join(f"{name}={value}\n" for name, value in more.items())
        secured = Launch(launch.argv, files={path: content, **dict(others)})
        known = settings.model_copy(
            update={
                "kafka_bootstrap": address,
                "kafka_tls": True,
                "kafka_ca_file": authority / "cert.pem",
                "kafka_user": "tocsin",
                "kafka_password": SecretStr(PASSWORD),
                "kafka_sasl_mechanism": "PLAIN",
            }
        )
        process = serve(secured, folder, Kafka(known), address)
    yield known
    processes.end(process, 15)


@pytest.fixture(scope="module")
def secured_triton(authority: Path, folder: Path) -> Iterator[Settings]:
    """A Triton that speaks only TLS, and settings that reach it."""
    settings = Settings(state_dir=folder / "triton-state")
    engine, data = Triton(settings), folder / "triton-data"
    data.mkdir()
    home = engine.install(lambda _: None)
    with claim(dict.fromkeys(engine.ports, 0)) as ports:
        launch = engine.launch(home, data, ports)
        tls = ("use-ssl=1", f"server-cert={authority}/cert.pem", f"server-key={authority}/key.pem")
        argv = (*launch.argv, *(f"--grpc-{option}" for option in tls))
        address = f"127.0.0.1:{ports['grpc']}"
        known = settings.model_copy(
            update={"triton_url": address, "triton_tls": True, "triton_ca_file": authority / "cert.pem"}
        )
        process = serve(Launch(argv, env=launch.env), folder, Triton(known), address)
    yield known
    processes.end(process, 15)


class Guarded(BaseHTTPRequestHandler):
    """Answers a question for the cluster's health as Elasticsearch does, to holders of the key."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"ApiKey {KEY}"
        body = json.dumps({"status": "green"} if known else {"error": {"type": "security_exception"}, "status": 401})
        self.send_response(200 if known else 401)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on the test's output."""


@pytest.fixture(scope="module")
def secured_elasticsearch(authority: Path, folder: Path) -> Iterator[Settings]:
    """The embedded node has no security: a server that guards the one question `up` asks stands in for it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {
        "elasticsearch_url": f"https://127.0.0.1:{server.server_port}",
        "elasticsearch_ca_file": authority / "cert.pem",
        "elasticsearch_api_key": SecretStr(KEY),
    }
    yield Settings(state_dir=folder / "elastic-state").model_copy(update=own)
    server.shutdown()
    server.server_close()


def refusal(settings: Settings, engine: str) -> str:
    """What `up` says of one engine that it must not accept."""
    with pytest.raises(EngineError) as caught:
        Stack(settings).start(engine)
    assert caught.value.code == "external"
    return str(caught.value)


def test_kafka_with_tls_and_password(secured_kafka: Settings) -> None:
    """The user's broker is accepted with its CA and password; with a wrong password, or without TLS, it is refused,
    and the refusal does not show the password."""
    Stack(secured_kafka).start("kafka")
    wrong = secured_kafka.model_copy(update={"kafka_password": SecretStr("wrong-and-long")})
    said = refusal(wrong, "kafka")
    assert "Authentication failed" in said
    assert "wrong-and-long" not in said
    refusal(secured_kafka.model_copy(update={"kafka_tls": False}), "kafka")
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(secured_kafka.model_copy(update={"kafka_ca_file": None}), "kafka")


def test_triton_with_tls(secured_triton: Settings) -> None:
    """The user's Triton is accepted with its CA, and refused without TLS."""
    Stack(secured_triton).start("triton")
    refusal(secured_triton.model_copy(update={"triton_tls": False}), "triton")


def test_elasticsearch_with_tls_and_key(secured_elasticsearch: Settings) -> None:
    """The user's cluster is accepted with its CA and API key; a wrong key and an unknown CA are refused."""
    Stack(secured_elasticsearch).start("elasticsearch")
    wrong = secured_elasticsearch.model_copy(update={"elasticsearch_api_key": SecretStr("d3Jvbmc6a2V5")})
    assert "d3Jvbmc6a2V5" not in refusal(wrong, "elasticsearch")
    unknown = secured_elasticsearch.model_copy(update={"elasticsearch_ca_file": None})
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(unknown, "elasticsearch")


def test_each_engine_says_why_nobody_answers(folder: Path) -> None:
    """A dead address gives an answer, not a traceback."""
    settings = Settings(state_dir=folder / "none")
    for engine in (Kafka(settings), Elasticsearch(settings), Triton(settings)):
        url = "http://127.0.0.1:9" if engine.name == "elasticsearch" else "127.0.0.1:9"
        assert asyncio.run(engine.probe(url))
