"""Environments and deployments, as jobs make them."""

from __future__ import annotations

from typing import Any

Bench = Any

DEPLOY = """
stages: [deploy]
ship:
  stage: deploy
  script: ["$RUN"]
  environment: {name: "$PLACE", url: "https://$PLACE.example.test/"}
"""


def ship(bench: Bench, place: str, run: str = "true", ref: str = "main") -> dict[str, Any]:
    pipeline = bench.push(ref, variables={"PLACE": place, "RUN": run})
    bench.ci.wait(pipeline["id"])
    return pipeline


def test_a_job_with_an_environment_makes_a_deployment_of_its_commit(bench: Bench) -> None:
    sha = bench.commit(DEPLOY)
    bench.project.tag("1.4.0")
    pipeline = ship(bench, "production", ref="1.4.0")
    [deployment] = bench.get("deployments")
    assert (deployment["status"], deployment["sha"], deployment["ref"]) == ("success", sha, "1.4.0")
    assert deployment["environment"]["external_url"] == "https://production.example.test/"
    assert deployment["user"]["id"] == 7
    assert deployment["deployable"]["pipeline"]["id"] == pipeline["id"]
    assert deployment["deployable"]["tag"] is True
    assert deployment["created_at"] <= deployment["finished_at"]
    [environment] = bench.get("environments", name="production")
    assert (environment["state"], environment["tier"]) == ("available", "production")
    full = bench.get(f"environments/{environment['id']}")
    assert full["last_deployment"]["id"] == deployment["id"]


def test_a_deployment_ends_as_its_job_does(bench: Bench) -> None:
    bench.commit(DEPLOY)
    ship(bench, "staging")
    ship(bench, "staging", run="false")
    waiting = bench.push(variables={"PLACE": "staging", "RUN": "sleep 60"})
    bench.until(lambda: bench.get("deployments", status="running") != [])
    bench.api.post(f"pipelines/{waiting['id']}/cancel")
    bench.ci.wait(waiting["id"])
    assert [row["status"] for row in bench.get("deployments")] == ["success", "failed", "canceled"]
    environment = bench.get("environments")[0]
    assert bench.get(f"environments/{environment['id']}")["last_deployment"]["status"] == "success"


def test_deployments_are_listed_oldest_first_unless_asked_otherwise(bench: Bench) -> None:
    bench.commit(DEPLOY)
    for place in ("staging", "production", "staging"):
        ship(bench, place)
    ids = [row["id"] for row in bench.get("deployments")]
    assert ids == sorted(ids)
    newest = bench.get("deployments", order_by="id", sort="desc", environment="staging", status="success")
    assert [row["id"] for row in newest] == [ids[2], ids[0]]
    since = bench.get("deployments")[1]["finished_at"]
    later = bench.get("deployments", finished_after=since, order_by="finished_at", status="success")
    assert [row["id"] for row in later] == [ids[2]] or [row["id"] for row in later] == ids[1:]
    refused = bench.api.get("deployments", params={"finished_after": since})
    assert refused.status_code == 400


def test_a_manual_deployment_waits_as_created_until_it_is_played(bench: Bench) -> None:
    bench.commit("ship: {script: ['true'], environment: production, rules: [{when: manual}]}\n")
    pipeline = bench.push()
    assert bench.ci.wait(pipeline["id"]) == "manual"
    [waiting] = bench.get("deployments")
    assert waiting["status"] == "created"
    bench.api.post(f"jobs/{waiting['deployable']['id']}/play", headers={"x-user": "9"})
    bench.ci.wait(pipeline["id"], until=["success"])
    [deployment] = bench.get("deployments")
    assert (deployment["status"], deployment["user"]["id"]) == ("success", 9)


