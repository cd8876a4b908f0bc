"""Taking a release back from production by hand, through Prefect's form."""

from __future__ import annotations

from prefect import flow

from lifecycle.release import release_id
from tasks import rollbacks
from tasks.decisions import Outcome


@flow(name="rollback", flow_run_name="rollback {version}")
def rollback(
    project: str, version: str, person: str, reason: str, to: str = "", force: bool = False
) -> Outcome:
    """Decide that `version` is taken back to the tag `to`; the release's own run does it.

    Without `to` it goes to what production served before. What is unsafe needs `force`. A repeat
    changes nothing. Somebody who may not roll back makes this run fail with the reason.
    """
    subject = release_id(project, version)
    outcome = rollbacks.decide_back(subject, person, "prefect", reason, to, force=force)
    if not outcome.accepted:
        raise PermissionError(outcome.message)
    return outcome
