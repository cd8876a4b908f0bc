"""From requests to a release plan: capacity, dependencies, waves, and people's decisions over it.

The order is by `lifecycle.scoring`. The machine proposes; what a person decides stands.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel

from lifecycle.scoring import Request, RequestSource, Score, Term, Weights, score, size_of
from lifecycle.verdict import Verdict
from lifecycle.waves import Cycle, waves

__all__ = [
    "Cycle",
    "Decided",
    "Decision",
    "PlanLine",
    "Range",
    "ReleasePlan",
    "Request",
    "RequestSource",
    "Score",
    "Term",
    "Weights",
    "apply_decisions",
    "capacity_from",
    "may_close",
    "plan_hash",
    "propose",
    "scope_hash",
    "score",
    "waves",
    "without_need",
]


class Decision(StrEnum):
    """What becomes of a request in this review. The machine never rejects."""

    ACCEPT = "accept"
    DEFER = "defer"
    REJECT = "reject"


class Decided(NamedTuple):
    """A person's decision over one line."""

    decision: Decision
    reason: str
    person: str


class PlanLine(BaseModel, frozen=True):
    """One request in the plan. `wave`: 1 is the first. `person`: who decided, "" if nobody.

    `need`: what showed by itself that it is needed when it was proposed, "" if nothing did.
    """

    key: str
    title: str
    decision: Decision
    score: Score
    size: int
    why: str
    wave: int | None = None
    blocked_by: tuple[str, ...] = ()
    person: str = ""
    need: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is in the release."""
        return self.decision is Decision.ACCEPT


class ReleasePlan(BaseModel, frozen=True):
    """What goes into a version. `lines`: best score first. `used`, `capacity`: points.

    `warnings` are to be read; `obstacles` keep the review from being closed (see `may_close`).
    """

    version: str
    lines: tuple[PlanLine, ...] = ()
    capacity: int
    used: int = 0
    waves: tuple[tuple[str, ...], ...] = ()
    warnings: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """The accepted keys, best score first."""
        return tuple(line.key for line in self.lines if line.accepted)


def propose(
    requests: Iterable[Request], capacity: int, now: datetime, weights: Weights, version: str = ""
) -> ReleasePlan:
    """Propose what to accept, best score first, within `capacity` points.

    A request comes only together with everything it waits for; where that does not fit or cannot be
    accepted, it is deferred and says why. The order in which requests are given does not matter.

    Raises:
        ValueError: two requests have the same key.
    """
    known: dict[str, Request] = {}
    for request in requests:
        if request.key in known:
            raise ValueError(f"{request.key} was given twice")
        known[request.key] = request
    scores = {key: score(request, now, weights) for key, request in known.items()}
    order = sorted(known, key=lambda k: (-scores[k].total, known[k].created, k))
    field = _Field(known, _blocked_by(known), {key: size_of(r, weights) for key, r in known.items()})
    whys, deferred, circles = _pick(order, field, capacity)
    lines = [
        PlanLine(
            key=key,
            title=known[key].title,
            decision=Decision.DEFER if key in deferred else Decision.ACCEPT,
            score=scores[key],
            size=field.sizes[key],
            why=whys[key],
            blocked_by=field.blocked_by[key],
            need=known[key].need,
        )
        for key in order
    ]
    return _plan(ReleasePlan(version=version, capacity=capacity, warnings=circles), lines)


class _Field(NamedTuple):
    """What may be picked from. `blocked_by`: both ends' links taken together, sorted."""

    known: Mapping[str, Request]
    blocked_by: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]


def _blocked_by(known: Mapping[str, Request]) -> dict[str, tuple[str, ...]]:
    links = {key: set(request.blocked_by) for key, request in known.items()}
    for key, request in known.items():
        for waiting in request.blocks:
            if waiting in links:
                links[waiting].add(key)
    return {key: tuple(sorted(blockers)) for key, blockers in links.items()}


def _pick(
    order: Sequence[str], field: _Field, capacity: int
) -> tuple[dict[str, str], set[str], tuple[str, ...]]:
    """Go through the requests, best first: why each is in or out, which are out, and the circles met.

    Whatever was deferred once stays so: the room only shrinks, and no other reason goes away.
    """
    whys: dict[str, str] = {}
    accepted: set[str] = set()
    deferred: set[str] = set()
    circles: dict[str, None] = {}
    left = capacity
    for key in order:
        if key in whys:
            continue
        bundle = _bundle(key, accepted, field, left)
        try:
            why = _against(key, bundle, field, left)
        except Cycle as circle:
            why = str(circle)
            circles[why] = None
        if why:
            deferred.add(key)
            whys[key] = why
            continue
        accepted.update(bundle)
        left -= sum(field.sizes[member] for member in bundle)
        whys |= dict.fromkeys(bundle, f"{key} waits for it")
        whys[key] = "best value for its size that fits"
    return whys, deferred, tuple(circles)


def _bundle(key: str, taken: Collection[str], field: _Field, left: int) -> list[str]:
    """Gather `key` and all it waits for that is not taken yet; stop as soon as it cannot fit."""
    found = {key: None}
    size = field.sizes[key]
    queue = [key]
    for member in queue:
        for blocker in field.blocked_by.get(member, ()):
            if size > left:
                return list(found)
            if blocker not in found and blocker not in taken:
                found[blocker] = None
                queue.append(blocker)
                size += field.sizes.get(blocker, 0)
    return list(found)


