"""From the evidence to the verdict: every gate with its answer, its reasons and the way to what it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from lifecycle.gates import reports, running
from lifecycle.gates.evidence import PipelineEvidence
from lifecycle.gates.exceptions import GateExcepted
from lifecycle.gates.gate import Gate, Shown
from lifecycle.gates.policy import GatePolicy, ScanKind
from lifecycle.verdict import Verdict

State = Literal["pass", "fail", "excepted", "not asked"]


class GateResult(BaseModel, frozen=True):
    """One line of the table. `url` leads to what the gate looked at."""

    id: str
    title: str
    state: State
    reasons: tuple[str, ...] = ()
    url: str = ""
    exception: GateExcepted | None = None

    @property
    def text(self) -> str:
        """Why it is so; "" for a pass."""
        said = "; ".join(self.reasons)
        if self.exception is None:
            return said
        return f"excepted by {self.exception.person} until {self.exception.until}: {said}"


def gates_of(policy: GatePolicy) -> tuple[Gate, ...]:
    """Every gate, those that the policy does not ask for too: the one list, for judging and for proving."""
    return (
        running.OfTheCommit(policy),
        running.Green(policy),
        *(running.RequiredJob(policy, name) for name in dict.fromkeys(policy.required_jobs)),
        running.OtherJobs(policy),
        running.TestsRan(policy),
        running.TestsPassed(policy),
        running.Coverage(policy),
        running.CoverageKept(policy),
        *(reports.Scan(policy, kind) for kind in ScanKind),
        reports.Quality(policy),
        reports.Licences(policy),
        reports.ImageSize(policy),
        reports.InTime(policy),
        reports.Reversible(policy),
    )


def judge(
    evidence: PipelineEvidence | None,
    sha: str,
    policy: GatePolicy,
    now: datetime,
    exceptions: Mapping[str, GateExcepted] | None = None,
) -> tuple[GateResult, ...]:
    """What every gate says of the candidate `sha` (40 hex) at `now` (aware, UTC).

    `exceptions` are those that stand, by gate. Without any evidence every gate that is asked fails, and no
    exception helps.
    """
    return tuple(_one(gate, evidence, sha, now, exceptions or {}) for gate in gates_of(policy))


def _one(
    gate: Gate,
    evidence: PipelineEvidence | None,
    sha: str,
    now: datetime,
    exceptions: Mapping[str, GateExcepted],
) -> GateResult:
    if not gate.asked:
        return GateResult(id=gate.id, title=gate.title, state="not asked")
    if evidence is None:
        reasons = (f"no pipeline ran for {sha[:8]}",)
        return GateResult(id=gate.id, title=gate.title, state="fail", reasons=reasons)
    reasons = tuple(gate.against(Shown(evidence, sha, now)))
    exception = exceptions.get(gate.id) if reasons and gate.exceptable else None
    state: State = "pass" if not reasons else "excepted" if exception else "fail"
    return GateResult(
        id=gate.id,
        title=gate.title,
        state=state,
        reasons=reasons,
        url=gate.link(evidence),
        exception=exception,
    )


def verdict(results: Sequence[GateResult]) -> Verdict:
    """Allowed if no gate fails; a reason that several gates give is given once."""
    failing = [reason for result in results if result.state == "fail" for reason in result.reasons]
    return Verdict(reasons=tuple(dict.fromkeys(failing)))


def evidence_of(results: Sequence[GateResult]) -> tuple[str, ...]:
    """Where to look at each reason of `verdict`, in its order; "" where there is nothing to look at."""
    failing = [result for result in results if result.state == "fail"]
    seen = {reason: result.url for result in reversed(failing) for reason in result.reasons}
    return tuple(seen[reason] for reason in verdict(results).reasons)


def may_stage(
    evidence: PipelineEvidence | None,
    sha: str,
    policy: GatePolicy,
    now: datetime,
    exceptions: Mapping[str, GateExcepted] | None = None,
) -> Verdict:
    """Decide whether the candidate `sha` (40 hex) may be deployed to staging.

    Every failing gate is reported, not only the first. No pipeline, no report and no figure are reasons
    against, never for. See `judge`.
    """
    return verdict(judge(evidence, sha, policy, now, exceptions))
