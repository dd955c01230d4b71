"""A W&B server on loopback: the GraphQL calls of ``entreg dashboard``, and any 200 for telemetry."""

from __future__ import annotations

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ENTITY, PROJECT = "team", "letters"


class WandbServer:
    """Holds one project with runs, and the views that clients save in it.

    Attributes:
        summaries: of the runs.
        views: by id: name, displayName, type, description, spec (a dict).
        saved: variables of each upsert, in order.
        denies: type of the views that it refuses to save, if any.
    """

    def __init__(self) -> None:
        self.summaries: list[dict[str, Any]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.saved: list[dict[str, Any]] = []
        self.denies: str | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = server.answer(json.loads(body)) if self.path == "/graphql" else {}
                content = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Views of a type: ``project-view`` is a workspace, ``runs`` a report."""
        return [view for view in self.views.values() if view["type"] == kind]

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        variables = request.get("variables") or {}
        operation = re.search(r"\b(?:query|mutation)\s+(\w+)", request["query"])
        assert operation is not None, request["query"]
        if self.denies and variables.get("type") == self.denies:
            return {"errors": [{"message": "permission denied"}]}
        resolve = getattr(self, f"_{operation[1].lower()}", None)
        if resolve is None:
            return {"errors": [{"message": f"the stub does not know {operation[1]}"}]}
        return {"data": resolve(variables)}

    def _viewer(self, variables: dict[str, Any]) -> dict[str, Any]:
        teams = {"edges": [{"node": {"name": ENTITY}}]}
        return {
            "viewer": {"id": "VXNlcjox", "entity": ENTITY, "username": "me", "email": "", "flags": "{}", "teams": teams}
        }

    _getdefaultentity = _viewer

    def _runs(self, variables: dict[str, Any]) -> dict[str, Any]:
        if variables["project"] != PROJECT:
            return {"project": None}
        nodes = [{"node": _run(str(i), summary), "cursor": str(i)} for i, summary in enumerate(self.summaries)]
        return {
            "project": {
                "internalId": "1",
                "runCount": len(nodes),
                "readOnly": False,
                "runs": {"edges": nodes, "pageInfo": {"endCursor": None, "hasNextPage": False}},
            }
        }

    def _projectviews(self, variables: dict[str, Any]) -> dict[str, Any]:
        nodes = [{"node": self._view_node(view), "cursor": view["id"]} for view in self.of_type("runs")]
        return {"project": {"allViews": {"edges": nodes, "pageInfo": {"endCursor": None, "hasNextPage": False}}}}

    def _view(self, variables: dict[str, Any]) -> dict[str, Any]:
        named = [view for view in self.of_type(variables["viewType"]) if view["name"] == variables["viewName"]]
        return {"project": {"allViews": {"edges": [{"node": self._view_node(view)} for view in named]}}}

    def _specificreport(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"view": self._view_node(self.views[variables["reportId"]])}

    def _projectinternalid(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"id": "UHJvamVjdDox", "internalId": "1"}}

    def _getprojects(self, variables: dict[str, Any]) -> dict[str, Any]:
        node = {"id": "UHJvamVjdDox", "name": PROJECT, "entityName": ENTITY, "createdAt": "2025-01-01"}
        edges = [{"node": {**node, "isBenchmark": False, "user": None}, "cursor": "1"}]
        return {"models": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}

    def _upsertview(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.saved.append(variables)
        key = variables.get("id") or base64.b64encode(f"View:{len(self.views) + 1}".encode()).decode()
        inserted = key not in self.views
        kept = ("name", "displayName", "type", "description")
        view = {"id": key, **{name: variables[name] for name in kept}, "spec": json.loads(variables["spec"])}
        self.views[key] = view
        return {"upsertView": {"view": self._view_node(view), "inserted": inserted}}

    _upsertview2 = _upsertview

    def _view_node(self, view: dict[str, Any]) -> dict[str, Any]:
        time = "2025-01-01T00:00:00"
        project = {"id": "UHJvamVjdDox", "name": PROJECT, "entityName": ENTITY}
        return {**view, "spec": json.dumps(view["spec"]), "project": project, "createdAt": time, "updatedAt": time}


def _run(name: str, summary: dict[str, Any]) -> dict[str, Any]:
    texts = dict.fromkeys(("sweepName", "group", "jobType", "commit", "description", "notes"))
    return {
        "projectId": "1",
        "id": name,
        "name": name,
        "displayName": name,
        "tags": [],
        "state": "finished",
        "readOnly": False,
        "config": "{}",
        "systemMetrics": "{}",
        "summaryMetrics": json.dumps(summary),
        "historyLineCount": 1,
        "historyKeys": None,
        "createdAt": "2025-01-01T00:00:00",
        "heartbeatAt": "2025-01-01T00:00:00",
        "user": {"name": "me", "username": "me"},
        **texts,
    }
