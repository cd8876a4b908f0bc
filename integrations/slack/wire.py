"""Reading JSON that others wrote: a missing or odd part is empty, it never raises."""

from __future__ import annotations

from typing import Any, cast


def mapping(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else {}."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """`value` if it is a JSON array, else []."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(value: object) -> str:
    """`value` if it is a string, else ""."""
    return value if isinstance(value, str) else ""
