"""The API of environments and deployments.

Source: https://docs.gitlab.com/api/environments/ and https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from integrations.sandbox.gitlab.ci.model import Deployment, Environment, utc_now
from integrations.sandbox.gitlab.ci.web import (
    READ,
    WRITE,
    Answer,
    Call,
    Handler,
    Listing,
    listing,
    ordered,
    within,
)
from integrations.sandbox.gitlab.errors import bad_request, missing, refuse

_SETTABLE = ("created", "running", "success", "failed", "canceled")
_STATUSES = (*_SETTABLE, "skipped", "blocked")


def environments(call: Call) -> Listing:
    """By name; `name`, `search` and `states` narrow them."""
    name, search = call.params.optional("name"), call.params.optional("search")
    state = call.params.optional("states")
    with call.ci.store.changed:
        rows = [
            row
            for row in call.ci.store.environments.values()
            if name in (None, row.name) and (search or "") in row.name and state in (None, row.state)
        ]
    return listing(sorted(rows, key=lambda row: row.name), lambda row: call.ci.views.environment(row, None))


def _environment(call: Call) -> Environment:
    by_id = {row.id: row for row in call.ci.store.environments.values()}
    return call.among(by_id, "environment_id", "Environment")


def environment(call: Call) -> Answer:
    """One with its last deployment."""
    with call.ci.store.changed:
        row = _environment(call)
        return Answer(call.ci.views.environment(row, call.ci.store.last_deployment(row)))


def stop_environment(call: Call) -> Answer:
    """Stop it, running its `on_stop` job if the last deployment names one that waits."""
    user = call.user()
    with call.ci.store.changed:
        row = _environment(call)
        if not call.ci.scheduler.stop_environment(row, user):
            row.state, row.auto_stop_at, row.updated_at = "stopped", None, utc_now()
        return Answer(call.ci.views.environment(row, call.ci.store.last_deployment(row)), 200)


def deployments(call: Call) -> Listing:
    """Oldest first unless asked otherwise, as GitLab does."""
    params = call.params
    name = params.optional("environment")
    status = params.choice("status", _STATUSES, "") if params.optional("status") else None
    if (params.optional("finished_after") or params.optional("finished_before")) and (
        params.text("order_by") != "finished_at" or status != "success"
    ):
        raise bad_request(
            "`finished_at` filter and `finished_at` sorting must be paired with status `success`"
        )
    with call.ci.store.changed:
        rows = [
            row
            for row in call.ci.store.deployments.values()
            if name in (None, row.environment.name)
            and status in (None, row.status)
            and within(row.updated_at, call, "updated")
            and within(row.finished_at, call, "finished")
        ]
    keys: Mapping[str, Callable[[Deployment], object]] = {
        "id": lambda row: row.id,
        "iid": lambda row: row.iid,
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
        "finished_at": lambda row: row.finished_at or row.created_at,
    }
    return listing(ordered(rows, call, keys, default="asc"), call.ci.views.deployment)


def _deployment(call: Call) -> Deployment:
    return call.among(call.ci.store.deployments, "deployment_id", "Deployment")


def deployment(call: Call) -> Answer:
    """One in full."""
    with call.ci.store.changed:
        return Answer(call.ci.views.deployment(_deployment(call)))


def create_deployment(call: Call) -> Answer:
    """Record one that was made by something else than a job."""
    params, store = call.params, call.ci.store
    params.require("environment", "sha", "ref", "status")
    status = params.choice("status", _SETTABLE, "")
    user = call.user()
    try:
        sha, _ = call.ci.host.resolve(params.text("sha"))
    except KeyError:
        raise missing("Commit") from None
    commit = call.ci.host.commit(sha)
    with store.changed:
        place = store.environment(params.text("environment"), None)
        made = Deployment(
            id=store.new_id("deployment"),
            iid=len(store.deployments) + 1,
            environment=place,
            sha=sha,
            ref=params.text("ref"),
            tag=params.flag("tag"),
            user=user,
            commit=commit,
        )
        store.deployments[made.id] = made
        store.deployment_is(made, status)
        return Answer(call.ci.views.deployment(made), 201)


def update_deployment(call: Call) -> Answer:
    """Set the status of one that no job makes."""
    status = call.params.choice("status", _SETTABLE, "")
    with call.ci.store.changed:
        row = _deployment(call)
        if row.job is not None:
            raise refuse(403, "403 Forbidden")
        if row.status == status:
            raise refuse(400, {"status": [f"Cannot transition status via :{status} from :{row.status}"]})
        call.ci.store.deployment_is(row, status)
        return Answer(call.ci.views.deployment(row))


TABLE: tuple[tuple[str, str, Handler, int], ...] = (
    ("GET", "environments", environments, READ),
    ("GET", "environments/{environment_id}", environment, READ),
    ("POST", "environments/{environment_id}/stop", stop_environment, WRITE),
    ("GET", "deployments", deployments, READ),
    ("POST", "deployments", create_deployment, WRITE),
    ("GET", "deployments/{deployment_id}", deployment, READ),
    ("PUT", "deployments/{deployment_id}", update_deployment, WRITE),
)
