"""Exceptions to gates: who may sign one, how long it holds, and what it changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gates import GatePolicy, PipelineEvidence, exceptions, judge, may_stage
from lifecycle.gates.exceptions import GateExcepted, GateExceptionEnded
from lifecycle.gates.judging import gates_of
from tests.lifecycle.story import policy, policy_data

SHA = "a" * 40
NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
TODAY = NOW.date()
SHOP = {**policy_data()["projects"][0], "gates": {"exceptions_by": ["release", "management"]}}
PROJECT = policy(projects=[SHOP]).project("shop")
GATES = {gate.id: gate for gate in gates_of(PROJECT.gates)}


def excepted(gate: str = "tests-run", until: date = TODAY, number: int = 1) -> GateExcepted:
    return GateExcepted(
        round=number, gate=gate, person="olli", role="release", reason="moved", until=until, door="cli"
    )


@pytest.mark.parametrize(
    ("person", "gate", "until", "reason"),
    [
        ("dora", "tests", TODAY, "an exception is signed by release or management"),
        ("olli", "sast", TODAY, "the policy asks for no such gate"),
        ("olli", "other", TODAY, "the policy asks for no such gate"),
        ("olli", "commit", TODAY, "there is no exception to commit: the pipeline ran for this commit"),
        ("olli", "tests", TODAY - timedelta(days=1), "2026-11-20 is over"),
        ("olli", "tests", TODAY, ""),
        ("gerd", "tests", TODAY + timedelta(days=90), ""),
    ],
)
def test_an_exception_is_signed_by_a_role_of_the_policy(
    person: str, gate: str, until: date, reason: str
) -> None:
    who = policy().person(person)
    assert who is not None
    verdict = exceptions.may_except(who, PROJECT, GATES.get(gate), until, NOW)
    assert "; ".join(verdict.reasons) == reason
    assert exceptions.may_end(who, PROJECT).allowed is (person != "dora")


def test_nobody_signs_one_where_the_policy_names_no_role_and_nobody_whose_account_is_off() -> None:
    olli = policy().person("olli")
    assert olli is not None
    bare = policy().project("shop")
    assert exceptions.may_end(olli, bare).reasons == ("the policy names no role under exceptions_by",)
    away = olli.model_copy(update={"active": False})
    assert exceptions.may_end(away, PROJECT).reasons == ("your account is deactivated",)


def test_an_exception_lets_its_gate_past_and_says_so_and_fails_again_after_its_day() -> None:
    seen = PipelineEvidence(sha=SHA, status="success")
    holds = exceptions.standing([excepted()], NOW)
    assert may_stage(seen, SHA, GatePolicy(), NOW).reasons == ("there is no test report",)
    assert may_stage(seen, SHA, GatePolicy(), NOW, holds).allowed
    [row] = [each for each in judge(seen, SHA, GatePolicy(), NOW, holds) if each.id == "tests-run"]
    assert (row.state, row.text) == (
        "excepted",
        "excepted by olli until 2026-11-21: there is no test report",
    )
    assert exceptions.standing([excepted()], NOW + timedelta(minutes=1)) == {}


def test_an_exception_changes_nothing_for_a_gate_that_is_content_or_another_one() -> None:
    seen = PipelineEvidence.model_validate({"sha": SHA, "status": "failed", "tests": {"total": 1}})
    rows = judge(seen, SHA, GatePolicy(), NOW, exceptions.standing([excepted()], NOW))
    assert {row.id: (row.state, row.text) for row in rows if row.id in ("tests-run", "pipeline")} == {
        "tests-run": ("pass", ""),
        "pipeline": ("fail", "the pipeline is failed, not success"),
    }


def test_no_exception_makes_up_for_a_foreign_or_a_missing_pipeline() -> None:
    every = {gate.id: excepted(gate.id) for gate in GATES.values()}
    seen = PipelineEvidence.model_validate({"sha": "b" * 40, "status": "success", "tests": {"total": 1}})
    assert not may_stage(seen, SHA, GatePolicy(), NOW, every).allowed
    assert may_stage(None, SHA, GatePolicy(), NOW, every).reasons == ("no pipeline ran for aaaaaaaa",)


def test_the_one_that_holds_longest_counts_and_what_is_ended_does_not() -> None:
    late = excepted(until=TODAY + timedelta(days=3), number=1)
    soon = excepted(until=TODAY + timedelta(days=1), number=2)
    told = [late, soon]
    assert exceptions.fold(each.model_dump(mode="json") for each in told) == (late, soon)
    assert exceptions.standing(told, NOW)["tests-run"] == late
    ended = GateExceptionEnded(round=1, person="gerd", reason="fixed", door="cli")
    facts = [*told, ended, ended.model_copy(update={"round": 9})]
    assert exceptions.fold(each.model_dump(mode="json") for each in facts) == (soon,)
    assert exceptions.stream("shop") == "gates:shop"


@given(st.dates(date(2026, 11, 1), date(2026, 12, 31)), st.integers(0, 60 * 24 * 60))
def test_an_exception_holds_through_its_last_day_and_never_after(until: date, minutes: int) -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    over = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
    assert bool(exceptions.standing([excepted(until=until)], moment)) is (moment < over)
