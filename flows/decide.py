"""Any decision on a release through Prefect's form: the same core as every other door."""

from __future__ import annotations

from typing import get_args

from prefect import flow

from tasks.decisions import Decision, Outcome, Verb
from tasks.decisions import decide as decide_by_the_rules


@flow(name="decide", flow_run_name="{verb} {target} by {person}")
def decide(
    verb: Verb,
    target: str,
    person: str,
    reason: str = "",
    step: str = "",
    at: str = "",
    zone: str = "",
) -> Outcome:
    """Record the decision; refused, this run fails with the reason. A repeat changes nothing.

    `step` is what an override is of; `at` and `zone` are when a release shall go out.
    """
    if verb not in get_args(Verb):
        raise ValueError(f"{verb} is none of {', '.join(get_args(Verb))}")
    outcome = decide_by_the_rules(
        Decision(verb, target, person, "prefect", reason, step=step, at=at, zone=zone)
    )
    if not outcome.accepted:
        raise PermissionError(outcome.message)
    return outcome
