"""Creates pipelines: reads the commit's configuration, holds its rules, and sets up the jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from integrations.sandbox.gitlab.ci import workspace
from integrations.sandbox.gitlab.ci.conditions import ConditionError
from integrations.sandbox.gitlab.ci.config import read_config
from integrations.sandbox.gitlab.ci.document import ConfigError
from integrations.sandbox.gitlab.ci.model import Job, Pipeline
from integrations.sandbox.gitlab.ci.plan import Commit, Layers, Plan, PlannedJob, missing_needs, plan
from integrations.sandbox.gitlab.ci.predefined import pipeline_variables
from integrations.sandbox.gitlab.ci.spec import Config
from integrations.sandbox.gitlab.ci.store import Store
from integrations.sandbox.gitlab.ci.variables import expand

_ZEROS = "0" * 40
#: Where somebody asks for a pipeline and gets the reason for none, instead of a failed pipeline.
_ASKED = frozenset({"api", "web"})


class PipelineRefused(Exception):
    """There is no pipeline; `messages` are for the person who asked for it."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


@dataclass(frozen=True)
class Order:
    """What was asked for. `merge_request` is the webhook's object, for a merge request's pipeline."""

    ref: str
    source: str
    user_id: int
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    merge_request: Mapping[str, object] | None = None


class Starter:
    """`trace(job_id)` gives the file for a job's output."""

    def __init__(self, store: Store, trace: Callable[[int], Path]) -> None:
        self._store = store
        self._host = store.host
        self._trace = trace

    def create(self, order: Order) -> Pipeline | None:
        """The pipeline with its jobs, none of them started; None where rules want none.

        Raises:
            PipelineRefused: the ref is unknown, or somebody asked and the answer is no.
        """
        pipeline = self._pipeline(order)
        asked = order.source in _ASKED
        layers = self._layers(pipeline)
        try:
            config = self._config(pipeline.sha, order.inputs)
            planned = plan(config, layers, self._commit(pipeline))
            reason = _no_pipeline(planned)
            messages = missing_needs(planned.jobs)
        except KeyError:
            config, planned, reason, messages = None, None, "Missing CI config file", []
        except (ConfigError, ConditionError) as error:
            config, planned, reason, messages = None, None, None, [str(text) for text in error.args]
        if asked and (reason or messages):
            raise PipelineRefused(*([reason] if reason else messages))
        if reason:
            return None
        if messages or planned is None or config is None:
            self._add_failed(pipeline, messages)
        else:
            self._add(pipeline, config, planned, layers)
        return pipeline

    def _pipeline(self, order: Order) -> Pipeline:
        try:
            sha, tag = self._host.resolve(order.ref)
        except KeyError:
            raise PipelineRefused("Reference not found") from None
        about = order.merge_request
        ref = order.ref if about is None else f"refs/merge-requests/{about.get('iid')}/head"
        pushed = order.source == "push" and not tag
        before = workspace.parent(self._host.repository, sha) if pushed else None
        pipeline_id = self._store.new_id("pipeline")
        return Pipeline(
            id=pipeline_id,
            iid=0,
            sha=sha,
            before_sha=before or _ZEROS,
            ref=ref,
            tag=tag,
            source=order.source,
            user=self._host.user(order.user_id),
            commit=self._host.commit(sha),
            variables=dict(order.variables),
            merge_request=about,
            protected=about is None and self._host.protected(order.ref),
        )

    def _config(self, sha: str, inputs: Mapping[str, object]) -> Config:
        def file(path: str) -> str:
            return workspace.read_file(self._host.repository, sha, path)

        return read_config(file(workspace.CONFIG_FILE), inputs=inputs, include=file)

    def _layers(self, pipeline: Pipeline) -> Layers:
        return Layers(
            beneath=pipeline_variables(self._host, pipeline, self._store.project.default_branch),
            above={**self._host.variables(), **pipeline.variables},
        )

    def _commit(self, pipeline: Pipeline) -> Commit:
        repository = self._host.repository

        def changed() -> Sequence[str] | None:
            about = pipeline.merge_request
            if about is not None:
                target = f"refs/heads/{about.get('target_branch')}"
                base = workspace.merge_base(repository, target, pipeline.sha)
                return workspace.changed_between(repository, base, pipeline.sha)
            if pipeline.source != "push" or pipeline.before_sha == _ZEROS:
                return None
            return workspace.changed_between(repository, pipeline.before_sha, pipeline.sha)

        return Commit(lambda: workspace.files(repository, pipeline.sha), lru_cache(maxsize=1)(changed))

    def _add_failed(self, pipeline: Pipeline, messages: Sequence[str]) -> None:
        with self._store.changed:
            self._store.add(pipeline)
            pipeline.yaml_errors = "\n".join(messages)
            self._store.pipeline_is(pipeline, "failed")

    def _add(self, pipeline: Pipeline, config: Config, planned: Plan, layers: Layers) -> None:
        with self._store.changed:
            self._store.add(pipeline)
            pipeline.common = planned.variables
            used = {job.spec.stage for job in planned.jobs}
            pipeline.stages = tuple(stage for stage in config.stages if stage in used)
            if config.name is not None:
                pipeline.name = expand(config.name, layers.around(planned.variables)).strip() or None
            for job in planned.jobs:
                self._add_job(pipeline, job, layers)
            self._store.pipeline_is(pipeline, "created")
            for job in pipeline.jobs:
                self._store.job_is(job, "created")

    def _add_job(self, pipeline: Pipeline, planned: PlannedJob, layers: Layers) -> None:
        spec = planned.spec
        job_id = self._store.new_id("job")
        known = layers.around({**pipeline.common, **planned.variables, "CI_JOB_NAME": spec.name})
        group = expand(spec.resource_group, known) if spec.resource_group else None
        job = Job(
            id=job_id,
            spec=spec,
            pipeline=pipeline,
            when=planned.when,
            allow_failure=planned.allow_failure,
            variables=dict(planned.variables),
            user=pipeline.user,
            trace=self._trace(job_id),
            resource_group=group,
        )
        pipeline.jobs.append(job)
        self._store.jobs[job_id] = job
        if spec.environment is not None:
            job.environment = self._store.environment(
                expand(spec.environment.name, known), spec.environment.tier
            )
            if spec.environment.action == "start":
                self._store.deploy(job)


def _no_pipeline(planned: Plan) -> str | None:
    if not planned.wanted:
        return "Pipeline filtered out by workflow rules."
    if not planned.jobs:
        return (
            "Pipeline will not run for the selected trigger. "
            "The rules configuration prevented any jobs from being added to the pipeline."
        )
    return None
