"""Reads `.gitlab-ci.yml` into a `Config`. A keyword it does not know is an error, never passed over.

Source: https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.gitlab.ci import keywords
from integrations.sandbox.gitlab.ci.conditions import ConditionError, holds
from integrations.sandbox.gitlab.ci.document import ConfigError, read_document
from integrations.sandbox.gitlab.ci.shape import Shape, is_list, is_mapping, seconds
from integrations.sandbox.gitlab.ci.spec import (
    ArtifactsSpec,
    Config,
    EnvironmentSpec,
    JobSpec,
    Need,
    Rule,
)

_DEFAULT_STAGES = ("build", "test", "deploy")


def read_config(
    text: str, *, inputs: Mapping[str, Any] | None = None, include: Callable[[str], str] | None = None
) -> Config:
    """The configuration, checked as a whole.

    Raises:
        ConfigError: with one message for every mistake found.
    """

    def nothing(path: str) -> str:
        raise KeyError(path)

    content = read_document(text, inputs or {}, include or nothing)
    shape = Shape()
    config = _Reader(shape, content).config()
    if shape.messages:
        raise ConfigError(*shape.messages)
    return config


class _Reader:
    """One reading of one document; what is wrong gathers in `shape`."""

    def __init__(self, shape: Shape, content: dict[str, Any]) -> None:
        self._shape = shape
        self._content = content
        default = shape.mapping("default", content.get("default", {}))
        shape.keys("default", default, keywords.DEFAULT, keywords.KNOWN_TO_GITLAB)
        shared = {key: content[key] for key in keywords.GLOBAL_DEFAULTS if key in content}
        self._default = {**shared, **default}
        stages = shape.strings("stages", content.get("stages", list(_DEFAULT_STAGES)))
        self._stages = (".pre", *(stage for stage in stages if stage not in (".pre", ".post")), ".post")

    def config(self) -> Config:
        shape = self._shape
        workflow = shape.mapping("workflow", self._content.get("workflow", {}))
        shape.keys("workflow", workflow, {"rules", "name"}, {"auto_cancel"})
        jobs = {name: self._job(name, job) for name, job in self._content.items() if self._is_job(name)}
        if not jobs:
            shape.wrong("jobs config should contain at least one visible job")
        for job in jobs.values():
            self._check_needs(job, jobs)
        return Config(
            stages=self._stages,
            variables=shape.variables("variables", self._content.get("variables", {})),
            jobs=jobs,
            workflow=self._rules("workflow:rules", workflow["rules"], keywords.WORKFLOW_RULE)
            if "rules" in workflow
            else None,
            name=shape.text("workflow:name", workflow["name"]) if "name" in workflow else None,
        )

    def _is_job(self, name: str) -> bool:
        return not name.startswith(".") and name not in keywords.GLOBAL

    def _job(self, name: str, written: Any) -> JobSpec:
        shape, where = self._shape, f"jobs:{name}"
        if not is_mapping(written) or "script" not in written:
            shape.wrong(f"{where} config should implement the script:, run:, or trigger: keyword")
            return JobSpec(name, "test", ())
        shape.keys(where, written, keywords.JOB, keywords.KNOWN_TO_GITLAB)
        job: dict[str, Any] = {**self._default, **written}
        stage = shape.text(f"{where}:stage", job.get("stage", "test"))
        if stage not in self._stages:
            available = ", ".join(self._stages)
            shape.wrong(f"{name} job: chosen stage {stage} does not exist; available stages are {available}")
        when = shape.choice(f"{where} when", job.get("when", "on_success"), keywords.WHEN)
        if "rules" in job and "when" in written:
            shape.wrong(f"{where} config key may not be used with `rules`: when")
        coverage = shape.optional_text(f"{where}:coverage", job.get("coverage"))
        if coverage is not None:
            coverage = self._coverage(where, coverage)
        return JobSpec(
            name=name,
            stage=stage,
            script=shape.lines(f"{where}:script", job["script"]),
            before_script=shape.lines(f"{where}:before_script", job.get("before_script", [])),
            after_script=shape.lines(f"{where}:after_script", job.get("after_script", [])),
            needs=self._needs(where, job["needs"]) if "needs" in job else None,
            dependencies=shape.strings(f"{where}:dependencies", job["dependencies"])
            if "dependencies" in job
            else None,
            rules=self._rules(f"{where}:rules", job["rules"], keywords.JOB_RULE) if "rules" in job else None,
            when=when,
            allow_failure=shape.optional_flag(f"{where} allow failure", job.get("allow_failure")),
            artifacts=self._artifacts(f"{where}:artifacts", job.get("artifacts", {})),
            coverage=coverage,
            environment=self._environment(f"{where}:environment", job.get("environment")),
            retry=self._retry(f"{where}:retry", job.get("retry", 0)),
            timeout_s=seconds(shape, f"{where}:timeout", job.get("timeout", "1 hour")) or 3600.0,
            resource_group=shape.optional_text(f"{where} resource group", job.get("resource_group")),
            interruptible=bool(shape.optional_flag(f"{where} interruptible", job.get("interruptible"))),
            tags=shape.strings(f"{where}:tags", job.get("tags", [])),
            variables=shape.variables(f"{where}:variables", job.get("variables", {})),
            not_used=tuple(key for key in keywords.NOT_USED if key in job),
        )

    def _coverage(self, where: str, written: str) -> str:
        if len(written) < 3 or not (written.startswith("/") and written.endswith("/")):
            self._shape.wrong(f"{where}:coverage config must be a regular expression")
            return ""
        try:
            re.compile(written[1:-1])
        except re.error:
            self._shape.wrong(f"{where}:coverage config must be a regular expression")
        return written[1:-1]

    def _needs(self, where: str, written: Any) -> tuple[Need, ...]:
        if not is_list(written):
            self._shape.wrong(f"{where}:needs config should be a hash or an array")
            return ()
        needs: list[Need] = []
        for entry in written:
            about = {"job": entry} if isinstance(entry, str) else self._shape.mapping(f"{where}:needs", entry)
            self._shape.keys(f"{where}:needs", about, {"job", "artifacts", "optional"}, keywords.NEED)
            needs.append(
                Need(
                    self._shape.text(f"{where}:needs:job", about.get("job")),
                    artifacts=about.get("artifacts", True) is True,
                    optional=about.get("optional", False) is True,
                )
            )
        return tuple(needs)

    def _check_needs(self, job: JobSpec, jobs: Mapping[str, JobSpec]) -> None:
        wanted = [(need.job, "need") for need in job.needs or () if not need.optional]
        wanted += [(name, "dependency") for name in job.dependencies or ()]
        for name, kind in wanted:
            if name not in jobs:
                self._shape.wrong(f"{job.name} job: undefined {kind}: {name}")
            elif not self._before(jobs[name], job) and (kind == "dependency" or self._later(jobs[name], job)):
                self._shape.wrong(f"{job.name} job: {kind} {name} is not defined in current or prior stages")
        self._check_circle(job, jobs)
        environment = job.environment
        if environment and environment.on_stop and environment.on_stop not in jobs:
            self._shape.wrong(f"{job.name} job: on_stop job {environment.on_stop} is not defined")

    def _before(self, one: JobSpec, other: JobSpec) -> bool:
        return self._order(one) < self._order(other)

    def _later(self, one: JobSpec, other: JobSpec) -> bool:
        return self._order(one) > self._order(other)

    def _order(self, job: JobSpec) -> int:
        return self._stages.index(job.stage) if job.stage in self._stages else 0

    def _check_circle(self, job: JobSpec, jobs: Mapping[str, JobSpec]) -> None:
        seen: set[str] = set()
        ahead = [need.job for need in job.needs or ()]
        while ahead:
            name = ahead.pop()
            if name == job.name:
                self._shape.wrong(f"The pipeline has circular dependencies: {job.name}")
                return
            if name in jobs and name not in seen:
                seen.add(name)
                ahead += [need.job for need in jobs[name].needs or ()]

    def _rules(self, where: str, written: Any, allowed: frozenset[str]) -> tuple[Rule, ...]:
        if not is_list(written):
            self._shape.wrong(f"{where} config should be an array of hashes")
            return ()
        flat = [rule for entry in written for rule in (entry if is_list(entry) else [entry])]
        return tuple(self._rule(f"{where}:rule", entry, allowed) for entry in flat)

    def _rule(self, where: str, written: Any, allowed: frozenset[str]) -> Rule:
        shape, about = self._shape, self._shape.mapping(where, written)
        shape.keys(where, about, allowed, {"needs", "interruptible", "auto_cancel"})
        condition = shape.optional_text(f"{where} if", about.get("if"))
        if condition is not None:
            try:
                holds(condition, {})
            except ConditionError as error:
                shape.wrong(f"{where}:if {error}: {condition}")
        return Rule(
            condition=condition,
            changes=self._paths(f"{where}:changes", about.get("changes")),
            exists=self._paths(f"{where}:exists", about.get("exists")),
            when=shape.choice(f"{where} when", about["when"], keywords.RULE_WHEN)
            if "when" in about
            else None,
            allow_failure=shape.optional_flag(f"{where} allow failure", about.get("allow_failure")),
            variables=shape.variables(f"{where}:variables", about.get("variables", {})),
        )

    def _paths(self, where: str, written: Any) -> tuple[str, ...] | None:
        if is_mapping(written):
            self._shape.keys(where, written, {"paths"}, {"compare_to", "project", "ref"})
            written = written.get("paths", [])
        return None if written is None else self._shape.strings(where, written)

    def _artifacts(self, where: str, written: Any) -> ArtifactsSpec:
        shape, about = self._shape, self._shape.mapping(where, written)
        shape.keys(where, about, keywords.ARTIFACTS, {"untracked", "public", "access", "expose_as"})
        return ArtifactsSpec(
            name=shape.text(f"{where}:name", about.get("name", "artifacts")),
            paths=shape.strings(f"{where}:paths", about.get("paths", [])),
            exclude=shape.strings(f"{where}:exclude", about.get("exclude", [])),
            when=shape.choice(f"{where} when", about.get("when", "on_success"), keywords.ARTIFACTS_WHEN),
            expire_in_s=seconds(shape, f"{where}:expire_in", about.get("expire_in", "30 days")),
            reports=self._reports(f"{where}:reports", about.get("reports", {})),
        )

    def _reports(self, where: str, written: Any) -> dict[str, tuple[str, ...]]:
        shape, about = self._shape, self._shape.mapping(where, written)
        known = {"coverage_report", *keywords.REPORTS} - {"cobertura"}
        shape.keys(where, about, known, keywords.REPORTS_NOT_KEPT)
        found = {
            name: shape.strings(f"{where}:{name}", about[name], one=True)
            for name in about
            if name in keywords.REPORTS and name in known
        }
        if "coverage_report" in about:
            found["cobertura"] = self._coverage_report(f"{where}:coverage_report", about["coverage_report"])
        return found

    def _coverage_report(self, where: str, written: Any) -> tuple[str, ...]:
        shape, about = self._shape, self._shape.mapping(where, written)
        shape.keys(where, about, {"coverage_format", "path"})
        if about.get("coverage_format") == "jacoco":
            shape.wrong(f"{where} config: `jacoco` is not supported by this sandbox")
        else:
            shape.choice(f"{where} coverage format", about.get("coverage_format"), keywords.COVERAGE_FORMATS)
        return (shape.text(f"{where} path", about.get("path")),)

    def _environment(self, where: str, written: Any) -> EnvironmentSpec | None:
        if written is None:
            return None
        shape = self._shape
        about = {"name": written} if isinstance(written, str) else shape.mapping(where, written)
        shape.keys(where, about, keywords.ENVIRONMENT, {"kubernetes"})
        return EnvironmentSpec(
            name=shape.text(f"{where} name", about.get("name")),
            url=shape.optional_text(f"{where} url", about.get("url")),
            action=shape.choice(f"{where} action", about.get("action", "start"), keywords.ACTIONS),
            tier=shape.choice(f"{where} deployment tier", about["deployment_tier"], keywords.TIERS)
            if "deployment_tier" in about
            else None,
            on_stop=shape.optional_text(f"{where} on stop", about.get("on_stop")),
            auto_stop_in_s=seconds(shape, f"{where} auto stop in", about.get("auto_stop_in", "never")),
        )

    def _retry(self, where: str, written: Any) -> int:
        if is_mapping(written):
            self._shape.keys(where, written, {"max"}, {"when", "exit_codes"})
            written = written.get("max", 0)
        if isinstance(written, bool) or not isinstance(written, int) or not 0 <= written <= 2:
            self._shape.wrong(f"{where} config must be a number between 0 and 2")
            return 0
        return written
