"""Every kind of answer of the sandbox's GitLab, held against GitLab's own Swagger description.

One conversation over real HTTP asks every route once, with success. The description leaves the type of
most fields at "string" where nobody wrote one, so "string" is not checked; every other type, every key
and the status are.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.people import SandboxPerson
from tests.contracts.gitlab_talk import TALK
from tests.contracts.rows import CONTRACTS, Row

SWAGGER = CONTRACTS / "gitlab-v4.swagger2.json"

# What the description does not have, or has otherwise, and how we know that GitLab answers so.
_PIPELINES = "the pipelines API's own page shows it"
_HOOKS = "GitLab 19.0 says so: whether a token is set, never the token (merge request 230944)"
_FULL = "a member is answered with the full project, the description has the one for strangers"
_CREATED = "GitLab answers every POST that makes something with 201, as the page of this one says"
EXPLAINED: tuple[tuple[str, str], ...] = (
    (r"GET /projects answer\[\]\.\w+ is not described", _FULL),
    (r"POST .* status 201 is not described", _CREATED),
    (r"DELETE \S*/releases/\S* status 200 is not described", "the release is answered, as its page says"),
    (r".*pipeline.*\.(name|archived) is not described", _PIPELINES),
    (r".*/(pipeline|pipelines|jobs)\b.*\.(name|archived) is not described", _PIPELINES),
    (r".*\.finished_at is not described", "the deployments API's own page shows it"),
    (r".*\.(collapsed|too_large) is not described", "the merge requests API's own page shows it"),
    (r".*approved_by\[\]\.approved_at is not described", "the approvals API's own page shows it"),
    (r".*\.(token_present|signing_token_present) is not described", _HOOKS),
    (r".*test_report_summary answer\.total is no integer", "an object, as the page of this one shows it"),
    (r".*answer\.scopes\[\] is no array", "a list of words, as the page of this one shows it"),
)

_CI = """
stages: [test, deploy]
test:
  script: [echo ok]
staging:
  stage: deploy
  script: [echo deployed]
  environment: {name: staging, url: "http://127.0.0.1:9"}
