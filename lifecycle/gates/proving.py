"""The mutation check: evidence that is good but for one thing makes exactly the one gate fail that is for it.

A gate that cannot fail protects nobody: a threshold that nothing can violate, or one that another gate
always reaches first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from lifecycle.gates.evidence import PipelineEvidence
from lifecycle.gates.gate import Gate, Scenario, Shown
from lifecycle.gates.judging import gates_of
from lifecycle.gates.policy import GatePolicy

_SHA = "a" * 40


class Proof(BaseModel, frozen=True):
    """What became of one scenario against `gate`; `problem` is "" if exactly this gate failed."""

    gate: str
    scenario: str
    reasons: tuple[str, ...] = ()
    problem: str = ""


def prove(policy: GatePolicy, now: datetime, gates: Sequence[Gate] | None = None) -> tuple[Proof, ...]:
    """Try every scenario of every gate that the policy asks for; `gates` are the policy's own if left out."""
    asked = [gate for gate in (gates_of(policy) if gates is None else gates) if gate.asked]
    good = PipelineEvidence(sha=_SHA, status="success")
    for gate in asked:
        good = gate.good(good)
    spoilt = [gate.id for gate in asked if _reasons(gate, good, now)]
    if spoilt:
        problem = "these gates cannot be content together"
        return tuple(Proof(gate=each, scenario="nothing is wrong", problem=problem) for each in spoilt)
    return tuple(proof for gate in asked for proof in _proofs(gate, asked, good, now))


def _proofs(gate: Gate, asked: Sequence[Gate], good: PipelineEvidence, now: datetime) -> Sequence[Proof]:
    scenarios = list(gate.bad(good))
    if not scenarios:
        return [Proof(gate=gate.id, scenario="none", problem="no scenario says how it could fail")]
    return [_proof(gate, scenario, asked, now) for scenario in scenarios]


def _proof(gate: Gate, scenario: Scenario, asked: Sequence[Gate], now: datetime) -> Proof:
    said = {each.id: reasons for each in asked if (reasons := _reasons(each, scenario.evidence, now))}
    others = [each for each in said if each != gate.id]
    problem = ""
    if gate.id not in said:
        problem = "it cannot fail: nothing violates it" if not others else f"only {', '.join(others)} fails"
    elif others:
        problem = f"{', '.join(others)} fails as well"
    return Proof(gate=gate.id, scenario=scenario.what, reasons=said.get(gate.id, ()), problem=problem)


def _reasons(gate: Gate, evidence: PipelineEvidence, now: datetime) -> tuple[str, ...]:
    return tuple(gate.against(Shown(evidence, _SHA, now)))
