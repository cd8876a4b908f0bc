"""Whether what went out helped: who is asked and reminded, which answer stands, what the answers add up to.

Nobody is asked twice, under whatever account; everybody is reminded at most once; the last answer stands. An
answer that comes after the release is closed is kept and counted, and called late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from lifecycle import events as e
from lifecycle.calendar import add_working
from lifecycle.duplicates import Index
from lifecycle.policy import Feedback, Person, Policy
from lifecycle.release import Release
from lifecycle.requests import Door, Requester, body, opaque

AT_ONCE = 10
"""So many questions go into one message."""

COMMENT_LENGTH = 2000
"""So many characters of a comment are kept."""

LEAST_ALIKE = 0.4
"""Two comments with this score (0..1) are of one theme; below it they merely share common words."""

Answer = Literal["solved", "partly", "not"]

ENTERS = ("manager", "management", "product", "product-owner", "release")
"""The roles that may record what a client said."""


class Wish(NamedTuple):
    """`who` asked for `issue`; `place` is the origin of their ask (`gitlab:7:12`), "" if none is known."""

    issue: str
    who: Requester
    place: str = ""


def asks(
    release: Release, stream: str, wishes: Iterable[Wish], policy: Policy, due: datetime
) -> tuple[e.FeedbackAsked, ...]:
    """What is still to be asked: one question for each issue and person, nothing that was asked before.

    A person is the same under all their accounts, also if they came into the people file meanwhile. Left
    out are deactivated people, and those outside the file whom no account leads to.
    """
    known = {(asked.issue, asked.person) for asked in release.feedback_asked}
    found: list[e.FeedbackAsked] = []
    for wish in wishes:
        person = _in_file(wish.who, policy)
        names = {(wish.issue, name) for name in _names(wish.who, person)}
        if names & known or (person is not None and not person.active):
            continue
        asked = _question(wish, person, stream, due)
        if asked is not None:
            found.append(asked)
            known |= names
    return tuple(found)


def question_id(stream: str, issue: str, person_id: str) -> str:
    """The id of the question to somebody of the people file, asked or not yet."""
    return opaque(stream, issue, person_id)


def _question(wish: Wish, person: Person | None, stream: str, due: datetime) -> e.FeedbackAsked | None:
    if person is not None:
        return e.FeedbackAsked(
            request=question_id(stream, wish.issue, person.id),
            person=person.id,
            issue=wish.issue,
            due=due,
            slack=person.slack,
            place=wish.place,
        )
    account = next(iter(_accounts(wish.who)), None)
    if account is None:
        return None
    return e.FeedbackAsked(
        request=opaque(stream, wish.issue, "outside", account),
        person=account,
        issue=wish.issue,
        due=due,
        outside=True,
        name=wish.who.called,
        slack=wish.who.slack,
        place=wish.place,
    )


def _in_file(who: Requester, policy: Policy) -> Person | None:
    return (
        policy.person(who.person)
        or policy.by_jira(who.jira)
        or policy.by_gitlab(who.gitlab)
        or policy.by_slack(who.slack)
    )


def _names(who: Requester, person: Person | None) -> set[str]:
    """Everything that stands for this requester in a question's `person`."""
    return {person.id, *_accounts(person)} if person else {who.person, *_accounts(who)} - {""}


def _accounts(who: Requester | Person) -> Iterator[str]:
    for vendor, account in (("jira", who.jira), ("gitlab", who.gitlab), ("slack", who.slack)):
        if account:
            yield f"{vendor}:{account}"


def messages(release: Release) -> tuple[tuple[e.FeedbackAsked, ...], ...]:
    """The questions as they are sent: what one person was asked at one time is one message.

    The same for the same questions, whatever was asked later: a message's first question names it.
    """
    together: dict[tuple[str, datetime], list[e.FeedbackAsked]] = {}
    for asked in release.feedback_asked:
        together.setdefault((asked.person, asked.due), []).append(asked)
    return tuple(
        tuple(each[start : start + AT_ONCE])
        for each in together.values()
        for start in range(0, len(each), AT_ONCE)
    )


def link_place(asked: e.FeedbackAsked) -> str:
    """The Jira or GitLab issue (as an origin) on which this person can be given a link; "" for none.

    Somebody of the people file finds it on the issue itself, wherever they asked.
    """
    if asked.place.partition(":")[0] in (Door.JIRA.value, Door.GITLAB.value, Door.DESK.value):
        return asked.place
    return "" if asked.outside else f"{Door.JIRA.value}:{asked.issue}"


