"""Whatever people, machines and chance do to a release: what must hold of every history the rules let by.

The machine does what the flows do (cut, verify, ask, carry, conclude, ship), what people do (sign, return,
withdraw, hold), and in between it tells anything at all. The oracle then reads the raw events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lifecycle import events as e
from lifecycle import phases, shipping, signoff
from lifecycle import release as rules
from lifecycle.gates.standing import Standing
from lifecycle.phases import FORBIDDEN_WHILE_HELD, TRANSITIONS, IllegalEvent
from lifecycle.policy import Policy
from lifecycle.release import Release
from lifecycle.scope import ScopeLine, changed
from tests.lifecycle.facts import seeds, some_fact
from tests.lifecycle.oracle import Audit, held_at, ungated
from tests.lifecycle.story import NOW, PEOPLE, STREAM, around, policy, sha, step_data

STEPS = [
    step_data("qa", binds="issue", quorum={"qa": 1}),
    step_data("whole", binds="candidate", quorum={"qa": 1, "security": 1}, hotfix=False),
    step_data("check", quorum={"manager": 1}),
    step_data("client", quorum={"client": 1}, authors_may_sign=True, hotfix=False),
]
EVERY_EXCEPTION = Standing(excepted=("sast",))
"""An exception to each gate that a told verdict may lean on: when they end is another test's."""
POLICIES = {
    "one of qa": policy(steps=STEPS[:3]),
    "two of qa": policy(steps=[{**STEPS[0], "quorum": {"qa": 2}}, *STEPS[1:]]),
}


