"""What Conveyor asks of Jira: issues, their transitions, comments, links and properties, and versions.

Every writing method may be called twice: it looks first, then acts, and says which. The one exception is
`create_issue`, which cannot look (a search lags behind): after an unclear answer look with `find_created`.
A client is for one thread, and holds a secret: it is never a parameter or a result of a flow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.jira.desk import ServiceDesk
from integrations.jira.models import (
    Issue,
    Json,
    StatusEntered,
    User,
    as_list,
    as_object,
    as_text,
    entered_from,
    issue_from,
    user_from,
)
from integrations.jira.notes import OP_PROPERTY, Notes
from integrations.jira.ranking import Ranking
from integrations.jira.searching import FIELDS, Searching
from integrations.jira.session import Flavor, JiraSession, segment, told
from integrations.jira.versions import Versions
from integrations.settings import JiraSettings


def op_label(op_key: str) -> str:
    """The label that an issue made for `op_key` carries: properties cannot be searched, labels can."""
    return f"op-{hashlib.sha256(op_key.encode()).hexdigest()[:16]}"


def quoted(text: str) -> str:
    """`text` as a JQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class JiraClient(Searching, Notes, Versions, Ranking, ServiceDesk):
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

    def user(self, account_id: str) -> User:
        """One account, deactivated ones too.

        Raises:
            NotFound: there is no such account, or it was deleted: then Cloud calls it unknown.
            Refused: the account these credentials act as may not browse users.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-users/#api-rest-api-2-user-get
        """
        name = "accountId" if self.flavor == "cloud" else "username"
        answer = self._jira.call("user", account_id, "GET", "user", params={name: account_id})
        found = user_from(as_object(answer))
        if found.account_id == "unknown":
            raise NotFound("jira", "user", account_id, None, "the account was deleted")
        if not found.account_id:
            raise Transient("jira", "user", account_id, None, "the answer has no account")
        return found

    def issue(self, key: str, fields: Sequence[str] = FIELDS) -> Issue:
        """Read one issue: the truth, where a search may lag behind. A moved one comes with its new key."""
        return issue_from(self._jira.issue("issue", key, ",".join(fields)))

    def entered(self, key: str) -> tuple[StatusEntered, ...]:
        """When the issue entered which status, the oldest first.

        Jira tells the newest hundred changes of an issue's history in one answer; nothing is told of an issue
        that has more, since its first steps are missing there.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/#api-rest-api-2-issue-issueidorkey-get
        """
        return entered_from(self._jira.issue("history", key, "status", expand="changelog"))

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
        parent_key: str = "",
        assignee_account_id: str = "",
        due: str = "",
    ) -> str:
        """Create an issue with one POST and return its key. NOT idempotent: every call makes one.

        With `parent_key` it is a sub-task of that issue, and `issue_type` has to be one for sub-tasks.
        `due` is an ISO date.

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
        if assignee_account_id:
            fields["assignee"] = self._account(assignee_account_id)
        if parent_key:
            fields["parent"] = {"key": parent_key}
        if due:
            fields["duedate"] = due
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