def _against(key: str, bundle: Sequence[str], field: _Field, left: int) -> str:
    """Say why the bundle cannot be accepted, or "".

    Raises:
        Cycle: members of the bundle wait for each other.
    """
    for member in bundle:
        whose = "it" if member == key else f"it waits for {member}, which"
        if member not in field.known:
            return f"{whose} is not among the requests"
        if field.known[member].needs_info:
            return f"{whose} has open questions"
    waves(bundle, _links(bundle, field.blocked_by))
    size = sum(field.sizes[member] for member in bundle)
    if size <= left:
        return ""
    with_what = f" with {', '.join(bundle[1:])}, which it waits for" if bundle[1:] else ""
    return f"{size} points{with_what} do not fit into the {left} left"


def _links(keys: Iterable[str], blocked_by: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    return ((blocker, key) for key in keys for blocker in blocked_by[key])


def _plan(frame: ReleasePlan, lines: Sequence[PlanLine]) -> ReleasePlan:
    """Fill the frame's version, capacity and remarks with lines, their waves and the points used.

    Accepted lines that wait for each other leave the plan without waves, with the circle as an obstacle.
    """
    accepted = [line.key for line in lines if line.accepted]
    links = _links(accepted, {line.key: line.blocked_by for line in lines})
    obstacles = frame.obstacles
    try:
        ordered = waves(accepted, links)
    except Cycle as circle:
        ordered = ()
        obstacles = (*obstacles, str(circle))
    number = {key: place for place, wave in enumerate(ordered, 1) for key in wave}
    return frame.model_copy(
        update={
            "lines": tuple(_in_wave(line, number.get(line.key)) for line in lines),
            "used": sum(line.size for line in lines if line.accepted),
            "waves": ordered,
            "obstacles": obstacles,
        }
    )


def _in_wave(line: PlanLine, wave: int | None) -> PlanLine:
    return line if line.wave == wave else line.model_copy(update={"wave": wave})


def apply_decisions(plan: ReleasePlan, decisions: Mapping[str, Decided]) -> ReleasePlan:
    """Put people's decisions over the proposal; `decisions` holds all of them, by key.

    What a person decides stands, over the capacity too, which is then a warning. Nothing is pulled in for
    what was taken out. What the machine accepted is deferred when something it waits for was taken out;
    what a person accepted stays, as an obstacle.
    """
    lines = _without_orphans([_decided(line, decisions.get(line.key)) for line in plan.lines])
    accepted = {line.key for line in lines if line.accepted}
    obstacles = tuple(
        f"{line.key} is accepted but waits for {blocker}, which is not"
        for line in lines
        for blocker in line.blocked_by
        if line.accepted and blocker not in accepted
    )
    strangers = sorted(decisions.keys() - {line.key for line in lines})
    warnings = [f"{key} was decided but is not in this plan" for key in strangers]
    used = sum(line.size for line in lines if line.accepted)
    if used > plan.capacity:
        warnings.append(f"{used} points are accepted, the capacity is {plan.capacity}")
    frame = plan.model_copy(update={"warnings": (*plan.warnings, *warnings), "obstacles": obstacles})
    return _plan(frame, lines)


def _decided(line: PlanLine, decided: Decided | None) -> PlanLine:
    if decided is None:
        return line
    decision, reason, person = decided
    return line.model_copy(update={"decision": decision, "why": reason, "person": person})


def _without_orphans(lines: Sequence[PlanLine]) -> list[PlanLine]:
    """Defer what the machine accepted and waits for something that is out, to the last link."""
    kept = {line.key: line for line in lines}
    queue = [line.key for line in lines if not line.accepted]
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        for blocker in line.blocked_by:
            waiting[blocker].append(line.key)
    for out in queue:
        for key in waiting[out]:
            if kept[key].accepted and not kept[key].person:
                why = f"it waits for {out}, which is not accepted"
                kept[key] = kept[key].model_copy(update={"decision": Decision.DEFER, "why": why})
                queue.append(key)
    return list(kept.values())


def may_close(plan: ReleasePlan) -> Verdict:
    """Decide whether the review may be closed: not while a dependency is inverted or circular."""
    return Verdict(reasons=plan.obstacles)


def without_need(plan: ReleasePlan, shown: Collection[str]) -> tuple[str, ...]:
    """Obstacles: the accepted lines whose need is not on record. `shown`: keys with a need or a waiver."""
    return tuple(
        f"{line.key} has no need on record: link a metric, feedback or incident, or waive it"
        for line in plan.lines
        if line.accepted and not line.need and line.key not in shown
    )


def plan_hash(plan: ReleasePlan) -> str:
    """Return the 64 hex digits that name the plan's scope: version, accepted keys and waves."""
    return scope_hash(plan.version, plan.accepted, plan.waves)


def scope_hash(version: str, accepted: Iterable[str], waves: Iterable[Iterable[str]]) -> str:
    """Return the 64 hex digits that name a scope; the order of keys within a wave does not matter."""
    scope = {
        "accepted": sorted(accepted),
        "version": version,
        "waves": [sorted(wave) for wave in waves],
    }
    return sha256(json.dumps(scope, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Range(NamedTuple):
    """What a team may expect to finish: at least `low` in three weeks of four, `high` in one of four."""

    low: int
    likely: int
    high: int


def capacity_from(finished_per_week: Sequence[int]) -> Range:
    """Return the quartiles of what was finished in the last weeks; each is a week that really was.

    Raises:
        ValueError: no week was measured; set the capacity by hand.
    """
    if not finished_per_week:
        raise ValueError("no week was measured")
    weeks = sorted(finished_per_week)
    quarter, half = (len(weeks) - 1) // 4, (len(weeks) - 1) // 2
    return Range(weeks[quarter], weeks[half], weeks[-1 - quarter])
