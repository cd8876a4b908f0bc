"""One line of the table that says how our requests stand to the vendors' own descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

CONTRACTS = Path(__file__).parents[2].parent / "shared" / "contracts"

Verdict = Literal["validated", "deviating", "not described"]


class Row(NamedTuple):
    """`operation`: method and path template, such as `GET /projects/{id}`; `why` is empty if validated."""

    vendor: str
    operation: str
    verdict: Verdict
    why: str = ""
