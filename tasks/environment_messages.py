"""What the channel hears of environments, each once: locks, hotfixes in a freeze, deployments by hand."""

from __future__ import annotations

from prefect import task

from lifecycle import occupancy
from tasks import folding, occupying, posts, release_messages
from tasks.context import policy
from tasks.effects import RETRY


def lock_told(project: str, environment: str) -> None:
    """Say what the newest lock is: one that nobody hears of surprises people."""
    state, _ = occupying.seen(project, environment)
    lock = state.lock
    if lock is None:
        return
    subject, where = occupancy.stream(project, environment), policy().project(project)
    headline = f"{where.name}: {environment} is locked"
    until = f"until {lock.until:%Y-%m-%d %H:%M} UTC" if lock.until else "until somebody unlocks it"
    content = release_messages.news("🔒", headline, [f"{lock.person}: {lock.reason}", until])
    posts.post.fn(headline, where.channel, content, f"{subject}:lock:{lock.round}", subject=subject)


def unfrozen_key(subject: str, attempt: int) -> str:
    """The key of the message that a hotfix may go out in a freeze."""
    return f"{subject}:unfrozen:{attempt}"


@task(task_run_name="tell that {subject} may go out in a freeze", **RETRY)
def tell_unfrozen(subject: str) -> None:
    """Say who lets the hotfix out in a freeze, and why."""
    release = folding.release_of(subject)
    if release is None or release.unfrozen is None:
        return
    fact, project = release.unfrozen, policy().project(release.plan.project)
    headline = f"{project.name} {release.plan.version} (hotfix) may go out in a freeze"
    content = release_messages.news("🧊", headline, [f"{fact.person} ({fact.role}): {fact.reason}"])
    posts.post.fn(headline, project.channel, content, unfrozen_key(subject, fact.attempt), subject=subject)