class Reminders(NamedTuple):
    """Whom to remind now, and when the next one is due (None: nobody is left)."""

    facts: tuple[e.FeedbackReminded, ...] = ()
    next: datetime | None = None


def reminders(release: Release, asked_at: Mapping[str, datetime], policy: Policy, now: datetime) -> Reminders:
    """Who has not answered all by `remind_after` hears of it once, in their working hours.

    `asked_at` by request, aware. Nobody is reminded when the time to answer is over.
    """
    heard = {fact.person for fact in release.feedback_reminded}
    due: dict[str, datetime] = {}
    for asked in release.unanswered:
        if asked.person not in heard and asked.person not in due:
            at = _at_work(asked_at[asked.request] + policy.feedback.remind_after, asked.person, policy)
            if max(at, now) < asked.due:
                due[asked.person] = at
    facts = tuple(e.FeedbackReminded(person=person) for person, at in due.items() if at <= now)
    return Reminders(facts, min((at for at in due.values() if at > now), default=None))


def _at_work(at: datetime, person_id: str, policy: Policy) -> datetime:
    person = policy.person(person_id) or Person(id=person_id, name=person_id)
    return add_working(at, timedelta(0), policy.hours_of(person))


class NotTaken(Exception):
    """The answer is not taken; the text is for the person."""


class Said(NamedTuple):
    """What somebody says: the answer ("" leaves it as it is), 1 to 5, and a comment."""

    answer: str = ""
    score: int | None = None
    comment: str = ""


def give(release: Release, request: str, person_id: str, said: Said) -> e.FeedbackGiven:
    """The fact of this answer: the next round, or the standing one where nothing new is said.

    The same answer with neither score nor comment says nothing new, so that a second click wipes nothing.

    Raises:
        NotTaken: it is somebody else's question, or it is no answer.
    """
    asked = next((a for a in release.feedback_asked if a.request == request), None)
    if asked is None or asked.person != person_id:
        raise NotTaken("This question was for somebody else.")
    last = next((given for given in release.answers if given.request == request), None)
    if not said.answer and last is None:
        raise NotTaken("Say first whether it helped: solved, partly or not.")
    fact = _given(asked.request, asked.person, asked.issue, said, last)
    if last is None or last.entered_by:
        return fact
    bare = said.answer == last.answer and said.score is None and not fact.comment
    return last if bare or _same(fact, last) else fact


def enter(
    release: Release, stream: str, issue: str, client: str, entered_by: str, said: Said, policy: Policy
) -> e.FeedbackGiven:
    """The fact of what `client` (an id or a name) said about `issue`, recorded by somebody of the team.

    Raises:
        NotTaken: it is no answer, nobody or several are of that name, or the client has answered already.
    """
    name = " ".join(client.split())
    if not name:
        raise NotTaken("Say whose answer it is.")
    if issue not in release.delivers:
        raise NotTaken(f"{issue} did not go out with {release.plan.version}.")
    request, person = _client(release, stream, issue, name, policy)
    last = next((given for given in release.answers if given.request == request), None)
    if last is not None and not last.entered_by:
        raise NotTaken(f"{name} answered “{last.answer}” in person; that stands.")
    fact = _given(request, person, issue, said, last).model_copy(update={"entered_by": entered_by})
    return last if last is not None and _same(fact, last) else fact


def _client(release: Release, stream: str, issue: str, name: str, policy: Policy) -> tuple[str, str]:
    """The question that this client was asked about the issue, or would have been."""
    questions = {
        a.request: a.person
        for a in release.feedback_asked
        if a.issue == issue and _is_called(name, a.person, a.name, policy)
    }
    for person in policy.people if not questions else ():
        if _is_called(name, person.id, "", policy):
            questions[question_id(stream, issue, person.id)] = person.id
    if len(questions) > 1:
        raise NotTaken(f"Several people are called {name}: say the id.")
    known = next(iter(questions.items()), None)
    return known or (opaque(stream, issue, "said", name.casefold()), name)


def _is_called(wanted: str, person_id: str, name: str, policy: Policy) -> bool:
    """By their id, their name, or their name without what stands in brackets after it."""
    person = policy.person(person_id)
    full = person.name if person else name
    return wanted.casefold() in {n.casefold() for n in (person_id, full, full.partition("(")[0].strip())}


