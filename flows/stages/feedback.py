"""Feedback: the people who asked are asked whether it helped, and what did not becomes a new request."""

from __future__ import annotations

from datetime import datetime

from flows import intake
from lifecycle import feedback as rules
from lifecycle.events import Closed, FeedbackGiven
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import asking, feedback_messages, feedback_requests, issues, posts, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def feedback(walk: ReleaseWalk) -> Wait | None:
    """Ask each requester once, remind them once; close when all have answered or the time is up.

    What did not help is followed up, also where the answer came after the closing.
    """
    deployed, policy = walk.release.deployed, walk.policy.feedback
    if walk.phase is Phase.CLOSED:
        return _wait(walk, _follow_up(walk), None)
    if walk.phase is not Phase.FEEDBACK or deployed is None:
        return None
    opens = deployed.at + policy.after
    if walk.now < opens:
        return Wait("Awaiting feedback", opens, "the requesters are asked then")
    _ask(walk)
    settled = _follow_up(walk)
    closes = opens + policy.closes_after
    if walk.release.unanswered and walk.now < closes:
        return _wait(walk, settled, min(_remind(walk) or closes, closes))
    if settled is not None:
        return _wait(walk, settled, None)
    _close(walk)
    return None


def _wait(walk: ReleaseWalk, *moments: datetime | None) -> Wait | None:
    until = min((moment for moment in moments if moment is not None), default=None)
    asked = len(walk.release.feedback_asked)
    message = f"answered {asked - len(walk.release.unanswered)} of {asked}"
    return None if until is None else Wait("Awaiting feedback", until, message)


def _ask(walk: ReleaseWalk) -> None:
    if new := asking.questions(walk.subject, walk.release, walk.now):
        walk.append(*new)
    for group in rules.messages(walk.release):
        if not asking.is_sent(asking.key(walk.subject, group[0].request)):
            asking.ask(walk.subject, group[0].request, group[0].person)


def _remind(walk: ReleaseWalk) -> datetime | None:
    """Remind whose time it is; when the next one is due."""
    found = rules.reminders(walk.release, walk.feedback_asked_at, walk.policy, walk.now)
    if found.facts:
        walk.append(*found.facts)
    for fact in walk.release.feedback_reminded:
        if not asking.is_sent(asking.reminder_key(walk.subject, fact.person)):
            asking.remind(walk.subject, fact.person)
    return found.next


def _follow_up(walk: ReleaseWalk) -> datetime | None:
    """Make requests of what did not help; when the first answer that may still change is settled."""
    later: list[datetime] = []
    for given in walk.release.answers:
        settled = rules.settles(given, walk.answered_at[given.request], walk.policy.feedback)
        if settled > walk.now:
            later.append(settled)
        elif given in rules.to_follow(walk.release):
            _follow(walk, given)
    return min(later, default=None)


def _follow(walk: ReleaseWalk, given: FeedbackGiven) -> None:
    key = rules.followed_by(walk.release, given.request)
    if key:
        feedback_requests.tell(walk.subject, given, key)
    else:
        key = intake.take(feedback_requests.asked(walk.subject, given, walk.now))
        feedback_requests.link(walk.subject, given, key)
    walk.reload()


def _close(walk: ReleaseWalk) -> None:
    for key in walk.release.delivers:
        issues.move(walk.project.id, key, Status.CLOSED, "feedback given")
    headline = f"{walk.title} is closed"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("✅", headline, feedback_messages.closing(walk.release), walk.now),
        walk.op(f"closed:{walk.release.attempt}"),
        subject=walk.subject,
    )
    asked = len(walk.release.feedback_asked)
    answers = asked - len(walk.release.unanswered)
    walk.append(Closed(answers=answers, asked=asked, attempt=walk.release.attempt))
