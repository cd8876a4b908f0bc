"""Two pages for a person: the board, and one issue. They need no login and change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from integrations.sandbox.jira.catalogue import LINK_TYPES, STATUSES
from integrations.sandbox.jira.state import Issue, State

_SHOWN = 50
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem;color:#172b4d;background:#fff}
a{color:#0052cc;text-decoration:none} h1{font-size:1.3rem} small,.quiet{color:#5e6c84}
.board{display:grid;grid-template-columns:repeat(7,minmax(9rem,1fr));gap:.6rem}
.board section{background:#f4f5f7;border-radius:6px;padding:.5rem}
.board h2{font-size:.78rem;text-transform:uppercase;color:#5e6c84;margin:.2rem}
h2{font-size:1.05rem} .card{overflow-wrap:anywhere}
.card{background:#fff;border-radius:4px;padding:.5rem;margin:.4rem 0;box-shadow:0 1px 1px #091e4240}
table{border-collapse:collapse} td,th{text-align:left;padding:.15rem .9rem .15rem 0;vertical-align:top}
pre{white-space:pre-wrap;font:inherit}
"""


def pages(state: State) -> list[Route]:
    """The routes of both pages; a project's own page is the board of that project."""

    async def board(request: Request) -> HTMLResponse:
        wanted = request.path_params.get("key") or request.query_params.get("project", "")
        with state.lock:
            columns = "".join(_column(state, status, wanted) for status in STATUSES)
            names = " · ".join(
                f'<a href="/?project={escape(key)}">{escape(key)}</a>' for key in state.projects
            )
        title = escape(wanted or "All projects")
        links = f'<a href="/">All</a> · {names}'
        return _page("Board", f'<h1>{title}</h1><p>{links}</p><div class="board">{columns}</div>')

    async def browse(request: Request) -> HTMLResponse:
        with state.lock:
            issue = state.issues.get(request.path_params["key"].upper())
            if issue is None:
                return _page("Not found", "<h1>There is no such issue</h1>", 404)
            return _page(f"{issue.key} {issue.summary}", _issue(state, issue))

    return [Route("/", board), Route("/projects/{key}", board), Route("/browse/{key}", browse)]


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = f'<meta charset="utf-8"><title>{escape(title)} - Sandbox Jira</title><style>{_STYLE}</style>'
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>', status
    )


def _column(state: State, status: str, project: str) -> str:
    rows = [
        issue
        for (key, name), issues in state.by_status.items()
        if name == status and project in ("", key)
        for issue in issues.values()
    ]
    shown = sorted(rows, key=lambda issue: issue.updated, reverse=True)[:_SHOWN]
    rest = f'<p class="quiet">and {len(rows) - _SHOWN} more</p>' if len(rows) > _SHOWN else ""
    cards = "".join(f'<div class="card">{_reference(i)}<br>{escape(i.summary)}</div>' for i in shown)
    return f"<section><h2>{escape(status)} {len(rows)}</h2>{cards}{rest}</section>"


def _reference(issue: Issue) -> str:
    return f'<a href="/browse/{escape(issue.key)}">{escape(issue.key)}</a>'


def _person(state: State, account: str) -> str:
    return escape(state.people[account].name if account in state.people else account or "nobody")


def _issue(state: State, issue: Issue) -> str:
    versions = ", ".join(state.versions[id_].name for id_ in issue.fix_versions)
    facts = {
        "Status": escape(issue.status),
        "Resolution": escape(issue.resolution or "Unresolved"),
        "Type": escape(issue.issuetype),
        "Priority": escape(issue.priority or "None"),
        "Fix versions": escape(versions or "None"),
        "Labels": escape(" ".join(issue.labels) or "None"),
        "Assignee": _person(state, issue.assignee),
        "Reporter": _person(state, issue.reporter),
    }
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items())
    head = f'<p><a href="/">Board</a> / {escape(issue.key)}</p><h1>{escape(issue.summary)}</h1>'
    return (
        f"{head}<table>{rows}</table><h2>Description</h2><pre>{escape(issue.description)}</pre>"
        f"<h2>Links</h2><ul>{''.join(_links(state, issue))}</ul>"
        f"<h2>Comments</h2>{''.join(_comments(state, issue))}"
        f"<h2>History</h2><ul>{''.join(_history(state, issue))}</ul>"
    )


def _links(state: State, issue: Issue) -> Iterable[str]:
    for link in issue.links:
        kind = LINK_TYPES[link.type]
        text, other = (kind.outward, link.outward) if link.inward == issue.key else (kind.inward, link.inward)
        yield f"<li>{escape(text)} {_reference(state.issues[other])}</li>"
    for remote in issue.remote_links.values():
        url, title = str(remote["object"]["url"]), str(remote["object"]["title"])
        shown = escape(title)
        safe = url.startswith(("http://", "https://"))
        yield f'<li><a href="{escape(url)}">{shown}</a></li>' if safe else f"<li>{shown}</li>"


def _comments(state: State, issue: Issue) -> Iterable[str]:
    for comment in issue.comments:
        who = f"<b>{_person(state, comment.author)}</b> <small>{comment.created:%Y-%m-%d %H:%M:%S}</small>"
        yield f'<div class="card">{who}<pre>{escape(comment.body)}</pre></div>'


def _history(state: State, issue: Issue) -> Iterable[str]:
    for change in reversed(issue.history):
        for item in change.items:
            before, after = (escape(str(item[side] or "nothing")) for side in ("fromString", "toString"))
            who, when = _person(state, change.author), f"{change.created:%Y-%m-%d %H:%M:%S}"
            yield f"<li><small>{when}</small> {who}: {escape(item['field'])} {before} → {after}</li>"
