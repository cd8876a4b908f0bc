"""The runtime contract: what a service must be like where it runs, judged by what was seen of it on staging.

Each rule is one function: the reason why the contract is broken, or "". A rule that the policy leaves empty
asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from lifecycle.calendar import Duration
from lifecycle.delta import matches
from lifecycle.logs import entry, json_object
from lifecycle.verdict import Verdict

NEWEST_LINES = 20
"""So many of the log's newest lines are looked at."""


class RuntimeRules(BaseModel, frozen=True, extra="forbid"):
    """What one product's candidates must show on staging; nothing by default."""

    health: str = Field(default="", description="path that answers 200 with the candidate's commit as `sha`")
    metrics: str = Field(default="", description="path that answers with Prometheus' text format")
    json_logs: bool = Field(
        default=False, description="the newest lines of `logs.staging` are JSON with time, level and message"
    )
    base_images: tuple[str, ...] = Field(
        default=(), description="what the Dockerfile may build on, such as python:3.12-*"
    )
    dockerfile: str = "Dockerfile"
    data: str = Field(default="", description="where the service keeps its data: `data` of the health answer")
    within: Duration = Field(
        default=timedelta(minutes=1), description="so long after its deployment it may take to keep all that"
    )


class Answer(BaseModel, frozen=True):
    """What one path answered; `status` None: nothing came, `failure` says how."""

    status: int | None
    body: str = ""
    failure: str = ""


class RuntimeEvidence(BaseModel, frozen=True):
    """What was seen on staging. None: it was not looked for, or it is not there."""

    health: Answer | None = None
    metrics: Answer | None = None
    log_lines: tuple[str, ...] = ()
    log_failure: str = ""
    dockerfile: str | None = None


class RuntimeRule(NamedTuple):
    """One rule as people see it; `asked`: the policy switches it on. See `Gate`, beside which it stands."""

    id: str
    title: str
    asked: bool
    exceptable: bool = True


def rules_of(rules: RuntimeRules) -> tuple[RuntimeRule, ...]:
    """Every rule, those that the policy does not ask for too."""
    return (
        RuntimeRule("runtime.health", f"{rules.health} answers with its commit", bool(rules.health)),
        RuntimeRule("runtime.data", f"its data is kept in {rules.data}", bool(rules.data)),
        RuntimeRule("runtime.metrics", f"{rules.metrics} answers in Prometheus' format", bool(rules.metrics)),
        RuntimeRule("runtime.json_logs", "its log is JSON, line by line", rules.json_logs),
        RuntimeRule("runtime.base_image", "it is built on an allowed image", bool(rules.base_images)),
    )


def reasons(evidence: RuntimeEvidence, sha: str, rules: RuntimeRules) -> dict[str, str]:
    """By rule that is broken, why."""
    found = {name: rule(evidence, sha, rules) for name, rule in RULES.items()}
    return {name: reason for name, reason in found.items() if reason}


def keeps_contract(
    evidence: RuntimeEvidence, sha: str, rules: RuntimeRules, excepted: Collection[str] = ()
) -> Verdict:
    """Whether the candidate at `sha` may go on; every reason against it begins with its rule's id.

    `excepted` are the rules to which an exception stands.
    """
    found = reasons(evidence, sha, rules)
    return Verdict(reasons=tuple(f"{name}: {why}" for name, why in found.items() if name not in excepted))


def _health(evidence: RuntimeEvidence, sha: str, rules: RuntimeRules) -> str:
    if not rules.health:
        return ""
    if wrong := _not_answered(evidence.health, rules.health):
        return wrong
    says = str(_about(evidence).get("sha", ""))
    return "" if says == sha else f"{rules.health} says sha {says or 'nothing'}, not {sha}"


def _data(evidence: RuntimeEvidence, _sha: str, rules: RuntimeRules) -> str:
    if not rules.data:
        return ""
    if wrong := _not_answered(evidence.health, rules.health or "/healthz"):
        return wrong
    says = str(_about(evidence).get("data", ""))
    return "" if says == rules.data else f"data is kept in {says or 'no declared place'}, not {rules.data}"


