"""What keeps a review from being closed that only Jira and the backlog know at that moment. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.errors import NotFound
from integrations.jira.client import quoted
from lifecycle.policy import Project
from lifecycle.review import Review
from tasks.backlog import state_of
from tasks.context import jira
from tasks.plans import NEEDS_INFO


def obstacles(project: Project, state: Review) -> tuple[str, ...]:
    """Why the accepted issues cannot be planned as they are now: open questions, or merged meanwhile.

    Raises:
        Transient: Jira did not answer.
    """
    accepted = state.plan.accepted
    merged = state_of(project.id).merges.originals
    asked = [f"{key} is accepted but has open questions" for key in _open_questions(project, state)]
    gone = [f"{key} is accepted but was merged into {merged[key]}" for key in accepted if key in merged]
    return (*asked, *gone)


def _open_questions(project: Project, state: Review) -> Iterator[str]:
    """The accepted issues with the label; those that the search names, or once had it, are read themselves.

    Jira's search lags behind its writes: a label removed just now would still be found.
    """
    if not state.plan.accepted:
        return
    label, known = quoted(NEEDS_INFO), state.proposed.agenda.questions if state.proposed else ()
    jql = f"project = {quoted(project.jira)} AND labels = {label} AND fixVersion is EMPTY ORDER BY key ASC"
    found = {issue.key for issue in jira().search(jql, fields=("labels",))}
    for key in state.plan.accepted:
        if key in found or key in known:
            try:
                issue = jira().issue(key)
            except NotFound:
                continue
            if NEEDS_INFO in issue.labels:
                yield key
