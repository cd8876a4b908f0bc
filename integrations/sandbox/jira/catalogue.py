"""What a project of this Jira has from the start: its workflow, types, priorities, links and fields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """A status category; Jira's keys are fixed: new, indeterminate, done."""

    id: int
    key: str
    name: str
    color: str


@dataclass(frozen=True)
class Status:
    """A status of the workflow."""

    id: str
    name: str
    category: Category


@dataclass(frozen=True)
class Transition:
    """A named way from some statuses to one; its name is never that of the status, as in a real Jira."""

    id: str
    name: str
    sources: frozenset[str]
    target: str


@dataclass(frozen=True)
class LinkType:
    """A kind of link; the inward issue of a link does the `outward` thing to the outward issue."""

    id: str
    name: str
    inward: str
    outward: str


NEW = Category(2, "new", "To Do", "blue-gray")
UNDER_WAY = Category(4, "indeterminate", "In Progress", "yellow")
DONE = Category(3, "done", "Done", "green")
CATEGORIES = (Category(1, "undefined", "No Category", "medium-gray"), NEW, UNDER_WAY, DONE)

STATUSES = {
    status.name: status
    for status in (
        Status("10001", "To Do", NEW),
        Status("10002", "In Progress", UNDER_WAY),
        Status("10003", "Code Review", UNDER_WAY),
        Status("10004", "QA", UNDER_WAY),
        Status("10005", "Waiting Release", UNDER_WAY),
        Status("10006", "Released", DONE),
        Status("10007", "Closed", DONE),
    )
}


def _ways(*ways: tuple[str, str, str, str]) -> tuple[Transition, ...]:
    return tuple(Transition(id_, name, frozenset({source}), target) for id_, name, source, target in ways)


TRANSITIONS = (
    *_ways(
        ("11", "Start work", "To Do", "In Progress"),
        ("21", "Send to review", "In Progress", "Code Review"),
        ("31", "Hand to QA", "Code Review", "QA"),
        ("32", "Ask for changes", "Code Review", "In Progress"),
        ("41", "Pass", "QA", "Waiting Release"),
        ("42", "Return for rework", "QA", "In Progress"),
        ("51", "Ship", "Waiting Release", "Released"),
        ("61", "Finish", "Released", "Closed"),
        ("62", "Roll back", "Released", "Waiting Release"),
    ),
    Transition("71", "Reject", frozenset(STATUSES) - {"Released", "Closed"}, "Closed"),
)

PRIORITIES = {name: str(n) for n, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)}
ISSUE_TYPES = {"Task": "10101", "Bug": "10102", "Story": "10103", "Sub-task": "10104"}
RESOLUTIONS = {"Done": "10201", "Won't Do": "10202", "Duplicate": "10203", "Cannot Reproduce": "10204"}
LINK_TYPES = {
    kind.name: kind
    for kind in (
        LinkType("10301", "Blocks", "is blocked by", "blocks"),
        LinkType("10302", "Duplicate", "is duplicated by", "duplicates"),
        LinkType("10303", "Relates", "relates to", "relates to"),
    )
}
# Field id -> (display name, schema type, names in JQL).
FIELDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "summary": ("Summary", "string", ("summary",)),
    "description": ("Description", "string", ("description",)),
    "status": ("Status", "status", ("status",)),
    "issuetype": ("Issue Type", "issuetype", ("issuetype", "type")),
    "priority": ("Priority", "priority", ("priority",)),
    "labels": ("Labels", "array", ("labels",)),
    "fixVersions": ("Fix versions", "array", ("fixVersion",)),
    "components": ("Components", "array", ("component",)),
    "assignee": ("Assignee", "user", ("assignee",)),
    "reporter": ("Reporter", "user", ("reporter",)),
    "creator": ("Creator", "user", ("creator",)),
    "project": ("Project", "project", ("project",)),
    "resolution": ("Resolution", "resolution", ("resolution",)),
    "resolutiondate": ("Resolved", "datetime", ("resolutiondate",)),
    "issuelinks": ("Linked Issues", "array", ()),
    "parent": ("Parent", "issuelink", ("parent",)),
    "subtasks": ("Sub-tasks", "array", ()),
    "duedate": ("Due date", "date", ("duedate",)),
    "created": ("Created", "datetime", ("created",)),
    "updated": ("Updated", "datetime", ("updated",)),
    "comment": ("Comment", "comments-page", ("comment",)),
}
