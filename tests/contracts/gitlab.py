"""Every request that the GitLab client sends, held against GitLab's own Swagger description.

The requests are real: the client speaks to a small server that takes anything and notes it down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.gitlab import GitLabClient
from integrations.sandbox.http import Server
from integrations.settings import GitLabSettings
from tests.contracts.rows import CONTRACTS, Row

SWAGGER = CONTRACTS / "gitlab-v4.swagger2.json"
SHA = "a" * 40
# Where the description is wrong, and how we know.
WRONG = {
    "POST /projects/{id}/pipeline": "body.inputs is newer (18.1) than the description; the API's page has it",
    "GET /projects/{id}/repository/branches/{branch}": (
        "the description calls a branch's name an integer; for DELETE it is a string"
    ),
    "PUT /projects/{id}/wikis/{slug}": (
        "the description calls a page's slug an integer; for GET and DELETE it is a string"
    ),
}
THEN = datetime(2026, 3, 2, 9, tzinfo=UTC)

Call = Callable[[GitLabClient], object]

# Every public method, with every argument it can send. A test sees that none is missing.
CALLS: dict[str, Call] = {
    "version": lambda gl: gl.version(),
    "me": lambda gl: gl.me(),
    "user": lambda gl: gl.user(12),
    "project": lambda gl: gl.project(1),
    "project_id": lambda gl: gl.project_id("group/shop"),
    "hooks": lambda gl: gl.hooks(1),
    "repository.branch": lambda gl: gl.repository.branch(1, "release/1.4.0"),
    "repository.create_branch": lambda gl: gl.repository.create_branch(1, "new", SHA),
    "repository.delete_branch": lambda gl: gl.repository.delete_branch(1, "release/1.4.0"),
    "repository.tag": lambda gl: gl.repository.tag(1, "1.4.0"),
    "repository.tags": lambda gl: gl.repository.tags(1, "^1.4"),
    "repository.create_tag": lambda gl: gl.repository.create_tag(1, "new", SHA, "Candidate"),
    "repository.commit": lambda gl: gl.repository.commit(1, SHA),
    "repository.compare": lambda gl: gl.repository.compare(1, "1.3.0", "1.4.0"),
    "repository.blobs": lambda gl: gl.repository.blobs(1, SHA),
    "repository.file": lambda gl: gl.repository.file(1, "a/b.txt", SHA),
    "repository.revert": lambda gl: gl.repository.revert(1, SHA, "main"),
    "repository.merge_requests_of": lambda gl: gl.repository.merge_requests_of(1, SHA),
    "repository.release": lambda gl: gl.repository.release(1, "1.4.0"),
    "repository.releases": lambda gl: gl.repository.releases(1),
    "repository.link_release": lambda gl: gl.repository.link_release(
        1, "1.4.0", "Pipeline", "http://x.example"
    ),
    "repository.create_release": lambda gl: gl.repository.create_release(1, "1.4.0", "1.4.0", "Notes"),
    "commits.history": lambda gl: gl.commits.history(1, "main", "1.3.0"),
    "commits.reverts": lambda gl: gl.commits.reverts(1, SHA, "main"),
    "commits.changelog": lambda gl: gl.commits.changelog(1, "1.4.0", "1.3.0", "1.4.0", "Changelog"),
    "merge_requests.list": lambda gl: gl.merge_requests.list(
        1, state="merged", target="main", source="x", updated_after=THEN, labels=["a", "b"]
    ),
    "merge_requests.get": lambda gl: gl.merge_requests.get(1, 2),
    "merge_requests.open": lambda gl: gl.merge_requests.open(1, "x", "main", "Title", "Text"),
    "merge_requests.merge": lambda gl: gl.merge_requests.merge(1, 2, SHA, "Merge"),
    "merge_requests.files": lambda gl: gl.merge_requests.files(1, 2),
    "merge_requests.commits": lambda gl: gl.merge_requests.commits(1, 2),
    "merge_requests.reviewers": lambda gl: gl.merge_requests.reviewers(1, 2),
    "merge_requests.note": lambda gl: gl.merge_requests.note(1, 2, "Text", "key"),
    "pipelines.start": lambda gl: gl.pipelines.start(1, "main", {"A": "b"}, op_key="key"),
    "pipelines.inputs": lambda gl: [
        gl.pipelines.inputs(1, "main"),
        gl.pipelines.start(1, "main", {}, op_key="key", inputs=("CONVEYOR_OP",)),
    ],
    "pipelines.find": lambda gl: gl.pipelines.find(1, "main", SHA, "key", THEN),
    "pipelines.get": lambda gl: gl.pipelines.get(1, 2),
    "pipelines.list": lambda gl: gl.pipelines.list(
        1, ref="main", sha=SHA, source="push", status="success", updated_after=THEN
    ),
    "pipelines.variables": lambda gl: gl.pipelines.variables(1, 2),
    "pipelines.retry": lambda gl: gl.pipelines.retry(1, 3),
    "pipelines.cancel": lambda gl: gl.pipelines.cancel(1, 2),
    "pipelines.jobs": lambda gl: gl.pipelines.jobs(1, 2, include_retried=True),
    "pipelines.job": lambda gl: gl.pipelines.job(1, 2),
    "pipelines.play_job": lambda gl: gl.pipelines.play_job(1, 2),
    "pipelines.retry_job": lambda gl: gl.pipelines.retry_job(1, 2),
    "pipelines.test_summary": lambda gl: gl.pipelines.test_summary(1, 2),
    "pipelines.trace": lambda gl: gl.pipelines.trace(1, 2),
    "pipelines.artifact": lambda gl: gl.pipelines.artifact(1, 2, "reports/junit.xml", 1000),
    "environments.list": lambda gl: gl.environments.list(1),
    "environments.deployments": lambda gl: gl.environments.deployments(1, "staging", status="success"),
    "environments.variables": lambda gl: gl.environments.variables(1),
    "environments.freeze_periods": lambda gl: gl.environments.freeze_periods(1),
    "environments.merge_requests": lambda gl: gl.environments.merge_requests(1, 2),
    "environments.deployment": lambda gl: gl.environments.deployment(1, 2),
    "issues.list": lambda gl: gl.issues.list(1, labels=["a"], state="opened", updated_after=THEN),
    "issues.get": lambda gl: gl.issues.get(1, 2),
    "issues.note": lambda gl: gl.issues.note(1, 2, "Text", "key"),
    "milestones.find": lambda gl: gl.milestones.find(1, "1.4.0"),
    "milestones.ensure": lambda gl: [
        gl.milestones.ensure(1, title, "Text", start=THEN.date(), due=THEN.date()) for title in ("1.4.0", "x")
    ],
    "milestones.close": lambda gl: gl.milestones.close(1, "x"),
    "milestones.reopen": lambda gl: gl.milestones.reopen(1, "done"),
    "wikis.find": lambda gl: gl.wikis.find(1, "Plan"),
    "wikis.ensure": lambda gl: [gl.wikis.ensure(1, title, "Text") for title in ("new", "Plan")],
}


LISTS = ("commits", "deployments", "diffs", "environments", "hooks", "issues", "jobs", "merge_requests")
LISTS += ("freeze_periods", "notes", "releases", "reviewers", "tags", "tree", "variables")


class Sent(NamedTuple):
    """One request: `path` as it went over the wire, still encoded, without `/api/v4`."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any


