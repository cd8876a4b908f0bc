"""The mutation check of the gates: it finds every gate that cannot fail, by trying."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gates import GatePolicy
from lifecycle.gates.evidence import PipelineEvidence
from lifecycle.gates.gate import Gate, Scenario, Shown
from lifecycle.gates.judging import gates_of
from lifecycle.gates.policy import Flaky, Level, ScanKind, Severity
from lifecycle.gates.proving import prove

NOW = datetime(2026, 11, 21, tzinfo=UTC)
EVERYTHING = GatePolicy(
    required_jobs=("unit", "package"),
    tolerated_jobs=("job-0", "spelling"),
    minimum_tests=10,
    flaky_tests=(Flaky(name="test_it", until=NOW.date()),),
    minimum_coverage=80,
    coverage_drop=2,
    scans=dict.fromkeys(ScanKind, Severity.HIGH),
    code_quality=Level.MAJOR,
    licences=("MIT",),
    maximum_image_mb=200,
    maximum_duration=timedelta(minutes=10),
    migrations_reversible=True,
)


def problems(policy: GatePolicy, *more: Gate) -> dict[str, str]:
    """By gate, why it is not proven."""
    proofs = prove(policy, NOW, (*gates_of(policy), *more))
    return {proof.gate: proof.problem for proof in proofs if proof.problem}


def test_every_gate_of_a_policy_that_asks_for_everything_can_fail_alone() -> None:
    assert problems(EVERYTHING) == {}
    asked = [gate.id for gate in gates_of(EVERYTHING) if gate.asked]
    assert list(dict.fromkeys(proof.gate for proof in prove(EVERYTHING, NOW))) == asked
    assert len(asked) == len(gates_of(EVERYTHING)) == 18


def test_a_field_of_the_policy_that_no_gate_looks_at_is_found() -> None:
    """Each field, put back to its default, changes what some gate asks or says."""
    described = {gate.id: (gate.title, gate.asked) for gate in gates_of(EVERYTHING)}
    of_jobs_and_tests = {"tolerated_jobs", "flaky_tests"}  # they excuse; tests/lifecycle/test_gates.py
    of_people_and_time = {"exceptions_by", "valid_for", "settles_after"}
    for name, field in GatePolicy.model_fields.items():
        default = field.get_default(call_default_factory=True)
        without = EVERYTHING.model_copy(update={name: default})
        changed = described != {gate.id: (gate.title, gate.asked) for gate in gates_of(without)}
        assert changed or name in of_jobs_and_tests | of_people_and_time, name


@pytest.mark.parametrize(
    "policy",
    [
        GatePolicy(coverage_drop=100),
        GatePolicy(minimum_coverage=90, coverage_drop=10),
        GatePolicy(minimum_coverage=100, coverage_drop=0),
    ],
)
def test_a_threshold_that_nothing_can_violate_is_reported(policy: GatePolicy) -> None:
    assert problems(policy) == {"coverage-drop": "it cannot fail: nothing violates it"}


class Added(Gate):
    """A gate that somebody adds to the list."""

    def __init__(self, scenarios: tuple[Scenario, ...] = (), *, content: bool = True) -> None:
        super().__init__(EVERYTHING, "added", "a new one")
        self.scenarios = scenarios
        self.content = content

    def against(self, shown: Shown) -> Iterator[str]:
        if shown.evidence.status == "odd" or not self.content:
            yield "it is odd"

    def link(self, evidence: PipelineEvidence) -> str:
        return ""

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield from self.scenarios


SEEN = PipelineEvidence(sha="a" * 40, status="success")
ODD = Scenario("it is odd", SEEN.model_copy(update={"status": "odd"}))


def test_a_gate_that_is_added_without_a_scenario_is_reported() -> None:
    assert problems(GatePolicy(), Added()) == {"added": "no scenario says how it could fail"}
    with pytest.raises(TypeError, match="bad"):
        type("Without", (Added,), {"bad": Gate.bad})()


def test_a_scenario_that_breaks_another_gate_is_reported() -> None:
    bare = GatePolicy(minimum_tests=0)
    assert problems(bare, Added((ODD,))) == {"added": "pipeline fails as well"}
    canceled = Scenario("it is canceled", SEEN.model_copy(update={"status": "canceled"}))
    assert problems(bare, Added((canceled,))) == {"added": "only pipeline fails"}
    assert problems(bare, Added((Scenario("nothing", SEEN),))) == {
        "added": "it cannot fail: nothing violates it"
    }


def test_a_gate_that_is_never_content_is_reported() -> None:
    assert problems(EVERYTHING, Added(content=False)) == {"added": "these gates cannot be content together"}


def maybe(field: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | field


POLICIES = st.builds(
    GatePolicy,
    required_jobs=st.lists(st.sampled_from(["unit", "package", "job-0"]), max_size=3),
    tolerated_jobs=maybe(st.lists(st.sampled_from(["docs", "job-1"]), max_size=2)),
    minimum_tests=st.integers(0, 100),
    minimum_coverage=st.integers(0, 100),
    coverage_drop=maybe(st.integers(0, 100)),
    scans=st.dictionaries(st.sampled_from(ScanKind), st.sampled_from(Severity)),
    code_quality=maybe(st.sampled_from(Level)),
    licences=maybe(st.lists(st.sampled_from(["MIT", "BSD-3-Clause", "GPL-2.0-only WITH x"]), max_size=3)),
    maximum_image_mb=maybe(st.integers(1, 10_000)),
    maximum_duration=maybe(st.timedeltas(timedelta(0), timedelta(days=1))),
    migrations_reversible=st.booleans(),
)


@given(POLICIES)
def test_whatever_a_policy_asks_every_gate_fails_alone_or_is_reported(policy: GatePolicy) -> None:
    impossible = policy.coverage_drop is not None and 100 - policy.minimum_coverage <= policy.coverage_drop
    assert set(problems(policy)) == ({"coverage-drop"} if impossible else set())