def _given(
    request: str, person: str, issue: str, said: Said, last: e.FeedbackGiven | None
) -> e.FeedbackGiven:
    answer = said.answer or (last.answer if last else "")
    if answer not in ("solved", "partly", "not"):
        raise NotTaken("Answer solved, partly or not.")
    if said.score is not None and not 1 <= said.score <= 5:
        raise NotTaken("A score is from 1 to 5.")
    return e.FeedbackGiven(
        request=request,
        round=last.round + 1 if last else 1,
        person=person,
        issue=issue,
        answer=answer,
        score=said.score,
        comment=body(said.comment)[:COMMENT_LENGTH],
    )


def _same(fact: e.FeedbackGiven, last: e.FeedbackGiven) -> bool:
    return (fact.answer, fact.score, fact.comment) == (last.answer, last.score, last.comment)


def settles(given: e.FeedbackGiven, given_at: datetime, rules: Feedback) -> datetime:
    """When nothing more is expected of an answer: a bare click waits for its score and its comment."""
    whole = given.score is not None or given.comment or given.entered_by
    return given_at if whole else given_at + rules.settles_after


def to_follow(release: Release) -> tuple[e.FeedbackGiven, ...]:
    """The answers that a new request has to come of; and what is new to one that came of an earlier round."""
    told = {fact.request: fact.round for fact in release.feedback_followed}
    return tuple(
        given
        for given in release.answers
        if given.round > told.get(given.request, 0 if given.answer == "not" else given.round)
    )


def followed_by(release: Release, request: str) -> str:
    """The key of the request that was opened because of this answer, "" if none was."""
    return next((fact.issue for fact in release.feedback_followed if fact.request == request), "")


# What the answers add up to.


class Figures(BaseModel):
    """`answered` of `asked` questions; all answers by what they say, those entered for others too.

    `score` is the mean of 1..5, None where nobody gave one.
    """

    model_config = ConfigDict(frozen=True)
    asked: int = 0
    answered: int = 0
    solved: int = 0
    partly: int = 0
    unsolved: int = 0
    score: float | None = None
    scores: int = 0

    @property
    def answers(self) -> int:
        """All that was said."""
        return self.solved + self.partly + self.unsolved

    @property
    def answer_rate(self) -> float | None:
        """0..1 of those who were asked; None if nobody was."""
        return self.answered / self.asked if self.asked else None

    @property
    def solved_rate(self) -> float | None:
        """0..1 of the answers; None if there are none."""
        return self.solved / self.answers if self.answers else None


def measure(asked: Iterable[e.FeedbackAsked], answers: Sequence[e.FeedbackGiven]) -> Figures:
    """Count the answers that stand, one for each question."""
    questions = {each.request for each in asked}
    said = [given.answer for given in answers]
    scores = [given.score for given in answers if given.score is not None]
    return Figures(
        asked=len(questions),
        answered=sum(given.request in questions for given in answers),
        solved=said.count("solved"),
        partly=said.count("partly"),
        unsolved=said.count("not"),
        score=fmean(scores) if scores else None,
        scores=len(scores),
    )


class Theme(NamedTuple):
    """`size` comments that say much the same, by the most central of them."""

    comment: str
    size: int


_ONE_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def themes(comments: Iterable[str], least: float = LEAST_ALIKE) -> tuple[Theme, ...]:
    """Group the comments as requests are compared, by `lifecycle.duplicates`; the most frequent theme first.

    Each theme is one comment with all that are left of those like it, so that no chain of comments joins
    two that have nothing in common. Who has most alike comes first; equal ones keep their order.
    """
    said = [comment for comment in (" ".join(c.split()) for c in comments) if comment]
    alike = _alike(said, least)
    left = set(range(len(said)))
    found: list[Theme] = []
    while left:
        near = {place: left & alike[place].keys() for place in sorted(left)}
        central = max(near, key=lambda place: (len(near[place]), sum(alike[place][o] for o in near[place])))
        found.append(Theme(said[central], 1 + len(near[central])))
        left -= {central, *near[central]}
    return tuple(found)


def _alike(said: Sequence[str], least: float) -> list[dict[int, float]]:
    """For each comment the others that are like it, by the better of the two ways to ask."""
    index = Index()
    for place, comment in enumerate(said):
        index.add(str(place), comment, "", _ONE_TIME)
    found: list[dict[int, float]] = [{} for _ in said]
    for place, comment in enumerate(said):
        for name, score in index.rank(comment, "", _ONE_TIME, k=len(said)):
            other = int(name)
            if other != place and score >= least:
                best = max(score, found[other].get(place, 0.0))
                found[place][other] = found[other][place] = best
    return found
