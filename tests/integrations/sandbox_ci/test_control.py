"""Playing, retrying and canceling; and that nothing goes on that was ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.gitlab.ci.engine import Ci

Bench = Any


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def pids(folder: Path, count: int, bench: Bench) -> list[int]:
    """What the jobs wrote into `folder`: the ids of their processes."""
    bench.until(lambda: len([path for path in folder.glob("*.pid") if path.read_text().strip()]) == count)
    return [int(path.read_text()) for path in folder.glob("*.pid")]


def test_a_manual_job_waits_for_a_person_and_runs_in_their_name(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [test, deploy]
        unit: {stage: test, script: ["true"]}
        ship:
          stage: deploy
          script: ['echo "$GITLAB_USER_LOGIN ships $WHAT"']
          rules: [{when: manual}]
        """
    )
    assert pipeline["status"] == "manual"
    job = bench.jobs(pipeline)["ship"]
    assert job["status"] == "manual"
    played = bench.api.post(
        f"jobs/{job['id']}/play",
        headers={"x-user": "9"},
        json={"job_variables_attributes": [{"key": "WHAT", "value": "it"}]},
    )
    assert played.status_code == 200
    assert played.json()["user"]["id"] == 9
    assert bench.ci.wait(pipeline["id"]) == "success"
    assert "user9 ships it" in bench.trace(pipeline, "ship")


