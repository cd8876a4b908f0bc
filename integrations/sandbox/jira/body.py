"""What came in a request's JSON, narrowed to the shape a handler needs, or a 400 in Jira's words."""

from __future__ import annotations

from typing import Any, cast

from integrations.sandbox.jira.state import Problem

Json = dict[str, Any]


def wrong(field: str, text: str) -> Problem:
    """The answer that one field is not acceptable."""
    return Problem(400, errors={field: text})


def as_object(value: Any) -> Json:
    """`value` if it is an object, else an empty one: for what is looked up by name and found missing."""
    return cast("Json", value) if isinstance(value, dict) else {}


def need_object(value: Any, name: str) -> Json:
    """`value`, which has to be an object or absent."""
    if value is not None and not isinstance(value, dict):
        raise Problem(400, f"'{name}' has to be an object.")
    return as_object(value)


def need_list(value: Any, name: str) -> list[Any]:
    """`value`, which has to be an array or absent."""
    if value is not None and not isinstance(value, list):
        raise wrong(name, "data was not an array")
    return cast("list[Any]", value or [])


def names(value: Any) -> list[str]:
    """A list of names, given as an array or with commas."""
    parts = cast("list[Any]", value) if isinstance(value, list) else str(value or "").split(",")
    return [str(part) for part in parts if part]
