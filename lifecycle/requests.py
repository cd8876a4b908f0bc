"""A request: how it comes in, who asked for it, and what was found to read like it.

The facts are those of the ledger's `request:{KEY}` streams; what people merged is in `lifecycle.backlog`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from lifecycle.events import Fact
from lifecycle.needs import NeedShown, NeedWaived
from lifecycle.parts import PartAsked, PartEstimated, PartMade
from lifecycle.policy import Person, Policy
from lifecycle.scoring import RequestSource
from lifecycle.values import ValueSet
from lifecycle.verdict import Verdict

TITLE_LENGTH = 255
"""The longest summary that Jira takes, in UTF-16 units."""

TEXT_LENGTH = 30_000
"""What is kept of a request's text, in UTF-16 units; Jira takes 32,767, and the note needs room."""


class Door(StrEnum):
    """Where a request came in."""

    JIRA = "jira"
    GITLAB = "gitlab"
    SLACK = "slack"
    DESK = "desk"
    FILE = "file"
    FEEDBACK = "feedback"
    """Somebody said that what went out did not help."""


class Requester(BaseModel, frozen=True):
    """Somebody who asked. `person` is the people file's id, "" for somebody who is not in it.

    `jira`, `gitlab` and `slack` are the account at the door they came by, where an answer reaches them.
    """

    name: str = ""
    person: str = ""
    jira: str = ""
    gitlab: int = 0
    slack: str = ""

    @property
    def identity(self) -> str:
        """The same for the same person, whichever door they used if they are in the people file."""
        accounts = {"jira": self.jira, "gitlab": self.gitlab, "slack": self.slack}
        known = next((f"{vendor}:{account}" for vendor, account in accounts.items() if account), "")
        return f"person:{self.person}" if self.person else known or f"name:{self.name}"

    @property
    def called(self) -> str:
        """What people may know them by: their name, else their account at the door they came by."""
        accounts = {"Jira": self.jira, "GitLab": self.gitlab, "Slack": self.slack}
        known = next((f"{account} in {vendor}" for vendor, account in accounts.items() if account), "")
        return self.name or known or "somebody"


class Ask(BaseModel, frozen=True):
    """What somebody asked for at one door.

    `origin` is the same whenever this very ask is read again: `jira:SHOP-3`, `desk:HELP-3`, `gitlab:7:12`,
    `slack:{delivery}`. `url` leads back; `place` is the Slack channel of the command, and for what came of
    feedback the origin of the first ask (`gitlab:7:12`); "" elsewhere. `source` is who asks in the words of
    who files it; None leaves it to person and door.
    """

    door: Door
    origin: str
    title: str
    text: str = ""
    requester: Requester
    url: str = ""
    place: str = ""
    source: RequestSource | None = None
    asked_at: datetime


def requester_at(policy: Policy, door: Door, account: str | int, name: str = "") -> Requester:
    """Who stands behind `account` at `door`; somebody unknown is a requester too, by name."""
    finders = {Door.JIRA: policy.by_jira, Door.SLACK: policy.by_slack}
    person = policy.by_gitlab(int(account or 0)) if door is Door.GITLAB else finders[door](str(account))
    known = {"person": person.id, "name": person.name} if person else {"name": one_line(name)}
    return Requester.model_validate({**known, door.value: account})


_ROLES: Mapping[RequestSource, frozenset[str]] = {
    RequestSource.CLIENT: frozenset({"client"}),
    RequestSource.MANAGEMENT: frozenset({"management", "manager", "product", "product-owner"}),
    RequestSource.DEVELOPER: frozenset({"developer", "lead", "team-lead", "qa", "devops", "release"}),
}
_DOORS: Mapping[Door, RequestSource] = {
    Door.JIRA: RequestSource.CLIENT,
    Door.GITLAB: RequestSource.DEVELOPER,
    Door.SLACK: RequestSource.MANAGEMENT,
    Door.DESK: RequestSource.CLIENT,
    Door.FILE: RequestSource.CLIENT,
    Door.FEEDBACK: RequestSource.CLIENT,
}


def source_of(door: Door, person: Person | None) -> RequestSource:
    """Who asks, by the person's roles (client before management before developer), else by the door."""
    roles = set(person.roles) if person else set[str]()
    return next((source for source, any_of in _ROLES.items() if roles & any_of), _DOORS[door])


_UNPRINTABLE = frozenset({"Cc", "Cs"})
_INVISIBLE = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn"})
# They turn the reading order of the text around them; letters of right-to-left scripts do not need them.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _printable(text: str, keep: str) -> str:
    return "".join(
        c for c in text if c in keep or (c not in _BIDI and unicodedata.category(c) not in _UNPRINTABLE)
    )


