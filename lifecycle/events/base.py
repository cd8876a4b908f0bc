"""What all facts have in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
"""A full commit id."""


class Fact(BaseModel, frozen=True, extra="forbid"):
    """Base of all facts: immutable, and tolerant of nothing it does not know."""

    identity: ClassVar[tuple[str, ...]] = ()
    """The fields that say *which* fact this is; the others only describe it."""
    kind: str

    def key(self, stream: str) -> str:
        """The fact's semantic key in the ledger: the same fact told twice has the same key.

        A request id is unique among all streams, so that whoever holds one finds the stream by the key.
        """
        about = () if "request" in self.identity else (stream,)
        return ":".join([*about, self.kind, *(_part(getattr(self, name)) for name in self.identity)])


def _part(value: object) -> str:
    """One part of a key; a colon in it cannot make two facts look like one."""
    return str(value).replace("%", "%25").replace(":", "%3A")
