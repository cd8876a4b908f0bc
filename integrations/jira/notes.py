"""What hangs on an issue: comments, links to issues and elsewhere, properties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from integrations.errors import NotFound
from integrations.jira.models import (
    Comment,
    Json,
    account_of,
    as_list,
    as_object,
    as_text,
    comment_from,
    issue_from,
)
from integrations.jira.session import Port, segment, told

OP_PROPERTY = "conveyor.op"


class Notes(Port):
    """The part of `JiraClient` that leaves marks on an issue, each only once."""

    def comment(self, key: str, body: str, *, op_key: str) -> str:
        """Comment on issue `key` once per `op_key`; returns the comment's id, old or new.

        The text of an earlier comment with the same `op_key` stays as it is.
        """
        found = self.find_comment(key, op_key)
        if found is not None:
            return found
        marker = {"key": OP_PROPERTY, "value": {"op_key": op_key}}
        sent = {"body": body, "properties": [marker]}
        answer = self._jira.call("comment", key, "POST", f"issue/{segment(key)}/comment", json=sent)
        return told(answer, "id", "comment", key)

    def find_comment(self, key: str, op_key: str) -> str | None:
        """The id of the comment that was made for `op_key`; not a search, so None means there is none."""
        me = ""
        for raw in self._comments("find comment", key):
            if "properties" in raw:
                values = {as_object(one).get("key"): as_object(one).get("value") for one in raw["properties"]}
                marker = values.get(OP_PROPERTY)
            else:  # not every Jira expands a comment's properties: ask for those of our own
                me = me or self._jira.myself()
                marker = self._comment_marker(raw) if account_of(raw.get("author")) == me else None
            if as_object(marker).get("op_key") == op_key:
                return as_text(raw.get("id"))
        return None

    def _comment_marker(self, raw: Json) -> object:
        id_ = as_text(raw.get("id"))
        with suppress(NotFound):
            path = f"comment/{segment(id_)}/properties/{OP_PROPERTY}"
            return as_object(self._jira.call("find comment", id_, "GET", path)).get("value")
        return None

    def comments(self, key: str) -> tuple[Comment, ...]:
        """Every comment of an issue, the oldest first."""
        return tuple(map(comment_from, self._comments("comments", key)))

    def _comments(self, operation: str, key: str) -> Iterator[Json]:
        start = 0
        while True:
            params: dict[str, str | int] = {"startAt": start, "maxResults": 100, "expand": "properties"}
            answer = self._jira.call(operation, key, "GET", f"issue/{segment(key)}/comment", params=params)
            page = as_list(as_object(answer).get("comments"))
            yield from map(as_object, page)
            start += len(page)
            if not page or start >= int(as_object(answer).get("total") or 0):
                return

    def link(self, link_type: str, inward_key: str, outward_key: str) -> bool:
        """Link two issues; False if they are. With "Blocks", `inward_key` blocks `outward_key`.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-links/
        """
        if self._link_id(link_type, inward_key, outward_key):
            return False
        ends = {"inwardIssue": {"key": inward_key}, "outwardIssue": {"key": outward_key}}
        self._jira.call("link", inward_key, "POST", "issueLink", json={"type": {"name": link_type}, **ends})
        return True

    def unlink(self, link_type: str, inward_key: str, outward_key: str) -> bool:
        """Remove that link; False if there is none."""
        id_ = self._link_id(link_type, inward_key, outward_key)
        if not id_:
            return False
        try:
            self._jira.call("unlink", inward_key, "DELETE", f"issueLink/{segment(id_)}")
        except NotFound:  # somebody was faster
            return False
        return True

    def _link_id(self, link_type: str, inward_key: str, outward_key: str) -> str:
        for link in issue_from(self._jira.issue("link", inward_key, "issuelinks")).links:
            if (link.type, link.direction, link.key) == (link_type, "outward", outward_key):
                return link.id
        return ""

    def remote_link(self, key: str, global_id: str, url: str, title: str) -> str:
        """Show `url` on issue `key`, one link per `global_id`: a repeat replaces it. Returns its id."""
        body = {"globalId": global_id, "object": {"url": url, "title": title}}
        answer = self._jira.call("remote link", key, "POST", f"issue/{segment(key)}/remotelink", json=body)
        return told(answer, "id", "remote link", key)

    def remove_remote_link(self, key: str, global_id: str) -> bool:
        """Take the link of that `global_id` off issue `key`; False if there is none.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-remote-links/
        """
        path = f"issue/{segment(key)}/remotelink"
        try:
            self._jira.call("remove remote link", key, "DELETE", path, params={"globalId": global_id})
        except NotFound:
            return False
        return True

    def set_property(self, key: str, name: str, value: object) -> None:
        """Set an issue's property to any JSON value; a repeat changes nothing. A mirror, no authority."""
        path = f"issue/{segment(key)}/properties/{segment(name)}"
        self._jira.call("set property", key, "PUT", path, json=value)

    def remove_property(self, key: str, name: str) -> bool:
        """Take a property off the issue; False if it has none of that name."""
        path = f"issue/{segment(key)}/properties/{segment(name)}"
        try:
            self._jira.call("remove property", key, "DELETE", path)
        except NotFound:
            return False
        return True

    def property(self, key: str, name: str) -> Any | None:
        """An issue's property, None if it has none of that name."""
        raw = self._jira.issue("property", key, "status", properties=name)
        return as_object(raw.get("properties")).get(name)
