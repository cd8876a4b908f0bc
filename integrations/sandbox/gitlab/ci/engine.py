"""The CI of one project: what the rest of the sandbox's GitLab sees of it."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.routing import Route

from integrations.sandbox.gitlab.ci import api, workspace
from integrations.sandbox.gitlab.ci.hooks import ProjectFacts
from integrations.sandbox.gitlab.ci.model import Job, Pipeline
from integrations.sandbox.gitlab.ci.predefined import job_variables, pipeline_variables
from integrations.sandbox.gitlab.ci.processes import kill_marked
from integrations.sandbox.gitlab.ci.runner import JobRun
from integrations.sandbox.gitlab.ci.scheduler import Scheduler
from integrations.sandbox.gitlab.ci.starter import Order, PipelineRefused, Starter
from integrations.sandbox.gitlab.ci.status import COMPLETED
from integrations.sandbox.gitlab.ci.store import Store
from integrations.sandbox.gitlab.ci.variables import expand, settle
from integrations.sandbox.gitlab.ci.views import Views
from integrations.sandbox.gitlab.host import CiHost

__all__ = ["Ci", "PipelineRefused", "PipelineView"]

#: The API's pipeline object.
PipelineView = dict[str, object]

_MARK = "CONVEYOR_SANDBOX_CI"
_AUTO_CANCELED = frozenset({"push", "merge_request_event"})


class Ci:
    """Pipelines that really run: one per project, from construction until `stop`.

    `home` holds checkouts, traces and artifacts. `job_token(job_id)` gives the secret that a job
    authenticates with; `trigger_user(token)` the id of the user behind a trigger token, None for an
    unknown one (without it all are unknown). No call to `host` is
    made while the CI's lock is held.
    """

    def __init__(
        self,
        host: CiHost,
        home: Path,
        job_token: Callable[[int], str],
        *,
        trigger_user: Callable[[str], int | None] = lambda token: None,
    ) -> None:
        self.host = host
        self.trigger_user = trigger_user
        self._home = home.resolve()
        self._job_token = job_token
        self._mark = uuid.uuid4().hex
        project = ProjectFacts(
            host.project_id, host.path, host.web_url, workspace.default_branch(host.repository)
        )
        self.store = Store(host, project)
        self.views = Views(project)
        self.scheduler = Scheduler(self.store, self._prepared, self._home / "jobs")
        self._starter = Starter(self.store, self.scheduler.trace)
        self._routes = api.routes(lambda request: self)

    def start(
        self,
        ref: str,
        *,
        source: str,
        user_id: int,
        variables: Mapping[str, str] | None = None,
        inputs: Mapping[str, object] | None = None,
        merge_request: Mapping[str, object] | None = None,
    ) -> PipelineView | None:
        """Create a pipeline for the commit that `ref` names, and let it run.

        `source` is GitLab's word (push, merge_request_event, api, trigger, web ...). None: the commit
        has no `.gitlab-ci.yml`, or its rules want no pipeline. A configuration with mistakes is a failed
        pipeline with `yaml_errors`.

        Raises:
            PipelineRefused: the ref is unknown; for the sources api and web also in place of None and
                of the failed pipeline.
        """
        order = Order(ref, source, user_id, variables or {}, inputs or {}, merge_request)
        pipeline = self._starter.create(order)
        if pipeline is None:
            return None
        with self.store.changed:
            self._cancel_redundant(pipeline)
            if not pipeline.yaml_errors:
                self.scheduler.advance(pipeline)
            return self.views.pipeline(pipeline)

    def _cancel_redundant(self, newest: Pipeline) -> None:
        """Cancel older pipelines of the same ref whose unfinished and started jobs all allow it."""
        if newest.source not in _AUTO_CANCELED:
            return
        for older in list(self.store.pipelines.values()):
            if older is newest or older.ref != newest.ref or older.source != newest.source:
                continue
            jobs = older.latest()
            if older.status not in COMPLETED and all(job.spec.interruptible for job in jobs):
                self.scheduler.cancel_pipeline(older)

    def latest(self, ref: str | None = None, sha: str | None = None) -> PipelineView | None:
        """The newest pipeline, of that ref (a branch, tag or `refs/merge-requests/...`) and that commit."""
        with self.store.changed:
            for pipeline in reversed(self.store.pipelines.values()):
                if ref in (None, pipeline.ref) and sha in (None, pipeline.sha):
                    return self.views.pipeline(pipeline)
        return None

    def wait(self, pipeline_id: int, *, until: Sequence[str] = (), timeout_s: float = 30.0) -> str:
        """The pipeline's status as soon as it is one of `until` (default: ended, or waiting for a person).

        Raises:
            TimeoutError: it did not come to that.
        """
        wanted = frozenset(until) or COMPLETED | {"manual"}
        end = time.monotonic() + timeout_s
        with self.store.changed:
            pipeline = self.store.pipelines[pipeline_id]
            while pipeline.status not in wanted:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"pipeline {pipeline_id} is {pipeline.status}")
                self.store.changed.wait(left)
            return pipeline.status

    def stop_environments(self, ref: str, user_id: int) -> None:
        """Stop the environments that were last deployed from `ref` and say how, as its branch is done with.

        Those without `on_stop` go on. Source: `app/services/environments/stop_service.rb` of gitlabhq.
        """
        user = self.host.user(user_id)
        with self.store.changed:
            for environment in list(self.store.environments.values()):
                last = self.store.last_deployment(environment)
                if last is not None and last.ref == ref:
                    self.scheduler.stop_environment(environment, user)

    def job_user(self, job_id: int) -> int | None:
        """In whose name a running job acts, None if it does not run: its token is worth nothing then."""
        with self.store.changed:
            job = self.store.jobs.get(job_id)
            if job is None or job.status != "running":
                return None
            return int(str(job.user["id"]))

    def deployed(self, deployment_id: int) -> tuple[str, str] | None:
        """The commit of a deployment, and the one that was successful before it ("" if none was)."""
        with self.store.changed:
            this = self.store.deployments.get(deployment_id)
            if this is None:
                return None
            before = [
                one
                for one in self.store.deployments.values()
                if one.environment is this.environment and one.status == "success" and one.id < this.id
            ]
        return this.sha, max(before, key=lambda one: one.id).sha if before else ""

    def routes(self) -> list[Route]:
        """The API of this project, under `/api/v4/projects/{id}/`; see `api.routes` for several projects."""
        return self._routes

    def stop(self) -> None:
        """Cancel what runs, and end every process that a job of this CI ever started and that still runs."""
        self.scheduler.close()
        kill_marked(_MARK, self._mark)
        self.store.close()

    def _prepared(self, job: Job) -> JobRun:
        directory = self._home / "builds" / str(job.id) / self.store.project.name
        directory.parent.mkdir(parents=True, exist_ok=True)
        sources = self._sources(job)
        dotenv = {key: value for source in sources for key, value in source.dotenv.items()}
        layers = {
            **pipeline_variables(self.host, job.pipeline, self.store.project.default_branch),
            **job_variables(self.host, job, directory, self._job_token(job.id)),
            **job.pipeline.common,
            **job.variables,
            **dotenv,
            **self.host.variables(job.environment.name if job.environment else ""),
            **job.pipeline.variables,
        }
        known = settle(layers)
        self._announce(job, known)
        return JobRun(
            job,
            repository=self.host.repository,
            directory=directory,
            store=self._home / "jobs" / str(job.id),
            env={**self._machine(), **known, _MARK: self._mark},
            inherited=[
                item.path for source in sources for item in source.artifacts if item.file_type == "archive"
            ],
        )

    def _announce(self, job: Job, known: dict[str, str]) -> None:
        spec = job.spec.environment
        with self.store.changed:
            if job.environment is not None and spec is not None and spec.url is not None:
                url = expand(spec.url, known)
                known["CI_ENVIRONMENT_URL"] = url
                job.environment.external_url = url
            job.known = known

    def _sources(self, job: Job) -> list[Job]:
        """The jobs whose artifacts and dotenv variables `job` gets, in the order of their stages."""
        spec, order = job.spec, job.pipeline.stages.index
        with self.store.changed:
            others = [other for other in job.pipeline.latest() if other is not job]
        if spec.needs is not None:
            names = {need.job for need in spec.needs if need.artifacts}
            others = [other for other in others if other.name in names]
        else:
            others = [other for other in others if order(other.spec.stage) < order(spec.stage)]
        if spec.dependencies is not None:
            others = [other for other in others if other.name in spec.dependencies]
        return sorted(others, key=lambda other: (order(other.spec.stage), other.id))

    def _machine(self) -> dict[str, str]:
        """What a job sees of this machine: this Python first on its path, a home of its own, no secrets."""
        home = self._home / "user"
        home.mkdir(parents=True, exist_ok=True)
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")]
        return {
            "PATH": os.pathsep.join(path),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
