"""What every gate is: a question to the evidence, and the proof that the answer can be no."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from lifecycle.gates.evidence import PipelineEvidence
from lifecycle.gates.policy import GatePolicy


class Shown(NamedTuple):
    """What is judged: the evidence, for which commit (40 hex), and at which moment (aware, UTC)."""

    evidence: PipelineEvidence
    sha: str
    now: datetime


class Scenario(NamedTuple):
    """One way to break a gate: what is done, and the evidence then."""

    what: str
    evidence: PipelineEvidence


class Gate(ABC):
    """One small rule of a project's policy.

    `id` is its name in commands and in the ledger, `title` what it asks for, `asked` whether the policy
    switches it on. `good` adds to the evidence what this gate is content with. `bad` gives every way to break
    it, each from evidence that all gates are content with, and each so that no other gate minds: `proving`
    holds it to that.
    """

    exceptable: ClassVar[bool] = True
    """Whether an exception may be signed; not for what makes the evidence evidence of this candidate."""

    def __init__(self, policy: GatePolicy, gate_id: str, title: str, *, asked: bool = True) -> None:
        self.policy = policy
        self.id = gate_id
        self.title = title
        self.asked = asked

    @abstractmethod
    def against(self, shown: Shown) -> Iterator[str]:
        """Every reason why it is not content."""

    @abstractmethod
    def link(self, evidence: PipelineEvidence) -> str:
        """Where a person finds what it looked at; "" if nothing is there."""

    @abstractmethod
    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        """The evidence with what this gate is content with."""

    @abstractmethod
    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        """The scenarios in which exactly this gate fails."""


def listed(texts: Sequence[str], most: int = 3) -> str:
    """The first ones, and how many more there are."""
    more = len(texts) - most
    return "; ".join(texts[:most]) + (f"; and {more} more" if more > 0 else "")
