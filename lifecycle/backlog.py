"""What people merged, of all requests of one project; the rule of merging itself is in `lifecycle.merging`.

The facts are those of the ledger's `project:{id}` stream: one stream, so that one compare-and-set keeps two
people from merging two requests into each other. A merge keeps every requester once; taking it back restores
what was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from lifecycle import merging
from lifecycle.events import Fact
from lifecycle.merging import Merges
from lifecycle.requests import Request, Requester


class Merged(Fact, frozen=True):
    """`person` said that `issue` is the same as `into`; `round` counts the merges of this issue.

    Somebody who is not in the people file may say so of what they asked for themselves: then `person` is
    their `Requester.identity`, and `name` what they are called.
    """

    identity = ("issue", "round")
    kind: Literal["Merged"] = "Merged"
    issue: str
    into: str
    round: int
    person: str
    door: str
    alike: str = ""
    name: str = ""


class Unmerged(Fact, frozen=True):
    """`person` took back the merge of that `round`."""

    identity = ("issue", "round")
    kind: Literal["Unmerged"] = "Unmerged"
    issue: str
    into: str
    round: int
    person: str
    door: str


class Settled(Fact, frozen=True):
    """Jira shows the merge (or that it was taken back); `refused` says why it came to nothing."""

    identity = ("issue", "round", "verb")
    kind: Literal["Settled"] = "Settled"
    issue: str
    round: int
    verb: Literal["Merged", "Unmerged"]
    refused: str = ""


MergeEvent = Annotated[Merged | Unmerged | Settled, Field(discriminator="kind")]
_MERGE: TypeAdapter[MergeEvent] = TypeAdapter(MergeEvent)


class Backlog(BaseModel, frozen=True):
    """What the merges of one project add up to. `standing` are those not taken back, by duplicate.

    `pending` are the facts that Jira does not show yet, in order; `refused` says why an issue's last one
    came to nothing.
    """

    merges: Merges = Merges()
    standing: dict[str, Merged] = {}
    rounds: dict[str, int] = {}
    pending: tuple[Merged | Unmerged, ...] = ()
    refused: dict[str, str] = {}


def stream(project_id: str) -> str:
    """The project's stream in the ledger, such as `project:shop`."""
    return f"project:{project_id}"


def fold(payloads: Iterable[Mapping[str, object]]) -> Backlog:
    """The merges behind the payloads of a `project:*` stream, in order; its other kinds are left out.

    Raises:
        SelfDuplicate, AlreadyMerged: the history was written past `apply`.
    """
    state = Backlog()
    kinds = {"Merged", "Unmerged", "Settled"}
    for payload in payloads:
        if payload.get("kind") in kinds:
            state = apply(state, _MERGE.validate_python(payload))
    return state


def apply(state: Backlog, event: MergeEvent) -> Backlog:
    """The merges after one more event.

    Raises:
        SelfDuplicate, AlreadyMerged: it cannot be merged.
    """
    match event:
        case Merged():
            change: dict[str, object] = {
                "merges": merging.merge(state.merges, event.issue, event.into),
                "standing": {**state.standing, event.issue: event},
                "rounds": {**state.rounds, event.issue: event.round},
                "pending": (*state.pending, event),
                "refused": {key: why for key, why in state.refused.items() if key != event.issue},
            }
        case Unmerged():
            change = {**_without(state, event.issue), "pending": (*state.pending, event)}
        case _:
            left = tuple(p for p in state.pending if (p.issue, p.round, p.kind) != _of(event))
            change = {"pending": left}
            if event.refused:
                change |= _without(state, event.issue)
                change["refused"] = {**state.refused, event.issue: event.refused}
    return state.model_copy(update=change)


def _of(event: Settled) -> tuple[str, int, str]:
    return event.issue, event.round, event.verb


def _without(state: Backlog, issue: str) -> dict[str, object]:
    standing = {key: merged for key, merged in state.standing.items() if key != issue}
    return {"merges": merging.unmerge(state.merges, issue), "standing": standing}


def requesters(issue: str, state: Backlog, own: Mapping[str, Request]) -> tuple[Requester, ...]:
    """Everyone who asked for `issue`, those of its duplicates too; each once, the original's first.

    `own` holds the requests of the group; one that is not there is nobody's.
    """
    return _once(event.requester for request in _group(issue, state, own) for event in request.received)


def voters(issue: str, state: Backlog, own: Mapping[str, Request]) -> tuple[Requester, ...]:
    """Everyone who voted for `issue` or one of its duplicates and did not ask themselves; each once."""
    asked = {who.identity for who in requesters(issue, state, own)}
    voted = _once(event.who for request in _group(issue, state, own) for event in request.voted)
    return tuple(who for who in voted if who.identity not in asked)


def _group(issue: str, state: Backlog, own: Mapping[str, Request]) -> list[Request]:
    members = (issue, *merging.duplicates_of(state.merges, issue))
    return [own[key] for key in members if key in own]


def _once(people: Iterable[Requester]) -> tuple[Requester, ...]:
    once: dict[str, Requester] = {}
    for who in people:
        once.setdefault(who.identity, who)
    return tuple(once.values())


def record(issue: str, state: Backlog, own: Mapping[str, Request]) -> dict[str, object]:
    """The issue's property `conveyor.request`: what Jira shows of the request. Not the authority."""
    received = own[issue].received if issue in own else ()
    return {
        "source": received[0].source.value if received else "",
        "origin": received[0].origin if received else "",
        "requesters": [who.model_dump(exclude_defaults=True) for who in requesters(issue, state, own)],
        "duplicates": list(merging.duplicates_of(state.merges, issue)),
        "original": state.merges.originals.get(issue, ""),
        "votes": len(voters(issue, state, own)),
    }