def _metrics(evidence: RuntimeEvidence, _sha: str, rules: RuntimeRules) -> str:
    if not rules.metrics:
        return ""
    if wrong := _not_answered(evidence.metrics, rules.metrics):
        return wrong
    odd = next((line for line in _samples(evidence.metrics) if not _SAMPLE.fullmatch(line)), None)
    if odd is not None:
        return f"{rules.metrics} has a line that Prometheus does not read: {odd[:80]}"
    return "" if _samples(evidence.metrics) else f"{rules.metrics} has no sample"


def _json_logs(evidence: RuntimeEvidence, sha: str, rules: RuntimeRules) -> str:
    if not rules.json_logs:
        return ""
    if evidence.log_failure:
        return f"the log cannot be read: {evidence.log_failure}"
    lines = _own(evidence.log_lines, sha)[-NEWEST_LINES:]
    odd = next((line for line in lines if not _is_structured(line)), None)
    if odd is not None:
        return f"a line is no JSON object with time, level and message: {odd[:80]}"
    return "" if lines else "the log is empty"


def _base_image(evidence: RuntimeEvidence, _sha: str, rules: RuntimeRules) -> str:
    if not rules.base_images:
        return ""
    if evidence.dockerfile is None:
        return f"there is no {rules.dockerfile}"
    images = base_images(evidence.dockerfile)
    wrong = [image for image in images if not matches(image, rules.base_images)]
    if wrong:
        return f"{rules.dockerfile} builds on {', '.join(wrong)}, which is not in the list"
    return "" if images else f"{rules.dockerfile} names no base image"


RULES: Mapping[str, Callable[[RuntimeEvidence, str, RuntimeRules], str]] = {
    "runtime.health": _health,
    "runtime.data": _data,
    "runtime.metrics": _metrics,
    "runtime.json_logs": _json_logs,
    "runtime.base_image": _base_image,
}
"""Id -> rule."""


def base_images(dockerfile: str) -> tuple[str, ...]:
    """The images that a Dockerfile builds on, in order; its own stages are none.

    A variable stands for its `ARG` default. One without a default stays as it is written, and is in no list.
    """
    defaults: dict[str, str] = {}
    stages: set[str] = set()
    found: list[str] = []
    for line in _joined(dockerfile):
        if argument := _ARG.match(line):
            defaults[argument["name"]] = argument["value"].strip("\"'")
        elif image := _FROM.match(line):
            named = _VARIABLE.sub(lambda v: defaults.get(v["name"], v[0]), image["image"])
            if named.lower() not in stages:
                found.append(named)
            stages.add((image["stage"] or "").lower())
    return tuple(dict.fromkeys(found))


_ARG = re.compile(r"\s*ARG\s+(?P<name>\w+)=(?P<value>\S+)", re.IGNORECASE)
_FROM = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(?P<name>\w+)\}?")
_SAMPLE = re.compile(
    r"[a-zA-Z_:][\w:]*(?:\{(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*\})?"
    r"\s+[+-]?(?:NaN|Inf|[\d.]+(?:[eE][+-]?\d+)?)(?:\s+-?\d+)?"
)


def _joined(dockerfile: str) -> list[str]:
    return re.sub(r"\\\s*\n", " ", dockerfile).splitlines()


def _samples(metrics: Answer | None) -> list[str]:
    lines = (metrics.body if metrics else "").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _not_answered(answer: Answer | None, path: str) -> str:
    if answer is None or answer.status is None:
        return f"{path} does not answer" + (f" ({answer.failure})" if answer and answer.failure else "")
    return "" if answer.status == 200 else f"{path} answers {answer.status}, not 200"


def _about(evidence: RuntimeEvidence) -> Mapping[str, Any]:
    return json_object(evidence.health.body if evidence.health else "")


def _own(lines: tuple[str, ...], sha: str) -> tuple[str, ...]:
    """The candidate's lines: from the first one that names its commit, all where none does."""
    first = next((number for number, line in enumerate(lines) if sha in line), 0)
    return lines[first:]


def _is_structured(line: str) -> bool:
    found, data = entry(line), json_object(line)
    named = isinstance(data.get("level"), str) and isinstance(data.get("message"), str)
    return found is not None and named
