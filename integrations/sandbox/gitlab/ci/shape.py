"""Checks the shape of YAML values, gathering what is wrong in GitLab's own words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

_UNITS_S = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
    "mo": 2592000,
    "month": 2592000,
    "y": 31557600,
    "year": 31557600,
}


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether YAML gave a mapping. Its keys may be numbers; they are used as text."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether YAML gave a list."""
    return isinstance(value, list)


class Shape:
    """Gathers `messages`; what has the wrong shape is read as something empty, so that reading goes on."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def wrong(self, message: str) -> None:
        """Note one mistake; the same one is noted once."""
        if message not in self.messages:
            self.messages.append(message)

    def keys(
        self,
        where: str,
        value: Mapping[Any, Any],
        allowed: Collection[str],
        unsupported: Collection[str] = (),
    ) -> None:
        """Every key must be among `allowed`; those GitLab knows beyond them are named as unsupported here."""
        foreign = [str(key) for key in value if key not in allowed]
        unknown = [key for key in foreign if key not in unsupported]
        if unknown:
            self.wrong(f"{where} config contains unknown keys: {', '.join(unknown)}")
        for key in foreign:
            if key in unsupported:
                self.wrong(f"{where} config: `{key}` is not supported by this sandbox")

    def mapping(self, where: str, value: Any) -> dict[str, Any]:
        if not is_mapping(value):
            self.wrong(f"{where} config should be a hash")
            return {}
        return value

    def text(self, where: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            self.wrong(f"{where} config should be a string")
            return ""
        return value

    def optional_text(self, where: str, value: Any) -> str | None:
        return None if value is None else self.text(where, value)

    def optional_flag(self, where: str, value: Any) -> bool | None:
        if value is not None and not isinstance(value, bool):
            self.wrong(f"{where} should be a boolean value")
            return None
        return value

    def choice(self, where: str, value: Any, among: Collection[str]) -> str:
        if value not in among:
            self.wrong(f"{where} should be one of: {', '.join(among)}")
            return next(iter(among))
        return str(value)

    def strings(self, where: str, value: Any, *, one: bool = False) -> tuple[str, ...]:
        """A list of strings; with `one` a single string will do."""
        if one and isinstance(value, str):
            return (value,)
        if not is_list(value) or not all(isinstance(item, str) for item in value):
            self.wrong(f"{where} config should be an array of strings" + (" or a string" if one else ""))
            return ()
        return tuple(value)

    def lines(self, where: str, value: Any) -> tuple[str, ...]:
        """A script: a string, or strings nested as deep as one likes."""
        if isinstance(value, str):
            return (value,)
        if not is_list(value):
            self.wrong(f"{where} config should be a string or a nested array of strings up to 10 levels deep")
            return ()
        return tuple(line for item in value for line in self.lines(where, item))

    def variables(self, where: str, value: Any) -> dict[str, str]:
        """A mapping of names to scalars, or to `{value, description, options, expand}`."""
        result: dict[str, str] = {}
        for name, given in self.mapping(where, value).items():
            if is_mapping(given):
                self.keys(f"{where}:{name}", given, {"value", "description", "options"}, {"expand"})
                given = given.get("value", "")
            if isinstance(given, bool) or not isinstance(given, str | int | float):
                self.wrong(f"{where} config should be a hash of key value pairs, value can be a hash")
                continue
            result[str(name)] = str(given)
        return result


def seconds(shape: Shape, where: str, written: Any) -> float | None:
    """A duration such as `1h 30m`, `2 days` or `90` (seconds); `never` is None."""
    text = str(written).strip().lower()
    if text == "never":
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)|\band\b|[,\s]", "", text)
    total = 0.0
    for amount, unit in parts:
        known = _UNITS_S.get(unit) or _UNITS_S.get(unit.removesuffix("s"))
        if known is None:
            rest = unit
            break
        total += float(amount) * known
    if rest or not parts:
        shape.wrong(f"{where} config should be a duration")
        return None
    return total
