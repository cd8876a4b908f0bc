"""Runs one job: check out, lay in artifacts, run the script, gather what it leaves.

The shell of a real runner: `bash -eo pipefail`, every command echoed before it runs, `after_script` in
a shell of its own whatever happened.
Source: https://docs.gitlab.com/runner/shells/ and https://docs.gitlab.com/ci/yaml/#after_script
"""

from __future__ import annotations

import shlex
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from integrations.sandbox.gitlab.ci.artifacts import keep_report, matching, pack, unpack
from integrations.sandbox.gitlab.ci.model import Artifact, Job
from integrations.sandbox.gitlab.ci.processes import JobProcess
from integrations.sandbox.gitlab.ci.reports import Suite, coverage_of, read_dotenv, read_junit
from integrations.sandbox.gitlab.ci.workspace import GitFailed, check_out

_AFTER_SCRIPT_TIMEOUT_S = 300.0


@dataclass
class Outcome:
    """How a job ended. `failure_reason` is GitLab's word for it, None when it succeeded."""

    failure_reason: str | None = None
    coverage: float | None = None
    suite: Suite | None = None
    dotenv: dict[str, str] = field(default_factory=dict[str, str])
    artifacts: list[Artifact] = field(default_factory=list[Artifact])


class JobRun:
    """One job on its way through the runner; `cancel` may come at any moment of it."""

    def __init__(
        self,
        job: Job,
        *,
        repository: Path,
        directory: Path,
        store: Path,
        env: Mapping[str, str],
        inherited: Sequence[Path],
    ) -> None:
        """`directory` becomes the checkout, `store` keeps artifacts, `inherited` are other jobs' archives."""
        self._job = job
        self._repository = repository
        self._directory = directory
        self._store = store
        self._env = env
        self._inherited = inherited
        self._lock = threading.Lock()
        self._canceled = False
        self._process: JobProcess | None = None

    def cancel(self) -> None:
        """End what runs; nothing further is started."""
        with self._lock:
            self._canceled = True
            process = self._process
        if process is not None:
            process.kill("canceled")

    def run(self) -> Outcome:
        """Run the job to its end. The checkout is gone afterwards."""
        spec = self._job.spec
        self._note("Running with the sandbox's shell runner")
        for keyword in spec.not_used:
            self._note(
                f"WARNING: `{keyword}` is not used by this runner: jobs run in a shell of this machine"
            )
        try:
            pipeline = self._job.pipeline
            self._note(f"Checking out {pipeline.sha[:8]} as detached HEAD (ref is {pipeline.ref})")
            check_out(self._repository, pipeline.sha, self._directory)
            for archive in self._inherited:
                unpack(archive, self._directory)
        except (GitFailed, OSError) as error:
            self._note(f"ERROR: Job failed (system failure): {error}")
            shutil.rmtree(self._directory, ignore_errors=True)
            return Outcome("runner_system_failure")
        try:
            reason = self._script(spec.timeout_s)
            return self._gathered(reason)
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _script(self, timeout_s: float) -> str | None:
        spec = self._job.spec
        reason = self._shell("script", (*spec.before_script, *spec.script), timeout_s, {})
        if spec.after_script and not self._canceled:
            status = "success" if reason is None else "failed"
            self._note("Running after_script")
            self._shell("after_script", spec.after_script, _AFTER_SCRIPT_TIMEOUT_S, {"CI_JOB_STATUS": status})
        return reason

    def _shell(
        self, name: str, lines: Sequence[str], timeout_s: float, more: Mapping[str, str]
    ) -> str | None:
        script = self._store / f"{name}.sh"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("".join(f"echo {shlex.quote('$ ' + line)}\n{line}\n" for line in lines))
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        with self._lock:
            if self._canceled:
                return "canceled"
            process = JobProcess(command, self._directory, {**self._env, **more}, self._job.trace)
            self._process = process
        code = process.wait(timeout_s)
        if process.killed_for == "timeout":
            self._note(f"ERROR: Job failed: execution took longer than {timeout_s:g}s seconds")
            return "job_execution_timeout"
        if code:
            self._note(f"ERROR: Job failed: exit code {code}")
            return "script_failure"
        return None

    def _gathered(self, reason: str | None) -> Outcome:
        spec, job = self._job.spec.artifacts, self._job
        outcome = Outcome(reason)
        wanted = {"always": True, "on_failure": reason is not None}.get(spec.when, reason is None)
        found = matching(self._directory, spec.paths, spec.exclude) if spec.paths and wanted else []
        if found:
            archive = self._store / "artifacts.zip"
            pack(self._directory, found, archive)
            outcome.artifacts.append(Artifact("archive", "artifacts.zip", archive, "zip"))
            self._note(f"Uploading artifacts: {len(found)} files")
        elif spec.paths and wanted:
            self._note(
                "WARNING: no matching files. Ensure that the artifact path is relative to the checkout"
            )
        self._reports(outcome)
        self._note("Job succeeded" if outcome.failure_reason is None else "")
        outcome.artifacts.append(Artifact("trace", "job.log", job.trace))
        if job.spec.coverage:
            outcome.coverage = coverage_of(job.trace.read_text(errors="replace"), job.spec.coverage)
        return outcome

    def _reports(self, outcome: Outcome) -> None:
        spec, job = self._job.spec.artifacts, self._job
        for file_type, patterns in spec.reports.items():
            files = matching(self._directory, patterns)
            if not files:
                self._note(f'WARNING: no file to upload as "{file_type}"')
                continue
            if file_type == "junit":
                outcome.suite = read_junit(job.name, job.id, files)
            if file_type == "dotenv":
                self._dotenv(outcome, files)
            try:
                outcome.artifacts.append(keep_report(file_type, files, self._store))
            except ValueError as error:
                self._note(f'ERROR: Uploading artifacts as "{file_type}": {error}')

    def _dotenv(self, outcome: Outcome, files: Sequence[Path]) -> None:
        for path in files:
            try:
                outcome.dotenv |= read_dotenv(path.read_text())
            except ValueError as error:
                self._note(f'ERROR: Uploading artifacts as "dotenv": {error}')
                outcome.failure_reason = outcome.failure_reason or "script_failure"

    def _note(self, line: str) -> None:
        if line:
            with self._job.trace.open("a") as trace:
                trace.write(f"{line}\n")
