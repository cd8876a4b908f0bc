"""What the ledger gives and takes: plain frozen values. All times are aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Json = Mapping[str, object]
"""A JSON object; nested values are what `json` makes of them."""

EffectState = Literal["intent", "done", "not_done", "unknown"]
Conclusion = Literal["done", "not_done", "unknown"]


@dataclass(frozen=True)
class NewEvent:
    """A fact to be recorded. `key` says what is meant: the same fact told twice has the same key."""

    kind: str
    key: str
    data: Json


@dataclass(frozen=True)
class Event:
    """A recorded fact. `seq` counts the whole ledger, `revision` its subject, both from 1.

    `prev` and `hash`: 64 hex; see `integrations.ledger.chain`.
    """

    seq: int
    subject: str
    revision: int
    at: datetime
    kind: str
    key: str
    data: Json
    prev: str
    hash: str


@dataclass(frozen=True)
class Appended:
    """The events asked for, recorded now or long ago, in the order of asking.

    `new_keys` are those recorded by this call; `revision` is the subject's, afterwards.
    """

    events: tuple[Event, ...]
    new_keys: tuple[str, ...]
    revision: int

    @property
    def inserted(self) -> bool:
        """This call recorded something."""
        return bool(self.new_keys)


@dataclass(frozen=True)
class Verification:
    """The outcome of reading a chain: every problem found, and where the chain ended."""

    problems: tuple[str, ...]
    seq: int
    head: str

    @property
    def ok(self) -> bool:
        """Nothing was changed, removed, moved or cut."""
        return not self.problems


@dataclass(frozen=True)
class Received:
    """A delivery's row, and whether this call made it (False: a duplicate)."""

    id: int
    new: bool


@dataclass(frozen=True)
class NewDelivery:
    """What a vendor has just sent. `headers` are kept as given: the caller leaves out all that is secret."""

    source: str
    delivery_id: str
    kind: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True)
class Delivery:
    """What a vendor sent, as it came. `why` is the last failure to handle it.

    Neither handled nor parked: pending.
    """

    id: int
    source: str
    delivery_id: str
    kind: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    handled_at: datetime | None
    outcome: str | None
    parked_at: datetime | None
    why: str | None


@dataclass(frozen=True)
class Effect:
    """One outside effect: what was intended and, once known, what came of it."""

    key: str
    subject: str
    kind: str
    state: EffectState
    request: Json
    outcome: Json
    intended_at: datetime
    concluded_at: datetime | None


@dataclass(frozen=True)
class Wakeup:
    """Whether a subject's run must look again: `wanted` above `carried` means yes.

    `generation` counts the subject's runs from 1; `run_id` is the present one's, once started.
    """

    subject: str
    wanted: int = 0
    carried: int = 0
    generation: int = 1
    run_id: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def pending(self) -> bool:
        """Something happened that no walk has carried."""
        return self.wanted > self.carried


@dataclass(frozen=True)
class Lease:
    """`holder` alone may act under `name` until `expires_at`."""

    name: str
    holder: str
    acquired_at: datetime
    expires_at: datetime
