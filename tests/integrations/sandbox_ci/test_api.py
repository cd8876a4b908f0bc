"""The API of pipelines and jobs."""

from __future__ import annotations

from typing import Any

import pytest

Bench = Any

PLAIN = "a: {script: ['true']}\n"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "pipelines/999", 404),
        ("GET", "pipelines/x", 400),
        ("GET", "jobs/999", 404),
        ("GET", "jobs/999/trace", 404),
        ("POST", "jobs/999/retry", 404),
        ("POST", "pipelines/999/cancel", 404),
        ("GET", "environments/9", 404),
        ("GET", "deployments/9", 404),
        ("GET", "pipelines?status=green&page=0", 400),
        ("GET", "pipelines?order_by=colour", 400),
        ("GET", "pipelines?scope=some", 400),
        ("GET", "pipelines?updated_after=yesterday", 400),
        ("GET", "deployments?status=green", 400),
        ("POST", "pipeline", 400),
    ],
)
def test_what_does_not_fit_is_refused(bench: Bench, method: str, path: str, status: int) -> None:
    bench.run(PLAIN)
    assert bench.api.request(method, path).status_code == status


def test_another_projects_number_is_not_answered(bench: Bench) -> None:
    url = str(bench.api.base_url).replace("/projects/1/", "/projects/2/")
    assert bench.api.get(f"{url}pipelines").status_code == 404


def test_who_may_only_read_starts_nothing(bench: Bench) -> None:
    bench.commit(PLAIN)
    answer = bench.api.post("pipeline", json={"ref": "main"}, headers={"x-level": "20"})
    assert answer.status_code == 403
    assert bench.get("pipelines") == []


def test_a_pipeline_is_started_with_variables_and_inputs(bench: Bench) -> None:
    sha = bench.commit(
        """
        spec: {inputs: {word: {default: none}}}
        ---
        a: {script: ['echo "$GIVEN and $[[ inputs.word ]]"']}
        """
    )
    answer = bench.api.post(
        "pipeline",
        headers={"x-user": "9"},
        json={"ref": "main", "variables": [{"key": "GIVEN", "value": "this"}], "inputs": {"word": "that"}},
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["sha"], made["source"], made["user"]["id"]) == (sha, "api", 9)
    assert bench.ci.wait(made["id"]) == "success"
    assert "this and that" in bench.trace(made, "a")
    assert bench.get(f"pipelines/{made['id']}/variables") == [
        {"key": "GIVEN", "value": "this", "variable_type": "env_var", "raw": False}
    ]
    assert bench.get(f"pipelines/{made['id']}/bridges") == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ref": "gone"}, "Reference not found"),
        ({"ref": "main", "inputs": {"no": 1}}, "Given inputs not defined"),
        ({"ref": "main", "variables": [{"key": "STOP", "value": "1"}]}, "filtered out by workflow rules"),
    ],
)
def test_who_asks_for_a_pipeline_is_told_why_there_is_none(bench: Bench, body: Any, message: str) -> None:
    bench.commit("workflow: {rules: [{if: $STOP, when: never}, {when: always}]}\n" + PLAIN)
    answer = bench.api.post("pipeline", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]["base"][0]
    assert bench.get("pipelines") == []


def test_a_trigger_token_that_nobody_knows_starts_nothing(bench: Bench) -> None:
    bench.commit(PLAIN)
    answer = bench.api.post("trigger/pipeline", json={"ref": "main", "token": "x"}, headers={"x-level": "0"})
    assert answer.status_code == 404
    assert bench.get("pipelines") == []


