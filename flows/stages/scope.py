"""A change of scope after the closing: asked for in Slack, and shown everywhere once it is in effect."""

from __future__ import annotations

from flows.stages.plan import write
from lifecycle import scope_changes
from lifecycle.events import ScopeChanged
from tasks import plan_messages, plan_writes, plans, posts, removing
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def follow_scope(walk: ReleaseWalk) -> Wait | None:
    """Ask the review's roles about a change, once; write the plan anew for each that took effect."""
    for asked in walk.release.scope_asked:
        key = plan_messages.change_key(walk.subject, asked.request)
        if not walk.done(key):
            content = plan_messages.change(walk.release, asked, walk.policy)
            posts.post(content.text, walk.policy.review.channel, content, key, subject=walk.subject)
    # Its merges have to leave the branch first; or whose approval was missing has lost the role since.
    due = scope_changes.effect(walk.release, walk.policy)
    if isinstance(due, ScopeChanged) and not walk.past_sign_off:
        walk.append(removing.concluded(walk.subject, walk.release, due))
    for fact in walk.release.scope_changed:
        if not walk.said(f"scoped:{fact.request}"):
            _carry_out(walk, fact)
    return None


def _carry_out(walk: ReleaseWalk, fact: ScopeChanged) -> None:
    """Jira, GitLab and Prefect follow the present plan; what is done is said in the channel, last."""
    release, project = walk.release, walk.project
    asked = next(a for a in release.scope_asked if a.request == fact.request)
    for key in asked.remove:
        if key not in release.delivers:
            plans.take_out(key, walk.version, plan_writes.link_id(project.id, walk.version))
        if asked.reverts:
            op = walk.op(f"out:{fact.request}:{key}")
            removing.put_back(project.id, key, walk.version, asked.why, op, subject=walk.subject)
    review = release.plan.review
    plans.changed_table(review or walk.op("plan"), plan_writes.closed_plan(review), release.scope)
    written = write(
        project,
        release.scope,
        plan_writes.about(review) if review else (),
        scope_changes.since_closing(release),
        due=release.timed.at.date() if release.timed and release.timed.at else None,
    )
    news = plan_messages.changed_news(release, fact.request, written.wiki, written.milestone)
    key = walk.op(f"scoped:{fact.request}")
    posts.post(news.text, project.channel, news, key, subject=walk.subject)
