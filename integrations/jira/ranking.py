"""The order of issues on boards and in the backlog: Jira Software's rank."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.errors import NotFound, Transient
from integrations.jira.models import as_list, as_object, as_text
from integrations.jira.session import Port

AT_ONCE = 50
"""So many issues Jira ranks in one call."""


class Ranking(Port):
    """The part of `JiraClient` that needs Jira Software."""

    def rank(
        self, keys: Sequence[str], *, before: str | None = None, after: str | None = None
    ) -> dict[str, str] | None:
        """Rank `keys` in this order right before or after another issue; a repeat changes nothing.

        Exactly one of `before` and `after` is given, and it is none of `keys`.

        Returns:
            What Jira did not rank, with its reason; None if this Jira has no ranks (no Jira Software).

        Raises:
            Transient: also when Jira could not rank some of them now.

        Source: https://developer.atlassian.com/cloud/jira/software/rest/api-group-issue/#api-rest-agile-1-0-issue-rank-put
        """
        refused: dict[str, str] = {}
        for start in range(0, len(keys), AT_ONCE):
            chunk = list(keys[start : start + AT_ONCE])
            anchor = {"rankBeforeIssue": before} if before else {"rankAfterIssue": after}
            try:
                answer = self._jira.call(
                    "rank", chunk[0], "PUT", "issue/rank", json={"issues": chunk, **anchor}, api="agile/1.0"
                )
            except NotFound:
                return None
            refused |= _refused(answer)
            after = chunk[-1]
        return refused


def _refused(answer: object) -> dict[str, str]:
    """What a 207 says of each issue that was not ranked; a 204 has no body."""
    refused: dict[str, str] = {}
    for entry in map(as_object, as_list(as_object(answer).get("entries"))):
        status, key = int(entry.get("status") or 0), as_text(entry.get("issueKey"))
        why = "; ".join(map(str, as_list(entry.get("errors")))) or f"answered {status}"
        if status == 429 or status >= 500:
            raise Transient("jira", "rank", key, status, why)
        if status >= 300:
            refused[key] = why
    return refused
