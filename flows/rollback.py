"""Taking a release back from production by hand, through Prefect's form."""

from __future__ import annotations

from prefect import flow

from lifecycle.release import release_id
from tasks.decisions import Decision, Outcome, decide


@flow(name="rollback", flow_run_name="rollback {version}")
def rollback(project: str, version: str, person: str, reason: str) -> Outcome:
    """Decide that `version` is taken back; the release's own run does it.

    A repeat changes nothing. Somebody who may not roll back makes this run fail with the reason.
    """
    outcome = decide(Decision("rollback", release_id(project, version), person, "prefect", reason))
    if not outcome.accepted:
        raise PermissionError(outcome.message)
    return outcome
