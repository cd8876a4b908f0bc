"""How an issue's fields are read from a request and written, with the history they leave."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrations.sandbox.jira.body import as_object, need_list, wrong
from integrations.sandbox.jira.catalogue import FIELDS, PRIORITIES, STATUSES
from integrations.sandbox.jira.state import Issue, Problem, State, Version

_CREATED_WITH = ("project", "parent")
_EDITED = (
    "summary",
    "description",
    "priority",
    "labels",
    "assignee",
    "reporter",
    "fixVersions",
    "components",
    "duedate",
    "issuetype",
)
_ATTRIBUTES = {"fixVersions": "fix_versions"}
_CANNOT = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


class Fields:
    """Reads field values, or answers 400 naming the field."""

    def __init__(self, state: State, project: str) -> None:
        self._state = state
        self._project = project
        self._read: dict[str, Callable[[Any], Any]] = {
            "summary": self._summary,
            "description": lambda value: self._text("description", value),
            "priority": lambda value: self._name("priority", value, PRIORITIES),
            "issuetype": lambda value: self._name("issuetype", value, state.issue_types),
            "labels": self._labels,
            "assignee": lambda value: self._user("assignee", value),
            "reporter": lambda value: self._user("reporter", value),
            "fixVersions": lambda value: [self.version(one).id for one in need_list(value, "fixVersions")],
            "components": lambda value: [str(one["name"]) for one in need_list(value, "components")],
            "duedate": self._date,
        }

    def read(self, fields: Mapping[str, Any], *, creating: bool = False) -> dict[str, Any]:
        """Every field's new value by attribute name; all the errors at once, as Jira tells them."""
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, value in fields.items():
            if creating and name in _CREATED_WITH:
                continue
            if name not in _EDITED:
                errors[name] = _CANNOT.format(name)
                continue
            try:
                values[_ATTRIBUTES.get(name, name)] = self._read[name](value)
            except Problem as problem:
                errors |= problem.errors
        if errors:
            raise Problem(400, errors=errors)
        return values

    def operated(self, issue: Issue, update: Mapping[str, Any]) -> dict[str, Any]:
        """The values that the operations of `update` (set, add, remove) lead to."""
        values: dict[str, Any] = {}
        for name, operations in update.items():
            if name not in _EDITED:
                raise wrong(name, _CANNOT.format(name))
            attribute = _ATTRIBUTES.get(name, name)
            value = getattr(issue, attribute)
            for operation in need_list(operations, name):
                for verb, operand in operation.items():
                    value = self._operate(name, value, verb, operand)
            values[attribute] = value
        return values

    def _operate(self, name: str, value: Any, verb: str, operand: Any) -> Any:
        if verb == "set":
            return self._read[name](operand)
        if verb not in ("add", "remove") or not isinstance(value, list):
            raise wrong(name, f"The operation '{verb}' is not supported for the field '{name}'.")
        (one,) = self._read[name]([operand])
        rest = [other for other in need_list(value, name) if other != one]
        return [*rest, one] if verb == "add" else rest

    def version(self, value: Any) -> Version:
        """A version of the project by id or name."""
        asked = as_object(value)
        for version in self._state.versions_of(self._project):
            if str(asked.get("id", "")) == version.id or asked.get("name") == version.name:
                return version
        shown = asked.get("name") or asked.get("id")
        raise wrong("fixVersions", f"Version name '{shown}' is not valid")

    def _summary(self, value: Any) -> str:
        text = self._text("summary", value).strip()
        if not text:
            raise wrong("summary", "You must specify a summary of the issue.")
        if "\n" in text:
            raise wrong("summary", "The summary is invalid because it contains newline characters.")
        if len(text) > 255:
            raise wrong("summary", "Summary can't exceed 255 characters.")
        return text

    def _text(self, name: str, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise wrong(name, "Operation value must be a string")
        if value and len(value) > 32_767:
            raise wrong(
                name, "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
            )
        return value or ""

    def _labels(self, value: Any) -> list[str]:
        labels = list(dict.fromkeys(need_list(value, "labels")))
        for label in labels:
            if not isinstance(label, str) or not label or re.search(r"\s", label):
                raise wrong("labels", f"The label '{label}' contains spaces which is invalid.")
        return labels

    def _user(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        key = "accountId" if self._state.cloud else "name"
        account = as_object(value).get(key)
        if account is None or account not in self._state.people:
            raise wrong(name, f"User '{account}' does not exist or may not be set by '{key}'.")
        return account

    def _date(self, value: Any) -> str:
        if value and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            raise wrong("duedate", f"Error parsing date string: {value}")
        return value or ""

    def _name(self, name: str, value: Any, known: Mapping[str, str]) -> str:
        asked = as_object(value)
        for known_name, id_ in known.items():
            if asked.get("name") == known_name or str(asked.get("id", "")) == id_:
                return known_name
        raise wrong(name, f"The {name} selected is invalid.")


def apply(state: State, issue: Issue, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write `values` (by attribute) and return the history's items for what really changed."""
    items: list[dict[str, Any]] = []
    for attribute, value in values.items():
        before = getattr(issue, attribute)
        if before == value:
            continue
        items += _items(state, attribute, before, value)
        if attribute == "labels":
            state.relabel(issue, value)
        else:
            setattr(issue, attribute, value)
    return items


def move(state: State, issue: Issue, status: str, resolution: str) -> list[dict[str, Any]]:
    """Set the status; entering a done one sets the resolution, leaving for another clears it."""
    before = issue.status
    state.move(issue, status)
    old, new = STATUSES[before], STATUSES[status]
    items = [_item("status", old.id, before, new.id, status)]
    if new.category.key != "done":
        resolution = ""
    elif not resolution:
        resolution = issue.resolution or "Done"
    if resolution != issue.resolution:
        ids = [state.resolutions.get(name) for name in (issue.resolution, resolution)]
        items.append(_item("resolution", ids[0], issue.resolution or None, ids[1], resolution or None))
        issue.resolution = resolution
        issue.resolved = state.now() if resolution else None
    return items


def _items(state: State, attribute: str, before: Any, value: Any) -> Iterable[dict[str, Any]]:
    if attribute == "fix_versions":
        for id_ in before:
            if id_ not in value:
                yield _item("Fix Version", id_, state.versions[id_].name, None, None, "fixVersions")
        for id_ in value:
            if id_ not in before:
                yield _item("Fix Version", None, None, id_, state.versions[id_].name, "fixVersions")
    elif attribute in ("labels", "components"):
        yield _item(attribute, None, " ".join(before), None, " ".join(value))
    elif attribute in ("assignee", "reporter"):
        yield _item(attribute, before or None, _name(state, before), value or None, _name(state, value))
    else:
        yield _item(attribute, None, before or None, None, value or None)


def _name(state: State, account: str) -> str | None:
    return state.people[account].name if account in state.people else None


def _item(
    field: str,
    from_: str | None,
    from_string: str | None,
    to: str | None,
    to_string: str | None,
    id_: str = "",
) -> dict[str, Any]:
    field_id = id_ or field
    assert field_id in FIELDS
    values = {"from": from_, "fromString": from_string, "to": to, "toString": to_string}
    return {"field": field, "fieldtype": "jira", "fieldId": field_id, **values}
