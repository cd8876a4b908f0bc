"""Looking at staging: whether what is deployed there keeps the runtime contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations import json_logs, web
from integrations.errors import Terminal
from lifecycle.gates.exceptions import GateExcepted
from lifecycle.gates.judging import GateResult
from lifecycle.policy import Project
from lifecycle.runtime import (
    Answer,
    RuntimeEvidence,
    RuntimeRule,
    RuntimeRules,
    keeps_contract,
    reasons,
    rules_of,
)
from tasks import occupying
from tasks.context import gitlab, policy
from tasks.gates import standing_exceptions

_TIMEOUT_S = 10.0
_LOG_BYTES = 256 * 1024


def broken(project_id: str, sha: str) -> tuple[str, ...]:
    """Every reason why the commit that staging serves breaks the contract; none where none is asked for.

    A rule to which an exception stands has none.

    Raises:
        Transient: GitLab or the log did not answer; the same call later settles it.
    """
    project = policy().project(project_id)
    rules = project.runtime
    if rules == RuntimeRules():
        return ()
    excepted = standing_exceptions(project.id, datetime.now(UTC))
    return keeps_contract(_evidence(project, sha), sha, rules, excepted).reasons


def look(project: Project, sha: str) -> tuple[GateResult, ...]:
    """What every rule that is asked says of `sha`; nothing while staging does not serve it. Reads only."""
    asked = [rule for rule in rules_of(project.runtime) if rule.asked]
    if not asked or occupying.serves(project.gitlab, "staging") != sha:
        return ()
    broken_ = reasons(_evidence(project, sha), sha, project.runtime)
    standing = standing_exceptions(project.id, datetime.now(UTC))
    return tuple(_result(rule, broken_.get(rule.id), standing.get(rule.id), project) for rule in asked)


def _result(
    rule: RuntimeRule, why: str | None, exception: GateExcepted | None, project: Project
) -> GateResult:
    if why is None:
        return GateResult(id=rule.id, title=rule.title, state="pass", url=project.staging_url)
    return GateResult(
        id=rule.id,
        title=rule.title,
        state="excepted" if exception else "fail",
        reasons=(why,),
        url=project.staging_url,
        exception=exception,
    )


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
