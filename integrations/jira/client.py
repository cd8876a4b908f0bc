"""What Conveyor asks of Jira: issues, their transitions, comments, links and properties, and versions.

Every writing method may be called twice: it looks first, then acts, and says which. The one exception is
`create_issue`, which cannot look (a search lags behind): after an unclear answer look with `find_created`.
A client is for one thread, and holds a secret: it is never a parameter or a result of a flow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from integrations.errors import Conflict, Refused, Transient
from integrations.jira.models import (
    Issue,
    Json,
    as_list,
    as_object,
    as_text,
    issue_from,
)
from integrations.jira.notes import OP_PROPERTY, Notes
from integrations.jira.session import Flavor, JiraSession, segment, told
from integrations.jira.versions import Versions
from integrations.settings import JiraSettings

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


def op_label(op_key: str) -> str:
    """The label that an issue made for `op_key` carries: properties cannot be searched, labels can."""
    return f"op-{hashlib.sha256(op_key.encode()).hexdigest()[:16]}"


def quoted(text: str) -> str:
    """`text` as a JQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class JiraClient(Notes, Versions):
    """A narrow port to one Jira, Cloud or Server; see the module's promise.

    Every method raises, besides what it names itself:
        Transient: no answer, 429 or 5xx; look, then repeat (`retry_after_s` if Jira said when).
        NotFound: the issue, project or version is not there, or not for us.
        Refused: credentials, permission or input; a person has to change something.
    """

    def __init__(self, settings: JiraSettings) -> None:
        super().__init__(JiraSession(settings))

    @property
    def flavor(self) -> Flavor:
        """Which of the two products this is."""
        return self._jira.flavor

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._jira.close()

    def browse_url(self, key: str) -> str:
        """Where a person looks at issue `key`."""
        return f"{self._jira.url}/browse/{segment(key)}"

    def myself(self) -> str:
        """The account id these credentials act as."""
        return self._jira.myself()

    def issue(self, key: str) -> Issue:
        """Read one issue: the truth, where a search may lag behind."""
        return issue_from(self._jira.issue("issue", key, ",".join(FIELDS)))

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
        pages = self._pages_by_token(asked) if self.flavor == "cloud" else self._pages_by_offset(asked)
        for page in pages:
            yield from map(issue_from, page)

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
            sent = {**asked, "startAt": start}
            answer = as_object(self._jira.call("search", "", "POST", "search", json=sent))
            page = as_list(answer.get("issues"))
            yield page
            start += len(page)
            if not page or start >= int(answer.get("total") or 0):
                return

    def create_issue(
        self,
        project_key: str,
        issue_type: str,
        summary: str,
        description: str,
        *,
        op_key: str,
        labels: Sequence[str] = (),
        priority: str | None = None,
        reporter_account_id: str | None = None,
        properties: Sequence[tuple[str, object]] = (),
    ) -> str:
        """Create an issue with one POST and return its key. NOT idempotent: every call makes one.

        The issue carries `op_key` in a property and as a label from its first moment, so `find_created`
        finds it whatever became of the answer. After a Transient never call again before looking.
        """
        fields: Json = {
            "project": {"key": project_key},
            "issuetype": {"name": issue_type},
            "summary": summary,
            "description": description,
            "labels": [*labels, op_label(op_key)],
        }
        if priority is not None:
            fields["priority"] = {"name": priority}
        if reporter_account_id is not None:
            fields["reporter"] = self._account(reporter_account_id)
        marked = [*properties, (OP_PROPERTY, {"op_key": op_key})]
        body = {"fields": fields, "properties": [{"key": name, "value": value} for name, value in marked]}
        answer = self._jira.call("create issue", project_key, "POST", "issue", json=body)
        return told(answer, "key", "create issue", project_key)

    def find_created(self, project_key: str, op_key: str) -> str | None:
        """The key of the issue that was created for `op_key`, the oldest if there are several.

        None does not yet mean "not created": Cloud's index lags by seconds to minutes. Ask again for two to
        five minutes before creating a second time, or ask a person.
        """
        jql = f"project = {quoted(project_key)} AND labels = {quoted(op_label(op_key))} ORDER BY created ASC"
        for found in self.search(jql, fields=("summary",)):
            marker = as_object(self.property(found.key, OP_PROPERTY))
            if marker.get("op_key") == op_key:
                return found.key
        return None

    def transition(self, key: str, to_status: str, *, resolution: str | None = None) -> bool:
        """Move issue `key` to workflow status `to_status` (its name, case ignored) in one transition.

        Returns:
            True if the issue moved, False if it already stood there (then `resolution` is not looked at).

        Raises:
            Conflict: no transition from the present status leads there, or somebody was faster.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/#api-rest-api-2-issue-issueidorkey-transitions-post
        """
        if self._status(key).casefold() == to_status.casefold():
            return False
        path = f"issue/{segment(key)}/transitions"
        answer = as_object(self._jira.call("transition", key, "GET", path))
        for way in map(as_object, as_list(answer.get("transitions"))):
            if as_text(as_object(way.get("to")).get("name")).casefold() == to_status.casefold():
                return self._take(key, as_text(way.get("id")), to_status, resolution)
        raise Conflict("jira", "transition", key, None, f"no way to {to_status!r}")

    def _take(self, key: str, transition_id: str, to_status: str, resolution: str | None) -> bool:
        body: Json = {"transition": {"id": transition_id}}
        if resolution is not None:
            body["fields"] = {"resolution": {"name": resolution}}
        try:
            self._jira.call("transition", key, "POST", f"issue/{segment(key)}/transitions", json=body)
        except (Conflict, Refused) as error:  # somebody was faster, perhaps with the same wish
            if error.status not in (400, 409) or self._status(key).casefold() != to_status.casefold():
                raise
            return False
        return True

    def _status(self, key: str) -> str:
        return issue_from(self._jira.issue("transition", key, "status")).status

    def edit(
        self,
        key: str,
        *,
        summary: str | None = None,
        description: str | None = None,
        priority: str | None = None,
        assignee_account_id: str | None = None,
        add_labels: Sequence[str] = (),
        remove_labels: Sequence[str] = (),
    ) -> bool:
        """Change what is given and differs; an empty `assignee_account_id` unassigns.

        Returns:
            True if something was changed, False if all stood so already: then nothing is sent.
        """
        now = self.issue(key)
        fields: Json = {}
        if summary is not None and summary != now.summary:
            fields["summary"] = summary
        if description is not None and description != now.description:
            fields["description"] = description
        if priority is not None and priority != now.priority:
            fields["priority"] = {"name": priority}
        if assignee_account_id is not None and assignee_account_id != now.assignee_account_id:
            fields["assignee"] = self._account(assignee_account_id) if assignee_account_id else None
        operations = [{"add": label} for label in add_labels if label not in now.labels]
        operations += [{"remove": label} for label in remove_labels if label in now.labels]
        return self._edit("edit", key, fields, {"labels": operations} if operations else {})

    def _edit(self, operation: str, key: str, fields: Json, update: Json) -> bool:
        if not fields and not update:
            return False
        body = {name: part for name, part in (("fields", fields), ("update", update)) if part}
        self._jira.call(operation, key, "PUT", f"issue/{segment(key)}", json=body)
        return True

    def add_fix_version(self, key: str, name: str) -> bool:
        """Put issue `key` into version `name`, leaving its others; False if it was in it."""
        return name not in self._fix_versions(key) and self._fix(key, "add", name)

    def remove_fix_version(self, key: str, name: str) -> bool:
        """Take issue `key` out of version `name`, leaving its others; False if it was not in it."""
        return name in self._fix_versions(key) and self._fix(key, "remove", name)

    def _fix(self, key: str, verb: str, name: str) -> bool:
        return self._edit("fix version", key, {}, {"fixVersions": [{verb: {"name": name}}]})

    def _fix_versions(self, key: str) -> tuple[str, ...]:
        return issue_from(self._jira.issue("fix version", key, "fixVersions")).fix_versions

    def _account(self, account_id: str) -> Json:
        return {"accountId": account_id} if self.flavor == "cloud" else {"name": account_id}