class Histories(RuleBasedStateMachine):
    """One release; `history` are the facts that the rules let by, in order."""

    seen: ClassVar[Counter[str]] = Counter()

    policy: Policy
    release: Release
    history: list[e.ReleaseEvent]

    @initialize(
        quorum=st.sampled_from(sorted(POLICIES)),
        kind=st.sampled_from(["regular", "hotfix"]),
        issues=st.sampled_from([("SHOP-1", "SHOP-2"), ("SHOP-1", "SHOP-2"), ("SHOP-1",)]),
        carries=st.sampled_from([(), (), ("SHOP-3",)]),
        started_by=st.sampled_from([None, "olli", "mara"]),
        begins=st.sampled_from(["planned", "asked", "signed", "live", "reworked", "signed again"]),
        mended=st.sampled_from(["aaa", "aaa", "baa", "aba"]),
        mended_by=st.sampled_from(["dora", "dora", "quinn"]),
    )
    def plan(self, quorum: str, begins: str, mended: str, mended_by: str, **plan: Any) -> None:
        self.policy = POLICIES[quorum]
        plan["release_kind"] = plan.pop("kind")
        planned = e.Planned(project="shop", version="1.4.0", base="main", plan_hash="p1", **plan)
        self.release, self.history = rules.apply(None, planned), [planned]
        if begins != "planned":
            self.cut(staged_too=True, digests="aaa", authors=("dora",))
            self.walk(most=9)
        if begins in ("reworked", "signed again"):
            for ask in self.release.asked:
                self.sign("quinn", ask.request)
                self.sign("quentin", ask.request)
            self.send_back("quinn", len(self.release.asked) - 1)
            self.cut(staged_too=True, digests=mended, authors=(mended_by,))
            self.walk(most=9)
        if begins in ("signed", "live", "signed again"):
            self.everybody_signs(absent="", most=9)
        if begins == "live" and self.release.production:
            self.go_on()

    def tell(self, fact: e.ReleaseEvent) -> bool:
        """Offer a fact to the rules; whether they took it. A refusal and a repeat leave all as it was."""
        before = self.release.model_dump_json()
        try:
            after = rules.apply(self.release, fact)
        except IllegalEvent:
            return False
        finally:
            assert self.release.model_dump_json() == before
        if fact.key(STREAM) in {told.key(STREAM) for told in self.history}:
            assert after == self.release
            return False
        self.check(fact, after)
        self.release, self.history = after, [*self.history, fact]
        self.seen[fact.kind] += 1
        return True

    def check(self, fact: e.ReleaseEvent, after: Release) -> None:
        """What has to hold for the one fact that was let by."""
        was = self.release.phase
        late = fact.kind in ("FeedbackGiven", "FeedbackFollowed") and after.phase is was
        if was.terminal and not late:
            assert (was, fact.kind, after.ended) == (phases.Phase.CLOSED, "RollbackStarted", None)
        assert TRANSITIONS[was, fact.kind] is after.phase
        if isinstance(fact, e.ProductionStarted):
            assert Audit(self.history, self.policy).unsigned(fact) == []
            assert ungated(self.history, fact) == ()
            assert self.release.unfinished == ()
            self.seen["carried"] += any(link.to_sha == fact.sha for link in self.release.carried)
        if isinstance(fact, e.SignOffWithdrawn):
            assert not any(isinstance(told, e.ProductionStarted) for told in self.history)

    # What the flows do.

    @rule(seed=seeds, legal=st.booleans())
    def anything(self, seed: int, legal: bool) -> None:
        fitting = [kind for kind in ANY if (self.release.phase, kind) in TRANSITIONS]
        fact = some_fact(seed, fitting if legal and fitting else ANY, self.release)
        note(repr(fact))
        if isinstance(fact, e.StepPassed) and not self.may_conclude(fact.step):
            return
        if isinstance(fact, e.ProductionStarted) and not self.may_go_out:
            return
        self.tell(fact)

    def may_conclude(self, step_id: str) -> bool:
        steps = {step.id: step for step in self.policy.steps}
        return step_id in steps and signoff.passed(self.release, steps[step_id]).allowed

    @property
    def may_go_out(self) -> bool:
        steps = self.policy.steps_for(self.release.plan.release_kind)
        return shipping.may_go_out(self.release, steps, around(self.release, gates=EVERY_EXCEPTION)).allowed

    @rule(really=st.sampled_from([True, False, False, False]))
    @precondition(lambda self: len(self.release.scope_asked) < 2)
    def change_scope(self, really: bool) -> None:
        """Add an issue, or take it out again: then the plan is the first one, by its name too."""
        if not really:
            return
        inside = "SHOP-7" in self.release.plan.issues
        change: dict[str, Any] = {"remove": ("SHOP-7",)} if inside else {"add": (ScopeLine(key="SHOP-7"),)}
        to = "p1" if inside else "p2"
        asked = e.ScopeChangeAsked(
            request=f"scope{len(self.release.scope_asked)}",
            plan_hash=self.release.plan.plan_hash,
            new_hash=to,
            why="because",
            person="olli",
            door="cli",
            due=NOW,
            **change,
        )
        if self.release.scope_change is None and self.tell(asked):
            after = changed(self.release.scope, asked.add, asked.remove).issues
            assert self.tell(e.ScopeChanged(request=asked.request, plan_hash=to, issues=after))

    @rule(
        staged_too=st.booleans(),
        digests=st.text("aab", min_size=3, max_size=3),
        authors=st.sampled_from([(), ("dora",), ("dora",), ("dora", "quinn")]),
    )
    @precondition(lambda self: self.release.phase in (phases.Phase.PLANNED, phases.Phase.REWORK))
    def cut(self, staged_too: bool, digests: str, authors: tuple[str, ...]) -> None:
        number = len(self.release.candidates) + 1
        self.tell(
            e.CandidateCut(
                number=number,
                tag=rules.candidate_tag("1.4.0", number),
                sha=sha(number),
                branch="release/1.4.0",
                digests=dict(zip(("SHOP-1", "SHOP-2", "SHOP-3"), digests, strict=True)),
                authors=authors,
            )
        )
        if staged_too:
            while self.release.phase in (phases.Phase.VERIFYING, phases.Phase.STAGING):
                self.go_on()

    @rule()
    @precondition(lambda self: self.release.phase in MACHINES)
    def go_on(self) -> None:
        """The next thing that a machine reports when all goes well."""
        newest, attempt = self.release.candidates[-1], self.release.attempt
        good: Mapping[phases.Phase, e.ReleaseEvent] = {
            phases.Phase.VERIFYING: e.CandidateVerified(number=newest.number, pipeline_id=1),
            phases.Phase.STAGING: e.Staged(number=newest.number, sha=newest.sha, url="", pipeline_id=2),
            phases.Phase.PRODUCTION: e.ProductionDeployed(
                attempt=attempt, sha=newest.sha, url="", pipeline_id=3, at=NOW
            ),
            phases.Phase.WATCHING: e.WatchEnded(attempt=attempt, verdict="healthy"),
            phases.Phase.ROLLING_BACK: e.RolledBack(attempt=attempt, to_sha=sha(0), pipeline_id=4, at=NOW),
            phases.Phase.ROLLED_BACK: e.Resumed(round=self.release.holds, person="mara"),
        }
        self.tell(good[self.release.phase])

    @rule(most=st.sampled_from([0, 1, 9]))
    @precondition(lambda self: self.release.phase is phases.Phase.SIGN_OFF)
    def walk(self, most: int) -> None:
        """Ask, carry and conclude step by step, as the flow does; ship when all is signed.

        A walk that crashed may have asked but a part of the questions.
        """
        for step in self.policy.steps_for(self.release.plan.release_kind):
            for ask in signoff.asks(self.release, STREAM, step, NOW, "staging")[:most]:
                assert self.tell(ask)
            for carry in signoff.carries(self.release, step):
                assert self.tell(carry)
            if not signoff.passed(self.release, step).allowed:
                return
            if not self.release.has_passed(step.id) and not self.release.hold:
                assert self.tell(e.StepPassed(step=step.id, number=self.release.candidates[-1].number))
        newest = self.release.candidates[-1]
        if self.may_go_out:
            assert self.tell(
                e.ProductionStarted(
                    number=newest.number,
                    tag="1.4.0",
                    sha=newest.sha,
                    previous_tag="1.3.0",
                    previous_sha=sha(0),
                )
            )

    @rule()
    @precondition(lambda self: self.release.phase in LIVE)
    def break_down(self) -> None:
        attempt = self.release.attempt
        back = e.RollbackStarted(
            person=None, reasons=("bad",), to_tag="1.3.0", to_sha=sha(0), attempt=attempt
        )
        assert self.tell(back)

    # What people do.

    @rule(person=st.sampled_from(sorted(PEOPLE)), which=st.integers(0, 30))
    @precondition(lambda self: self.release.asked)
    def click(self, person: str, which: int) -> None:
        ask = self.release.asked[which % len(self.release.asked)]
        self.sign(person, ask.request)

    @rule(absent=st.sampled_from(["", "quinn", "mara", "olli"]), most=st.sampled_from([0, 9]))
    @precondition(lambda self: self.release.phase is phases.Phase.SIGN_OFF)
    def everybody_signs(self, absent: str, most: int) -> None:
        """Step by step, whoever is there signs whatever is asked."""
        for _ in range(5):
            for ask in self.release.asked_now():
                for person in sorted(PEOPLE.keys() - {absent}):
                    self.sign(person, ask.request)
            if self.release.phase is phases.Phase.SIGN_OFF:
                self.walk(most=most)

    def sign(self, slug: str, request: str) -> None:
        person = self.policy.person(slug)
        assert person is not None
        signing = signoff.may_sign(self.release, request, person, self.policy)
        fact = e.SignOffGiven(
            request=request,
            role=signing.role,
            person=slug,
            round=signing.round,
            door="slack",
            instead_of=signing.instead_of,
        )
        if not signing.allowed:
            return
        ask, newest = self.release.question(request), self.release.candidates[-1]
        step = next(s for s in self.policy.steps if ask and s.id == ask.step)
        assert ask in self.release.asked_now()
        absent = self.policy.person(signing.instead_of or slug)
        assert absent is not None
        assert signing.role in absent.roles
        self.seen["deputy"] += signing.instead_of is not None
        assert slug not in newest.authors or step.authors_may_sign
        assert (signing.role, slug) not in signoff.signers(self.release, request)
        assert self.tell(fact), "what may be signed is taken"
        assert (signing.role, slug) in signoff.signers(self.release, request)

    @rule(step=st.sampled_from(["qa", "whole"]), absent=st.sampled_from(["quinn", "quentin"]))
    @precondition(lambda self: self.release.phase is phases.Phase.SIGN_OFF)
    def ask_the_deputy(self, step: str, absent: str) -> None:
        number = self.release.candidates[-1].number
        self.tell(e.DeputyAsked(step=step, number=number, person=absent, deputy="olli"))

    @rule(which=st.integers(0, 30))
    @precondition(lambda self: self.release.asked_now() and not self.release.hold)
    def expire(self, which: int) -> None:
        asks = self.release.asked_now()
        ask = asks[which % len(asks)]
        self.tell(e.SignOffExpired(request=ask.request))
        if self.release.is_expired(ask.request):
            assert not any(
                signoff.may_sign(self.release, ask.request, p, self.policy).allowed
                for p in self.policy.people
            )

    @rule(person=st.sampled_from(["quinn", "quentin", "mara"]), which=st.integers(0, 30))
    @precondition(lambda self: self.release.asked)
    def withdraw(self, person: str, which: int) -> None:
        ask, who = self.release.asked[which % len(self.release.asked)], self.policy.person(person)
        assert who is not None
        for fact in signoff.may_withdraw(self.release, ask.request, who):
            assert self.tell(fact), "what may be withdrawn is taken back"
        if (self.release.phase, "SignOffWithdrawn") in TRANSITIONS:
            assert person not in {p for _, p in signoff.signers(self.release, ask.request)}

    @rule(person=st.sampled_from(["quinn", "quentin", "mara"]), which=st.integers(0, 30))
    @precondition(lambda self: self.release.asked)
    def send_back(self, person: str, which: int) -> None:
        ask, who = self.release.asked[which % len(self.release.asked)], self.policy.person(person)
        assert who is not None
        if signoff.may_return(self.release, ask.request, who, self.policy).allowed:
            fact = e.Returned(
                request=ask.request, step=ask.step, issue=ask.issue, person=person, reason="no", door="cli"
            )
            assert self.tell(fact)
            assert not signoff.may_sign(self.release, ask.request, who, self.policy).allowed

    @rule()
    @precondition(lambda self: self.release.hold and not self.release.phase.terminal)
    def resume(self) -> None:
        assert self.tell(e.Resumed(round=self.release.holds, person="mara"))

    @rule(seed=seeds)
    @precondition(lambda self: len(self.history) > 15)
    def end(self, seed: int) -> None:
        self.tell(some_fact(seed, ENDINGS, self.release))

    # What always holds.

    @invariant()
    def held_is_what_the_events_say(self) -> None:
        *_, held = held_at([*self.history, self.history[0]])
        assert (self.release.hold is not None) == held

    @invariant()
    def what_was_never_asked_is_not_signed(self) -> None:
        assert {s.request for s in self.release.signatures} <= {a.request for a in self.release.asked}

    def teardown(self) -> None:
        if not hasattr(self, "history"):
            return
        event(f"ended in {self.release.phase}")
        self.seen[self.release.phase] += 1
        once, twice = rules.fold(self.history), rules.fold(list(self.history))
        assert once == twice == self.release
        assert rules.fold(e.parse(told.model_dump(mode="json")) for told in self.history) == once
        keys = [told.key(STREAM) for told in self.history]
        assert len(set(keys)) == len(keys)
        forbidden = [f.kind for f, held in zip(self.history, held_at(self.history), strict=True) if held]
        assert not FORBIDDEN_WHILE_HELD & set(forbidden)


ENDINGS = ("Abandoned", "Closed", "Superseded")
ANY = tuple(kind for kind in e.KINDS if kind not in ENDINGS)
LIVE = {phase for phase, kind in TRANSITIONS if kind == "RollbackStarted"}
MACHINES = {
    phases.Phase.VERIFYING,
    phases.Phase.STAGING,
    phases.Phase.PRODUCTION,
    phases.Phase.WATCHING,
    phases.Phase.ROLLING_BACK,
    phases.Phase.ROLLED_BACK,
}


def test_no_history_that_the_rules_let_by_ships_a_commit_that_was_not_signed() -> None:
    Histories.seen.clear()
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=300,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
    # A property that never gets anywhere proves nothing.
    often = (
        "ProductionStarted",
        "RolledBack",
        "Returned",
        "SignOffWithdrawn",
        "SignOffExpired",
        "carried",
        "deputy",
        "ScopeChanged",
    )
    assert [what for what in often if not Histories.seen[what]] == []
