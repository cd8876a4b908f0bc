"""Environments, and GitLab's deployments to them. Read only: pipelines deploy."""

from __future__ import annotations

from itertools import islice

from integrations.gitlab.models import Deployment, Environment, FreezePeriod, MergeRequest, ProjectVariable
from integrations.gitlab.session import Session


class Environments:
    """`project_id` is GitLab's numeric id; an environment goes by its name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, project_id: int) -> tuple[Environment, ...]:
        """All environments, stopped ones too."""
        return tuple(self._session.rows(Environment, "environments", f"projects/{project_id}/environments"))

    def deployments(
        self, project_id: int, environment: str, *, status: str | None = None, limit: int | None = None
    ) -> tuple[Deployment, ...]:
        """Deployments to `environment`, newest first, at most `limit`.

        `status` is created, running, success, failed, canceled, skipped or blocked.

        Source: https://docs.gitlab.com/api/deployments/#list-project-deployments
        """
        # GitLab's own order is oldest first.
        query = {"environment": environment, "status": status, "order_by": "id", "sort": "desc"}
        path = f"projects/{project_id}/deployments"
        return tuple(islice(self._session.rows(Deployment, "deployments", path, query), limit))

    def variables(self, project_id: int) -> tuple[ProjectVariable, ...]:
        """The project's CI/CD variables of every scope, with their values: needs the Maintainer role."""
        return tuple(self._session.rows(ProjectVariable, "variables", f"projects/{project_id}/variables"))

    def freeze_periods(self, project_id: int) -> tuple[FreezePeriod, ...]:
        """The freeze periods; GitLab tells pipelines of them and stops nothing.

        Source: https://docs.gitlab.com/api/freeze_periods/
        """
        path = f"projects/{project_id}/freeze_periods"
        return tuple(self._session.rows(FreezePeriod, "freeze periods", path))

    def deployment(self, project_id: int, deployment_id: int) -> Deployment:
        """The deployment."""
        path = f"projects/{project_id}/deployments/{deployment_id}"
        return self._session.get(Deployment, "deployment", path)

    def merge_requests(self, project_id: int, deployment_id: int) -> tuple[MergeRequest, ...]:
        """The merge requests that came to the environment with this deployment.

        Source: https://docs.gitlab.com/api/deployments/#list-of-merge-requests-associated-with-a-deployment
        """
        path = f"projects/{project_id}/deployments/{deployment_id}/merge_requests"
        return tuple(self._session.rows(MergeRequest, "deployed merge requests", path))
