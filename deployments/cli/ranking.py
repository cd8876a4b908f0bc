"""The line protocol of `conveyor requests rank`: JSON commands in, rankings out, with no other state."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, TypeAdapter

from lifecycle.duplicates import Index


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _text(value: Any) -> Any:
    """Without half surrogates, which JSON can escape and no UTF-8 can hold; null is an empty text."""
    return (
        value.encode(errors="replace").decode() if isinstance(value, str) else "" if value is None else value
    )


Text = Annotated[str, BeforeValidator(_text)]
Names = Annotated[frozenset[str], BeforeValidator(lambda value: () if value is None else value)]


class Query(BaseModel):
    """A request as it is asked about. Trackers leave texts and components empty as null."""

    title: Text = ""
    description: Text = ""
    created: Annotated[datetime, AfterValidator(_utc)]
    """UTC where it names no time zone."""
    components: Names = frozenset()


class Report(Query):
    """A request as it is taken in."""

    id: str


class Add(BaseModel):
    """Take one request in."""

    op: Literal["add"]
    report: Report


class Preload(BaseModel):
    """Take many requests in."""

    op: Literal["preload"]
    reports: list[Report]


class Rank(BaseModel):
    """Answer with the `k` requests most like the query."""

    op: Literal["rank"]
    query: Query
    k: int = Field(20, ge=0)


_COMMAND = TypeAdapter[Add | Preload | Rank](Annotated[Add | Preload | Rank, Field(discriminator="op")])


class Ranking:
    """The requests taken in so far."""

    def __init__(self) -> None:
        self._index = Index()

    def answer(self, line: bytes) -> list[tuple[str, float]] | None:
        """Obey one command; None where it asks for no ranking.

        Raises:
            ValueError, RecursionError: the line is no command; nothing of it was taken in.
        """
        command = _COMMAND.validate_python(json.loads(line.decode()))
        if isinstance(command, Rank):
            q = command.query
            return self._index.rank(q.title, q.description, q.created, command.k, q.components)
        for r in [command.report] if isinstance(command, Add) else command.reports:
            self._index.add(r.id, r.title, r.description, r.created, r.components)
        return None
