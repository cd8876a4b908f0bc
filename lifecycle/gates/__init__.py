"""What a candidate must show before it is staged, rule by rule. A missing report fails closed.

`evidence` is what was seen, `policy` what a team asks for, the gates compare the two (`running`, `reports`),
`judging` gives the verdict, `exceptions` and `standing` say how long it holds, `proving` shows that every
gate can fail.
"""

from lifecycle.gates.evidence import JobEvidence, PipelineEvidence, TestEvidence
from lifecycle.gates.judging import GateResult, judge, may_stage
from lifecycle.gates.policy import GatePolicy

__all__ = [
    "GatePolicy",
    "GateResult",
    "JobEvidence",
    "PipelineEvidence",
    "TestEvidence",
    "judge",
    "may_stage",
]