def units(text: str) -> int:
    """How long `text` is for Jira: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, limit: int) -> str:
    """The first characters of `text`, at most `limit` UTF-16 units, no half character."""
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", errors="ignore")


def one_line(text: str, limit: int = TITLE_LENGTH) -> str:
    """`text` in one line that every vendor takes: no control characters, at most `limit`, … if cut."""
    line = " ".join(_printable(re.sub(r"\s+", " ", text), "").split())
    if all(unicodedata.category(c) in _INVISIBLE for c in line):
        return ""
    return line if units(line) <= limit else _cut(line, limit - 1).rstrip() + "…"


def _clean(text: str) -> str:
    return _printable(text.replace("\r\n", "\n").replace("\r", "\n"), "\n\t").strip()


def text_of(ask: Ask) -> str:
    """The text of the ask's issue; a title that is cut to be one stands whole before it."""
    line = one_line(ask.title, 2 * len(ask.title) + 1)
    return ask.text if units(line) <= TITLE_LENGTH else f"{ask.title.strip()}\n\n{ask.text}"


def is_cut(ask: Ask) -> bool:
    """Jira's issue cannot hold all of the ask's text."""
    return units(_clean(text_of(ask))) > TEXT_LENGTH


def body(text: str, url: str = "") -> str:
    """`text` as it goes into the issue; one that is too long is cut, and says so."""
    clean = _clean(text)
    if units(clean) <= TEXT_LENGTH:
        return clean
    where = f"; all of it: {url}" if url else ""
    return f"{_cut(clean, TEXT_LENGTH)}\n\n(cut here: {len(clean)} characters are too many{where})"


def command(text: str) -> tuple[str, str]:
    """Title and text of `/request title | text`, as they were written."""
    title, _, rest = text.partition("|")
    return title.strip(), rest.strip()


def may_take(ask: Ask) -> Verdict:
    """Decide whether this can become a request."""
    if one_line(ask.title):
        return Verdict()
    return Verdict(reasons=("it has no title: say in a few words what is wished",))


def opaque(*parts: str) -> str:
    """24 hex digits that stand for `parts`: the same for the same ones, and they say nothing."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def stream(key: str) -> str:
    """The request's stream in the ledger, such as `request:SHOP-3`."""
    return f"request:{key}"


# What can happen to one request.


class Received(Fact, frozen=True):
    """It came in by `door` and is the Jira issue `issue`, asked for by `requester`."""

    identity = ("origin",)
    kind: Literal["Received"] = "Received"
    issue: str
    origin: str
    door: Door
    source: RequestSource
    title: str
    requester: Requester
    url: str = ""
    place: str = ""
    at: datetime


class AlikeFound(Fact, frozen=True):
    """An earlier request `other` says much the same; `request` is the opaque id that a button carries."""

    identity = ("request",)
    kind: Literal["AlikeFound"] = "AlikeFound"
    request: str
    issue: str
    other: str
    title: str
    score: float


class Voted(Fact, frozen=True):
    """`who` wants `issue` too, without having asked for it; once per person."""

    identity = ("voter",)
    kind: Literal["Voted"] = "Voted"
    issue: str
    who: Requester
    door: str

    @property
    def voter(self) -> str:
        """The same for the same person."""
        return self.who.identity


PartEvent = PartAsked | PartMade | PartEstimated
RequestEvent = Annotated[
    Received | AlikeFound | Voted | ValueSet | NeedShown | NeedWaived | PartEvent, Field(discriminator="kind")
]
_REQUEST: TypeAdapter[RequestEvent] = TypeAdapter(RequestEvent)


def parse(data: object) -> RequestEvent:
    """The event behind a payload of a `request:*` stream; pydantic's ValidationError for anything else."""
    return _REQUEST.validate_python(data)


class Request(BaseModel, frozen=True):
    """What the events of one request add up to."""

    received: tuple[Received, ...] = ()
    alike: tuple[AlikeFound, ...] = ()
    voted: tuple[Voted, ...] = ()
    values: tuple[ValueSet, ...] = ()
    needs: tuple[NeedShown | NeedWaived, ...] = ()
    parts: tuple[PartEvent, ...] = ()


def fold(events: Iterable[RequestEvent]) -> Request:
    """The request after all `events`, in order."""
    told = list(events)
    return Request(
        received=tuple(event for event in told if isinstance(event, Received)),
        alike=tuple(event for event in told if isinstance(event, AlikeFound)),
        voted=tuple(event for event in told if isinstance(event, Voted)),
        values=tuple(event for event in told if isinstance(event, ValueSet)),
        needs=tuple(event for event in told if isinstance(event, NeedShown | NeedWaived)),
        parts=tuple(event for event in told if isinstance(event, PartEvent)),
    )
