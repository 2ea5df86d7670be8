"""A server on loopback that takes dashboards as Kibana's documentation says: strict about headers, files, references.

It knows nothing of how Lens draws; what it accepts, a Kibana may still refuse.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

KEY = "bm90LWEtcmVhbC1rZXk="


@dataclass
class KibanaServer:
    """What it is, what it was sent, and what it keeps, by type and id within each space."""

    version: str = "9.5.1"
    flavour: str = "traditional"
    url: str = ""
    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)  # id of an object: why it is refused
    answer: Callable[[web.Request], web.StreamResponse | None] = lambda request: None

    def kept(self, kind: str, space: str = "default") -> set[str]:
        """Ids of the objects of one type."""
        return {name for where, of, name in self.objects if where == space and of == kind}


@asynccontextmanager
async def kibana(**changes: Any) -> AsyncIterator[KibanaServer]:
    """One such server."""
    server = KibanaServer(**changes)
    app = web.Application(middlewares=[_guard(server)], client_max_size=32 * 1024 * 1024)
    for before in ("", "/s/{space}"):
        app.router.add_post(f"{before}/api/saved_objects/_import", lambda request: _import(server, request))
        app.router.add_post(f"{before}/api/data_views/data_view", lambda request: _data_view(server, request))
        app.router.add_put(f"{before}/api/dashboards/{{id}}", lambda request: _dashboard(server, request))
    app.router.add_get("/api/status", lambda request: _status(server))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    try:
        yield server
    finally:
        await runner.cleanup()


def fault(status: int, message: str) -> web.Response:
    """An error as Kibana writes it."""
    return web.json_response({"statusCode": status, "error": "Bad Request", "message": message}, status=status)


def _guard(server: KibanaServer) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        server.requests.append((request.method, request.path_qs, dict(request.headers)))
        if (given := server.answer(request)) is not None:
            return given
        if request.headers.get("Authorization") != f"ApiKey {KEY}":
            return fault(401, "missing authentication credentials")
        if request.method != "GET" and "kbn-xsrf" not in request.headers:
            return fault(400, "Request must contain a kbn-xsrf header.")
        return await handler(request)

    return guard


async def _status(server: KibanaServer) -> web.Response:
    version = {"number": server.version, "build_number": 1, "build_flavor": server.flavour}
    return web.json_response({"name": "kibana", "version": version, "status": {"overall": {"level": "available"}}})


async def _import(server: KibanaServer, request: web.Request) -> web.Response:
    """`POST /api/saved_objects/_import`: a file named *.ndjson in the part `file`; objects whose references are missing
    are refused, the others kept."""
    if request.query.get("overwrite") != "true":
        return fault(409, "objects exist")
    if request.content_type != "multipart/form-data":
        return fault(415, "Unsupported Media Type")
    part = await (await request.multipart()).next()
    if not isinstance(part, BodyPartReader) or part.name != "file":
        return fault(400, "[request body.file]: expected value of type [Stream] but got [undefined]")
    if not (part.filename or "").endswith(".ndjson"):
        return fault(400, f"Invalid file extension of {part.filename}")
    space = request.match_info.get("space", "default")
    given = [json.loads(line) for line in (await part.text()).splitlines()]
    ids = {(one["type"], one["id"]) for one in given}
    errors, results = [], []
    for one in given:
        title = {"title": one["attributes"]["title"]}
        missing = [r for r in one["references"] if (r["type"], r["id"]) not in ids]
        base = {"type": one["type"], "id": one["id"], "meta": title}
        if one["id"] in server.refuse:
            errors.append(base | {"error": {"type": "unknown", "message": server.refuse[one["id"]], "statusCode": 422}})
        elif missing:
            errors.append(base | {"error": {"type": "missing_references", "references": missing}})
        else:
            results.append(base | {"overwrite": False})
            server.objects[space, one["type"], one["id"]] = one
    body = {"success": not errors, "successCount": len(results), "successResults": results}
    return web.json_response(body | ({"errors": errors} if errors else {}))


async def _data_view(server: KibanaServer, request: web.Request) -> web.Response:
    body = await request.json()
    view, space = body["data_view"], request.match_info.get("space", "default")
    key = (space, "index-pattern", view["id"])
    if view["id"] in server.refuse:
        return fault(403, server.refuse[view["id"]])
    if key in server.objects and body.get("override") is not True:
        return fault(400, "Duplicate data view")
    server.objects[key] = view
    return web.json_response({"data_view": view})


async def _dashboard(server: KibanaServer, request: web.Request) -> web.Response:
    """`PUT /api/dashboards/{id}`: the version in a header, ids of small letters, data views that are there."""
    if request.headers.get("Elastic-Api-Version") != "2023-10-31":
        return fault(400, "No version '' available")
    name, space = request.match_info["id"], request.match_info.get("space", "default")
    body = await request.json()
    if name in server.refuse:
        return fault(400, server.refuse[name])
    known = {"title", "description", "time_range", "pinned_panels", "panels"}
    if extra := set(body) - known:
        return fault(400, f"[request body.{sorted(extra)[0]}]: definition for this key is missing")
    for panel in body["panels"]:
        if set(panel) != {"id", "type", "grid", "config"} or panel["type"] not in ("vis", "markdown"):
            return fault(400, f"[request body.panels.{panel.get('id')}]: types that failed validation")
    there = (space, "dashboard", name) in server.objects
    server.objects[space, "dashboard", name] = body
    return web.json_response({"id": name, "data": body, "meta": {}}, status=200 if there else 201)
