"""What the release shall hold: the plan and the changes of its scope."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lifecycle.events.base import Fact
from lifecycle.removal import Reverted
from lifecycle.scope import ScopeLine


class Planned(Fact, frozen=True):
    """The review (or, for a hotfix, a person) decided that this release shall be.

    `base` is what the release branch is cut from: the main branch, or a production tag for a hotfix.
    `carries` are issues of a rolled-back release that go out again with this one. `lines` are the issues
    with size and dependencies and `capacity` the points that fit, where a review said so. Releases of
    several projects that go out together have the same `group`.
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
    group: str = ""


class ScopeChangeAsked(Fact, frozen=True):
    """`person` wants another scope: the plan `plan_hash` without `remove` and with `add` is `new_hash`.

    The review's roles decide; from `due` on deputies may approve too. `reverts` are the merges that are
    taken out of the release branch, the newest first, before the change takes effect; `because` says why
    some issues leave with others.
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
    reverts: tuple[Reverted, ...] = ()
    because: tuple[str, ...] = ()

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
    """`person` refused the change: the plan stays as it is.

    None: Conveyor could not take the merges out of the branch.
    """

    identity = ("request",)
    kind: Literal["ScopeChangeRefused"] = "ScopeChangeRefused"
    request: str
    person: str | None
    reason: str = Field(min_length=1)
    door: str

    @property
    def by(self) -> str:
        """Who refused it, by id."""
        return self.person or "Conveyor"


class ScopeChanged(Fact, frozen=True):
    """Every role has approved: from here on the plan is `plan_hash`, with `issues`.

    Sign-offs asked for under the plan before it are void, and a candidate that stands needs a successor.
    """

    identity = ("request",)
    kind: Literal["ScopeChanged"] = "ScopeChanged"
    request: str
    plan_hash: str
    issues: tuple[str, ...] = Field(min_length=1)
