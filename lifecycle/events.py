"""What can happen to one release, as facts: the payloads of the ledger's `release:*` events.

A fact is never changed or taken back; a later fact may supersede it. `lifecycle.release.fold` turns
them into the release's present state.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from lifecycle.metrics import CommitFact
from lifecycle.scope import ScopeLine
from lifecycle.watch import Observation

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


class Planned(Fact, frozen=True):
    """The review (or, for a hotfix, a person) decided that this release shall be.

    `base` is what the release branch is cut from: the main branch, or a production tag for a hotfix.
    `carries` are issues of a rolled-back release that go out again with this one. `lines` are the issues
    with size and dependencies and `capacity` the points that fit, where a review said so.
    """

    kind: Literal["Planned"] = "Planned"
    project: str
    version: str
    release_kind: Literal["regular", "hotfix"] = "regular"
    issues: tuple[str, ...] = Field(min_length=1)
    titles: dict[str, str] = Field(default_factory=dict)
    carries: tuple[str, ...] = ()
    base: str
    plan_hash: str
    started_by: str | None = None
    review: str | None = None
    supersedes: str | None = None
    lines: tuple[ScopeLine, ...] = ()
    capacity: int = 0


class ScopeChangeAsked(Fact, frozen=True):
    """`person` wants another scope: the plan `plan_hash` without `remove` and with `add` is `new_hash`.

    The review's roles decide; from `due` on deputies may approve too.
    """

    identity = ("request",)
    kind: Literal["ScopeChangeAsked"] = "ScopeChangeAsked"
    request: str
    add: tuple[ScopeLine, ...] = ()
    remove: tuple[str, ...] = ()
    plan_hash: str
    new_hash: str
    why: str = Field(min_length=1)
    person: str
    door: str
    due: AwareDatetime

    @property
    def changes(self) -> str:
        """What comes and what goes, such as `+ SHOP-7, - SHOP-2`."""
        return ", ".join([*(f"+ {line.key}" for line in self.add), *(f"- {key}" for key in self.remove)])


class ScopeChangeApproved(Fact, frozen=True):
    """`person` approved the change in each of `roles`, for `instead_of` if as a deputy."""

    identity = ("request", "person")
    kind: Literal["ScopeChangeApproved"] = "ScopeChangeApproved"
    request: str
    person: str
    roles: tuple[str, ...] = ()
    instead_of: str | None = None
    door: str

    @property
    def voice(self) -> str:
        """The roles, and whose deputy spoke."""
        roles = " and ".join(self.roles) or "one of the team"
        return f"{roles} for {self.instead_of}" if self.instead_of else roles


class ScopeChangeRefused(Fact, frozen=True):
    """`person` refused the change: the plan stays as it is."""

    identity = ("request",)
    kind: Literal["ScopeChangeRefused"] = "ScopeChangeRefused"
    request: str
    person: str
    reason: str = Field(min_length=1)
    door: str


class ScopeChanged(Fact, frozen=True):
    """Every role has approved: from here on the plan is `plan_hash`, with `issues`.

    Sign-offs asked for under the plan before it are void, and a candidate that stands needs a successor.
    """

    identity = ("request",)
    kind: Literal["ScopeChanged"] = "ScopeChanged"
    request: str
    plan_hash: str
    issues: tuple[str, ...] = Field(min_length=1)


class CandidateAsked(Fact, frozen=True):
    """A person asked for candidate `number` now, ready or not."""

    identity = ("number",)
    kind: Literal["CandidateAsked"] = "CandidateAsked"
    number: int
    person: str
    reason: str = ""


class CandidateCut(Fact, frozen=True):
    """Candidate `number` stands: tag `tag` on `sha`, the head of the release branch.

    `digests` is per issue the digest of its merge requests' files as they are at `sha`; `authors` are
    the people who wrote the candidate's delta, `strangers` the git e-mails nobody is mapped to; `commits`
    are the delta itself, since the version in production (`since`, its tag; "" before the first). `files`
    are the paths it changes, the first ones if there are many, migrations always before the others;
    `files_total` counts all files.
    """

    identity = ("number",)
    kind: Literal["CandidateCut"] = "CandidateCut"
    number: int = Field(ge=1)
    tag: str
    sha: Sha
    branch: str
    digests: dict[str, str] = Field(default_factory=dict)
    authors: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    commits: tuple[CommitFact, ...] = ()
    since: str = ""
    files: tuple[str, ...] = ()
    files_total: int = 0


class CandidateVerified(Fact, frozen=True):
    """The pipeline and the gates let the candidate pass."""

    identity = ("number",)
    kind: Literal["CandidateVerified"] = "CandidateVerified"
    number: int
    pipeline_id: int
    url: str = ""


class CandidateRejected(Fact, frozen=True):
    """The pipeline, a gate or the staging deployment stopped the candidate, for all of `reasons`."""

    identity = ("number",)
    kind: Literal["CandidateRejected"] = "CandidateRejected"
    number: int
    pipeline_id: int | None = None
    reasons: tuple[str, ...] = Field(min_length=1)


class Staged(Fact, frozen=True):
    """Staging serves the candidate."""

    identity = ("number",)
    kind: Literal["Staged"] = "Staged"
    number: int
    sha: Sha
    url: str
    pipeline_id: int
    deployment_id: int | None = None


class SignOffAsked(Fact, frozen=True):
    """People were asked to sign; `request` is the opaque id that a button carries.

    What is signed is fixed here: step, issue (or None for all), commit, plan and environment.
    """

    identity = ("request",)
    kind: Literal["SignOffAsked"] = "SignOffAsked"
    request: str
    step: str
    number: int
    issue: str | None
    sha: Sha
    plan_hash: str
    environment: str
    due: AwareDatetime


class SignOffReminded(Fact, frozen=True):
    """`person` was reminded of what still waits for them at `step`: once per `rung` of the ladder."""

    identity = ("number", "step", "rung", "person")
    kind: Literal["SignOffReminded"] = "SignOffReminded"
    step: str
    number: int
    rung: int
    person: str


class DeputyAsked(Fact, frozen=True):
    """`person` has not signed in time: `deputy` may sign `step` in their place, as one and the same voice."""

    identity = ("number", "step", "person")
    kind: Literal["DeputyAsked"] = "DeputyAsked"
    step: str
    number: int
    person: str
    deputy: str


class SignOffExpired(Fact, frozen=True):
    """`request` was not signed in time: it can no longer be, and a new candidate has to be asked about."""

    identity = ("request",)
    kind: Literal["SignOffExpired"] = "SignOffExpired"
    request: str


class SignOffGiven(Fact, frozen=True):
    """`person` signed in `role`; `round` counts up after a withdrawal.

    `instead_of` is whose deputy signed: the two count as one.
    """

    identity = ("request", "role", "person", "round")
    kind: Literal["SignOffGiven"] = "SignOffGiven"
    request: str
    role: str
    person: str
    round: int = 1
    door: str
    comment: str = ""
    instead_of: str | None = None


class SignOffWithdrawn(Fact, frozen=True):
    """`person` took back the signature of that round."""

    identity = ("request", "role", "person", "round")
    kind: Literal["SignOffWithdrawn"] = "SignOffWithdrawn"
    request: str
    role: str
    person: str
    round: int
    reason: str = ""


class SignOffCarried(Fact, frozen=True):
    """An issue's signatures count for a new commit too: its own change is the same in both.

    `from_request` was signed for `from_sha`; `request` asks the same for `to_sha`. Equal digests are
    the proof, so both stand here.
    """

    identity = ("request", "from_request")
    kind: Literal["SignOffCarried"] = "SignOffCarried"
    request: str
    from_request: str
    step: str
    issue: str
    from_sha: Sha
    to_sha: Sha
    from_digest: str
    to_digest: str


class Returned(Fact, frozen=True):
    """A signer sent the release (or one issue of it) back for rework, and said why."""

    identity = ("request",)
    kind: Literal["Returned"] = "Returned"
    request: str
    step: str
    issue: str | None
    person: str
    reason: str = Field(min_length=1)
    door: str


class StepPassed(Fact, frozen=True):
    """Every required signature of `step` stands for candidate `number`."""

    identity = ("number", "step")
    kind: Literal["StepPassed"] = "StepPassed"
    step: str
    number: int


class StepOverridden(Fact, frozen=True):
    """Break-glass: `person`, who may by the policy, lets candidate `number` past `step` unsigned."""

    identity = ("number", "step")
    kind: Literal["StepOverridden"] = "StepOverridden"
    step: str
    number: int
    person: str
    role: str
    reason: str = Field(min_length=1)
    door: str


class ReleaseTimed(Fact, frozen=True):
    """`person` set when the release goes out once it is approved; `at` None takes an earlier time back.

    `round` counts up; the last one counts. `wall` is what they said, in their zone.
    """

    identity = ("round",)
    kind: Literal["ReleaseTimed"] = "ReleaseTimed"
    round: int
    person: str
    at: AwareDatetime | None
    wall: str = ""


class Held(Fact, frozen=True):
    """Somebody (after a rollback Conveyor itself: person None) stopped the release where it is.

    `round` counts the release's holds.
    """

    identity = ("round",)
    kind: Literal["Held"] = "Held"
    round: int
    person: str | None
    reason: str


class Resumed(Fact, frozen=True):
    """A person released the hold of that `round`."""

    identity = ("round",)
    kind: Literal["Resumed"] = "Resumed"
    round: int
    person: str
    reason: str = ""


class ProductionStarted(Fact, frozen=True):
    """The one decision to go to production; from here a sign-off can no longer be withdrawn."""

    identity = ("attempt",)
    kind: Literal["ProductionStarted"] = "ProductionStarted"
    number: int
    tag: str
    sha: Sha
    attempt: int = 1
    previous_tag: str | None = None
    previous_sha: Sha | None = None


class ProductionDeployed(Fact, frozen=True):
    """Production serves the release."""

    identity = ("attempt",)
    kind: Literal["ProductionDeployed"] = "ProductionDeployed"
    attempt: int = 1
    sha: Sha
    url: str
    pipeline_id: int
    deployment_id: int | None = None
    at: AwareDatetime


class WatchTicked(Fact, frozen=True):
    """One look at production: tick `tick`, with what each probe saw."""

    identity = ("attempt", "tick")
    kind: Literal["WatchTicked"] = "WatchTicked"
    attempt: int = 1
    tick: int
    at: AwareDatetime
    observations: tuple[Observation, ...]


class WatchEnded(Fact, frozen=True):
    """The watch is over without a fault; `inconclusive`: it saw too little to say healthy."""

    identity = ("attempt",)
    kind: Literal["WatchEnded"] = "WatchEnded"
    attempt: int = 1
    verdict: Literal["healthy", "inconclusive"]
    reasons: tuple[str, ...] = ()


class RollbackStarted(Fact, frozen=True):
    """Production goes back to `to_tag`: by the watch (person None) or by a person."""

    identity = ("attempt",)
    kind: Literal["RollbackStarted"] = "RollbackStarted"
    person: str | None
    reasons: tuple[str, ...] = Field(min_length=1)
    to_tag: str
    to_sha: Sha
    attempt: int = 1


class RolledBack(Fact, frozen=True):
    """Production serves the earlier version again."""

    identity = ("attempt",)
    kind: Literal["RolledBack"] = "RolledBack"
    attempt: int = 1
    to_sha: Sha
    pipeline_id: int
    incident: str | None = None
    at: AwareDatetime


class FeedbackAsked(Fact, frozen=True):
    """`person` was asked whether `issue` helped.

    Somebody `outside` the people file is known by their account where they asked (`gitlab:17`) and by `name`.
    They are asked by `slack`, their account there, or else by a signed link at `place`, the origin of their
    request (`gitlab:7:12`; "": on the issue).
    """

    identity = ("request",)
    kind: Literal["FeedbackAsked"] = "FeedbackAsked"
    request: str
    person: str
    issue: str
    due: AwareDatetime
    outside: bool = False
    name: str = ""
    slack: str = ""
    place: str = ""


class FeedbackReminded(Fact, frozen=True):
    """`person` was reminded of the questions that they had not answered; once in a release."""

    identity = ("person",)
    kind: Literal["FeedbackReminded"] = "FeedbackReminded"
    person: str


class FeedbackGiven(Fact, frozen=True):
    """`person` answered `request` for the `round`th time; the last round counts.

    `entered_by` is who recorded what `person` said elsewhere; "" for an answer of their own, which no
    entered one may follow.
    """

    identity = ("request", "round")
    kind: Literal["FeedbackGiven"] = "FeedbackGiven"
    request: str
    round: int = 1
    person: str
    issue: str
    answer: Literal["solved", "partly", "not"]
    score: int | None = Field(default=None, ge=1, le=5)
    comment: str = ""
    entered_by: str = ""


class FeedbackFollowed(Fact, frozen=True):
    """The new request `issue`, opened because the answer to `request` was "not", says all up to `round`."""

    identity = ("request", "round")
    kind: Literal["FeedbackFollowed"] = "FeedbackFollowed"
    request: str
    round: int
    issue: str


class Closed(Fact, frozen=True):
    """The release is done: watched, and the requesters were asked."""

    kind: Literal["Closed"] = "Closed"
    answers: int = 0
    asked: int = 0


class Abandoned(Fact, frozen=True):
    """A person ended the release before production (or after a rollback)."""

    kind: Literal["Abandoned"] = "Abandoned"
    person: str
    reason: str


class Superseded(Fact, frozen=True):
    """A rolled-back release whose issues went out with another one."""

    kind: Literal["Superseded"] = "Superseded"
    by: str


ReleaseEvent = Annotated[
    Planned
    | ScopeChangeAsked
    | ScopeChangeApproved
    | ScopeChangeRefused
    | ScopeChanged
    | CandidateAsked
    | CandidateCut
    | CandidateVerified
    | CandidateRejected
    | Staged
    | SignOffAsked
    | SignOffReminded
    | DeputyAsked
    | SignOffExpired
    | SignOffGiven
    | SignOffWithdrawn
    | SignOffCarried
    | Returned
    | StepPassed
    | StepOverridden
    | ReleaseTimed
    | Held
    | Resumed
    | ProductionStarted
    | ProductionDeployed
    | WatchTicked
    | WatchEnded
    | RollbackStarted
    | RolledBack
    | FeedbackAsked
    | FeedbackReminded
    | FeedbackGiven
    | FeedbackFollowed
    | Closed
    | Abandoned
    | Superseded,
    Field(discriminator="kind"),
]

KINDS: tuple[str, ...] = tuple(
    get_args(event.model_fields["kind"].annotation)[0] for event in get_args(get_args(ReleaseEvent)[0])
)
"""Every kind of release event, in the order of a release's life."""

_ADAPTER: TypeAdapter[ReleaseEvent] = TypeAdapter(ReleaseEvent)


def parse(data: object) -> ReleaseEvent:
    """The event behind a ledger payload; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(data)
