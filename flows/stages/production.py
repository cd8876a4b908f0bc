"""Production: the one decision, the final tag, the deployment, and telling everybody."""

from __future__ import annotations

from lifecycle.events import Held, ProductionDeployed, ProductionStarted, RollbackStarted
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import (
    code,
    issues,
    merging_back,
    notes,
    pipelines,
    plan_writes,
    posts,
    release_messages,
    release_page,
    rollbacks,
)
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def release_to_production(walk: ReleaseWalk) -> Wait | None:
    """Deploy the signed commit, exactly that one, once every sign-off stands."""
    if walk.phase in (Phase.SIGN_OFF, Phase.ROLLED_BACK) and (waits := _go_out(walk)):
        return waits
    if walk.phase is not Phase.PRODUCTION or walk.release.production is None:
        return None
    going = walk.release.production
    if pipelines.started(walk.subject, "production", going.attempt) is None:
        release_page.require_name(walk.project.gitlab, going.tag, going.sha)
        code.cut_tag(walk.project.gitlab, going.tag, going.sha, walk.title, subject=walk.subject)
    run = walk.pipeline("production", going.tag, going.sha, going.attempt)
    if run.waits:
        return run.waits
    deployment = pipelines.deployment_of(walk.project.gitlab, "production", going.sha)
    if run.pipeline.status == "success" and deployment is not None:
        walk.append(
            ProductionDeployed(
                attempt=going.attempt,
                sha=going.sha,
                url=walk.project.production_url,
                pipeline_id=run.pipeline.id,
                deployment_id=deployment,
                at=walk.now,
            )
        )
    else:
        _failed(walk, run.pipeline.status, run.pipeline.web_url)
    return None


def _go_out(walk: ReleaseWalk) -> Wait | None:
    """Decide for production if nothing speaks against it; a held release waits elsewhere."""
    verdict, timed = walk.may_go_out, walk.release.timed
    if not verdict.allowed:
        if walk.release.hold is not None:
            return None
        return walk.against("Awaiting production", verdict)
    if timed and timed.at and walk.now < timed.at:
        return Wait("Awaiting release time", timed.at, f"approved; it goes out at {timed.wall}")
    if waits := walk.take("production"):
        return waits
    _decide(walk)
    return None


def _decide(walk: ReleaseWalk) -> None:
    """Of two walks that decide at once the ledger lets one through; the other starts its pass again."""
    candidate = walk.release.candidate
    assert candidate is not None
    before = code.production_tag(walk.project.gitlab)
    walk.append(
        ProductionStarted(
            number=candidate.number,
            tag=walk.version,
            sha=candidate.sha,
            attempt=walk.release.attempt + 1,
            previous_tag=before and before[0],
            previous_sha=before and before[1],
        )
    )


def _failed(walk: ReleaseWalk, status: str, url: str) -> None:
    going = walk.release.production
    reason = f"the production deployment is {status}: {url}"
    if going is not None and going.previous_tag and going.previous_sha:
        walk.append(
            RollbackStarted(
                person=None,
                reasons=(reason,),
                to_tag=going.previous_tag,
                to_sha=going.previous_sha,
                attempt=going.attempt,
            )
        )
    elif walk.release.hold is None:
        walk.append(Held(round=walk.release.holds + 1, person=None, reason=reason))


def tell_everybody(walk: ReleaseWalk) -> Wait | None:
    """Bring Jira, GitLab and the channel in line with what production serves; each once."""
    deployed = walk.release.deployed
    if deployed is None or walk.phase not in (Phase.WATCHING, Phase.FEEDBACK):
        return None
    if walk.done(walk.op(f"live:{deployed.attempt}")):
        return None
    for key in walk.release.taken_back:
        issues.move(walk.project.id, key, Status.RELEASED, f"live {deployed.attempt}")
    issues.release_version(walk.project.jira, walk.version, deployed.at.date())
    plan_writes.close_milestone(walk.project.id, walk.version)
    release_page.require_name(walk.project.gitlab, walk.version, deployed.sha)
    told = notes.of(walk.project, walk.release)
    notes.publish(walk.project, walk.release, told)
    release_page.link(walk.project.gitlab, walk.version, release_page.of(walk.subject, walk.release))
    _merge_back(walk)
    _supersede(walk)
    headline = f"{walk.title} is live"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.live(
            walk.subject, headline, notes.told(told), deployed.at, rollbacks.measured(walk.subject)
        ),
        walk.op(f"live:{deployed.attempt}"),
        subject=walk.subject,
    )
    return None


def _merge_back(walk: ReleaseWalk) -> None:
    """Bring it back to the main branch; what git cannot merge is told, and a person's."""
    main, title = walk.project.main, f"Merge {walk.version} back"
    back = merging_back.merge_back(walk.project.gitlab, walk.branch, main, title, subject=walk.subject)
    if not back.merged:
        headline = f"{walk.title} is not merged back to {main}"
        lines = [f"Git cannot merge it: {back.url} is open for a person."]
        news = release_messages.news("⚠️", headline, lines)
        posts.post(headline, walk.project.channel, news, walk.op("not-merged-back"), subject=walk.subject)


def _supersede(walk: ReleaseWalk) -> None:
    """A rolled-back release whose issues are out now has reached its end."""
    if walk.release.plan.supersedes:
        walk.supersede(walk.release.plan.supersedes)
