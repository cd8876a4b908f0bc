"""Which pipelines there are, and which jobs they get."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.gitlab.ci.engine import PipelineRefused

Bench = Any

RULES = """
workflow:
  rules:
    - if: $CI_COMMIT_TAG && $CI_PIPELINE_SOURCE == "push"
      when: never
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
      variables: {WHY: merging}
    - when: always
always: {script: 'true'}
merging: {script: 'true', rules: [{if: $WHY == "merging"}]}
asked: {script: 'true', rules: [{if: $CI_PIPELINE_SOURCE == "api", when: manual}]}
mine: {script: 'true', rules: [{if: $MINE == "yes" && $CI_COMMIT_BRANCH =~ /^main$/}]}
never: {script: 'true', rules: [{if: $CI_COMMIT_SHA, when: never}, {when: always}]}
docs: {script: 'true', rules: [{changes: ["docs/**/*"]}]}
docker: {script: 'true', rules: [{exists: [Dockerfile]}]}
"""


@pytest.mark.parametrize(
    ("source", "variables", "expected"),
    [
        ("push", {}, {"always"}),
        ("push", {"MINE": "yes"}, {"always", "mine"}),
        ("push", {"MINE": "no"}, {"always"}),
        # Without something to compare with, every path counts as changed.
        ("api", {}, {"always", "asked", "docs"}),
        ("trigger", {}, {"always", "docs"}),
    ],
)
def test_rules_choose_the_jobs(
    bench: Bench, source: str, variables: dict[str, str], expected: set[str]
) -> None:
    bench.commit("a: {script: x}")
    bench.commit(RULES)
    pipeline = bench.push(source=source, variables=variables)
    assert set(bench.jobs(pipeline)) == expected


def test_changes_and_exists_look_at_the_pushed_commit(bench: Bench) -> None:
    bench.commit(RULES)
    bench.commit(RULES, {"docs/a/b.md": "x", "Dockerfile": "x"})
    assert set(bench.jobs(bench.push())) == {"always", "docs", "docker"}


def test_a_merge_request_is_compared_with_where_it_left_its_target(bench: Bench) -> None:
    bench.commit(RULES)
    bench.commit(RULES, {"docs/a.md": "x"}, branch="feature")
    bench.commit(RULES, {"other.md": "x"}, branch="feature")
    about = {"id": 11, "iid": 3, "source_branch": "feature", "target_branch": "main", "title": "Docs"}
    pipeline = bench.push("feature", source="merge_request_event", merge_request=about)
    assert set(bench.jobs(pipeline)) == {"always", "merging", "docs"}
    assert pipeline["ref"] == "refs/merge-requests/3/head"


def test_where_the_workflow_wants_none_there_is_no_pipeline_and_who_asks_is_told(bench: Bench) -> None:
    bench.commit("workflow: {rules: [{if: $GO}]}\na: {script: 'true'}")
    assert bench.ci.start("main", source="push", user_id=7) is None
    with pytest.raises(PipelineRefused, match="filtered out by workflow rules"):
        bench.ci.start("main", source="api", user_id=7)
    assert bench.get("pipelines") == []
    assert bench.ci.start("main", source="api", user_id=7, variables={"GO": "1"}) is not None


def test_a_tag_that_the_workflow_does_not_want_starts_nothing(bench: Bench) -> None:
    bench.commit(RULES)
    bench.project.tag("1.4.0")
    assert bench.ci.start("1.4.0", source="push", user_id=7) is None
    pipeline = bench.push("1.4.0", source="api")
    assert (pipeline["ref"], pipeline["tag"]) == ("1.4.0", True)


def test_without_any_job_left_there_is_no_pipeline(bench: Bench) -> None:
    bench.commit("a: {script: x, rules: [{if: $GO}]}")
    assert bench.ci.start("main", source="push", user_id=7) is None
    with pytest.raises(PipelineRefused, match="prevented any jobs"):
        bench.ci.start("main", source="web", user_id=7)


def test_a_commit_without_a_configuration_has_no_pipeline(bench: Bench) -> None:
    bench.project.commit_files({"a.txt": "x"})
    assert bench.ci.start("main", source="push", user_id=7) is None
    with pytest.raises(PipelineRefused, match="Missing CI config file"):
        bench.ci.start("main", source="api", user_id=7)


def test_an_unknown_keyword_is_a_failed_pipeline_with_the_reason_never_ignored(bench: Bench) -> None:
    bench.commit("a: {script: 'true', scrpt: x}\nb: {script: 'true', only: [main]}")
    pipeline = bench.push()
    assert pipeline["status"] == "failed"
    assert "jobs:a config contains unknown keys: scrpt" in pipeline["yaml_errors"]
    assert "`only` is not supported by this sandbox" in pipeline["yaml_errors"]
    assert bench.jobs(pipeline) == {}
    with pytest.raises(PipelineRefused, match="unknown keys: scrpt"):
        bench.ci.start("main", source="api", user_id=7)
    assert len(bench.get("pipelines")) == 1


def test_a_needed_job_that_rules_left_out_is_a_mistake_unless_it_is_optional(bench: Bench) -> None:
    config = "a: {{script: 'true', rules: [{{if: $GO}}]}}\nb: {{script: 'true', needs: [{need}]}}"
    bench.commit(config.format(need="a"))
    assert "'b' job needs 'a' job, but 'a' does not exist" in bench.push()["yaml_errors"]
    bench.commit(config.format(need="{job: a, optional: true}"))
    assert set(bench.jobs(bench.push())) == {"b"}


def test_a_rules_variables_and_its_allow_failure_reach_the_job(bench: Bench) -> None:
    pipeline = bench.run(
        """
        a:
          variables: {WHO: job}
          script: ['echo "who=$WHO"', "false"]
          rules: [{if: $CI, variables: {WHO: rule}, allow_failure: true}]
        """
    )
    assert pipeline["status"] == "success"
    assert "who=rule" in bench.trace(pipeline, "a")


def test_a_pipelines_name_is_made_of_its_variables_and_can_be_looked_for(bench: Bench) -> None:
    bench.commit("workflow: {name: 'Step $STEP'}\na: {script: 'true'}")
    bench.push(variables={"STEP": "one"})
    wanted = bench.push(variables={"STEP": "two"})
    assert [row["id"] for row in bench.get("pipelines", name="Step two")] == [wanted["id"]]