class AnyGitLab:
    """Takes every request and answers with one object that fits all our models, or a list of none."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST", "PUT", "DELETE"])])
        self.server = Server(app)

    async def _take(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().removeprefix("/api/v4")
        body = await request.body()
        query = dict(parse_qsl(request.url.query))
        self.sent.append(Sent(request.method, path, query, json.loads(body) if body else None))
        if request.method == "GET" and re.search(r"/(new|releases/[^/]+)$", path):
            return JSONResponse({"message": "404 Not found"}, 404)
        if request.method == "GET" and path.endswith("/pipelines"):
            return JSONResponse([_object("2")])
        if request.method == "GET" and path.endswith("/milestones"):
            titles = {"x": "active", "done": "closed"}
            rows = [{**_object("2"), "title": title, "state": state} for title, state in titles.items()]
            return JSONResponse([row for row in rows if row["title"] == query.get("title")])
        if request.method == "GET" and path.rsplit("/", 1)[-1] in LISTS:
            return JSONResponse([])
        return JSONResponse(_object(path.rsplit("/", 1)[-1]))


def _object(which: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("count", "success", "failed", "skipped", "error", "time"), 0)
    return {
        "id": SHA if which in (SHA, "revert") else 2,
        "iid": 2,
        "name": "x",
        "slug": "x",
        "tag_name": "1.4.0",
        "title": "x",
        "sha": SHA,
        "state": "opened",
        "status": {"3": "failed"}.get(which, "manual"),
        "version": "17.4.2",
        "commit": {"id": SHA},
        "pipeline": {"id": 2},
        "created_at": THEN.isoformat(),
        "total": numbers,
    }


@contextmanager
def any_gitlab() -> Iterator[tuple[AnyGitLab, GitLabClient]]:
    """The server that takes anything, and a client of it."""
    server = AnyGitLab()
    client = GitLabClient(GitLabSettings(url=server.server.url))
    try:
        yield server, client
    finally:
        client.close()
        server.server.stop()


@cache
def sent() -> tuple[Sent, ...]:
    """Every request that our client sends, by making every call."""
    with any_gitlab() as (server, client):
        for call in CALLS.values():
            call(client)
        return tuple(server.sent)


@cache
def _swagger() -> Any:
    return json.loads(SWAGGER.read_bytes())


def rows() -> list[Row]:
    """One row per operation of GitLab's that the client uses, by path; needs the Swagger file."""
    found: dict[str, list[str]] = {}
    undescribed: dict[str, str] = {}
    for request in sent():
        template = _template(request)
        if template is None:
            undescribed[f"{request.method} {_blank(request.path)}"] = "no such operation in the file"
            continue
        operation = f"{request.method} {template.removeprefix('/api/v4')}"
        found.setdefault(operation, []).extend(complaints(request, template))
    described = [
        Row("gitlab", name, "deviating" if why else "validated", _why(name, why))
        for name, why in found.items()
    ]
    others = [Row("gitlab", name, "not described", why) for name, why in undescribed.items()]
    return sorted(described + others, key=lambda row: row.operation.split()[::-1])


