"""Looking at staging: whether what is deployed there keeps the runtime contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations import json_logs, web
from integrations.errors import Terminal
from lifecycle.policy import Project
from lifecycle.runtime import Answer, RuntimeEvidence, RuntimeRules, keeps_contract
from tasks.context import gitlab, policy

_TIMEOUT_S = 10.0
_LOG_BYTES = 256 * 1024


def broken(project_id: str, sha: str) -> tuple[str, ...]:
    """Every reason why the commit that staging serves breaks the contract; none where none is asked for.

    Raises:
        Transient: GitLab or the log did not answer; the same call later settles it.
    """
    project = policy().project(project_id)
    rules = project.runtime
    if rules == RuntimeRules():
        return ()
    return keeps_contract(_evidence(project, sha), sha, rules).reasons


def _evidence(project: Project, sha: str) -> RuntimeEvidence:
    """What the policy wants looked at. The pages come first: each is a line of the log."""
    rules = project.runtime
    health = rules.health or ("/healthz" if rules.data else "")
    seen = RuntimeEvidence(
        health=_answer(project, health) if health else None,
        metrics=_answer(project, rules.metrics) if rules.metrics else None,
        dockerfile=_dockerfile(project, sha) if rules.base_images else None,
    )
    return seen.model_copy(update=_log(project)) if rules.json_logs else seen


def _answer(project: Project, path: str) -> Answer:
    page = web.fetch(project.staging_url.rstrip("/") + path, _TIMEOUT_S)
    return Answer(status=page.status, body=page.body, failure=page.failure)


def _dockerfile(project: Project, sha: str) -> str | None:
    found = gitlab().repository.file(project.gitlab, project.runtime.dockerfile, sha)
    return None if found is None else found.decode("utf-8", "replace")


def _log(project: Project) -> dict[str, object]:
    now = datetime.now(UTC)
    try:
        read = json_logs.read(project.logs.staging, now - timedelta(hours=1), now, most=_LOG_BYTES)
    except Terminal as error:
        return {"log_failure": str(error)}
    return {"log_lines": read.lines}
