"""The one core of decisions: whatever door they come through, each has its one right outcome."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from integrations.ledger import Ledger
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import signoff
from lifecycle.policy import Step
from tasks import rollbacks
from tasks.context import policy
from tasks.decisions import Decision, Outcome, Verb, decide
from tasks.walk import new_events

SUBJECT = "release:shop:1.4.0"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
SHA = "a" * 40


def _tell(book: Ledger, *facts: e.ReleaseEvent) -> None:
    book.append(SUBJECT, new_events(SUBJECT, facts), now=NOW)


def _release(book: Ledger) -> rules.Release:
    folded = rules.fold(e.parse(event.data) for event in book.events(SUBJECT))
    assert folded is not None
    return folded


def _step(step_id: str) -> Step:
    return next(step for step in policy().steps if step.id == step_id)


@pytest.fixture
def staged(book: Ledger) -> Ledger:
    """1.4.0-rc.1 by Emil is on staging, QA is asked about both issues, Olli started it."""
    _tell(
        book,
        e.Planned(
            project="shop",
            version="1.4.0",
            issues=("SHOP-1", "SHOP-2"),
            base="main",
            plan_hash="p",
            started_by="olli",
        ),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0", authors=("emil",)),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
    )
    _tell(book, *signoff.asks(_release(book), SUBJECT, _step("qa"), NOW, "staging"))
    return book


def _request(book: Ledger, issue: str | None = "SHOP-1", step: str = "qa") -> str:
    return next(a.request for a in _release(book).asked_now(step) if a.issue == issue)


def _decide(book: Ledger, verb: Verb, person: str, *, target: str = "", reason: str = "") -> Outcome:
    return decide(Decision(verb, target or _request(book), person, "slack", reason), NOW)


def test_a_signature_is_on_the_ledger_together_with_the_wake_up(staged: Ledger) -> None:
    outcome = _decide(staged, "approve", "quinn")
    assert outcome == Outcome(accepted=True, message="Signed as qa.", subject=SUBJECT)
    assert [(s.person, s.role) for s in _release(staged).signatures] == [("quinn", "qa")]
    assert staged.wakeup(SUBJECT).pending


def test_a_double_click_signs_once_and_wakes_once(staged: Ledger) -> None:
    _decide(staged, "approve", "quinn")
    wanted = staged.wakeup(SUBJECT).wanted
    assert _decide(staged, "approve", "quinn").repeated
    assert len(_release(staged).signatures) == 1
    assert staged.wakeup(SUBJECT).wanted == wanted


def test_two_people_through_two_doors_at_the_same_moment_both_count(staged: Ledger) -> None:
    request = _request(staged)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(
                lambda who: decide(Decision("approve", request, who[0], who[1]), NOW),  # pyright: ignore
                [("quinn", "slack"), ("quentin", "cli")],
            )
        )
    assert all(outcome.accepted for outcome in outcomes)
    assert {s.person for s in _release(staged).signatures} == {"quinn", "quentin"}


def test_of_an_approval_and_a_return_at_once_a_returned_issue_stays_returned(staged: Ledger) -> None:
    request = _request(staged)
    with ThreadPoolExecutor(2) as pool:
        approved = pool.submit(_decide, staged, "approve", "quinn", target=request)
        returned = pool.submit(_decide, staged, "return", "quentin", target=request, reason="it breaks")
        assert returned.result().accepted
        approved.result()
    assert _release(staged).is_returned(request)


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("nobody", "not among"),
        ("emil", "signed by qa"),
        ("mara", "signed by qa"),
    ],
)
def test_who_may_not_sign_is_told_why_and_nothing_is_recorded(staged: Ledger, person: str, why: str) -> None:
    before = staged.revision(SUBJECT)
    outcome = _decide(staged, "approve", person)
    assert not outcome.accepted
    assert why in outcome.message or "people file" in outcome.message
    assert staged.revision(SUBJECT) == before
    assert not staged.wakeup(SUBJECT).pending


def test_an_unknown_request_decides_nothing(staged: Ledger) -> None:
    assert not _decide(staged, "approve", "quinn", target="0" * 24).accepted


def test_a_tampered_target_of_another_shape_decides_nothing(staged: Ledger) -> None:
    assert not _decide(staged, "approve", "quinn", target="release:shop:9.9.9").accepted


def test_a_return_needs_a_reason(staged: Ledger) -> None:
    assert not _decide(staged, "return", "quinn", reason="   ").accepted
    assert _decide(staged, "return", "quinn", reason="teapot is not found").accepted
    assert _release(staged).phase is rules.Phase.REWORK


def test_a_withdrawn_signature_can_be_given_again(staged: Ledger) -> None:
    _decide(staged, "approve", "quinn")
    assert _decide(staged, "withdraw", "quinn").accepted
    assert _release(staged).signatures == ()
    assert _decide(staged, "approve", "quinn").accepted
    assert [s.round for s in _release(staged).signatures] == [2]


def test_nothing_is_withdrawn_once_production_has_started(staged: Ledger) -> None:
    _decide(staged, "approve", "quinn")
    _tell(staged, e.ProductionStarted(number=1, tag="1.4.0", sha=SHA))
    outcome = _decide(staged, "withdraw", "quinn")
    assert not outcome.accepted
    assert "production has started" in outcome.message


def test_a_hold_needs_the_role_and_is_lifted_by_resume(staged: Ledger) -> None:
    assert not _decide(staged, "hold", "quinn", target=SUBJECT).accepted
    assert _decide(staged, "hold", "olli", target=SUBJECT, reason="the shop is busy").accepted
    assert _release(staged).hold is not None
    assert not _decide(staged, "hold", "mara", target=SUBJECT).accepted
    assert _decide(staged, "resume", "mara", target=SUBJECT).accepted
    assert _release(staged).hold is None


def test_there_is_nothing_to_roll_back_before_production(staged: Ledger) -> None:
    outcome = rollbacks.decide_back(SUBJECT, "olli", "slack", "why not")
    assert (outcome.accepted, outcome.message) == (False, "Not rolled back: it has not been in production.")
    outcome = _decide(staged, "rollback", "olli", target=SUBJECT, reason="why not")
    assert (outcome.accepted, outcome.message) == (False, "Not rolled back: nobody looked where to.")


def test_a_candidate_can_be_asked_for_by_hand(staged: Ledger) -> None:
    assert not _decide(staged, "candidate", "gerd", target=SUBJECT).accepted
    assert _decide(staged, "candidate", "olli", target=SUBJECT).accepted
    asked = _release(staged).candidate_asked
    assert asked is not None
    assert asked.number == 2


def test_an_abandoned_release_is_over(staged: Ledger) -> None:
    assert _decide(staged, "abandon", "mara", target=SUBJECT, reason="not needed").accepted
    assert _release(staged).phase is rules.Phase.ABANDONED
    assert not _decide(staged, "abandon", "mara", target=SUBJECT).accepted
    assert not _decide(staged, "approve", "quinn").accepted


@pytest.mark.parametrize("verbs", [("approve", "return"), ("return", "approve"), ("return", "return")])
def test_of_two_answers_through_one_link_at_once_one_counts(staged: Ledger, verbs: tuple[Verb, Verb]) -> None:
    request = _request(staged)
    both = [Decision(verb, request, "quinn", "link", f"{n} {verb}") for n, verb in enumerate(verbs)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda wanted: decide(wanted, NOW), both))
    assert [outcome.accepted for outcome in outcomes].count(True) == 1
    release = _release(staged)
    assert len(release.signatures) + len(release.returned) == 1


def test_where_a_person_may_look_again_a_return_after_a_signature_still_counts(staged: Ledger) -> None:
    """A link takes one answer; a button in Slack does not, for a fault may be found later."""
    _decide(staged, "approve", "quinn")
    assert _decide(staged, "return", "quinn", reason="it breaks after all").accepted
