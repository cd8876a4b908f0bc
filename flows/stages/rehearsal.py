"""Rehearsing the way back on staging: forward (staging did that), back, and forward again."""

from __future__ import annotations

from datetime import timedelta

from flows.stages.verify import tell_rejected
from lifecycle import rollback
from lifecycle.events import CandidateCut, CandidateRejected, Rehearsed
from lifecycle.release import Phase
from tasks import code, pipelines, posts, release_messages
from tasks.release_walk import PipelineRun, ReleaseWalk
from tasks.walk import Wait


def rehearse(walk: ReleaseWalk) -> Wait | None:
    """Take staging back to production's version and forward again, before anybody is asked to sign.

    A candidate that cannot come back waits for somebody to accept that, or for the next candidate.
    """
    candidate = walk.release.candidate
    if walk.phase is not Phase.SIGN_OFF or candidate is None or not walk.project.rehearsal:
        return None
    if walk.release.rehearsed is None and (waits := _rehearse(walk, candidate)):
        return waits
    reasons = rollback.unrehearsed(walk.release) if walk.phase is Phase.SIGN_OFF else ()
    if not reasons:
        return None
    _tell(walk, candidate, reasons)
    return Wait("Cannot come back", walk.now + timedelta(days=1), "; ".join(reasons))


def _rehearse(walk: ReleaseWalk, candidate: CandidateCut) -> Wait | None:
    number, verified = candidate.number, walk.release.verified
    if verified and verified.irreversible:
        why = f"migrations cannot be taken back: {', '.join(verified.irreversible)}"
        walk.append(Rehearsed(number=number, ok=False, reason=why))
        return None
    back = _back(walk, number)
    if back is None:
        walk.append(Rehearsed(number=number, ok=True, reason="nothing is in production yet"))
        return None
    if back.waits:
        return back.waits
    # Forward also where the way back failed: staging has to serve the candidate again.
    forward = walk.pipeline("rehearse-forward", candidate.tag, candidate.sha, number)
    if forward.waits:
        return forward.waits
    _record(walk, number, back, forward)
    return None


def _back(walk: ReleaseWalk, number: int) -> PipelineRun | None:
    """The way back; once begun it goes where it began to go, whatever production serves by now."""
    begun = pipelines.started(walk.subject, "rehearse-back", number)
    if begun is not None:
        pipeline = pipelines.look(walk.project.gitlab, begun.pipeline_id)
        return walk.pipeline("rehearse-back", pipeline.ref, pipeline.sha, number)
    served = code.production_tag(walk.project.gitlab)
    return None if served is None else walk.pipeline("rehearse-back", *served, number)


def _record(walk: ReleaseWalk, number: int, back: PipelineRun, forward: PipelineRun) -> None:
    back_s, forward_s = (
        pipelines.deployed_in_s(walk.project.gitlab, "staging", each.pipeline) for each in (back, forward)
    )
    if forward_s is None:
        url = forward.pipeline.web_url
        why = f"on staging it did not come forward again after the way back: {url}"
        walk.append(CandidateRejected(number=number, pipeline_id=forward.pipeline.id, reasons=(why,)))
        tell_rejected(walk)
        return
    failed = f"the way back to {back.pipeline.ref} is {back.pipeline.status}: {back.pipeline.web_url}"
    walk.append(
        Rehearsed(
            number=number,
            to_tag=back.pipeline.ref,
            back_s=back_s,
            forward_s=forward_s,
            ok=back_s is not None,
            reason="" if back_s is not None else failed,
        )
    )


def _tell(walk: ReleaseWalk, candidate: CandidateCut, reasons: tuple[str, ...]) -> None:
    headline = f"{candidate.tag} cannot come back"
    command = f"conveyor release accept-no-return {walk.version} --reason WHY"
    lines = [*(f"• {reason}" for reason in reasons), f"It waits for the next candidate, or for `{command}`."]
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("⚠️", headline, lines, walk.now),
        walk.op(f"no-return:{candidate.number}"),
        subject=walk.subject,
    )
