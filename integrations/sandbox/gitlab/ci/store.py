"""The state of one project's CI, and the news of its changes.

Everything is read and changed under `changed` (a condition: who changes something notifies). News go to
the host from a thread of their own, in order and outside the lock, since the host may answer by starting
the next pipeline.
"""

from __future__ import annotations

import itertools
import queue
import re
import threading
from collections.abc import Callable, Iterator

from integrations.sandbox.gitlab.ci.hooks import ProjectFacts, deployment_event, job_event, pipeline_event
from integrations.sandbox.gitlab.ci.model import Deployment, Environment, Job, Pipeline, utc_now
from integrations.sandbox.gitlab.ci.status import COMPLETED, composite
from integrations.sandbox.gitlab.host import CiHost

_IDS_PER_PROJECT = 100_000
_ENDED_DEPLOYMENT = frozenset({"success", "failed", "canceled"})
#: A job's status as its deployment shows it; of others it takes no note.
_DEPLOYMENT_STATUS = {
    "running": "running",
    "success": "success",
    "failed": "failed",
    "canceled": "canceled",
    "skipped": "skipped",
}


class Store:
    """Ids are unique among the projects of one server, as GitLab's are."""

    def __init__(self, host: CiHost, project: ProjectFacts) -> None:
        self.host = host
        self.project = project
        self.changed = threading.Condition(threading.RLock())
        self.pipelines: dict[int, Pipeline] = {}
        self.jobs: dict[int, Job] = {}
        self.environments: dict[str, Environment] = {}
        self.deployments: dict[int, Deployment] = {}
        self._ids = {kind: self._counter() for kind in ("pipeline", "job", "environment", "deployment")}
        self._news: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._teller = threading.Thread(target=self._tell, name=f"ci-news:{project.path}", daemon=True)
        self._teller.start()

    def _counter(self) -> Iterator[int]:
        return itertools.count((self.project.id - 1) * _IDS_PER_PROJECT + 1)

    def new_id(self, kind: str) -> int:
        """The next id for a pipeline, job, environment or deployment."""
        with self.changed:
            return next(self._ids[kind])

    def close(self) -> None:
        """Tell what has happened so far, and nothing after."""
        self._news.put(None)
        self._teller.join(timeout=10)

    def _tell(self) -> None:
        while (news := self._news.get()) is not None:
            news()

    def add(self, pipeline: Pipeline) -> None:
        """Keep a new pipeline, and number it within the project."""
        with self.changed:
            pipeline.iid = len(self.pipelines) + 1
            self.pipelines[pipeline.id] = pipeline

    def job_is(self, job: Job, status: str) -> None:
        """Set a job's status and its times, and tell; its deployment follows."""
        with self.changed:
            now = utc_now()
            job.status = status
            if status == "pending":
                job.queued_at = now
            elif status == "running":
                job.started_at = now
            elif status in COMPLETED and status != "skipped":
                job.finished_at = now
            payload = job_event(self.project, job)
            self._news.put(lambda: self.host.emit("job", payload))
            if job.deployment is not None and status in _DEPLOYMENT_STATUS:
                self.deployment_is(job.deployment, _DEPLOYMENT_STATUS[status])
            self.changed.notify_all()

    def deployment_is(self, deployment: Deployment, status: str) -> None:
        """Set a deployment's status, and tell; being created or skipped is no news."""
        with self.changed:
            if deployment.status == status and status != "created":
                return
            deployment.status = status
            deployment.updated_at = utc_now()
            if status in _ENDED_DEPLOYMENT:
                deployment.finished_at = deployment.updated_at
            if status == "success":
                deployment.environment.state = "available"
                deployment.environment.updated_at = deployment.updated_at
            if status == "running" or status in _ENDED_DEPLOYMENT:
                payload = deployment_event(self.project, deployment)
                self._news.put(lambda: self.host.emit("deployment", payload))
            self.changed.notify_all()

    def refresh(self, pipeline: Pipeline) -> None:
        """Derive the pipeline's status from its jobs, and tell if it is another one."""
        with self.changed:
            jobs = pipeline.latest()
            status = composite((job.status, job.allow_failure) for job in jobs) if jobs else pipeline.status
            pipeline.updated_at = utc_now()
            if any(job.started_at for job in jobs) and pipeline.started_at is None:
                pipeline.started_at = pipeline.updated_at
            if status != pipeline.status:
                self.pipeline_is(pipeline, status)

    def pipeline_is(self, pipeline: Pipeline, status: str) -> None:
        """Set a pipeline's status, and tell."""
        with self.changed:
            pipeline.status = status
            pipeline.updated_at = utc_now()
            pipeline.finished_at = pipeline.updated_at if status in COMPLETED else None
            payload = pipeline_event(self.project, pipeline)
            facts = (pipeline.id, pipeline.sha, pipeline.ref, status)
            self._news.put(lambda: self.host.emit("pipeline", payload))
            self._news.put(lambda: self.host.pipeline_changed(*facts))
            self.changed.notify_all()

    def environment(self, name: str, tier: str | None) -> Environment:
        """The environment of that name, made if it is new."""
        with self.changed:
            known = self.environments.get(name)
            if known is None:
                known = Environment(self.new_id("environment"), name, tier or guessed_tier(name))
                self.environments[name] = known
            elif tier is not None:
                known.tier = tier
            return known

    def last_deployment(self, environment: Environment) -> Deployment | None:
        """The last one that succeeded, by the time of its end."""
        with self.changed:
            ended = [
                deployment
                for deployment in self.deployments.values()
                if deployment.environment is environment and deployment.status == "success"
            ]
        return max(ended, key=lambda one: (one.finished_at or one.created_at, one.id), default=None)

    def deploy(self, job: Job) -> None:
        """The deployment of a job that has an environment to deploy to."""
        if job.environment is None:
            return
        deployment_id = self.new_id("deployment")
        job.deployment = Deployment(
            id=deployment_id,
            iid=len(self.deployments) + 1,
            environment=job.environment,
            sha=job.pipeline.sha,
            ref=job.pipeline.ref,
            tag=job.pipeline.tag,
            user=job.user,
            commit=job.pipeline.commit,
            job=job,
        )
        self.deployments[deployment_id] = job.deployment


def guessed_tier(name: str) -> str:
    """GitLab's guess from the name. Source: `app/models/environment.rb`, `guess_tier`, of gitlabhq."""
    for tier, hint in (
        ("development", r"dev|review|trunk"),
        ("testing", r"test|tst|int|ac(ce|)pt|qa|qc|control|quality"),
        ("staging", r"st(a|)g|mod(e|)l|pre|demo|non"),
        ("production", r"pr(o|)d|live"),
    ):
        if re.search(hint, name, re.IGNORECASE):
            return tier
    return "other"
