"""Decides which job runs when, and keeps the runner busy with two at a time.

Source: https://docs.gitlab.com/ci/jobs/ and `app/services/ci/process_build_service.rb` of gitlabhq.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from integrations.sandbox.gitlab.ci.model import Environment, Job, Pipeline, utc_now
from integrations.sandbox.gitlab.ci.runner import JobRun, Outcome
from integrations.sandbox.gitlab.ci.status import COMPLETED, composite, starts
from integrations.sandbox.gitlab.ci.store import Store
from integrations.sandbox.gitlab.ci.variables import expand

AT_A_TIME = 2
_CANCELABLE = frozenset({"created", "waiting_for_resource", "pending", "running", "manual"})
_RETRYABLE = frozenset({"success", "failed", "canceled"})


class NotPossible(Exception):
    """The job stands in a status that does not allow it; the text is the API's."""


class Scheduler:
    """`prepare(job)` makes a job ready to run; it is called outside the lock."""

    def __init__(self, store: Store, prepare: Callable[[Job], JobRun], traces: Path) -> None:
        self._store = store
        self._prepare = prepare
        self._traces = traces
        self._holders: dict[str, Job] = {}
        self._runs: dict[int, JobRun] = {}
        self._stopped = False
        self._timers: list[threading.Timer] = []
        self._workers = [
            threading.Thread(target=self._work, name=f"ci-runner:{number}", daemon=True)
            for number in range(AT_A_TIME)
        ]
        for worker in self._workers:
            worker.start()

    def close(self) -> None:
        """Cancel what runs and start nothing more."""
        with self._store.changed:
            self._stopped = True
            for timer in self._timers:
                timer.cancel()
            for job in list(self._store.jobs.values()):
                if job.status in _CANCELABLE - {"manual"}:
                    self._cancel(job)
            self._store.changed.notify_all()
        for worker in self._workers:
            worker.join(timeout=10)

    def trace(self, job_id: int) -> Path:
        """Where the job's output is written."""
        path = self._traces / str(job_id) / "job.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def advance(self, pipeline: Pipeline) -> None:
        """Start, skip or offer every job whose turn it is, and derive the pipeline's status."""
        with self._store.changed:
            while any(self._moved(job) for job in pipeline.latest() if job.status == "created"):
                pass
            self._store.refresh(pipeline)

    def _moved(self, job: Job) -> bool:
        before = self._before(job)
        if before not in COMPLETED:
            return False
        if not starts(job.when, before, by_needs=job.spec.needs is not None):
            self._store.job_is(job, "skipped")
        elif job.when == "manual":
            self._store.job_is(job, "manual")
        else:
            self._enqueue(job)
        return True

    def _before(self, job: Job) -> str:
        others = job.pipeline.latest()
        if job.spec.needs is not None:
            names = {need.job for need in job.spec.needs}
            needed = [(other.status, other.allow_failure) for other in others if other.name in names]
            return composite(needed, of_needs=True)
        order = job.pipeline.stages.index
        return composite(
            (other.status, other.allow_failure)
            for other in others
            if order(other.spec.stage) < order(job.spec.stage)
        )

    def _enqueue(self, job: Job) -> None:
        group = job.resource_group
        if group is not None and self._holders.setdefault(group, job) is not job:
            self._store.job_is(job, "waiting_for_resource")
            return
        self._store.job_is(job, "pending")

    def _release(self, job: Job) -> None:
        group = job.resource_group
        if group is None or self._holders.get(group) is not job:
            return
        del self._holders[group]
        waiting = [
            other
            for other in self._store.jobs.values()
            if other.resource_group == group and other.status == "waiting_for_resource"
        ]
        if waiting:
            following = min(waiting, key=lambda other: other.id)
            self._enqueue(following)
            self._store.refresh(following.pipeline)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            run = self._prepare(job)
            with self._store.changed:
                wanted = job.status == "running"
                if wanted:
                    self._runs[job.id] = run
            self._finish(job, run.run() if wanted else None)

    def _take(self) -> Job | None:
        with self._store.changed:
            while not self._stopped:
                pending = [job for job in self._store.jobs.values() if job.status == "pending"]
                if pending:
                    job = min(pending, key=lambda other: (other.queued_at, other.id))
                    self._store.job_is(job, "running")
                    self._store.refresh(job.pipeline)
                    return job
                self._store.changed.wait()
            return None

    def _finish(self, job: Job, outcome: Outcome | None) -> None:
        with self._store.changed:
            self._runs.pop(job.id, None)
            if job.status == "running" and outcome is not None:
                self._record(job, outcome)
            self._release(job)
            self.advance(job.pipeline)

    def _record(self, job: Job, outcome: Outcome) -> None:
        job.coverage, job.suite, job.dotenv = outcome.coverage, outcome.suite, outcome.dotenv
        job.artifacts, job.failure_reason = outcome.artifacts, outcome.failure_reason
        kept_s = job.spec.artifacts.expire_in_s
        if kept_s is not None and any(item.file_type != "trace" for item in job.artifacts):
            job.artifacts_expire_at = utc_now() + timedelta(seconds=kept_s)
        if outcome.failure_reason is None:
            self._arrived(job)
        self._store.job_is(job, "failed" if outcome.failure_reason else "success")
        if outcome.failure_reason and job.attempt < job.spec.retry:
            self._enqueue(self._again(job, job.user))

    def _arrived(self, job: Job) -> None:
        """What a successful job does to its environment."""
        spec, environment = job.spec.environment, job.environment
        if spec is None or environment is None:
            return
        if spec.url is not None:
            environment.external_url = expand(spec.url, {**job.known, **job.dotenv})
        if spec.action == "stop":
            environment.state, environment.auto_stop_at = "stopped", None
            environment.updated_at = utc_now()
        elif spec.action == "start" and spec.auto_stop_in_s is not None:
            environment.auto_stop_at = utc_now() + timedelta(seconds=spec.auto_stop_in_s)
            # Others may be due later: a new deployment puts the end off.
            timer = threading.Timer(spec.auto_stop_in_s, self._stop_if_due, (environment, job.user))
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    def _stop_if_due(self, environment: Environment, user: Mapping[str, object]) -> None:
        with self._store.changed:
            due = environment.auto_stop_at
            if due is not None and due <= utc_now() and not self._stopped:
                self.stop_environment(environment, user)

    def stop_environment(self, environment: Environment, user: Mapping[str, object]) -> bool:
        """Play the job that its last deployment names in `on_stop`; False if there is none that waits."""
        with self._store.changed:
            last = self._store.last_deployment(environment)
            job = None if last is None else last.job
            spec = None if job is None else job.spec.environment
            if environment.state != "available" or job is None or spec is None:
                return False
            waiting = [
                other
                for other in job.pipeline.latest()
                if other.name == spec.on_stop and other.status == "manual"
            ]
            for other in waiting:
                environment.state, environment.auto_stop_at = "stopping", None
                environment.updated_at = utc_now()
                self.play(other, user, {})
            return bool(waiting)

    def _again(self, job: Job, user: Mapping[str, object]) -> Job:
        """The same job once more; the old one stays as a retried one."""
        job_id = self._store.new_id("job")
        following = Job(
            id=job_id,
            spec=job.spec,
            pipeline=job.pipeline,
            when=job.when,
            allow_failure=job.allow_failure,
            variables=dict(job.variables),
            user=user,
            trace=self.trace(job_id),
            environment=job.environment,
            resource_group=job.resource_group,
            attempt=job.attempt + 1,
        )
        job.retried = True
        job.pipeline.jobs.append(following)
        self._store.jobs[job_id] = following
        if job.deployment is not None:
            self._store.deploy(following)
        self._store.job_is(following, "created")
        return following

    def play(self, job: Job, user: Mapping[str, object], variables: Mapping[str, str]) -> Job:
        """Let a manual job run, in the name of `user`.

        Raises:
            NotPossible: it is not waiting for that.
        """
        with self._store.changed:
            if job.status != "manual":
                raise NotPossible("Unplayable Job")
            job.user = user
            job.variables |= variables
            if job.deployment is not None:
                job.deployment.user = user
            self._enqueue(job)
            self.advance(job.pipeline)
            return job

    def retry(self, job: Job, user: Mapping[str, object]) -> Job:
        """Run the job again as a new one, and then what was skipped because of it.

        Raises:
            NotPossible: it has not ended, or was retried before.
        """
        with self._store.changed:
            if job.status not in _RETRYABLE or job.retried:
                raise NotPossible("Job is not retryable")
            following = self._again(job, user)
            self._enqueue(following)
            self._unskip(job.pipeline)
            self.advance(job.pipeline)
            return following

    def retry_pipeline(self, pipeline: Pipeline, user: Mapping[str, object]) -> None:
        """Run again what failed or was canceled, and then what was skipped."""
        with self._store.changed:
            for job in [job for job in pipeline.latest() if job.status in ("failed", "canceled")]:
                self._again(job, user)
            self._unskip(pipeline)
            self.advance(pipeline)

    def _unskip(self, pipeline: Pipeline) -> None:
        for job in pipeline.latest():
            if job.status == "skipped":
                self._store.job_is(job, "created")

    def cancel(self, job: Job) -> None:
        """Cancel the job and kill its processes; nothing happens if it has ended."""
        with self._store.changed:
            self._cancel(job)
            self.advance(job.pipeline)

    def cancel_pipeline(self, pipeline: Pipeline) -> None:
        """Cancel every job that has not ended."""
        with self._store.changed:
            for job in pipeline.latest():
                self._cancel(job)
            self.advance(pipeline)

    def _cancel(self, job: Job) -> None:
        if job.status not in _CANCELABLE:
            return
        was_running = job.status == "running"
        self._store.job_is(job, "canceled")
        if job.id in self._runs:
            self._runs[job.id].cancel()
        if not was_running:
            self._release(job)
