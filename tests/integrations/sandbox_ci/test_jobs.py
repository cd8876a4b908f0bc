"""Jobs really run, in order, and end as GitLab's would."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

Bench = Any


def test_a_push_runs_the_jobs_of_the_commits_own_file_in_the_order_of_their_stages(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [build, test]
        check:
          stage: test
          script: [cat made.txt, test "$CI_COMMIT_BRANCH" = main]
        make:
          stage: build
          script: ["echo made by $CI_JOB_NAME > made.txt"]
          artifacts: {paths: [made.txt]}
        """
    )
    assert pipeline["status"] == "success"
    assert bench.statuses(pipeline) == {"make": "success", "check": "success"}
    assert "made by make" in bench.trace(pipeline, "check")


def test_a_failing_job_fails_the_pipeline_and_skips_the_stages_after_it(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [test, deploy]
        unit: {stage: test, script: [echo before, "false", echo after]}
        ship: {stage: deploy, script: [echo shipped]}
        clean: {stage: deploy, script: [echo cleaned], when: on_failure}
        tell: {stage: deploy, script: [echo told], when: always}
        """
    )
    assert pipeline["status"] == "failed"
    assert bench.statuses(pipeline) == {
        "unit": "failed",
        "ship": "skipped",
        "clean": "success",
        "tell": "success",
    }
    assert bench.jobs(pipeline)["unit"]["failure_reason"] == "script_failure"
    trace = bench.trace(pipeline, "unit")
    assert "$ echo before\nbefore\n" in trace
    assert "after" not in trace


def test_a_job_that_may_fail_does_not_fail_the_pipeline(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [test, deploy]
        lint: {stage: test, script: ["false"], allow_failure: true}
        ship: {stage: deploy, script: ["true"]}
        """
    )
    assert pipeline["status"] == "success"
    assert bench.statuses(pipeline) == {"lint": "failed", "ship": "success"}


def test_needs_let_a_job_start_before_the_stages_before_it_have_ended(bench: Bench) -> None:
    bench.commit(
        """
        stages: [build, test]
        fast: {stage: build, script: ["true"]}
        slow: {stage: build, script: ["sleep 60"]}
        early: {stage: test, needs: [fast], script: ["true"]}
        at_once: {stage: test, needs: [], script: ["true"]}
        late: {stage: test, script: ["true"]}
        """
    )
    pipeline = bench.push()
    bench.until(lambda: bench.statuses(pipeline)["early"] == "success")
    assert bench.statuses(pipeline) == {
        "fast": "success",
        "slow": "running",
        "early": "success",
        "at_once": "success",
        "late": "created",
    }


def test_a_job_whose_need_was_skipped_is_skipped_too(bench: Bench) -> None:
    pipeline = bench.run(
        """
        a: {script: ["false"]}
        b: {script: ["true"], needs: [a]}
        c: {script: ["true"], needs: [b]}
        """
    )
    assert bench.statuses(pipeline) == {"a": "failed", "b": "skipped", "c": "skipped"}


def test_before_script_and_script_share_a_shell_and_after_script_sees_how_it_ended(bench: Bench) -> None:
    pipeline = bench.run(
        """
        default:
          before_script: [export WORD=shared]
        a:
          script: ['echo "word=$WORD"', 'false | cat']
          after_script: ['echo "ended=$CI_JOB_STATUS word=$WORD"']
        """
    )
    trace = bench.trace(pipeline, "a")
    assert "word=shared\n" in trace
    assert "ended=failed word=\n" in trace
    assert bench.statuses(pipeline) == {"a": "failed"}


def test_a_script_of_many_lines_and_quotes_runs_as_it_is_written(bench: Bench) -> None:
    pipeline = bench.run(
        """
        a:
          script:
            - |
              for word in one "two three"; do
                echo "<$word>"
              done
            - echo 'it'"'"'s'
        """
    )
    trace = bench.trace(pipeline, "a")
    assert "<one>\n<two three>\n" in trace
    assert "\nit's\n" in trace


def test_variables_have_gitlabs_precedence_and_refer_to_each_other(bench: Bench) -> None:
    bench.project.secrets = {"FROM_PROJECT": "project", "OVER": "project"}
    pipeline = bench.run(
        """
        variables:
          OVER: file
          GLOBAL: {value: global, description: what it is for}
          COMPOSED: "$GLOBAL-$CI_COMMIT_SHORT_SHA-$$HOME"
          GIVEN: file
        a:
          variables: {GLOBAL: job}
          script:
            - echo "$FROM_PROJECT/$OVER/$GLOBAL/$GIVEN"
            - echo "$COMPOSED"
        """,
        variables={"GIVEN": "pipeline"},
    )
    trace = bench.trace(pipeline, "a")
    assert "project/project/job/pipeline\n" in trace
    assert f"job-{pipeline['sha'][:8]}-$HOME\n" in trace


