"""Feedback: the people who asked are asked whether it helped."""

from __future__ import annotations

from lifecycle.events import Closed
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import asking, issues, posts, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def feedback(walk: ReleaseWalk) -> Wait | None:
    """Ask each requester once; close when all have answered or the time is up."""
    deployed, rules = walk.release.deployed, walk.policy.feedback
    if walk.phase is not Phase.FEEDBACK or deployed is None:
        return None
    opens = deployed.at + rules.after
    if walk.now < opens:
        return Wait("Awaiting feedback", opens, "the requesters are asked then")
    _ask(walk)
    answered = {given.request for given in walk.release.feedback_given}
    open_questions = [a for a in walk.release.feedback_asked if a.request not in answered]
    closes = opens + rules.closes_after
    if open_questions and walk.now < closes:
        asked = len(walk.release.feedback_asked)
        return Wait("Awaiting feedback", closes, f"answered {asked - len(open_questions)} of {asked}")
    _close(walk)
    return None


def _ask(walk: ReleaseWalk) -> None:
    questions = asking.questions(walk.subject, walk.release, walk.now)
    if new := [q for q in questions if all(q.request != a.request for a in walk.release.feedback_asked)]:
        walk.append(*new)
    for question in walk.release.feedback_asked:
        if not walk.done(asking.key(walk.subject, question.request)):
            asking.ask(walk.subject, question.request, question.person, question.issue)


def _close(walk: ReleaseWalk) -> None:
    for key in walk.release.delivers:
        issues.move(walk.project.id, key, Status.CLOSED, "feedback given")
    given = walk.release.feedback_given
    headline = f"{walk.title} is closed"
    lines = [f"• {g.issue}: {g.answer}" + (f" ({g.comment})" if g.comment else "") for g in given]
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("✅", headline, lines or ["Nobody answered."], walk.now),
        walk.op("closed"),
        subject=walk.subject,
    )
    walk.append(Closed(answers=len(given), asked=len(walk.release.feedback_asked)))