def test_a_trigger_token_starts_a_pipeline_in_the_name_of_its_owner(bench: Bench) -> None:
    bench.commit("a: {script: ['echo given $GIVEN']}")
    bench.ci.trigger_user = {"known": 9}.get
    body = {"ref": "main", "token": "known", "variables": {"GIVEN": "this"}}
    answer = bench.api.post("trigger/pipeline", json=body, headers={"x-level": "0"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["source"], made["user"]["id"]) == ("trigger", 9)
    form = {"ref": "main", "token": "known", "variables[GIVEN]": "that"}
    sent = bench.api.post("trigger/pipeline", data=form, headers={"x-level": "0"}).json()
    for pipeline, word in ((made, "this"), (sent, "that")):
        assert bench.ci.wait(pipeline["id"]) == "success"
        assert f"\ngiven {word}\n" in bench.trace(pipeline, "a")


def test_pipelines_are_listed_newest_first_and_narrowed(bench: Bench) -> None:
    first = bench.run(PLAIN)
    second = bench.run("a: {script: ['false']}")
    bench.commit(PLAIN, branch="other")
    third = bench.push("other", source="web")
    bench.ci.wait(third["id"])

    def ids(**params: str) -> list[int]:
        return [row["id"] for row in bench.get("pipelines", **params)]

    assert ids() == [third["id"], second["id"], first["id"]]
    assert ids(sort="asc") == [first["id"], second["id"], third["id"]]
    assert ids(ref="main") == [second["id"], first["id"]]
    assert ids(sha=first["sha"]) == [first["id"]]
    assert ids(status="failed") == [second["id"]]
    assert ids(source="web") == [third["id"]]
    assert ids(username="user7", scope="finished") == [third["id"], second["id"], first["id"]]
    assert ids(username="user8") == []
    assert third["id"] in ids(updated_after=first["finished_at"])
    assert ids(updated_after="2999-01-01T00:00:00Z") == []
    assert ids(order_by="status", sort="asc")[0] == second["id"]
    assert bench.get("pipelines/latest")["id"] == second["id"]
    assert bench.get("pipelines/latest", ref="other")["id"] == third["id"]


def test_lists_come_page_by_page_with_gitlabs_headers(bench: Bench) -> None:
    bench.commit("".join(f"j{n}: {{script: ['true']}}\n" for n in range(5)))
    pipeline = bench.push()
    bench.ci.wait(pipeline["id"])
    seen: list[str] = []
    url = f"pipelines/{pipeline['id']}/jobs?per_page=2"
    while url:
        answer = bench.api.get(url)
        assert (answer.headers["x-total"], answer.headers["x-total-pages"]) == ("5", "3")
        seen += [row["name"] for row in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == ["j4", "j3", "j2", "j1", "j0"]


def test_jobs_can_be_narrowed_by_their_status(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['true']}\nb: {script: ['false']}")
    params = [("scope[]", "failed"), ("scope[]", "canceled")]
    rows = bench.api.get(f"pipelines/{pipeline['id']}/jobs", params=params).json()
    assert [row["name"] for row in rows] == ["b"]
    assert len(bench.get("jobs")) == 2


def test_a_finished_pipeline_tells_its_times(bench: Bench) -> None:
    pipeline = bench.run(PLAIN)
    assert pipeline["created_at"] <= pipeline["started_at"] <= pipeline["finished_at"]
    assert pipeline["detailed_status"]["text"] == "passed"
    job = bench.jobs(pipeline)["a"]
    assert job["duration"] > 0
    assert job["queued_duration"] >= 0
    assert job["runner"]["description"] == "sandbox shell runner"


def test_the_latest_pipeline_is_found_by_ref_and_commit(bench: Bench) -> None:
    first, second = bench.run(PLAIN), bench.run(PLAIN)
    assert bench.ci.latest("main")["id"] == second["id"]
    assert bench.ci.latest("main", first["sha"])["id"] == first["id"]
    assert bench.ci.latest("gone") is None


def test_a_jobs_token_is_worth_something_only_while_it_runs(bench: Bench) -> None:
    bench.commit("a: {script: ['sleep 60']}")
    pipeline = bench.push()
    bench.until(lambda: bench.statuses(pipeline)["a"] == "running")
    job_id = bench.jobs(pipeline)["a"]["id"]
    assert bench.ci.job_user(job_id) == 7
    bench.api.post(f"jobs/{job_id}/cancel")
    assert bench.ci.job_user(job_id) is None
    assert bench.ci.job_user(999) is None