def test_a_manual_job_outside_of_rules_is_optional(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [test, deploy]
        maybe: {stage: test, script: ["true"], when: manual}
        ship: {stage: deploy, script: ["true"]}
        """
    )
    assert pipeline["status"] == "success"
    assert bench.statuses(pipeline) == {"maybe": "manual", "ship": "success"}


def test_a_job_that_waits_for_nobody_cannot_be_played(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['true']}")
    job = bench.jobs(pipeline)["a"]
    answer = bench.api.post(f"jobs/{job['id']}/play")
    assert (answer.status_code, answer.json()["message"]) == (400, "400 Bad request - Unplayable Job")


def test_a_retry_is_a_new_job_and_runs_what_was_skipped(bench: Bench, tmp_path: Path) -> None:
    pipeline = bench.run(
        f"""
        stages: [test, deploy]
        unit: {{stage: test, script: ['test -e {tmp_path}/mended']}}
        ship: {{stage: deploy, script: ["true"]}}
        """
    )
    failed = bench.jobs(pipeline)["unit"]
    assert bench.statuses(pipeline) == {"unit": "failed", "ship": "skipped"}
    (tmp_path / "mended").touch()
    answer = bench.api.post(f"jobs/{failed['id']}/retry")
    assert answer.status_code == 201
    assert answer.json()["id"] > failed["id"]
    assert bench.ci.wait(pipeline["id"]) == "success"
    assert bench.statuses(pipeline) == {"unit": "success", "ship": "success"}
    again = bench.api.post(f"jobs/{failed['id']}/retry")
    assert (again.status_code, again.json()["message"]) == (403, "403 Forbidden - Job is not retryable")


def test_a_pipelines_retry_runs_what_failed_and_leaves_what_succeeded(bench: Bench, tmp_path: Path) -> None:
    pipeline = bench.run(f"a: {{script: ['true']}}\nb: {{script: ['test -e {tmp_path}/mended']}}")
    before = bench.jobs(pipeline)
    (tmp_path / "mended").touch()
    assert bench.api.post(f"pipelines/{pipeline['id']}/retry").status_code == 201
    assert bench.ci.wait(pipeline["id"]) == "success"
    after = bench.jobs(pipeline)
    assert after["a"]["id"] == before["a"]["id"]
    assert after["b"]["id"] != before["b"]["id"]


@pytest.mark.parametrize("what", ["job", "pipeline"])
def test_canceling_ends_every_process_of_the_job(bench: Bench, tmp_path: Path, what: str) -> None:
    bench.commit(
        f"""
        stages: [test, deploy]
        a:
          stage: test
          script:
            - bash -c 'trap "" TERM; echo $BASHPID > {tmp_path}/deaf.pid; while true; do sleep 1; done' &
            - echo $$ > {tmp_path}/script.pid
            - sleep 60
        b: {{stage: deploy, script: ["true"]}}
        """
    )
    pipeline = bench.push()
    started = pids(tmp_path, 2, bench)
    job = bench.jobs(pipeline)["a"]
    path = f"jobs/{job['id']}/cancel" if what == "job" else f"pipelines/{pipeline['id']}/cancel"
    assert bench.api.post(path).status_code in (200, 201)
    assert bench.ci.wait(pipeline["id"]) == "canceled"
    bench.until(lambda: not any(map(alive, started)))
    expected = {"a": "canceled", "b": "skipped" if what == "job" else "canceled"}
    assert bench.statuses(pipeline) == expected


def test_canceling_what_has_ended_changes_nothing(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['true']}")
    assert bench.api.post(f"pipelines/{pipeline['id']}/cancel").json()["status"] == "success"


def test_a_canceled_job_frees_its_resource_group_when_it_is_gone(bench: Bench) -> None:
    bench.commit("a: {script: ['sleep $TIME'], resource_group: one}")
    first, second = bench.push(variables={"TIME": "60"}), bench.push(variables={"TIME": "0"})
    bench.until(lambda: bench.statuses(first)["a"] == "running")
    assert bench.statuses(second)["a"] == "waiting_for_resource"
    bench.api.post(f"pipelines/{first['id']}/cancel")
    assert bench.ci.wait(second["id"]) == "success"


def test_a_job_that_takes_too_long_is_ended_with_its_processes(bench: Bench, tmp_path: Path) -> None:
    pipeline = bench.run(
        f"a: {{script: ['sleep 60 & echo $! > {tmp_path}/a.pid; wait'], timeout: 0.3 seconds}}"
    )
    job = bench.jobs(pipeline)["a"]
    assert (job["status"], job["failure_reason"]) == ("failed", "job_execution_timeout")
    assert not any(map(alive, pids(tmp_path, 1, bench)))


def test_what_a_job_leaves_in_its_group_ends_with_it(bench: Bench, tmp_path: Path) -> None:
    bench.run(f"a: {{script: ['sleep 60 & echo $! > {tmp_path}/a.pid']}}")
    bench.until(lambda: not any(map(alive, pids(tmp_path, 1, bench))))


def test_what_detached_itself_outlives_the_job_and_ends_with_the_ci(bench: Bench, tmp_path: Path) -> None:
    # setsid is the way in which a deployed program leaves its job.
    pipeline = bench.run(
        f"""
        a:
          script:
            - setsid bash -c 'echo $BASHPID > {tmp_path}/a.pid; sleep 60' &
            - until test -s {tmp_path}/a.pid; do sleep 0.02; done
        """
    )
    [pid] = pids(tmp_path, 1, bench)
    assert pipeline["status"] == "success"
    assert alive(pid)
    bench.ci.stop()
    assert not alive(pid)


def test_stopping_ends_running_jobs_and_starts_no_more(bench: Bench, tmp_path: Path) -> None:
    bench.commit(
        f"a: {{script: ['echo $$ > {tmp_path}/a.pid', 'sleep 60']}}\nb: {{script: ['true'], needs: [a]}}"
    )
    pipeline = bench.push()
    started = pids(tmp_path, 1, bench)
    ci: Ci = bench.ci
    ci.stop()
    assert not any(map(alive, started))
    assert ci.latest() is not None
    assert bench.statuses(pipeline) == {"a": "canceled", "b": "canceled"}


def test_a_newer_push_cancels_an_older_pipeline_that_allows_it(bench: Bench) -> None:
    bench.commit("a: {script: ['sleep 60'], interruptible: true}")
    older = bench.push()
    bench.commit("a: {script: ['true'], interruptible: true}")
    newer = bench.push()
    assert bench.ci.wait(older["id"]) == "canceled"
    assert bench.ci.wait(newer["id"]) == "success"