def _why(operation: str, said: list[str]) -> str:
    return WRONG[operation] if said and operation in WRONG else "; ".join(sorted(set(said)))


def _template(request: Sent) -> str | None:
    """The path of the description that fits; one with more fixed words goes before one with fewer."""
    fitting = [
        template
        for template, operations in _swagger()["paths"].items()
        if request.method.lower() in operations and re.fullmatch(_pattern(template), "/api/v4" + request.path)
    ]
    return min(fitting, key=lambda template: template.count("{"), default=None)


@cache
def _pattern(template: str) -> str:
    pattern = re.escape(template)
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
    return re.sub(r"\\\*(\w+)$", r"(?P<\1>.+)", pattern)


def _blank(path: str) -> str:
    return re.sub(r"/[0-9]+(?=/|$)", "/{}", path)


def complaints(request: Sent, template: str) -> list[str]:
    """What in the request the description does not have, or has otherwise."""
    parameters = _swagger()["paths"][template][request.method.lower()].get("parameters", [])
    query = {each["name"]: each for each in parameters if each["in"] == "query"}
    said = [f"query {name} is not described" for name in request.query if name not in query]
    said += [
        f"query {name}: {request.query[name]!r} is no {query[name].get('type')}"
        for name in request.query
        if name in query and not _fits_text(request.query[name], query[name])
    ]
    said += [
        f"query {name} is missing"
        for name, each in query.items()
        if each.get("required") and name not in request.query and f"*{name}" not in template
    ]
    given = re.fullmatch(_pattern(template), "/api/v4" + request.path)
    for name, each in ((each["name"], each) for each in parameters if each["in"] == "path"):
        text = given[name] if given else ""
        if not _fits_text(text, each):
            said.append(f"path {name}: {text!r} is no {each.get('type')}")
    return said + _body_complaints(request.body, [each for each in parameters if each["in"] == "body"])


def _body_complaints(body: Any, described: list[Any]) -> list[str]:
    if body in (None, {}) and not described:
        return []
    if not described:
        return ["a body is not described"]
    return _value_complaints("body", {} if body is None else body, described[0]["schema"])


def _value_complaints(where: str, value: Any, schema: Any) -> list[str]:
    if "$ref" in schema:
        schema = _swagger()["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    if not isinstance(value, kinds.get(schema.get("type", "object"), object)):
        return [f"{where} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is none of {schema['enum']}"]
    if isinstance(value, list):
        return [said for each in value for said in _value_complaints(f"{where}[]", each, schema["items"])]
    if not isinstance(value, dict):
        return []
    properties = schema.get("properties", {})
    said = [f"{where}.{name} is not described" for name in value if name not in properties]
    said += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
    for name in value.keys() & properties.keys():
        said += _value_complaints(f"{where}.{name}", value[name], properties[name])
    return said


def _fits_text(text: str, parameter: Any) -> bool:
    if "enum" in parameter and text not in parameter["enum"]:
        return False
    match parameter.get("type"):
        case "integer":
            return text.isdecimal()
        case "boolean":
            return text in ("true", "false")
        case _:
            return True
