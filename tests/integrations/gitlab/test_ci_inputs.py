"""A pipeline gets its key as an input where it can be found again by that, and as a variable otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.errors import Transient
from integrations.gitlab import GitLabClient
from integrations.gitlab.inputs import are_known, declared
from tests.integrations.gitlab.world import CI, World
from tests.integrations.gitlab.world import P as PROJECT

HEADER = """\
spec:
  inputs:
    COLOR: {default: ""}
    CONVEYOR_OP: {default: ""}
---
variables:
  COLOR: $[[ inputs.COLOR ]]
  CONVEYOR_OP: $[[ inputs.CONVEYOR_OP ]]
"""
WITH_INPUTS = HEADER + CI.replace("workflow:\n", "workflow:\n  name: $COLOR $CONVEYOR_OP\n")
BOTH = frozenset({"COLOR", "CONVEYOR_OP"})


@pytest.mark.parametrize(
    ("version", "known"),
    [("18.1.0-ee", True), ("19.0.0", True), ("18.0.9", False), ("17.11", False), ("", False), ("x", False)],
)
def test_only_a_gitlab_that_knows_inputs_gets_some(version: str, known: bool) -> None:
    assert are_known(version) is known


@pytest.mark.parametrize(
    ("configuration", "names"),
    [
        (WITH_INPUTS, BOTH),
        ("", frozenset()),
        (CI, frozenset()),
        (HEADER + CI, frozenset()),
        (WITH_INPUTS.replace("$COLOR $CONVEYOR_OP", "Nightly"), frozenset()),
        ("spec: [\n---\nworkflow:\n  name: $CONVEYOR_OP\n", frozenset()),
        ("spec: text\n---\nworkflow:\n  name: $CONVEYOR_OP\n", frozenset()),
        ("spec:\n  inputs:\n---\nworkflow:\n  name: $CONVEYOR_OP\n", frozenset()),
        ("[" * 5000 + "\n---\nworkflow:\n  name: $CONVEYOR_OP\n", frozenset()),
    ],
)
def test_inputs_are_those_of_the_header_if_the_name_shows_the_key(
    configuration: str, names: frozenset[str]
) -> None:
    assert declared(configuration, "CONVEYOR_OP") == names


@pytest.fixture
def branch(world: World) -> str:
    """A branch whose pipelines take inputs."""
    name = world.name()
    change = {"action": "update", "file_path": ".gitlab-ci.yml", "content": WITH_INPUTS}
    world.write("/repository/commits", branch=name, start_branch="main", commit_message="x", actions=[change])
    return name


def test_the_key_is_an_input_that_finds_the_pipeline_again(
    world: World, gitlab: GitLabClient, branch: str
) -> None:
    inputs = gitlab.pipelines.inputs(PROJECT, branch)
    assert inputs == BOTH
    before = datetime.now(UTC)
    world.fault("POST /pipeline", "drop_after")
    with pytest.raises(Transient):
        gitlab.pipelines.start(PROJECT, branch, {"COLOR": "blue"}, op_key="release:x:1", inputs=inputs)
    gitlab.pipelines.start(PROJECT, branch, {"COLOR": "red"}, op_key="release:x:11", inputs=inputs)
    found = gitlab.pipelines.find(PROJECT, branch, world.head(branch), "release:x:1", before)
    assert found is not None
    assert found.name == "blue release:x:1"
    assert gitlab.pipelines.variables(PROJECT, found.id) == {}
    assert len(gitlab.pipelines.list(PROJECT, ref=branch, source="api")) == 2
    assert gitlab.pipelines.find(PROJECT, branch, None, "release:x", before) is None


def test_what_the_project_does_not_declare_goes_as_variables(
    world: World, gitlab: GitLabClient, branch: str
) -> None:
    assert gitlab.pipelines.inputs(PROJECT, "main") == frozenset()
    inputs = gitlab.pipelines.inputs(PROJECT, branch)
    started = gitlab.pipelines.start(PROJECT, branch, {"SIZE": "big"}, op_key="key", inputs=inputs)
    assert gitlab.pipelines.variables(PROJECT, started.id) == {"SIZE": "big", "CONVEYOR_OP": "key"}
    found = gitlab.pipelines.find(PROJECT, branch, None, "key", None)
    assert found is not None
    assert found.id == started.id
