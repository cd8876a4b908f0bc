"""Pages for people: what the API knows, as HTML, so that every `web_url` leads somewhere. No login."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from integrations.sandbox.gitlab.instance import Instance
from integrations.sandbox.gitlab.project import Project

Row = Mapping[str, Any]

_TEMPLATE = Environment(autoescape=True).from_string(Path(__file__).with_name("page.html").read_text())


@dataclass(frozen=True)
class Cell:
    """One cell of a table, perhaps a link."""

    text: object
    link: str | None = None


@dataclass
class HtmlPage:
    """What a page shows, from top to bottom."""

    title: str
    trail: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    sections: dict[str, list[list[Cell]]] = field(default_factory=dict[str, list[list[Cell]]])
    text: str = ""


# One thing by itself: the path in the API, the facts shown, and the lists below it.
_SINGLES: Mapping[str, tuple[str, Sequence[str], Mapping[str, str]]] = {
    "merge_requests": (
        "merge_requests/{}",
        ("state", "source_branch", "target_branch", "sha", "detailed_merge_status", "merge_commit_sha"),
        {"Commits": "merge_requests/{}/commits", "Notes": "merge_requests/{}/notes?sort=asc"},
    ),
    "pipelines": (
        "pipelines/{}",
        ("status", "source", "ref", "sha", "created_at", "finished_at", "yaml_errors"),
        {"Jobs": "pipelines/{}/jobs?include_retried=true"},
    ),
    "jobs": ("jobs/{}", ("name", "stage", "status", "ref", "started_at", "finished_at", "coverage"), {}),
    "commit": (
        "repository/commits/{}",
        ("author_name", "created_at", "message", "status"),
        {"Branches and tags": "repository/commits/{}/refs", "Files": "repository/commits/{}/diff"},
    ),
    "issues": ("issues/{}", ("state", "labels", "description"), {"Notes": "issues/{}/notes?sort=asc"}),
    "tree": (
        "repository/branches/{}",
        ("name", "protected", "default"),
        {"Files": "repository/tree?ref={}&per_page=100"},
    ),
    "tags": ("repository/tags/{}", ("name", "message", "created_at"), {}),
    "releases": ("releases/{}", ("name", "tag_name", "description", "released_at"), {}),
    "environments": (
        "environments/{}",
        ("name", "state", "tier", "external_url"),
        {"Deployments": "deployments?environment={name}&sort=desc&per_page=50"},
    ),
}
_LISTS = {
    "merge_requests": "merge_requests?per_page=50",
    "pipelines": "pipelines?per_page=50",
    "environments": "environments?per_page=50",
    "issues": "issues?per_page=50",
    "branches": "repository/branches?per_page=100",
    "tags": "repository/tags?per_page=100",
    "releases": "releases?per_page=50",
}
_TELLING = (
    "title",
    "state",
    "status",
    "stage",
    "ref",
    "target_branch",
    "body",
    "created_at",
    "external_url",
)
_PATH = re.compile(r"(?P<project>/.+?)(?:/-/(?P<kind>\w+)(?:/(?P<name>.+))?)?")


class Pages:
    """Asks `api`, the application itself, as a member of the project would."""

    def __init__(self, instance: Instance, api: ASGIApp) -> None:
        self._instance = instance
        self._api = api

    async def serve(self, raw_path: str) -> Response:
        """The page at `raw_path` (not decoded); 404 for what is not there."""
        try:
            page = await self._page(raw_path)
        except _NoPage:
            return HTMLResponse(_TEMPLATE.render(page=HtmlPage("404 Not Found")), 404)
        return HTMLResponse(_TEMPLATE.render(page=page))

    async def _page(self, path: str) -> HtmlPage:
        if path == "/":
            rows = [[Cell(each.path, f"/{each.path}")] for each in self._instance.projects.values()]
            return HtmlPage("Projects", sections={"": rows})
        by_id = re.fullmatch(r"/projects/([0-9]+)", path)  # GitLab leads from here to the project
        numbers = {str(each.project_id): f"/{each.path}" for each in self._instance.projects.values()}
        path = numbers.get(by_id[1], path) if by_id else path
        parts = _PATH.fullmatch(path.rstrip("/"))
        project = next(
            (
                each
                for each in self._instance.projects.values()
                if parts and f"/{each.path}" == parts["project"]
            ),
            None,
        )
        if parts is None or project is None:
            raise _NoPage
        kind, name = parts["kind"], parts["name"]
        trail = [("Projects", "/"), (project.path, f"/{project.path}")]
        if name is None:
            shown = _LISTS if kind is None else {kind: _LISTS.get(kind, "")}
            sections = {each: await self._rows(project, api) for each, api in shown.items()}
            return HtmlPage(kind or project.name, trail if kind else trail[:1], sections=sections)
        return await self._single(project, kind, unquote(name), trail)

    async def _single(
        self, project: Project, kind: str, name: str, trail: Sequence[tuple[str, str]]
    ) -> HtmlPage:
        api, facts, lists = _SINGLES.get(kind, ("", (), {}))
        found: Row = await self._ask(project, api.format(quote(name, safe="")))
        page = HtmlPage(str(found.get("title") or f"{kind} {name}"), [*trail])
        page.facts = {fact: found[fact] for fact in facts if found.get(fact) not in (None, "")}
        for heading, path in lists.items():
            asked = path.format(quote(name, safe=""), name=quote(str(found.get("name")), safe=""))
            page.sections[heading] = await self._rows(project, asked)
        if kind == "jobs":
            page.text = (await self._get(project, f"jobs/{name}/trace")).text
        return page

    async def _rows(self, project: Project, api: str) -> list[list[Cell]]:
        rows: Sequence[Row] = await self._ask(project, api)
        return [_cells(project, row) for row in rows]

    async def _ask(self, project: Project, api: str) -> Any:
        answer = await self._get(project, api)
        if not api or answer.status_code != 200:
            raise _NoPage
        return answer.json()

    async def _get(self, project: Project, api: str) -> httpx.Response:
        member = max(project.members, key=project.level, default=0)
        account = self._instance.accounts.get(member)
        headers = {"PRIVATE-TOKEN": account.token if account else ""}
        transport = httpx.ASGITransport(app=self._api)
        async with httpx.AsyncClient(transport=transport, base_url=self._instance.url) as client:
            return await client.get(f"/api/v4/projects/{project.project_id}/{api}", headers=headers)


class _NoPage(Exception):
    """There is nothing at this address."""


def _cells(project: Project, row: Row) -> list[Cell]:
    """A row of some list: its name as a link, then what tells most about it."""
    names = (row.get(key) for key in ("name", "new_path", "short_id", "tag_name"))
    name = next((each for each in names if each), f"#{row.get('iid', row.get('id'))}")
    name = row["references"]["short"] if "references" in row else name
    return [
        Cell(name, row.get("web_url") or _link(project, row)),
        *(
            Cell(row[key], row[key] if key == "external_url" else None)
            for key in _TELLING
            if row.get(key) not in (None, "", name)
        ),
    ]


def _link(project: Project, row: Row) -> str | None:
    if "tag_name" in row:
        return f"{project.web_url}/-/releases/{quote(str(row['tag_name']), safe='')}"
    if "target" in row:
        return f"{project.web_url}/-/tags/{quote(str(row['name']), safe='')}"
    if "tier" in row:
        return f"{project.web_url}/-/environments/{row['id']}"
    return None