def test_a_retried_deployment_is_a_new_one(bench: Bench) -> None:
    bench.commit(DEPLOY)
    pipeline = ship(bench, "production")
    job = bench.jobs(pipeline)["ship"]
    bench.api.post(f"jobs/{job['id']}/retry")
    bench.ci.wait(pipeline["id"])
    rows = bench.get("deployments")
    assert [row["status"] for row in rows] == ["success", "success"]
    assert rows[1]["deployable"]["id"] > job["id"]


def test_an_url_may_come_from_what_the_job_found_out(bench: Bench) -> None:
    bench.run(
        """
        ship:
          script: [echo "FOUND=http://127.0.0.1:8123" > out.env]
          artifacts: {reports: {dotenv: out.env}}
          environment: {name: review, url: $FOUND}
        """
    )
    [environment] = bench.get("environments")
    assert (environment["external_url"], environment["tier"]) == ("http://127.0.0.1:8123", "development")


def test_stopping_an_environment_plays_its_stop_job(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [deploy]
        ship: {stage: deploy, script: ["true"], environment: {name: review, on_stop: unship}}
        unship: {stage: deploy, script: ["true"], when: manual, environment: {name: review, action: stop}}
        """
    )
    [environment] = bench.get("environments")
    assert environment["state"] == "available"
    assert bench.api.post(f"environments/{environment['id']}/stop").status_code == 200
    bench.until(lambda: bench.get("environments")[0]["state"] == "stopped")
    assert bench.jobs(pipeline)["unship"]["status"] == "success"
    assert len(bench.get("deployments")) == 1


REVIEW = """
stages: [deploy]
ship:
  stage: deploy
  script: ["true"]
  environment: {name: review, on_stop: unship, auto_stop_in: %s}
unship: {stage: deploy, script: ["true"], when: manual, environment: {name: review, action: stop}}
"""


def test_an_environment_stops_by_itself_at_the_time_it_names(bench: Bench) -> None:
    pipeline = bench.run(REVIEW % "1 second")
    bench.until(lambda: bench.get("environments")[0]["state"] == "stopped")
    assert bench.jobs(pipeline)["unship"]["status"] == "success"
    assert bench.get("environments")[0]["auto_stop_at"] is None


def test_what_was_deployed_from_a_branch_stops_with_it(bench: Bench) -> None:
    bench.run(REVIEW % "1 day")
    [environment] = bench.get("environments")
    assert environment["auto_stop_at"] > environment["updated_at"]
    bench.ci.stop_environments("another", 9)
    assert bench.get("environments")[0]["state"] == "available"
    bench.ci.stop_environments("main", 9)
    bench.until(lambda: bench.get("environments")[0]["state"] == "stopped")


def test_what_does_not_say_how_it_stops_goes_on(bench: Bench) -> None:
    bench.commit(DEPLOY)
    ship(bench, "staging")
    bench.ci.stop_environments("main", 9)
    assert bench.get("environments")[0]["state"] == "available"


def test_a_deployment_made_elsewhere_can_be_recorded_and_ended(bench: Bench) -> None:
    sha = bench.commit(DEPLOY)
    body = {"environment": "production", "sha": sha, "ref": "main", "tag": False, "status": "running"}
    made = bench.api.post("deployments", json=body)
    assert (made.status_code, made.json()["deployable"]) == (201, None)
    path = f"deployments/{made.json()['id']}"
    assert bench.api.put(path, json={"status": "success"}).json()["status"] == "success"
    assert bench.api.put(path, json={"status": "success"}).status_code == 400
    assert bench.api.put(path, json={"status": "perfect"}).status_code == 400
    assert bench.get(path)["finished_at"] is not None
    unknown = bench.api.post("deployments", json={**body, "sha": "0" * 40})
    assert unknown.status_code == 404


def test_a_jobs_own_deployment_is_not_set_by_hand(bench: Bench) -> None:
    bench.commit(DEPLOY)
    ship(bench, "production")
    [deployment] = bench.get("deployments")
    assert bench.api.put(f"deployments/{deployment['id']}", json={"status": "failed"}).status_code == 403
