"""The stages of the weekly review."""

from __future__ import annotations

from lifecycle import review as rules
from lifecycle.planning import Decision, ReleasePlan
from lifecycle.review import PlanWritten
from tasks import issues, planning_messages, plans, posts
from tasks.review_walk import ReviewWalk
from tasks.walk import Wait


def propose(walk: ReviewWalk) -> Wait | None:
    """Read every open request and propose what fits, once."""
    if walk.review.proposed is None:
        walk.append(plans.propose(walk.project.id, walk.subject, walk.now))
    return None


def show(walk: ReviewWalk) -> Wait | None:
    """One message in the planning channel; from here on it is edited."""
    key = planning_messages.message_key(walk.subject)
    if posts.posted(key) is None:
        content = planning_messages.review_content(walk.review, walk.policy, walk.subject)
        posts.post(content.text, walk.policy.review.channel, content, key, subject=walk.subject)
    return None


def await_closing(walk: ReviewWalk) -> Wait | None:
    """Wait until a person closes the review; each time the due time has passed, remind once."""
    proposed, span = walk.review.proposed, walk.policy.review.due
    if proposed is None or walk.review.closed is not None:
        return None
    overdue = max(0, (walk.now - proposed.due) // span + 1)
    if overdue:
        _remind(walk, overdue)
    missing = ", ".join(rules.missing_roles(walk.review, walk.policy))
    until = f"still to take part: {missing}" if missing else "to be closed"
    decided = len({decision.line for decision in walk.review.decided})
    return Wait("Awaiting review", proposed.due + overdue * span, f"{decided} lines decided, {until}")


def _remind(walk: ReviewWalk, number: int) -> None:
    where = posts.posted(planning_messages.message_key(walk.subject))
    key = f"{walk.subject}:reminder:{number}"
    if where is not None and posts.posted(key) is None:
        content = planning_messages.reminder(walk.review, walk.policy)
        channel = walk.policy.review.channel
        posts.post("reminder", channel, content, key, subject=walk.subject, thread_ts=where.ts)


def write_plan(walk: ReviewWalk) -> Wait | None:
    """Put the closed plan into Jira and Prefect, then start its release."""
    closed = walk.review.closed
    if closed is None:
        return None
    version = walk.review.plan.version
    plan = plans.still_there(version, walk.review.plan)
    if plan.accepted:
        plans.unclaimed(walk.project.id, version, walk.subject)
        _into_jira(walk, plan)
    _turned_down(walk, plan)
    plans.table(walk.subject, version, plan)
    if not plan.accepted:
        walk.append(PlanWritten(version=""))
        return None
    started = plans.start_release(walk.project.id, version, plan, walk.subject, closed.person, walk.now)
    walk.append(PlanWritten(version=version, plan_hash=started.plan_hash, issues=started.issues))
    return None


def _into_jira(walk: ReviewWalk, plan: ReleasePlan) -> None:
    jira_key = walk.project.jira
    plans.make_version(jira_key, plan.version, f"Planned in the weekly review {walk.week}")
    waves = {line.key: line.wave for line in plan.lines}
    for at, key in enumerate((key for wave in plan.waves for key in wave), 1):
        issues.add_fix_version(jira_key, key, plan.version)
        plans.place(key, plan.version, waves[key], at)


def _turned_down(walk: ReviewWalk, plan: ReleasePlan) -> None:
    for line in rules.put_off(plan):
        plans.put_off(line, walk.subject)
    for line in plan.lines:
        if line.decision is Decision.REJECT:
            plans.reject(walk.project.id, line, walk.subject)