def test_predefined_variables_say_where_and_for_whom_a_job_runs(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['env | sort | sed s/^/=/', 'test \"$PWD\" = \"$CI_PROJECT_DIR\"']}")
    job = bench.jobs(pipeline)["a"]
    expected = {
        "CI": "true",
        "CI_COMMIT_SHA": pipeline["sha"],
        "CI_COMMIT_REF_NAME": "main",
        "CI_PIPELINE_ID": pipeline["id"],
        "CI_PIPELINE_SOURCE": "push",
        "CI_JOB_ID": job["id"],
        "CI_JOB_NAME": "a",
        "CI_JOB_STAGE": "test",
        "CI_JOB_TOKEN": f"token-{job['id']}",
        "CI_PROJECT_ID": 1,
        "CI_PROJECT_PATH": "shop/shop",
        "CI_API_V4_URL": "http://127.0.0.1:1/api/v4",
        "CI_DEFAULT_BRANCH": "main",
        "GITLAB_USER_ID": 7,
        "GITLAB_USER_LOGIN": "user7",
    }
    trace = bench.trace(pipeline, "a")
    assert [
        f"{name}={value}" for name, value in expected.items() if f"\n={name}={value}\n" not in trace
    ] == []
    assert "CI_COMMIT_TAG" not in trace
    assert "CI_MERGE_REQUEST_IID" not in trace
    assert pipeline["status"] == "success"


def test_a_job_sees_nothing_of_the_environment_of_the_sandbox(bench: Bench) -> None:
    os.environ["CONVEYOR_SECRET_OF_THE_TEST"] = "hidden"
    try:
        pipeline = bench.run("a: {script: ['env']}")
    finally:
        del os.environ["CONVEYOR_SECRET_OF_THE_TEST"]
    assert "CONVEYOR_SECRET_OF_THE_TEST" not in bench.trace(pipeline, "a")
    assert "CI_JOB_ID=" in bench.trace(pipeline, "a")


def test_a_job_runs_on_its_own_commit_in_a_fresh_checkout(bench: Bench) -> None:
    first = bench.commit(
        "a: {script: ['cat word.txt', 'git rev-parse HEAD', 'touch litter']}", {"word.txt": "one"}
    )
    bench.project.tag("first")
    bench.commit("a: {script: ['cat word.txt', 'test ! -e litter']}", {"word.txt": "two"})
    old, new = bench.push("first"), bench.push("main")
    assert (bench.ci.wait(old["id"]), bench.ci.wait(new["id"])) == ("success", "success")
    assert first in bench.trace(old, "a")
    assert "one" in bench.trace(old, "a")
    assert "two" in bench.trace(new, "a")


def test_what_a_shell_runner_does_not_use_is_said_in_the_trace(bench: Bench) -> None:
    pipeline = bench.run("image: alpine\na: {script: ['true'], services: [redis], tags: [docker], cache: {}}")
    trace = bench.trace(pipeline, "a")
    assert "WARNING: `image` is not used" in trace
    assert "WARNING: `services` is not used" in trace
    assert bench.jobs(pipeline)["a"]["tag_list"] == ["docker"]


def test_a_failing_job_is_tried_again_as_often_as_it_says(bench: Bench, tmp_path: Path) -> None:
    pipeline = bench.run(
        f"""
        a: {{script: ['echo x >> {tmp_path}/tries', 'test $(wc -l < {tmp_path}/tries) -ge 2'], retry: 2}}
        """
    )
    assert pipeline["status"] == "success"
    rows = bench.get(f"pipelines/{pipeline['id']}/jobs", include_retried="true")
    assert [row["status"] for row in rows] == ["success", "failed"]
    assert (tmp_path / "tries").read_text() == "x\nx\n"


def test_a_resource_group_lets_one_job_run_at_a_time(bench: Bench, tmp_path: Path) -> None:
    script = f"test ! -e {tmp_path}/held && touch {tmp_path}/held && sleep 0.2 && rm {tmp_path}/held"
    jobs = "".join(f"j{n}: {{script: ['{script}'], resource_group: production}}\n" for n in range(3))
    bench.commit(jobs)
    pipelines = [bench.push(), bench.push()]
    waiting = [bench.statuses(pipeline) for pipeline in pipelines]
    assert sum(list(statuses.values()).count("waiting_for_resource") for statuses in waiting) == 5
    assert [bench.ci.wait(pipeline["id"]) for pipeline in pipelines] == ["success", "success"]


def test_jobs_of_other_groups_run_side_by_side_two_at_a_time(bench: Bench, tmp_path: Path) -> None:
    meet = "touch {0}/{1}; until [ -e {0}/{2} ]; do sleep 0.02; done"
    pipeline = bench.run(
        f"""
        a: {{script: ['{meet.format(tmp_path, "a", "b")}'], resource_group: one}}
        b: {{script: ['{meet.format(tmp_path, "b", "a")}'], resource_group: two}}
        """
    )
    assert pipeline["status"] == "success"
