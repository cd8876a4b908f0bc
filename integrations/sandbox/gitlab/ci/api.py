"""The API of pipelines and jobs. Source: https://docs.gitlab.com/api/pipelines/ and /api/jobs/"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import Route

from integrations.sandbox.gitlab.ci import api_environments
from integrations.sandbox.gitlab.ci.model import Artifact, Job, Pipeline
from integrations.sandbox.gitlab.ci.reports import Suite
from integrations.sandbox.gitlab.ci.scheduler import NotPossible
from integrations.sandbox.gitlab.ci.shape import is_mapping
from integrations.sandbox.gitlab.ci.starter import PipelineRefused
from integrations.sandbox.gitlab.ci.status import COMPLETED
from integrations.sandbox.gitlab.ci.views import test_report, test_report_summary
from integrations.sandbox.gitlab.ci.web import (
    NOBODY,
    READ,
    WRITE,
    Answer,
    Call,
    Handler,
    Listing,
    listing,
    ordered,
    route,
    within,
)
from integrations.sandbox.gitlab.errors import bad_request, missing, refuse

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.ci.engine import Ci


def routes(find: Callable[[Request], Ci]) -> list[Route]:
    """Every route, in the order in which they are to be asked; `find` gives the project's CI."""
    table: list[tuple[str, str, Handler, int]] = [
        ("GET", "pipelines", pipelines, READ),
        ("POST", "pipeline", create_pipeline, WRITE),
        ("POST", "trigger/pipeline", trigger_pipeline, NOBODY),
        ("GET", "pipelines/latest", latest_pipeline, READ),
        ("GET", "pipelines/{pipeline_id}", pipeline, READ),
        ("GET", "pipelines/{pipeline_id}/variables", variables, WRITE),
        ("GET", "pipelines/{pipeline_id}/jobs", pipeline_jobs, READ),
        ("GET", "pipelines/{pipeline_id}/bridges", bridges, READ),
        ("GET", "pipelines/{pipeline_id}/test_report", report, READ),
        ("GET", "pipelines/{pipeline_id}/test_report_summary", summary, READ),
        ("POST", "pipelines/{pipeline_id}/retry", retry_pipeline, WRITE),
        ("POST", "pipelines/{pipeline_id}/cancel", cancel_pipeline, WRITE),
        ("GET", "jobs", jobs, READ),
        ("GET", "jobs/{job_id}", job, READ),
        ("GET", "jobs/{job_id}/trace", trace, READ),
        ("POST", "jobs/{job_id}/play", play, WRITE),
        ("POST", "jobs/{job_id}/retry", retry, WRITE),
        ("POST", "jobs/{job_id}/cancel", cancel, WRITE),
        ("GET", "jobs/{job_id}/artifacts", archive, READ),
        ("DELETE", "jobs/{job_id}/artifacts", delete_artifacts, WRITE),
        ("GET", "jobs/{job_id}/artifacts/{path:path}", artifact, READ),
        *api_environments.TABLE,
    ]
    return [route(find, method, path, handler, level) for method, path, handler, level in table]


def _pipeline(call: Call) -> Pipeline:
    return call.among(call.ci.store.pipelines, "pipeline_id", "")


def _job(call: Call) -> Job:
    return call.among(call.ci.store.jobs, "job_id", "")


def pipelines(call: Call) -> Listing:
    """Newest first, unless asked otherwise."""
    with call.ci.store.changed:
        rows = [row for row in call.ci.store.pipelines.values() if _wanted(row, call)]
    keys: Mapping[str, Callable[[Pipeline], object]] = {
        "id": lambda row: row.id,
        "status": lambda row: row.status,
        "ref": lambda row: row.ref,
        "updated_at": lambda row: row.updated_at,
        "user_id": lambda row: row.user.get("id"),
    }
    scope = call.params.optional("scope")
    rows = [row for row in rows if scope is None or _in_scope(row, scope)]
    return listing(ordered(rows, call, keys, default="desc"), call.ci.views.pipeline_basic)


def _wanted(row: Pipeline, call: Call) -> bool:
    params = call.params
    seen = {
        "ref": row.ref,
        "sha": row.sha,
        "status": row.status,
        "source": row.source,
        "username": str(row.user.get("username")),
        "name": row.name,
    }
    if any(params.optional(name) not in (None, value) for name, value in seen.items()):
        return False
    if "yaml_errors" in params and params.flag("yaml_errors") != bool(row.yaml_errors):
        return False
    return within(row.updated_at, call, "updated") and within(row.created_at, call, "created")


def _in_scope(row: Pipeline, scope: str) -> bool:
    if scope == "finished":
        return row.status in COMPLETED
    if scope in ("running", "pending"):
        return row.status == scope
    if scope in ("branches", "tags"):
        return row.tag == (scope == "tags") and row.merge_request is None
    raise bad_request("scope does not have a valid value")


def create_pipeline(call: Call) -> Answer:
    """Start one; 400 with the reasons where there is none to start."""
    ref = call.params.needed("ref")
    given: dict[str, str] = {}
    if call.params.values.get("variables") is not None:
        given = {row.needed("key"): row.text("value") for row in call.params.records("variables")}
    return _started(call, ref, "api", call.user_id, given)


def trigger_pipeline(call: Call) -> Answer:
    """Start one in the name of the trigger token's owner."""
    token, ref = call.params.needed("token"), call.params.needed("ref")
    user_id = call.ci.trigger_user(token)
    if user_id is None:
        raise missing("")
    sent = _given(call, "variables")
    given = {key: str(value) for key, value in sent.items()}
    for name, value in call.params.values.items():
        if name.startswith("variables[") and name.endswith("]"):
            given[name[len("variables[") : -1]] = str(value)
    return _started(call, ref, "trigger", user_id, given)


