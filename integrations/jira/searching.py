"""Jira's search: by page tokens on Cloud, by offset on Server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integrations.errors import Transient
from integrations.jira.models import Issue, Json, as_list, as_object, as_text, issue_from
from integrations.jira.session import Port

FIELDS = (
    "summary",
    "description",
    "status",
    "issuetype",
    "priority",
    "labels",
    "fixVersions",
    "components",
    "assignee",
    "reporter",
    "project",
    "issuelinks",
    "created",
    "updated",
    "resolution",
)

_SCANNED = {"cloud": 100, "server": 250}
_KEYS = {"cloud": 5000, "server": 1000}
"""The most that one page holds; a Jira that gives less is asked more often."""


class Searching(Port):
    """The part of `JiraClient` that searches."""

    def search(
        self, jql: str, *, fields: Sequence[str] | None = None, page_size: int = 100
    ) -> Iterator[Issue]:
        """Every issue that matches `jql`, page by page; on Cloud the query has to be bounded.

        A search lags behind writes by seconds to minutes on Cloud. On Server pages are counted by offset: a
        result that changes meanwhile may be missed or come twice, so order by something that stays.

        Raises:
            Transient: also when Cloud hands out the same page token again.

        Source: https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
        """
        asked: Json = {"jql": jql, "fields": list(fields or FIELDS), "maxResults": page_size}
        pages = self._pages_by_token(asked) if self._jira.flavor == "cloud" else self._pages_by_offset(asked)
        for page in pages:
            yield from map(issue_from, page)

    def scan(self, jql: str, fields: Sequence[str]) -> Iterator[list[Issue]]:
        """Every issue that matches `jql`, in pages, for whoever notes after each how far they have come.

        Some come twice. On Server none is missed though others leave the result or move to its end
        meanwhile: each page begins with the last of the one before, and goes back where it does not.
        """
        flavor = self._jira.flavor
        asked: Json = {"jql": jql, "fields": list(fields), "maxResults": _SCANNED[flavor]}
        pages = self._pages_by_token(asked) if flavor == "cloud" else self._overlapping(asked)
        for page in pages:
            yield [issue_from(raw) for raw in page]

    def keys(self, jql: str) -> frozenset[str]:
        """The keys of all issues that match `jql`, in few and large pages.

        On Server one is missing if others left the result meanwhile.
        """
        size = _KEYS[self._jira.flavor]
        return frozenset(issue.key for issue in self.search(jql, fields=("key",), page_size=size))

    def _pages_by_token(self, asked: Json) -> Iterator[list[Any]]:
        seen: set[str] = set()
        while True:
            answer = as_object(self._jira.call("search", "", "POST", "search/jql", json=asked))
            yield as_list(answer.get("issues"))
            token = as_text(answer.get("nextPageToken"))
            if not token:
                return
            if token in seen:
                raise Transient("jira", "search", "", None, "the same page token came again")
            seen.add(token)
            asked = {**asked, "nextPageToken": token}

    def _pages_by_offset(self, asked: Json) -> Iterator[list[Any]]:
        start = 0
        while True:
            page, total = self._page(asked, start)
            yield page
            start += len(page)
            if not page or start >= total:
                return

    def _overlapping(self, asked: Json) -> Iterator[list[Any]]:
        start, before = 0, set[str]()
        while True:
            page, total = self._page(asked, start)
            keys = {as_text(as_object(raw).get("key")) for raw in page}
            if before and start and not keys & before:
                # So many left the result before this place that some were skipped.
                start = max(0, start - max(len(page), len(before)))
                continue
            yield page
            if not page or start + len(page) >= total:
                return
            start, before = start + max(1, len(page) - 1), keys

    def _page(self, asked: Json, start: int) -> tuple[list[Any], int]:
        answer = as_object(self._jira.call("search", "", "POST", "search", json={**asked, "startAt": start}))
        return as_list(answer.get("issues")), int(answer.get("total") or 0)
