"""The GitLab client sends what GitLab's own description knows, and nothing else."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from integrations.gitlab import GitLabClient
from tests.contracts import gitlab
from tests.contracts.gitlab import CALLS, SHA, SWAGGER, Sent, complaints, rows, sent

pytestmark = pytest.mark.skipif(not SWAGGER.is_file(), reason="needs ../shared/contracts")

MERGE = "/api/v4/projects/{id}/merge_requests/{merge_request_iid}/merge"
PIPELINES = "/api/v4/projects/{id}/pipelines"
TAGS = "/api/v4/projects/{id}/repository/tags"

# GitLab's file leaves notes, issues, milestones and the user out.
NOT_DESCRIBED = {
    "GET /projects/{}/issues",
    "GET /projects/{}/issues/{}",
    "GET /projects/{}/issues/{}/notes",
    "POST /projects/{}/issues/{}/notes",
    "GET /projects/{}/merge_requests/{}/notes",
    "GET /projects/{}/milestones",
    "POST /projects/{}/milestones",
    "PUT /projects/{}/milestones/{}",
    "POST /projects/{}/merge_requests/{}/notes",
    "GET /user",
}


@pytest.mark.parametrize(
    ("template", "request_", "why"),
    [
        (PIPELINES, Sent("GET", "/projects/1/pipelines", {"order": "id"}, None), "query order is not"),
        (PIPELINES, Sent("GET", "/projects/1/pipelines", {"page": "two"}, None), "'two' is no integer"),
        (PIPELINES, Sent("GET", "/projects/1/pipelines", {"yaml_errors": "True"}, None), "is no boolean"),
        (PIPELINES, Sent("GET", "/projects/1/pipelines", {"sort": "down"}, None), "is no string"),
        (MERGE, Sent("PUT", "/projects/1/merge_requests/x/merge", {}, {}), "path merge_request_iid"),
        (MERGE, Sent("PUT", "/projects/1/merge_requests/1/merge", {}, {"commit": SHA}), "body.commit is"),
        (MERGE, Sent("PUT", "/projects/1/merge_requests/1/merge", {}, {"squash": "yes"}), "no boolean"),
        (TAGS, Sent("POST", "/projects/1/repository/tags", {}, {"ref": SHA}), "tag_name is missing"),
        (TAGS, Sent("POST", "/projects/1/repository/tags", {}, None), "tag_name is missing"),
        (TAGS, Sent("GET", "/projects/1/repository/tags", {}, {"search": "x"}), "a body is not described"),
    ],
)
def test_what_the_description_does_not_know_is_complained_about(
    template: str, request_: Sent, why: str
) -> None:
    assert any(why in said for said in complaints(request_, template))


def _methods(of: Any, prefix: str = "") -> set[str]:
    return {
        prefix + name
        for name, _ in inspect.getmembers(of, callable)
        if not name.startswith("_") and prefix + name != "close"
    }


def test_every_method_of_the_client_is_called() -> None:
    with gitlab.any_gitlab() as (_server, client):
        parts = [name for name in vars(client) if not name.startswith("_")]
        methods = _methods(GitLabClient).union(
            *(_methods(getattr(client, part), f"{part}.") for part in parts)
        )
    assert methods == set(CALLS)


def test_every_request_is_as_gitlab_describes_it() -> None:
    table = rows()
    assert {row.operation: row.why for row in table if row.verdict == "deviating"} == gitlab.WRONG
    assert {row.operation for row in table if row.verdict == "not described"} == NOT_DESCRIBED
    assert len([row for row in table if row.verdict == "validated"]) >= 40


def test_every_write_of_the_client_is_among_the_requests() -> None:
    writes = {(request.method, request.path) for request in sent() if request.method != "GET"}
    assert writes == {
        ("DELETE", "/projects/1/repository/branches/release%2F1.4.0"),
        ("POST", "/projects/1/issues/2/notes"),
        ("POST", "/projects/1/jobs/2/play"),
        ("POST", "/projects/1/jobs/2/retry"),
        ("POST", "/projects/1/merge_requests"),
        ("POST", "/projects/1/merge_requests/2/notes"),
        ("POST", "/projects/1/milestones"),
        ("POST", "/projects/1/pipeline"),
        ("POST", "/projects/1/pipelines/2/cancel"),
        ("POST", "/projects/1/pipelines/3/retry"),
        ("POST", "/projects/1/releases"),
        ("POST", "/projects/1/releases/1.4.0/assets/links"),
        ("POST", "/projects/1/repository/branches"),
        ("POST", f"/projects/1/repository/commits/{SHA}/revert"),
        ("POST", "/projects/1/repository/tags"),
        ("POST", "/projects/1/wikis"),
        ("PUT", "/projects/1/merge_requests/2/merge"),
        ("PUT", "/projects/1/milestones/2"),
        ("PUT", "/projects/1/wikis/x"),
    }
