"""What a JQL query means over the rows, and which index answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from integrations.sandbox.jira.catalogue import PRIORITIES, STATUSES
from integrations.sandbox.jira.jql import Both, Clause, Not, Query, Tree
from integrations.sandbox.jira.state import Issue, Problem, State

Test = Callable[[Issue], bool]

_ALIASES = {"type": "issuetype", "issue": "key", "id": "key", "issuekey": "key", "fixversions": "fixversion"}
_DATES = {"created", "updated", "resolutiondate", "resolved"}
_TEXTS = {"text", "summary", "description", "comment"}
_PERSON = {"assignee", "reporter", "creator"}
_HISTORY = {"assignee", "priority", "reporter", "resolution", "status"}
_UNITS = {"m": 1, "h": 60, "d": 1440, "w": 10080}
_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M")

_VALUES: dict[str, Callable[[State, Issue], Iterable[str]]] = {
    "project": lambda state, issue: (
        issue.project,
        state.projects[issue.project],
        state.project_ids[issue.project],
    ),
    "key": lambda _, issue: (issue.key, issue.id),
    "status": lambda _, issue: (issue.status, STATUSES[issue.status].id),
    "statuscategory": lambda _, issue: (
        STATUSES[issue.status].category.name,
        STATUSES[issue.status].category.key,
        str(STATUSES[issue.status].category.id),
    ),
    "labels": lambda _, issue: issue.labels,
    "fixversion": lambda state, issue: (
        [state.versions[v].name for v in issue.fix_versions] + issue.fix_versions
    ),
    "component": lambda _, issue: issue.components,
    "issuetype": lambda state, issue: (issue.issuetype, state.issue_types[issue.issuetype]),
    "priority": lambda _, issue: (issue.priority, PRIORITIES[issue.priority]) if issue.priority else (),
    "resolution": lambda _, issue: (issue.resolution,) if issue.resolution else (),
    "assignee": lambda _, issue: (issue.assignee,) if issue.assignee else (),
    "reporter": lambda _, issue: (issue.reporter,) if issue.reporter else (),
    "creator": lambda _, issue: (issue.creator,) if issue.creator else (),
    "parent": lambda _, issue: (issue.parent,) if issue.parent else (),
    "summary": lambda _, issue: (issue.summary,),
    "description": lambda _, issue: (issue.description,) if issue.description else (),
    "comment": lambda _, issue: [comment.body for comment in issue.comments],
    "text": lambda _, issue: (issue.summary, issue.description, *(c.body for c in issue.comments)),
}


def run(state: State, query: Query, actor: str) -> list[Issue]:
    """The issues that match, in the query's order, by default the newest first."""
    found = list(_candidates(state, query.where))
    if query.where is not None:
        found = list(filter(_Meaning(state, actor).of(query.where), found))
    if not query.order:
        found.sort(key=lambda issue: int(issue.id), reverse=True)
    for name, descending in reversed(query.order):
        _sort(state, found, _ALIASES.get(name, name), descending=descending)
    return found


def _candidates(state: State, where: Tree | None) -> Iterable[Issue]:
    """The smallest index that surely holds every match."""
    parts = where.parts if isinstance(where, Both) and where.every else (where,)
    exact = [part for part in parts if isinstance(part, Clause) and part.operator in ("=", "in")]
    wanted = {_ALIASES.get(clause.field, clause.field): clause.values for clause in exact}
    if "key" in wanted:
        found = {issue.key: issue for key in wanted["key"] if (issue := _by_key(state, key))}
        return list(found.values())
    if "labels" in wanted:
        labelled = {k: i for label in wanted["labels"] for k, i in state.by_label[label.casefold()].items()}
        return list(labelled.values())
    if "project" in wanted:
        folded = {value.casefold() for value in wanted["project"]}
        named = {
            key
            for key, name in state.projects.items()
            if folded & {key.casefold(), name.casefold(), state.project_ids[key]}
        }
        statuses = {state.status(name) for name in wanted.get("status", STATUSES)}
        rows = (rows for (p, s), rows in state.by_status.items() if p in named and s in statuses)
        return [issue for row in rows for issue in row.values()]
    return list(state.issues.values())


def _by_key(state: State, key: str) -> Issue | None:
    return state.issues.get(key.upper()) or state.by_id.get(key)


def _sort(state: State, found: list[Issue], field: str, *, descending: bool) -> None:
    if field in ("created", "updated", "rank"):
        found.sort(key=lambda issue: getattr(issue, field), reverse=descending)
    elif field == "key":
        found.sort(key=lambda issue: (issue.project, issue.number), reverse=descending)
    elif field == "priority":  # ascending begins with the lowest, as in Jira
        found.sort(key=lambda issue: -int(PRIORITIES.get(issue.priority, "9")), reverse=descending)
    elif field in _VALUES and field not in _TEXTS - {"summary"}:
        found.sort(key=lambda issue: list(_VALUES[field](state, issue))[:1], reverse=descending)
    else:
        raise Problem(400, f"Field '{field}' does not exist or this sandbox cannot sort by it.")


