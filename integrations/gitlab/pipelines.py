"""Pipelines: start one under our key, find it again, and read what its jobs left.

Two starts are two pipelines: GitLab knows no key for them. So a start carries `CONVEYOR_OP`, as an input
where the project declares it and as a variable otherwise, and who does not know whether it happened asks
`find` before starting again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import islice

from integrations.errors import Conflict, NotFound, Refused
from integrations.gitlab import inputs as ci_inputs
from integrations.gitlab.models import Job, Pipeline, TestSummary, Variable, Version
from integrations.gitlab.repository import Repository
from integrations.gitlab.session import Session, segment

OP_VARIABLE = "CONVEYOR_OP"
_CLOCK_DOUBT = timedelta(minutes=5)
_STOPPED = frozenset({"failed", "canceled"})
_OVER = frozenset({"success", "failed", "canceled", "canceling", "skipped"})
_NOT_PLAYED = frozenset({"created", "skipped", "manual"})


class Pipelines:
    """`project_id`, `pipeline_id` and `job_id` are GitLab's numeric ids."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def inputs(self, project_id: int, ref: str) -> frozenset[str]:
        """The inputs that a pipeline on `ref` takes so that `find` finds it again; none for many reasons.

        GitLab is older, the project declares none, or its pipelines' names do not show the key.
        """
        if not ci_inputs.are_known(self._session.get(Version, "version", "version").version):
            return frozenset()
        content = Repository(self._session).file(project_id, ".gitlab-ci.yml", ref) or b""
        return ci_inputs.declared(content.decode(errors="replace"), OP_VARIABLE)

    def start(
        self,
        project_id: int,
        ref: str,
        variables: Mapping[str, str],
        *,
        op_key: str,
        inputs: Collection[str] = (),
    ) -> Pipeline:
        """Start a pipeline on branch or tag `ref`: one POST, never repeated here.

        What is given goes as inputs if all of it is among `inputs` (see there), as variables otherwise.

        Raises:
            Transient: it may have started; `find` tells.
            Refused: no such ref, an invalid `.gitlab-ci.yml`, or these credentials may set no variables.

        Source: https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline
        """
        given = {**variables, OP_VARIABLE: op_key}
        body: dict[str, object] = {"ref": ref}
        if given.keys() <= set(inputs):
            body["inputs"] = given
        else:
            body["variables"] = [{"key": key, "value": given[key]} for key in sorted(given)]
        made = self._session.post(Pipeline, "start pipeline", f"projects/{project_id}/pipeline", body)
        return made.model_copy(update={"changed": True})

    def find(
        self, project_id: int, ref: str, sha: str | None, op_key: str, created_after: datetime | None
    ) -> Pipeline | None:
        """The pipeline that `start` with `op_key` made, or None.

        `sha` and `created_after` (our intent's time; five minutes of clock difference are allowed for)
        narrow the search; the key decides.
        """
        path = f"projects/{project_id}/pipelines"
        query = {"ref": ref, "sha": sha, "source": "api", "order_by": "id", "sort": "desc"}
        for row in self._session.rows(Pipeline, "find pipeline", path, query):
            too_old = created_after and row.created_at and row.created_at < created_after - _CLOCK_DOUBT
            if too_old:
                return None
            if op_key in row.name.split() or self.variables(project_id, row.id).get(OP_VARIABLE) == op_key:
                return self.get(project_id, row.id)
        return None

    def get(self, project_id: int, pipeline_id: int) -> Pipeline:
        """The pipeline, with its `yaml_errors` and coverage."""
        return self._session.get(Pipeline, "pipeline", _pipeline(project_id, pipeline_id))

    def list(
        self,
        project_id: int,
        *,
        ref: str | None = None,
        sha: str | None = None,
        source: str | None = None,
        status: str | None = None,
        updated_after: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Pipeline, ...]:
        """Pipelines, newest first, at most `limit`; every condition given must hold."""
        query = {
            "ref": ref,
            "sha": sha,
            "source": source,
            "status": status,
            "updated_after": updated_after,
            "order_by": "id",
            "sort": "desc",
        }
        rows = self._session.rows(Pipeline, "pipelines", f"projects/{project_id}/pipelines", query)
        return tuple(islice(rows, limit))

    def variables(self, project_id: int, pipeline_id: int) -> dict[str, str]:
        """The variables that the pipeline was started with."""
        path = f"{_pipeline(project_id, pipeline_id)}/variables"
        # This list has no pages.
        rows = self._session.rows(Variable, "pipeline variables", path, {"per_page": None})
        return {row.key: row.value for row in rows}

    def retry(self, project_id: int, pipeline_id: int) -> Pipeline:
        """Run the failed and canceled jobs again; one that has not stopped so is left alone."""
        found = self.get(project_id, pipeline_id)
        if found.status not in _STOPPED:
            return found
        path = f"{_pipeline(project_id, pipeline_id)}/retry"
        return self._session.post(Pipeline, "retry pipeline", path).model_copy(update={"changed": True})

    def cancel(self, project_id: int, pipeline_id: int) -> Pipeline:
        """Cancel what still runs or waits; one that is over is left alone."""
        found = self.get(project_id, pipeline_id)
        if found.status in _OVER:
            return found
        path = f"{_pipeline(project_id, pipeline_id)}/cancel"
        return self._session.post(Pipeline, "cancel pipeline", path).model_copy(update={"changed": True})

    def jobs(self, project_id: int, pipeline_id: int, *, include_retried: bool = False) -> tuple[Job, ...]:
        """The pipeline's jobs; of a retried one only the last attempt, unless asked."""
        path = f"{_pipeline(project_id, pipeline_id)}/jobs"
        query = {"include_retried": include_retried or None}
        return tuple(self._session.rows(Job, "jobs", path, query))

    def job(self, project_id: int, job_id: int) -> Job:
        """The job."""
        return self._session.get(Job, "job", _job(project_id, job_id))

    def play_job(self, project_id: int, job_id: int) -> Job:
        """Let the manual job run; one that was played, whatever became of it, is left alone.

        Raises:
            Conflict: it is not its turn: an earlier stage is not through, or it was skipped.

        Source: https://docs.gitlab.com/api/jobs/#run-a-job
        """
        path = f"{_job(project_id, job_id)}/play"
        found = self.job(project_id, job_id)
        if found.status == "manual":
            try:
                played = self._session.post(Job, "play job", path)
                return played.model_copy(update={"changed": True})
            except (Conflict, Refused):
                found = self.job(project_id, job_id)
                if found.status == "manual":
                    raise
        if found.status in _NOT_PLAYED:
            raise Conflict("gitlab", "play job", path, None, found.status)
        return found

    def retry_job(self, project_id: int, job_id: int) -> Job:
        """Run the job again; a retry is a new job, and of one that was retried already the newest.

        Raises:
            Refused: GitLab retries no such job (it still runs, or is outdated).

        Source: https://docs.gitlab.com/api/jobs/#retry-a-job
        """
        found = self.job(project_id, job_id)
        if newer := self._newer(project_id, found):
            return newer
        made = self._session.post(Job, "retry job", f"{_job(project_id, job_id)}/retry")
        return made.model_copy(update={"changed": True})

    def test_summary(self, project_id: int, pipeline_id: int) -> TestSummary:
        """What the pipeline's JUnit reports add up to; `count` 0 means no report.

        Source: https://docs.gitlab.com/api/pipelines/#get-a-test-report-summary-for-a-pipeline
        """
        path = f"{_pipeline(project_id, pipeline_id)}/test_report_summary"
        return self._session.get(TestSummary, "test summary", path)

    def trace(self, project_id: int, job_id: int, max_bytes: int = 1_000_000) -> str:
        """The job's log, of a longer one the last `max_bytes`."""
        tail = b""
        for chunk in self._session.chunks("trace", f"{_job(project_id, job_id)}/trace"):
            tail = (tail + chunk)[-max_bytes:]
        return tail.decode(errors="replace")

    def artifact(self, project_id: int, job_id: int, path: str, max_bytes: int) -> bytes | None:
        """The file `path` of the job's artifacts, or None if there is none (never made, or expired).

        Raises:
            Refused: it is longer than `max_bytes`.
        """
        where = f"{_job(project_id, job_id)}/artifacts/{'/'.join(map(segment, path.split('/')))}"
        content = b""
        try:
            for chunk in self._session.chunks("artifact", where):
                content += chunk
                if len(content) > max_bytes:
                    raise Refused("gitlab", "artifact", where, None, f"longer than {max_bytes} bytes")
        except NotFound:
            return None
        return content

    def _newer(self, project_id: int, job: Job) -> Job | None:
        if job.pipeline_id is None:
            return None
        again = [
            each
            for each in self.jobs(project_id, job.pipeline_id)
            if each.name == job.name and each.id > job.id
        ]
        return max(again, key=lambda each: each.id, default=None)


def _pipeline(project_id: int, pipeline_id: int) -> str:
    return f"projects/{project_id}/pipelines/{pipeline_id}"


def _job(project_id: int, job_id: int) -> str:
    return f"projects/{project_id}/jobs/{job_id}"
