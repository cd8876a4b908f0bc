"""Verifying a candidate: its pipeline runs, the gates decide, and again where that was too long ago."""

from __future__ import annotations

from lifecycle import gates
from lifecycle.events import CandidateCut, CandidateJudged, CandidateRejected, CandidateVerified
from lifecycle.gates import PipelineEvidence, standing
from lifecycle.gates.ending import FINISHED
from lifecycle.gates.judging import GateResult, evidence_of, verdict
from lifecycle.release import Phase
from tasks import evidence, posts, release_messages
from tasks.gates import standing_exceptions
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def verify(walk: ReleaseWalk) -> Wait | None:
    """Run the candidate's pipeline and judge what it shows; judge again what does not stand any more."""
    candidate = walk.release.candidate
    if candidate is None:
        return None
    if walk.phase in (Phase.SIGN_OFF, Phase.ROLLED_BACK) and walk.release.hold is None:
        _judge_again(walk, candidate)
    if walk.phase is not Phase.VERIFYING:
        return None
    run = walk.pipeline("verify", candidate.tag, candidate.sha, candidate.number)
    if run.waits:
        return run.waits
    seen, results = _judge(walk, candidate, run.pipeline.id)
    if seen.status not in FINISHED:  # a job is being retried since
        return Wait("Awaiting pipeline", walk.now + walk.policy.waits.poll, f"{seen.status}: {seen.url}")
    reasons = verdict(results).reasons
    number, pipeline_id = candidate.number, run.pipeline.id
    if reasons:
        where = evidence_of(results)
        walk.append(
            CandidateRejected(number=number, pipeline_id=pipeline_id, reasons=reasons, evidence=where)
        )
        tell_rejected(walk)
        return None
    walk.append(
        CandidateVerified(
            number=number,
            pipeline_id=pipeline_id,
            url=run.pipeline.web_url,
            irreversible=seen.migrations.irreversible if seen.migrations else (),
            at=walk.now,
            passed=_in_state(results, "pass"),
            excepted=_in_state(results, "excepted"),
            rules=walk.gates_standing.rules,
        )
    )
    return None


def _judge(
    walk: ReleaseWalk, candidate: CandidateCut, pipeline_id: int
) -> tuple[PipelineEvidence, tuple[GateResult, ...]]:
    """What the pipeline shows now, and what every gate says of it."""
    seen = evidence.gather(walk.project, pipeline_id)
    excepted = standing_exceptions(walk.project.id, walk.now)
    return seen, gates.judge(seen, candidate.sha, walk.project.gates, walk.now, excepted)


def _in_state(results: tuple[GateResult, ...], state: str) -> tuple[str, ...]:
    return tuple(result.id for result in results if result.state == state)


def _judge_again(walk: ReleaseWalk, candidate: CandidateCut) -> None:
    """Read the evidence anew where the verdict is too old, failed, or leant on an exception that has ended.

    It is recorded if it says something new, or if the one on record is too old.
    """
    verified, measure = walk.release.verified, walk.gates_standing
    given = walk.release.judged or verified
    if verified is None or given is None or not standing.obstacles(candidate.number, given, measure):
        return
    seen, results = _judge(walk, candidate, verified.pipeline_id)
    said = (verdict(results).reasons, _in_state(results, "pass"), _in_state(results, "excepted"))
    same = said == (given.reasons, given.passed, given.excepted)
    if seen.status not in FINISHED or (same and not standing.is_stale(given, measure)):
        return
    number, turn = candidate.number, walk.release.judged.round + 1 if walk.release.judged else 1
    reasons, passed, excepted = said
    walk.append(
        CandidateJudged(
            number=number,
            round=turn,
            at=walk.now,
            passed=passed,
            excepted=excepted,
            reasons=reasons,
            rules=measure.rules,
        )
    )


def tell_rejected(walk: ReleaseWalk) -> None:
    """Say in the channel that the candidate was rejected, why, and where that is to be seen."""
    candidate, rejected = walk.release.candidate, walk.release.rejected
    if candidate is None or rejected is None:
        return
    headline = f"{candidate.tag} was rejected"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("❌", headline, release_messages.rejected(rejected)),
        walk.op(f"rejected:{candidate.number}"),
        subject=walk.subject,
    )
