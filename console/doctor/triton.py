"""Triton as doctor sees it: the server, and each model that texts are judged by, in the version this Tocsin expects."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from console.findings import Told
from models import registry
from models.registry import ModelRefused, Served
from streams.endpoints import EnginesDown, resolve
from streams.plain import plain
from streams.settings import Settings

PATIENCE: Final = 3.0  # seconds for one answer


def models(settings: Settings) -> str:
    """Every model of the repository is served in the version in use, as its folder describes it."""
    try:
        url = resolve(settings, "triton").triton
    except EnginesDown:
        raise Told("no_engine", None, engine="Triton") from None
    try:
        wanted = {each.metadata.model: each for each in registry.find(_repository(settings)).values()}
    except (ModelRefused, OSError):
        raise Told("models_unread", None) from None  # `models_read` tells why
    roots = str(settings.triton_ca_file) if settings.triton_ca_file else None
    # Not the client's asyncio kind, and no proxy: as `tocsin up` asks.
    direct = [("grpc.enable_http_proxy", 0)]
    client = InferenceServerClient(url, ssl=settings.triton_tls, root_certificates=roots, channel_args=direct)
    try:
        return ", ".join(_served(client, served) for served in wanted.values())
    except InferenceServerException as error:
        said = "no connection" if "connect" in str(error.message()) else plain(str(error.message()), 120)
        raise Told("away", None, engine="Triton", error=said) from None
    finally:
        client.close()


def _repository(settings: Settings) -> Path:
    return settings.model_repository or registry.SHIPPED


def _served(client: InferenceServerClient, served: Served) -> str:
    """Name, version and number of a model that is well. Raises Told."""
    name, number = served.metadata.model, served.number
    if not client.is_model_ready(name, number, client_timeout=PATIENCE):
        raise Told("model_away", model=name, number=number)
    config = client.get_model_config(name, number, as_json=True, client_timeout=PATIENCE)["config"]
    told = {key: value.get("string_value", "") for key, value in config.get("parameters", {}).items()}
    try:
        registry.check_parameters(served.metadata, number, told)
    except ModelRefused as error:
        raise Told("model_other", model=name, error=plain(str(error), 300)) from None
    return f"{name} {number} ({served.metadata.version})"
