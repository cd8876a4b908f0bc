"""Search: by page tokens on Cloud, by offset on Server. Each refuses the other's."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from datetime import timedelta
from typing import Any

from integrations.sandbox.jira.app import Answer, Call, Table
from integrations.sandbox.jira.body import names
from integrations.sandbox.jira.jql import parse
from integrations.sandbox.jira.query import run
from integrations.sandbox.jira.state import Issue, Problem

_KEPT = 200
_GONE = "The requested API has been removed. Please migrate to the /rest/api/2/search/jql API."


class Search:
    """Runs queries; pages of one query come from one running of it, so they neither overlap nor miss.

    `index_lag_s`: a new issue is not found before that many seconds, as on Cloud.
    """

    def __init__(self, index_lag_s: float = 0.0) -> None:
        self._lag = timedelta(seconds=index_lag_s)
        self._kept: OrderedDict[str, list[Issue]] = OrderedDict()

    def tables(self) -> Table:
        """The routes."""
        return [
            ("GET", "/search", self.by_offset),
            ("POST", "/search", self.by_offset),
            ("GET", "/search/jql", self.by_token),
            ("POST", "/search/jql", self.by_token),
            ("POST", "/search/approximate-count", self.count),
        ]

    def by_offset(self, call: Call) -> Answer:
        """Server's search: `startAt` and `total`."""
        if call.state.cloud:
            raise Problem(410, _GONE)
        asked = _asked(call)
        start, most = _number(asked, "startAt", 0), min(_number(asked, "maxResults", 50), 1000)
        jql = str(asked.get("jql") or "")
        name = f"{jql}|{call.actor}|{call.state.revision}|{call.state.now():%H:%M}"
        found = self._kept.get(name)
        if found is None:
            found = self._keep(name, self._run(call, jql))
        wanted = _wanted(asked, ["*navigable"])
        page = [_shown(call, issue, wanted, asked) for issue in found[start : start + most]]
        return 200, {"startAt": start, "maxResults": most, "total": len(found), "issues": page}

    def by_token(self, call: Call) -> Answer:
        """Cloud's search: `nextPageToken`, no total, ids only unless fields are asked for."""
        if not call.state.cloud:
            raise Problem(404, "null for uri: /rest/api/2/search/jql")
        asked = _asked(call)
        most = _number(asked, "maxResults", 50)
        wanted = _wanted(asked, ["id"])
        most = min(most, 5000 if set(wanted) <= {"id", "key"} else 100)
        token = str(asked.get("nextPageToken") or "")
        if token:
            name, _, offset = token.partition(".")
            if name not in self._kept or not offset.isdigit():
                raise Problem(400, "The provided next page token is invalid or expired.")
            start, found = int(offset), self._kept[name]
        else:
            name, start = secrets.token_urlsafe(9), 0
            found = self._keep(name, self._run(call, _bounded(asked)))
        page = [_shown(call, issue, wanted, asked) for issue in found[start : start + most]]
        last = start + most >= len(found)
        more = {} if last else {"nextPageToken": f"{name}.{start + most}"}
        return 200, {"issues": page, "isLast": last, **more}

    def count(self, call: Call) -> Answer:
        """About how many match; here exactly."""
        if not call.state.cloud:
            raise Problem(404, "null for uri: /rest/api/2/search/approximate-count")
        return 200, {"count": len(self._run(call, _bounded(call.object())))}

    def _run(self, call: Call, jql: str) -> list[Issue]:
        found = run(call.state, parse(jql), call.actor)
        if self._lag:
            seen = call.state.now() - self._lag
            found = [issue for issue in found if issue.created <= seen]
        return found

    def _keep(self, name: str, found: list[Issue]) -> list[Issue]:
        self._kept[name] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _asked(call: Call) -> dict[str, Any]:
    return dict(call.query) if call.body is None else call.object()


def _bounded(asked: dict[str, Any]) -> str:
    jql = str(asked.get("jql") or "")
    if parse(jql).where is None:
        raise Problem(
            400,
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        )
    return jql


def _number(asked: dict[str, Any], name: str, default: int) -> int:
    text = str(asked.get(name, default))
    if not text.isdigit():
        raise Problem(400, f"The value '{text}' of '{name}' is not a number.")
    return int(text)


def _wanted(asked: dict[str, Any], default: list[str]) -> list[str]:
    return names(asked.get("fields")) or default


def _shown(call: Call, issue: Issue, wanted: list[str], asked: dict[str, Any]) -> dict[str, Any]:
    if wanted == ["id"]:
        return {"id": issue.id}
    properties, expand = names(asked.get("properties")), names(asked.get("expand"))
    return call.wire.issue(issue, wanted, expand=expand, properties=properties)
