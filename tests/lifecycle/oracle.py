"""What must be true of a release's history, told from the raw events alone.

This knows nothing of `lifecycle.release` and `lifecycle.signoff`: it reads the list of facts as an
auditor would, slowly and in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lifecycle import events as e
from lifecycle.policy import Policy, Scope, Step


class Audit:
    """The facts of one release up to the moment that one candidate went to production."""

    def __init__(self, history: Sequence[e.ReleaseEvent], policy: Policy) -> None:
        (self.plan,) = [f for f in history if isinstance(f, e.Planned)]
        scopes = [self.plan, *(f for f in history if isinstance(f, e.ScopeChanged))]
        self.scope = scopes[-1]
        self.cuts = {f.number: f for f in history if isinstance(f, e.CandidateCut)}
        self.asks = {f.request: f for f in history if isinstance(f, e.SignOffAsked)}
        self.carries = [f for f in history if isinstance(f, e.SignOffCarried)]
        self.returned = {f.request for f in history if isinstance(f, e.Returned)}
        self.overridden = {(f.step, f.number) for f in history if isinstance(f, e.StepOverridden)}
        self.signed = set(_standing(history))
        self.steps = policy.steps_for(self.plan.release_kind)

    def unsigned(self, going: e.ProductionStarted) -> list[str]:
        """Every required sign-off that neither is on the commit that goes out nor reaches it.

        Of the steps that nobody overrode for this very candidate.
        """
        return [
            f"{step.id} of {issue or 'all'}"
            for step in self.steps
            if (step.id, going.number) not in self.overridden
            for issue in (self._issues() if step.binds is Scope.ISSUE else [None])
            if not any(self._suffices(ask, step, going) for ask in self._asked(step, issue, going))
        ]

    def _issues(self) -> list[str]:
        return sorted({*self.scope.issues, *self.plan.carries})

    def _asked(self, step: Step, issue: str | None, going: e.ProductionStarted) -> list[e.SignOffAsked]:
        wanted = (step.id, issue, going.number, going.sha, self.scope.plan_hash)
        return [a for a in self.asks.values() if (a.step, a.issue, a.number, a.sha, a.plan_hash) == wanted]

    def _suffices(self, ask: e.SignOffAsked, step: Step, going: e.ProductionStarted) -> bool:
        cut = self.cuts[going.number]
        if ask.request in self.returned or (cut.strangers and not step.authors_may_sign):
            return False
        barred = set() if step.authors_may_sign else set(cut.authors)
        given = [s for s in self._reaching(ask) if s.person not in barred]
        if step.binds is Scope.RELEASE and {s.person for s in given} == {self.plan.started_by}:
            return False
        voices = {(s.role, s.instead_of or s.person) for s in given}
        return all(len([1 for r, _ in voices if r == role]) >= n for role, n in step.quorum.items())

    def _reaching(self, ask: e.SignOffAsked) -> Iterator[e.SignOffGiven]:
        """The signatures on this question, and those that every link of a chain brought to it."""
        yield from (s for s in self.signed if s.request == ask.request)
        for link in self.carries:
            if link.request == ask.request and self._holds(link):
                yield from self._reaching(self.asks[link.from_request])

    def _holds(self, link: e.SignOffCarried) -> bool:
        """Both ends are one issue's questions of one step, its files are the same, nothing was returned."""
        here, there = self.asks[link.request], self.asks[link.from_request]
        digests = [self.cuts[ask.number].digests.get(link.issue, "") for ask in (there, here)]
        return (
            there.number < here.number
            and there.plan_hash == here.plan_hash
            and (here.step, here.issue) == (there.step, there.issue) == (link.step, link.issue)
            and (there.sha, here.sha) == (link.from_sha, link.to_sha)
            and digests == [link.from_digest, link.to_digest]
            and len(set(digests)) == 1
            and digests[0] != ""
            and there.request not in self.returned
        )


def _standing(history: Sequence[e.ReleaseEvent]) -> Iterator[e.SignOffGiven]:
    """The signatures that were given while they were asked for, and never taken back."""
    newest, asked, over = 0, dict[str, int](), set[str]()
    for place, fact in enumerate(history):
        match fact:
            case e.CandidateCut():
                newest = fact.number
            case e.SignOffAsked():
                asked[fact.request] = fact.number
            case e.Returned() | e.SignOffExpired():
                over.add(fact.request)
            case e.SignOffGiven() if fact.request not in over and asked.get(fact.request) == newest:
                if not any(_takes_back(later, fact) for later in history[place:]):
                    yield fact
            case _:
                pass


def _takes_back(later: e.ReleaseEvent, given: e.SignOffGiven) -> bool:
    return isinstance(later, e.SignOffWithdrawn) and (
        (later.request, later.role, later.person, later.round)
        == (given.request, given.role, given.person, given.round)
    )


def ungated(history: Sequence[e.ReleaseEvent], going: e.ProductionStarted) -> tuple[str, ...]:
    """What the last judgement of this very candidate's gates says against it."""
    kinds = (e.CandidateVerified, e.CandidateJudged)
    told = [fact for fact in history if isinstance(fact, kinds) and fact.number == going.number]
    return told[-1].reasons if told else ("never judged",)


def held_at(history: Sequence[e.ReleaseEvent]) -> list[bool]:
    """For each fact, whether the release was held when it was told."""
    held, found = False, list[bool]()
    for fact in history:
        found.append(held)
        held = (held or isinstance(fact, e.Held | e.RolledBack)) and not isinstance(fact, e.Resumed)
    return found
