"""What the CI package asks of the project whose pipelines it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from starlette.routing import BaseRoute

Event = Literal["pipeline", "job", "deployment"]


class CiHost(Protocol):
    """One project as its pipelines see it.

    `path` is the full path ("shop/shop"), `api_url` ends in `/api/v4`, `repository` is the bare git
    repository. Whatever the CI calls here takes no lock of the sandbox, so it may be called under its own.
    """

    project_id: int
    path: str
    web_url: str
    api_url: str
    repository: Path

    def variables(self, environment: str = "") -> Mapping[str, str]:
        """The project's CI/CD variables for a job that deploys to `environment`; "": for any other.

        Of several with one name the one with the closest scope counts.
        Source: https://docs.gitlab.com/ci/environments/#limit-the-environment-scope-of-a-cicd-variable
        """
        ...

    def resolve(self, ref: str) -> tuple[str, bool]:
        """The 40-hex sha of a branch, tag or sha, and whether `ref` is a tag.

        Raises:
            KeyError: nothing is called that.
        """
        ...

    def user(self, gitlab_id: int) -> Mapping[str, object]:
        """The API's short user object."""
        ...

    def commit(self, sha: str) -> Mapping[str, object]:
        """The API's commit object."""
        ...

    def protected(self, ref: str) -> bool:
        """Whether `ref` is a protected branch or tag."""
        ...

    def emit(self, event: Event, payload: Mapping[str, object]) -> None:
        """Send `payload` to every webhook of the project that wants `event`."""
        ...

    def pipeline_changed(self, pipeline_id: int, sha: str, ref: str, status: str) -> None:
        """Take note of a pipeline's new status; merge requests that wait for it may merge."""
        ...


class CiEngine(Protocol):
    """What the sandbox asks of one project's CI (`ci.engine.Ci`).

    `routes()` have full paths, `/api/v4/projects/{id}/...`. They are asked after the sandbox's own, and
    only by somebody who was let in: `request.state.user_id` is the numeric GitLab id of who asks (a
    `JOB-TOKEN` asks as `job_user`), `request.state.access_level` their role in the project (30:
    Developer, 40: Maintainer) and `request.state.project` the `CiHost`. In the path the project stands as
    its numeric id, whatever the caller wrote.
    """

    def start(
        self,
        ref: str,
        *,
        source: str,
        user_id: int,
        variables: Mapping[str, str] | None = None,
        inputs: Mapping[str, object] | None = None,
        merge_request: Mapping[str, object] | None = None,
    ) -> object:
        """Start a pipeline; None where the workflow's rules want none.

        Called after every push, with the branch's or tag's short name (`source`: push), and for each open
        merge request of a pushed branch (merge_request_event), with the webhook's `object_attributes`.
        """
        ...

    def latest(self, ref: str | None = None, sha: str | None = None) -> dict[str, object] | None:
        """The short object of the newest pipeline for `ref` and `sha`."""
        ...

    def stop_environments(self, ref: str, user_id: int) -> None:
        """Stop what was deployed from `ref`: a branch that is gone, or the head of a merge request."""
        ...

    def job_user(self, job_id: int) -> int | None:
        """Whom a running job's token acts as; None when the job does not run (its token is void)."""
        ...

    def deployed(self, deployment_id: int) -> tuple[str, str] | None:
        """The commit of a deployment, and the one that was successful before it ("" if none was)."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """Everything under `/api/v4/projects/{id}/` about pipelines, jobs, environments, deployments."""
        ...

    def stop(self) -> None:
        """End every process of every job; a second call does nothing."""
        ...