"""


class Exchange(NamedTuple):
    """One request and its answer; `answer` is None where there is no JSON."""

    method: str
    path: str
    status: int
    answer: Any


_NAMES = {"milestones": "milestone", "notes": "note", "hooks": "hook", "freeze_periods": "freeze"}


@cache
def exchanges() -> tuple[Exchange, ...]:
    """The whole conversation, held once."""
    with tempfile.TemporaryDirectory() as home:
        return tuple(_talk(Path(home)))


def _talk(home: Path) -> Iterator[Exchange]:
    (home / "seed").mkdir()
    (home / "seed" / ".gitlab-ci.yml").write_text(_CI)
    may = SandboxPerson("may", "May", "may@example.test", "acc-1", 101, "U1", "token-may")
    project = ProjectSeed("shop/shop", "Shop", seed_dir=home / "seed", members={"may": 40})
    sandbox = GitLabSandbox(home / "gitlab", [may], [project])
    api = f"{sandbox.url}/api/v4"
    names = {"sha": sandbox.instance.projects[1].resolve("main")[0]}
    try:
        with httpx.Client(headers={"PRIVATE-TOKEN": may.token}, **LOOPBACK, timeout=30) as client:
            for method, path, body in TALK:
                full = path if path.startswith("/") else f"/projects/1/{path}".rstrip("/")
                full = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], full)
                _until_it_is_time(client, f"{api}/projects/1", full)
                exchange = _ask(client, api, method, full, body)
                yield exchange
                kind = path.rsplit("/", 1)[-1]
                if method == "POST" and kind in _NAMES:
                    names[_NAMES[kind]] = str(exchange.answer["id"])
                if kind == "events":
                    names["event"] = str(exchange.answer[0]["id"])
    finally:
        sandbox.stop()


def _ask(client: httpx.Client, api: str, method: str, path: str, body: Mapping[str, object]) -> Exchange:
    answer = client.request(method, f"{api}{path}", json=dict(body) if body else None)
    assert answer.status_code < 300, f"{method} {path}: {answer.text}"
    is_json = answer.headers.get("content-type", "") == "application/json"
    return Exchange(method, path, answer.status_code, answer.json() if is_json else None)


def _until_it_is_time(client: httpx.Client, project: str, path: str) -> None:
    """Before its events are listed a webhook has gone, before its jobs are shown a pipeline has ended."""
    deadline = time.monotonic() + 20
    waits = {"/events": path, "/pipelines": "/projects/1/deployments?status=success"}
    waited = next((of for end, of in waits.items() if path.endswith(end)), None)
    while waited is not None and not client.get(f"{project}{waited.removeprefix('/projects/1')}").json():
        assert time.monotonic() < deadline, f"nothing at {waited}"


@cache
def _swagger() -> Any:
    return json.loads(SWAGGER.read_bytes())


def rows() -> list[Row]:
    """One row per operation, by path; needs the Swagger file."""
    found: dict[str, list[str]] = {}
    table: list[Row] = []
    for exchange in exchanges():
        template = _template(exchange)
        if template is None:
            blank = re.sub(r"/[0-9]+(?=/|$)", "/{}", exchange.path.split("?")[0])
            table.append(
                Row("gitlab sandbox", f"{exchange.method} {blank}", "not described", "no such operation")
            )
            continue
        operation = f"{exchange.method} {template.removeprefix('/api/v4')}"
        found.setdefault(operation, []).extend(complaints(exchange, template))
    for operation, said in found.items():
        why = "; ".join(sorted({_explained(operation, each) or each for each in said}))
        table.append(Row("gitlab sandbox", operation, "deviating" if why else "validated", why))
    return sorted(table, key=lambda row: row.operation.split()[::-1])


def _explained(operation: str, said: str) -> str | None:
    """Why this is not a fault of the sandbox."""
    fits = (why for pattern, why in EXPLAINED if re.fullmatch(pattern, f"{operation} {said}"))
    return next(fits, None)


def unexplained() -> list[str]:
    """What the sandbox answers otherwise than described, and nobody said why."""
    known = {why for _, why in EXPLAINED}
    return [
        f"{row.operation}: {why}"
        for row in rows()
        if row.verdict == "deviating"
        for why in row.why.split("; ")
        if why not in known
    ]


def complaints(exchange: Exchange, template: str) -> list[str]:
    """What the description does not have, or has otherwise."""
    responses = _swagger()["paths"][template][exchange.method.lower()]["responses"]
    said: list[str] = []
    if str(exchange.status) not in responses:
        said.append(f"status {exchange.status} is not described")
    schemas = [
        each["schema"]
        for code, each in responses.items()
        if code.startswith("2") and each and "schema" in each
    ]
    if exchange.answer is not None and schemas:
        said += _against("answer", exchange.answer, schemas[0])
    return said


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _against(where: str, value: Any, schema: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        items = schema.get("items", schema)
        return list(dict.fromkeys(said for each in value for said in _against(f"{where}[]", each, items)))
    if "$ref" in schema:
        schema = _swagger()["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    kind = _KINDS.get(schema.get("type", ""))
    if kind is not None and not isinstance(value, kind):
        return [f"{where} is no {schema['type']}"]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    properties = schema["properties"]
    said = [f"{where}.{name} is not described" for name in value if name not in properties]
    for name in value.keys() & properties.keys():
        said += _against(f"{where}.{name}", value[name], properties[name])
    return said


def _template(exchange: Exchange) -> str | None:
    """The path of the description that fits; one with more fixed words goes before one with fewer."""
    path = "/api/v4" + exchange.path.split("?")[0]
    fitting = [
        template
        for template, operations in _swagger()["paths"].items()
        if exchange.method.lower() in operations and re.fullmatch(_pattern(template), path)
    ]
    return min(fitting, key=lambda template: template.count("{"), default=None)


@cache
def _pattern(template: str) -> str:
    plain = template.replace("*package_version/(*path/)", "{version}/")
    return re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(plain))
