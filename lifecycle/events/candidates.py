"""What became of each candidate until staging served it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lifecycle.events.base import Fact, Sha
from lifecycle.metrics import CommitFact


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
    """The pipeline and the gates let the candidate pass.

    `irreversible` are the migrations in it that cannot be taken back.
    """

    identity = ("number",)
    kind: Literal["CandidateVerified"] = "CandidateVerified"
    number: int
    pipeline_id: int
    url: str = ""
    irreversible: tuple[str, ...] = ()


class CandidateRejected(Fact, frozen=True):
    """The pipeline, a gate or the staging deployment stopped the candidate, for all of `reasons`."""

    identity = ("number",)
    kind: Literal["CandidateRejected"] = "CandidateRejected"
    number: int
    pipeline_id: int | None = None
    reasons: tuple[str, ...] = Field(min_length=1)


class Rehearsed(Fact, frozen=True):
    """Staging went from the candidate back to `to_tag`, which production serves, and forward again.

    `back_s` and `forward_s` are seconds by GitLab's clock, from a pipeline's start to its deployment's
    end. Not `ok`: the candidate cannot come back, for `reason`. `to_tag` "": nothing is in production yet.
    """

    identity = ("number",)
    kind: Literal["Rehearsed"] = "Rehearsed"
    number: int
    to_tag: str = ""
    back_s: float | None = None
    forward_s: float | None = None
    ok: bool
    reason: str = ""


class NoReturnAccepted(Fact, frozen=True):
    """`person` accepted, as `role`, that candidate `number` cannot come back."""

    identity = ("number",)
    kind: Literal["NoReturnAccepted"] = "NoReturnAccepted"
    number: int
    person: str
    role: str
    reason: str = Field(min_length=1)
    door: str


class Staged(Fact, frozen=True):
    """Staging serves the candidate."""

    identity = ("number",)
    kind: Literal["Staged"] = "Staged"
    number: int
    sha: Sha
    url: str
    pipeline_id: int
    deployment_id: int | None = None
