"""The example, the sandbox's policy and the schema say the same as the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, RootModel

from deployments import sandbox_policy
from deployments.cli.policy import schema_text
from deployments.sandbox_policy import CAST, CHANNELS, Scale
from integrations import policy_file
from integrations.sandbox.shop import template_dir
from lifecycle.policy import Policy, Scope

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "conveyor.example.yaml"
SCHEMA = ROOT / "docs" / "policy.schema.json"


def written(scale: Scale) -> dict[str, Any]:
    """What the sandbox writes for its own vendors."""
    people = sandbox_policy.people(dict.fromkeys(CAST, "t"))
    urls = {"staging": "http://127.0.0.1:1", "production": "http://127.0.0.1:2"}
    return sandbox_policy.policy(people, {name: f"C-{name}" for name in CHANNELS}, 1, urls, scale)


def policies() -> Iterator[Any]:
    yield pytest.param(policy_file.read(EXAMPLE), id="example")
    yield pytest.param(written("demo"), id="sandbox, demo")
    yield pytest.param(written("real"), id="sandbox, real")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models behind a field's type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not issubclass(annotation, RootModel):
            yield annotation
        return
    for inner in get_args(annotation):
        yield from models(inner)


def left_out(model: type[BaseModel], values: list[Any], path: str = "") -> Iterator[str]:
    """Fields of `model` that none of `values` holds."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        found = [value[key] for value in values if key in value]
        where = f"{path}.{key}".lstrip(".")
        if not found:
            yield where
        for inner in models(field.annotation):
            flat = [item for each in found for item in (each if isinstance(each, list) else [each])]
            yield from left_out(inner, [item for item in flat if isinstance(item, dict)], where)


@pytest.mark.parametrize("data", list(policies()))
def test_every_policy_that_we_ship_is_valid(data: dict[str, Any]) -> None:
    assert Policy.model_validate(data).schema_ == 1
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))


def test_the_example_shows_every_field() -> None:
    assert list(left_out(Policy, [policy_file.read(EXAMPLE)])) == []


def test_the_example_names_its_schema() -> None:
    first = EXAMPLE.read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA.relative_to(ROOT)}"


def test_the_schema_file_is_the_one_of_the_model() -> None:
    assert SCHEMA.read_text() == schema_text(), "run: conveyor policy schema --to docs/policy.schema.json"


def test_the_schema_refuses_a_misspelt_field() -> None:
    data = policy_file.read(EXAMPLE) | {"reviews": {}}
    with pytest.raises(jsonschema.ValidationError, match="reviews"):
        jsonschema.validate(data, json.loads(SCHEMA.read_text()))


def test_every_default_of_the_schema_could_be_written_in_a_file() -> None:
    schema = json.loads(SCHEMA.read_text())
    defaults = [
        (name, field)
        for model in (*schema["$defs"].values(), schema)
        for name, field in model.get("properties", {}).items()
        if "default" in field
    ]
    for name, field in defaults:
        given = {"$defs": schema["$defs"], **field}
        errors = list(jsonschema.Draft202012Validator(given).iter_errors(field["default"]))
        assert not errors, name
    assert len(defaults) > 20


def test_the_sandbox_s_steps_are_signed_in_the_order_of_the_scenario() -> None:
    policy = Policy.model_validate(written("demo"))
    assert [(s.id, s.binds, dict(s.quorum)) for s in policy.steps] == [
        ("qa", Scope.ISSUE, {"qa": 1}),
        ("check", Scope.RELEASE, {"manager": 1}),
        ("client", Scope.RELEASE, {"client": 1}),
        ("approval", Scope.RELEASE, {"management": 1}),
    ]
    assert [step.id for step in policy.steps_for("hotfix")] == ["qa", "approval"]


def test_the_sandbox_s_gates_are_jobs_of_the_shop_s_pipeline() -> None:
    pipeline = (template_dir() / ".gitlab-ci.yml").read_text()
    jobs = list(yaml.safe_load_all(pipeline))[-1]
    [project] = Policy.model_validate(written("demo")).projects
    assert set(project.gates.required_jobs) <= set(jobs)


def test_the_client_is_not_in_slack_and_signs_by_link() -> None:
    policy = Policy.model_validate(written("demo"))
    [clara] = policy.with_role("client")
    assert (clara.slack, clara.gitlab) == ("", 0)
    assert next(step for step in policy.steps if "client" in step.quorum).by_link
