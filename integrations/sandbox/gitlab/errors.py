"""How GitLab says no."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """An answer that is not what was asked for; `body` is sent as JSON."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body, headers)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def refuse(status: int, message: object) -> Refusal:
    """GitLab's usual shape: `{"message": ...}`."""
    return Refusal(status, {"message": message})


def missing(what: str) -> Refusal:
    """404 for a thing that a known path names: `404 Tag Not Found`."""
    return refuse(404, f"404 {what} Not Found")


def bad_request(error: str) -> Refusal:
    """400 for parameters that do not fit: `ref is missing`."""
    return Refusal(400, {"error": error})


def forbidden(why: str = "403 Forbidden") -> Refusal:
    """403: known, but not allowed."""
    return refuse(403, why)
