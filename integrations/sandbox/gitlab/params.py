"""A request's parameters, from the query and the body, read and refused as GitLab does."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import cast
from urllib.parse import parse_qsl

from integrations.sandbox.gitlab.errors import Refusal, bad_request

_TRUE = ("true", "1", "t", "yes", "on")
_FALSE = ("false", "0", "f", "no", "off")


class Params:
    """The named values. A value of the wrong kind is 400 `{"error": "NAME is invalid"}`."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def require(self, *names: str) -> None:
        """400 that lists every one of `names` which is not there, or which is empty."""
        errors = [f"{name} is missing" for name in names if self.values.get(name) is None]
        errors += [f"{name} is empty" for name in names if self.values.get(name) == ""]
        if errors:
            raise bad_request(", ".join(errors))

    def needed(self, name: str) -> str:
        """A text that must be there."""
        self.require(name)
        return self.text(name)

    def text(self, name: str, default: str = "") -> str:
        """A text; a number is taken as one."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise bad_request(f"{name} is invalid")

    def optional(self, name: str) -> str | None:
        """A text, None where it is absent or null."""
        return None if self.values.get(name) is None else self.text(name)

    def integer(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lstrip("-").isdecimal():
            return int(value)
        raise bad_request(f"{name} is invalid")

    def number(self, name: str) -> float | None:
        """A number, None where it is absent."""
        value = self.values.get(name)
        try:
            return None if value is None else float(cast("str", value))
        except (TypeError, ValueError):
            raise bad_request(f"{name} is invalid") from None

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise bad_request(f"{name} is invalid")

    def strings(self, name: str) -> list[str] | None:
        """A list of texts: a JSON list, `name[]=` repeated, or texts with commas; None where absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list) and all(
            isinstance(part, str | int) for part in cast("list[object]", value)
        ):
            return [str(part) for part in cast("list[object]", value) if part != ""]
        raise bad_request(f"{name} is invalid")

    def integers(self, name: str) -> list[int] | None:
        """A list of whole numbers; None where absent."""
        value = self.values.get(name)
        texts = [str(value)] if isinstance(value, int) else self.strings(name)
        if texts is None:
            return None
        if not all(text.isdecimal() for text in texts):
            raise bad_request(f"{name} is invalid")
        return [int(text) for text in texts if text != "0"]

    def time(self, name: str) -> datetime | None:
        """A moment; UTC where no offset is given."""
        value = self.optional(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00").replace(" ", "T", 1))
        except ValueError:
            raise bad_request(f"{name} is invalid") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """One of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            raise bad_request(f"{name} does not have a valid value")
        return value

    def records(self, name: str) -> list[Params]:
        """A list of objects."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise bad_request(f"{name} is {'missing' if value is None else 'invalid'}")
        rows = cast("list[object]", value)
        if not all(isinstance(row, dict) for row in rows):
            raise bad_request(f"{name} is invalid")
        return [Params(cast("dict[str, object]", row)) for row in rows]


def parse(query: str, content_type: str, body: bytes) -> Params:
    """The parameters of one request; the body goes before the query."""
    values: dict[str, object] = _form(query)
    if content_type.startswith("application/json") and body:
        try:
            sent: object = json.loads(body)
        except ValueError:
            raise Refusal(400, {"error": "The request body is not valid JSON"}) from None
        if not isinstance(sent, dict):
            raise Refusal(400, {"error": "The request body must be a JSON object"})
        values.update(cast("dict[str, object]", sent))
    elif content_type.startswith("application/x-www-form-urlencoded"):
        values.update(_form(body.decode(errors="replace")))
    return Params(values)


def _form(text: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name.endswith("[]"):
            cast("list[str]", values.setdefault(name[:-2], [])).append(value)
        else:
            values[name] = value
    return values
