"""The stages of the weekly review."""

from __future__ import annotations

from datetime import timedelta

from flows.stages.plan import Written, write
from lifecycle import review as rules
from lifecycle import review_ladder
from lifecycle.planning import Decision, ReleasePlan
from lifecycle.review import PlanClosed
from lifecycle.scope import Scope, of_plan
from tasks import plan_messages, plan_writes, planning_messages, plans, posts, review_reminders
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
    """Wait until a person closes the review; who is missing is reminded once, then their deputy asked."""
    if walk.review.proposed is None or walk.review.closed is not None:
        return None
    ladder = review_ladder.climb(walk.review, walk.policy, walk.now)
    if ladder.facts:
        walk.append(*ladder.facts)
    review_reminders.tell(walk.subject)
    missing = ", ".join(rules.missing_roles(walk.review, walk.policy))
    until = f"still to take part: {missing}" if missing else "to be closed"
    decided = len({decision.line for decision in walk.review.decided})
    look_again = ladder.next or walk.now + timedelta(days=1)
    return Wait("Awaiting review", look_again, f"{decided} lines decided, {until}")


def write_plan(walk: ReviewWalk) -> Wait | None:
    """Show the closed plan in Jira, GitLab, Prefect and Slack, and start its release; then it is closed.

    What was written before a crash is found again by its own name, and the rest is done.
    """
    closed = walk.review.closed
    if closed is None:
        return None
    version = walk.review.plan.version
    plan = plans.still_there(version, walk.review.plan)
    if plan.accepted:
        plans.unclaimed(walk.project.id, version, walk.subject)
        plans.make_version(walk.project.jira, version, f"Planned in the weekly review {walk.week}")
    _turned_down(walk, plan)
    plans.table(walk.subject, version, plan)
    if not plan.accepted:
        walk.append(PlanClosed(version=""))
        return None
    scope = of_plan(plan)
    written = write(
        walk.project, scope, plan_writes.about(walk.subject), start=walk.at("ReviewClosed").date()
    )
    _sum_up(walk, plan, scope, written)
    # Last, for from here on the release's own run shows the plan, with what is changed in it.
    started = plans.start_release(walk.project.id, version, plan, walk.subject, closed.person, walk.now)
    walk.append(
        PlanClosed(
            version=version,
            plan_hash=started.plan_hash,
            issues=started.issues,
            **written._asdict(),
        )
    )
    return None


def _sum_up(walk: ReviewWalk, plan: ReleasePlan, scope: Scope, written: Written) -> None:
    """One message in the release's channel."""
    key = plan_messages.summary_key(walk.subject)
    if posts.posted(key) is None:
        content = plan_messages.summary(
            walk.project, plan, scope, written.wiki, written.milestone, written.left_out
        )
        posts.post(content.text, walk.project.channel, content, key, subject=walk.subject)


def _turned_down(walk: ReviewWalk, plan: ReleasePlan) -> None:
    for line in rules.put_off(plan):
        plans.put_off(line, walk.subject)
    for line in plan.lines:
        if line.decision is Decision.REJECT:
            plans.reject(walk.project.id, line, walk.subject)