def _given(call: Call, name: str) -> Mapping[str, object]:
    """A mapping among the parameters; none is an empty one."""
    value = call.params.values.get(name)
    if value is None:
        return {}
    if not is_mapping(value):
        raise bad_request(f"{name} is invalid")
    return value


def _started(call: Call, ref: str, source: str, user_id: int, variables: Mapping[str, str]) -> Answer:
    inputs = _given(call, "inputs")
    try:
        view = call.ci.start(
            ref,
            source=source,
            user_id=user_id,
            variables=variables,
            inputs=inputs,
        )
    except PipelineRefused as refused:
        raise refuse(400, {"base": list(refused.messages)}) from None
    if view is None:
        raise refuse(400, {"base": ["Pipeline filtered out by workflow rules."]})
    return Answer(view, 201)


def latest_pipeline(call: Call) -> Answer:
    """Of a ref, the default branch unless named."""
    view = call.ci.latest(call.params.optional("ref") or call.ci.store.project.default_branch)
    if view is None:
        raise missing("")
    return Answer(view)


def pipeline(call: Call) -> Answer:
    """One in full."""
    with call.ci.store.changed:
        return Answer(call.ci.views.pipeline(_pipeline(call)))


def variables(call: Call) -> Answer:
    """Those that it was started with."""
    given = _pipeline(call).variables
    rows = [
        {"key": key, "value": value, "variable_type": "env_var", "raw": False} for key, value in given.items()
    ]
    return Answer(rows)


def pipeline_jobs(call: Call) -> Listing:
    """The jobs, the newest first; retried ones with `include_retried`."""
    row = _pipeline(call)
    with call.ci.store.changed:
        rows = row.jobs if call.params.flag("include_retried") else row.latest()
        return _jobs(call, rows)


def _jobs(call: Call, rows: list[Job]) -> Listing:
    scope = call.params.strings("scope")
    chosen = [row for row in rows if not scope or row.status in scope]
    return listing(sorted(chosen, key=lambda row: row.id, reverse=True), call.ci.views.job)


def bridges(call: Call) -> Listing:
    """This sandbox knows no child pipelines."""
    _pipeline(call)
    return listing([], lambda row: row)


def _suites(call: Call) -> list[Suite]:
    with call.ci.store.changed:
        return [row.suite for row in _pipeline(call).latest() if row.suite is not None]


def report(call: Call) -> Answer:
    """All test cases."""
    return Answer(test_report(_suites(call)))


def summary(call: Call) -> Answer:
    """The numbers of the tests."""
    return Answer(test_report_summary(_suites(call)))


def retry_pipeline(call: Call) -> Answer:
    """Run again what failed or was canceled."""
    row, user = _pipeline(call), call.user()
    call.ci.scheduler.retry_pipeline(row, user)
    return Answer(call.ci.views.pipeline(row), 201)


def cancel_pipeline(call: Call) -> Answer:
    """Cancel what has not ended."""
    row = _pipeline(call)
    call.ci.scheduler.cancel_pipeline(row)
    return Answer(call.ci.views.pipeline(row), 200)


def jobs(call: Call) -> Listing:
    """Of all pipelines, the newest first."""
    with call.ci.store.changed:
        return _jobs(call, list(call.ci.store.jobs.values()))


def job(call: Call) -> Answer:
    """One in full."""
    with call.ci.store.changed:
        return Answer(call.ci.views.job(_job(call)))


def trace(call: Call) -> Answer:
    """The job's output so far."""
    return Answer(_job(call).trace.read_bytes(), media_type="text/plain")


def play(call: Call) -> Answer:
    """Start a manual job, with more variables if they are given."""
    row, user = _job(call), call.user()
    given: dict[str, str] = {}
    if call.params.values.get("job_variables_attributes") is not None:
        rows = call.params.records("job_variables_attributes")
        given = {item.needed("key"): item.text("value") for item in rows}
    try:
        return Answer(call.ci.views.job(call.ci.scheduler.play(row, user, given)))
    except NotPossible as error:
        raise refuse(400, f"400 Bad request - {error}") from None


def retry(call: Call) -> Answer:
    """Run the job again, as a new one."""
    row, user = _job(call), call.user()
    try:
        return Answer(call.ci.views.job(call.ci.scheduler.retry(row, user)), 201)
    except NotPossible as error:
        raise refuse(403, f"403 Forbidden - {error}") from None


def cancel(call: Call) -> Answer:
    """Cancel the job."""
    row = _job(call)
    call.ci.scheduler.cancel(row)
    return Answer(call.ci.views.job(row), 201)


def _archive(call: Call) -> Artifact:
    found = [item for item in _job(call).artifacts if item.file_type == "archive"]
    if not found:
        raise missing("")
    return found[0]


def archive(call: Call) -> Answer:
    """The artifacts, zipped."""
    headers = {"Content-Disposition": 'attachment; filename="artifacts.zip"'}
    return Answer(_archive(call).path.read_bytes(), 200, headers, "application/zip")


def delete_artifacts(call: Call) -> Answer:
    """As if they had expired: the archive and the reports are gone."""
    _job(call).artifacts.clear()
    return Answer(b"", 204, media_type="application/json")


def artifact(call: Call) -> Answer:
    """One file out of the artifacts."""
    with zipfile.ZipFile(_archive(call).path) as source:
        try:
            return Answer(source.read(call.names["path"]), media_type="application/octet-stream")
        except KeyError:
            raise missing("") from None
