"""A W&B server on loopback: what ``entreg dashboard`` asks for, and what an online run sends, until it goes away."""

from __future__ import annotations

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, unquote

ENTITY, PROJECT, SWEEP = "team", "letters", "sw33p1d0"
_PROJECT = {"id": "UHJvamVjdDox", "name": PROJECT, "entity": {"id": "RW50aXR5OjE=", "name": ENTITY}}


class _Http(ThreadingHTTPServer):
    request_queue_size = 128  # a run uploads its files all at once


class WandbServer:
    """Holds one project with runs and the views that clients save in it, and takes the data of online runs.

    Attributes:
        summaries: of the runs that the API lists.
        views: by id: name, displayName, type, description, spec (a dict).
        saved: variables of each upsert of a view, in order.
        denies: type of the views that it refuses to save, if any.
        sweep: config of the sweep that was created last, as YAML.
        commands: what an agent of that sweep is told at its next heartbeats.
        runs: by id, the variables that an online run was last upserted with.
        history: rows that online runs have streamed.
        exits: exit codes that online runs have reported.
        files: content by name of what online runs have uploaded, artifacts included.
        status: HTTP status of all answers.
        silent: start of the paths to which it gives no answer, if any.
    """

    def __init__(self) -> None:
        self.summaries: list[dict[str, Any]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.saved: list[dict[str, Any]] = []
        self.denies: str | None = None
        self.sweep = ""
        self.commands: list[dict[str, Any]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []
        self.exits: list[int] = []
        self.files: dict[str, bytes] = {}
        self.status = 200
        self.silent: str | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if server.silent is not None and self.path.startswith(server.silent):
                    Event().wait()  # for ever; the thread ends with the process
                content = json.dumps(server.respond(self.path, body) if server.status == 200 else {}).encode()
                self.send_response(server.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                if self.path.startswith("/control/"):
                    server.outage(self.path.rpartition("/")[2])

            def do_GET(self) -> None:
                self.do_POST()

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                pass

        self._http = _Http(("127.0.0.1", 0), Handler)
        Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Refuse connections."""
        self._http.shutdown()
        self._http.server_close()

    def outage(self, kind: str) -> None:
        """Go away; a training process may ask for it in the middle of a step: ``POST /control/<kind>``.

        Args:
            kind: ``"refuse"`` connections, ``"hang"`` and give no answer, or a status to answer everything with.
        """
        if kind == "refuse":
            self.close()
        elif kind == "hang":
            self.silent = "/"
        else:
            self.status = int(kind)

    def respond(self, path: str, body: bytes) -> dict[str, Any]:
        """Take a request, return the answer."""
        if path == "/graphql":
            return self.answer(json.loads(body))
        if path.startswith("/storage/"):
            self.files[unquote(path.removeprefix("/storage/"))] = body
        elif path.endswith("/file_stream"):
            sent = json.loads(body)
            rows = sent.get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
            self.history += [json.loads(row) for row in rows]
            self.exits += [sent["exitcode"]] if sent.get("complete") else []
        return {}

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

    def _upsertsweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.sweep = variables["config"]
        return {"upsertSweep": {"sweep": {"name": SWEEP, "project": _PROJECT}, "configValidationWarnings": []}}

    def _sweepwithruns(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {
            "project": {"sweep": {"id": "U3dlZXA6MQ==", "name": SWEEP, "config": self.sweep, "runs": {"edges": []}}}
        }

    def _createagent(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"createAgent": {"agent": {"id": "QWdlbnQ6MQ=="}}}

    def _heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:
        commands = [self.commands.pop(0)] if self.commands else []
        return {"agentHeartbeat": {"agent": {"id": variables["id"]}, "commands": json.dumps(commands)}}

    def _runresumestatus(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"model": {**_PROJECT, "bucket": None}}

    def _upsertbucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        known = self.runs.setdefault(variables["name"], {})
        known |= {key: value for key, value in variables.items() if value is not None}
        bucket = {
            "id": "QnVja2V0OjE=",
            "name": variables["name"],
            "displayName": known.get("displayName", variables["name"]),
            "description": None,
            "config": known.get("config", "{}"),
            "sweepName": known.get("sweep"),
            "historyLineCount": 0,
            "project": _PROJECT,
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}

    def _createrunfiles(self, variables: dict[str, Any]) -> dict[str, Any]:
        files = [{"name": name, "uploadUrl": self._storage(name)} for name in variables["files"]]
        return {"createRunFiles": {"runID": "QnVja2V0OjE=", "uploadHeaders": [], "files": files}}

    def _serverfeaturesquery(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"serverInfo": {"features": []}}

    def _artifacttype(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"artifact": None}}

    def _createartifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        artifact = {"id": "QXJ0aWZhY3Q6MQ==", "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
        return {"createArtifact": {"artifact": artifact}}

    def _createartifactmanifest(self, variables: dict[str, Any]) -> dict[str, Any]:
        file = {"id": "RmlsZTox", "uploadUrl": self._storage(variables["name"]), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": "TWFuaWZlc3Q6MQ==", "file": file}}}

    def _createartifactfiles(self, variables: dict[str, Any]) -> dict[str, Any]:
        files = variables["input"]["artifactFiles"]
        nodes = [
            {
                "storagePath": file["name"],
                "uploadUrl": self._storage(file["name"]),
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": file["artifactID"]},
            }
            for file in files
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _commitartifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": ""}}}

    def _storage(self, name: str) -> str:
        return f"{self.url}/storage/{quote(name)}"

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
