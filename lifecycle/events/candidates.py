"""What became of each candidate until staging served it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

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
    `files_total` counts all files. `unfinished` are the release's issues that were not developed then: it
    holds what was merged of them, nobody is asked about them, and it cannot be shipped while they belong to
    the release. Such a candidate stands on the plan's base, `branch`, while there is no release branch.
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
    unfinished: tuple[str, ...] = ()

    @property
    def without(self) -> str:
        """Which issues it lacks, as the end of a sentence; empty if it is complete."""
        return f", without {', '.join(self.unfinished)}" if self.unfinished else ""


class CandidateVerified(Fact, frozen=True):
    """The pipeline and the gates let the candidate pass, at the moment `at` (None in old histories).

    `passed` and `excepted` are the gates that were asked, `rules` the digest of what was asked of them ("" in
    old histories); `irreversible` are the migrations in it that cannot be taken back.
    """

    identity = ("number",)
    kind: Literal["CandidateVerified"] = "CandidateVerified"
    number: int
    pipeline_id: int
    url: str = ""
    irreversible: tuple[str, ...] = ()
    at: AwareDatetime | None = None
    passed: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    rules: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """What spoke against it: nothing, or it would have been rejected."""
        return ()


class CandidateJudged(Fact, frozen=True):
    """The gates of a verified candidate were judged again; `reasons` empty: they still let it pass.

    `round` counts the judgements of one candidate.
    """

    identity = ("number", "round")
    kind: Literal["CandidateJudged"] = "CandidateJudged"
    number: int
    round: int
    at: AwareDatetime
    passed: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    rules: str = ""


class CandidateRejected(Fact, frozen=True):
    """The pipeline, a gate or the staging deployment stopped the candidate, for all of `reasons`.

    `evidence` has the address where each reason is to be seen, in their order; "" or none at all if unknown.
    """

    identity = ("number",)
    kind: Literal["CandidateRejected"] = "CandidateRejected"
    number: int
    pipeline_id: int | None = None
    reasons: tuple[str, ...] = Field(min_length=1)
    evidence: tuple[str, ...] = ()


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
    """Staging serves the candidate; `round` counts how often it was brought there."""

    identity = ("number", "round")
    kind: Literal["Staged"] = "Staged"
    number: int
    round: int = 1
    sha: Sha
    url: str
    pipeline_id: int
    deployment_id: int | None = None


class Unstaged(Fact, frozen=True):
    """The release `by` took staging over: the candidate of that `round` has to be brought there again."""

    identity = ("number", "round")
    kind: Literal["Unstaged"] = "Unstaged"
    number: int
    round: int
    by: str