class _Meaning:
    """Turns a tree into a test; a name that Jira would not know answers 400."""

    def __init__(self, state: State, actor: str) -> None:
        self._state = state
        self._actor = actor
        self._now = state.now()

    def of(self, tree: Tree) -> Test:
        if isinstance(tree, Not):
            inner = self.of(tree.part)
            return lambda issue: not inner(issue)
        if isinstance(tree, Both):
            tests = [self.of(part) for part in tree.parts]
            if tree.every:
                return lambda issue: all(test(issue) for test in tests)
            return lambda issue: any(test(issue) for test in tests)
        return self._clause(Clause(_ALIASES.get(tree.field, tree.field), tree.operator, tree.values))

    def _clause(self, clause: Clause) -> Test:
        if clause.field in _DATES:
            return self._date(clause)
        if clause.field not in _VALUES:
            raise Problem(
                400, f"Field '{clause.field}' does not exist or you do not have permission to view it."
            )
        if clause.operator == "changed":
            return self._changed(clause)
        read, state = _VALUES[clause.field], self._state
        unresolved = clause.field == "resolution" and clause.values == ("Unresolved",)
        if clause.operator == "is" or (unresolved and clause.operator == "="):
            return lambda issue: not any(read(state, issue))
        if clause.operator in ("~", "!~"):
            return self._text(clause)
        if clause.field in _TEXTS or clause.operator not in ("=", "!=", "in", "not in"):
            raise self._unsupported(clause)
        wanted = {self._value(clause.field, value) for value in clause.values}
        if clause.operator in ("=", "in"):
            return lambda issue: any(value.casefold() in wanted for value in read(state, issue))

        def differs(issue: Issue) -> bool:  # an empty field matches no inequality
            values = [value.casefold() for value in read(state, issue)]
            return bool(values) and wanted.isdisjoint(values)

        return differs

    def _changed(self, clause: Clause) -> Test:
        """Source: https://support.atlassian.com/jira-software-cloud/docs/jql-operators/#CHANGED"""
        if clause.field not in _HISTORY:
            raise Problem(400, f"History searches do not support the field '{clause.field}'.")
        after = self._moment(clause) if clause.values else None
        return lambda issue: any(
            item["field"] == clause.field and (after is None or change.created > after)
            for change in issue.history
            for item in change.items
        )

    def _text(self, clause: Clause) -> Test:
        if clause.field not in _TEXTS:
            raise self._unsupported(clause)
        read, state = _VALUES[clause.field], self._state
        words = re.findall(r"\w+", clause.values[0].casefold())
        if not words:
            raise Problem(400, f"The field '{clause.field}' cannot be searched for an empty text.")

        def has(issue: Issue) -> bool:
            text = "\n".join(read(state, issue)).casefold()
            return all(word in text for word in words)

        return has if clause.operator == "~" else lambda issue: not has(issue)

    def _date(self, clause: Clause) -> Test:
        name = "resolved" if clause.field in ("resolved", "resolutiondate") else clause.field
        if clause.operator == "is":
            return lambda issue: getattr(issue, name) is None
        if clause.operator not in ("=", "!=", "<", "<=", ">", ">="):
            raise self._unsupported(clause)
        limit = self._moment(clause)
        compare: dict[str, Callable[[datetime], bool]] = {
            "=": lambda at: at == limit,
            "!=": lambda at: at != limit,
            "<": lambda at: at < limit,
            "<=": lambda at: at <= limit,
            ">": lambda at: at > limit,
            ">=": lambda at: at >= limit,
        }
        test = compare[clause.operator]

        def holds(issue: Issue) -> bool:  # JQL knows minutes only
            at = getattr(issue, name)
            return at is not None and test(at.replace(second=0, microsecond=0))

        return holds

    def _moment(self, clause: Clause) -> datetime:
        text = clause.values[0]
        if relative := re.fullmatch(r"([+-]?)(\d+)([mhdw])", text):
            minutes = int(relative[2]) * _UNITS[relative[3]] * (-1 if relative[1] == "-" else 1)
            return (self._now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        for form in _FORMATS:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise Problem(
            400,
            f"Date value '{text}' for field '{clause.field}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', "
            "or a period format e.g. '-5d', '4w 2d'.",
        )

    def _value(self, field: str, value: str) -> str:
        folded = value.casefold()
        if field in _PERSON and folded == "currentuser()":
            return self._actor.casefold()
        if value.endswith("()"):
            raise Problem(400, f"Unable to find JQL function '{value}'.")
        if not self._known(field, folded):
            raise Problem(400, f"The value '{value}' does not exist for the field '{field}'.")
        return folded

    def _known(self, field: str, value: str) -> bool:
        """Whether Jira would take `value`, in small letters; fields without a closed list take any."""
        state = self._state
        match field:
            case "project":
                names = {*state.projects, *state.projects.values(), *state.project_ids.values()}
            case "status":
                names = {name for status in STATUSES.values() for name in (status.name, status.id)}
            case "statuscategory":
                categories = [status.category for status in STATUSES.values()]
                names = {name for c in categories for name in (c.name, c.key, str(c.id))}
            case "issuetype":
                names = {*state.issue_types, *state.issue_types.values()}
            case "priority":
                names = {*PRIORITIES, *PRIORITIES.values()}
            case "resolution":
                names = set(state.resolutions)
            case "fixversion":
                names = {name for version in state.versions.values() for name in (version.name, version.id)}
            case "key":
                return _by_key(state, value) is not None
            case _:
                return True
        return value in {name.casefold() for name in names}

    def _unsupported(self, clause: Clause) -> Problem:
        return Problem(
            400, f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
        )
