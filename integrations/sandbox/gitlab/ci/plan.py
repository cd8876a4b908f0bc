"""Which jobs a pipeline gets, and how: rules held against the variables and the paths of one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.sandbox.gitlab.ci.conditions import any_path_matches, holds
from integrations.sandbox.gitlab.ci.spec import Config, JobSpec, Rule
from integrations.sandbox.gitlab.ci.variables import settle


@dataclass(frozen=True)
class Commit:
    """`files` are all paths of the commit; `changed` those it changes, None where GitLab cannot tell."""

    files: Callable[[], Sequence[str]]
    changed: Callable[[], Sequence[str] | None]


@dataclass(frozen=True)
class PlannedJob:
    """`variables` are the job's and its rule's, unexpanded."""

    spec: JobSpec
    when: str
    allow_failure: bool
    variables: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Plan:
    """`wanted` False: the workflow's rules say that there is to be no pipeline."""

    wanted: bool
    jobs: tuple[PlannedJob, ...] = ()
    #: The file's variables and those of the workflow's rule.
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Layers:
    """Variables by precedence: `beneath` the file's own, `above` them (the project's, the pipeline's)."""

    beneath: Mapping[str, str]
    above: Mapping[str, str]

    def around(self, own: Mapping[str, str]) -> dict[str, str]:
        """All of them expanded."""
        return settle({**self.beneath, **own, **self.above})


def plan(config: Config, layers: Layers, commit: Commit) -> Plan:
    """The jobs in the order of their stages.

    Raises:
        ConfigError, ConditionError: a rule cannot be evaluated with these variables.
    """
    own = dict(config.variables)
    if config.workflow is not None:
        rule = _first(config.workflow, layers.around(own), commit)
        if rule is None or rule.when == "never":
            return Plan(wanted=False)
        own |= rule.variables
    jobs = [_planned(spec, own, layers, commit) for spec in config.jobs.values()]
    ordered = sorted((job for job in jobs if job), key=lambda job: config.stages.index(job.spec.stage))
    return Plan(wanted=True, jobs=tuple(ordered), variables=own)


def missing_needs(jobs: Sequence[PlannedJob]) -> list[str]:
    """What jobs need that are not part of this pipeline, in GitLab's words."""
    present = {job.spec.name for job in jobs}
    return [
        f"'{job.spec.name}' job needs '{need.job}' job, but '{need.job}' does not exist in the pipeline. "
        "This might be because of the only, except, or rules keywords. "
        "To need a job that sometimes does not exist in the pipeline, use needs:optional."
        for job in jobs
        for need in job.spec.needs or ()
        if need.job not in present and not need.optional
    ]


def _planned(spec: JobSpec, own: Mapping[str, str], layers: Layers, commit: Commit) -> PlannedJob | None:
    when, allow_failure, variables = spec.when, spec.allow_failure, dict(spec.variables)
    if spec.rules is not None:
        rule = _first(spec.rules, layers.around({**own, **variables}), commit)
        if rule is None or rule.when == "never":
            return None
        when = rule.when or "on_success"
        allow_failure = spec.allow_failure if rule.allow_failure is None else rule.allow_failure
        variables |= rule.variables
    elif allow_failure is None:
        # Outside `rules` a manual job is optional by itself, inside it is not.
        allow_failure = when == "manual"
    return PlannedJob(spec, when, bool(allow_failure), variables)


def _first(rules: Sequence[Rule], variables: Mapping[str, str], commit: Commit) -> Rule | None:
    return next((rule for rule in rules if _applies(rule, variables, commit)), None)


def _applies(rule: Rule, variables: Mapping[str, str], commit: Commit) -> bool:
    if rule.condition is not None and not holds(rule.condition, variables):
        return False
    if rule.changes is not None:
        changed = commit.changed()
        # GitLab takes every path as changed where it has nothing to compare with.
        if changed is not None and not any_path_matches(rule.changes, changed):
            return False
    return rule.exists is None or any_path_matches(rule.exists, commit.files())
