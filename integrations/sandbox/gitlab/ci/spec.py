"""What a configuration says, as values: the outcome of `config.read_config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rule:
    """One entry of `rules`; what it does not name counts as fulfilled."""

    condition: str | None = None
    changes: tuple[str, ...] | None = None
    exists: tuple[str, ...] | None = None
    when: str | None = None
    allow_failure: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Need:
    """A job that must have ended before; `optional`: only if the pipeline has it."""

    job: str
    artifacts: bool = True
    optional: bool = False


@dataclass(frozen=True)
class ArtifactsSpec:
    """`expire_in_s` None: kept for ever. `reports` are path patterns by the API's `file_type`."""

    name: str = "artifacts"
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    when: str = "on_success"
    expire_in_s: float | None = 30 * 86400.0
    reports: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True)
class EnvironmentSpec:
    """Names and addresses may hold variables. `action` start makes a deployment, the others do not.

    `auto_stop_in_s` None: it is not stopped by itself.
    """

    name: str
    url: str | None = None
    action: str = "start"
    tier: str | None = None
    on_stop: str | None = None
    auto_stop_in_s: float | None = None


@dataclass(frozen=True)
class JobSpec:
    """One job as written, with the defaults filled in; `rules` None means that there are none."""

    name: str
    stage: str
    script: tuple[str, ...]
    before_script: tuple[str, ...] = ()
    after_script: tuple[str, ...] = ()
    needs: tuple[Need, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    when: str = "on_success"
    allow_failure: bool | None = None
    artifacts: ArtifactsSpec = ArtifactsSpec()
    coverage: str | None = None
    environment: EnvironmentSpec | None = None
    retry: int = 0
    timeout_s: float = 3600.0
    resource_group: str | None = None
    interruptible: bool = False
    tags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    not_used: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """`workflow` None: no rules, every pipeline is wanted."""

    stages: tuple[str, ...]
    variables: Mapping[str, str]
    jobs: Mapping[str, JobSpec]
    workflow: tuple[Rule, ...] | None = None
    name: str | None = None
