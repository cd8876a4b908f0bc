"""CI/CD variables and freeze periods, as GitLab serves them."""

from __future__ import annotations

import time

import httpx
import pytest

PIPELINE = """
stages: [deploy]
show:
  stage: deploy
  script: ["echo \\"seen: [$SHOP_KEY] [$SHOP_ALL]\\""]
  environment: {name: "$PLACE"}
"""


@pytest.mark.parametrize("path", ["variables", "variables/SHOP_KEY"])
def test_a_developer_does_not_see_variables(dev: httpx.Client, path: str) -> None:
    assert dev.get(path).status_code == 403
    assert dev.post("freeze_periods", json={"freeze_start": "0 1 * * *"}).status_code == 403


def test_a_key_that_is_taken_in_its_scope_is_refused(may: httpx.Client) -> None:
    body = {"key": "SHOP_KEY", "value": "1", "environment_scope": "staging"}
    assert may.post("variables", json=body).status_code == 201
    assert may.post("variables", json=body).status_code == 400
    assert may.post("variables", json=body | {"environment_scope": "production"}).status_code == 201
    assert may.get("variables/SHOP_KEY").status_code == 409
    one = {"filter[environment_scope]": "production"}
    assert may.get("variables/SHOP_KEY", params=one).json()["environment_scope"] == "production"
    assert may.delete("variables/SHOP_KEY", params=one).status_code == 204
    assert [row["environment_scope"] for row in may.get("variables").json()] == ["staging"]
    assert may.get("variables/NONE").status_code == 404


def test_a_job_gets_the_variables_of_its_environment_alone(may: httpx.Client) -> None:
    for scope, value in {"*": "all", "production": "secret", "review/*": "seeded"}.items():
        made = {"key": "SHOP_KEY", "value": value, "environment_scope": scope}
        assert may.post("variables", json=made).status_code == 201
    may.post("variables", json={"key": "SHOP_ALL", "value": "x"}).raise_for_status()
    commit = {"branch": "main", "commit_message": "CI", "content": PIPELINE}
    may.post("repository/files/%2Egitlab-ci.yml", json=commit).raise_for_status()
    for place, seen in {"dev": "all", "production": "secret", "review/cart": "seeded"}.items():
        body = {"ref": "main", "variables": [{"key": "PLACE", "value": place}]}
        pipeline = may.post("pipeline", json=body).raise_for_status().json()["id"]
        deadline = time.monotonic() + 20
        while may.get(f"pipelines/{pipeline}").json()["status"] != "success":
            assert time.monotonic() < deadline
        [job] = may.get(f"pipelines/{pipeline}/jobs").json()
        assert f"seen: [{seen}] [x]" in may.get(f"jobs/{job['id']}/trace").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"freeze_end": "0 8 * * 1"},
        {"freeze_start": "friday", "freeze_end": "0 8 * * 1"},
        {"freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "Mars/Base"},
    ],
)
def test_a_freeze_period_that_says_nothing_is_refused(may: httpx.Client, wrong: dict[str, str]) -> None:
    assert may.post("freeze_periods", json=wrong).status_code == 400
    assert may.get("freeze_periods").json() == []


def test_a_freeze_period_is_made_changed_and_deleted(may: httpx.Client) -> None:
    times = {"freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1"}
    made = may.post("freeze_periods", json=times).json()
    assert made["cron_timezone"] == "UTC"
    changed = may.put(f"freeze_periods/{made['id']}", json={"cron_timezone": "Europe/Berlin"}).json()
    [listed] = may.get("freeze_periods").json()
    assert listed == changed == may.get(f"freeze_periods/{made['id']}").json()
    assert {**times, "cron_timezone": "Europe/Berlin"}.items() <= listed.items()
    assert may.delete(f"freeze_periods/{made['id']}").status_code == 204
    assert may.get(f"freeze_periods/{made['id']}").status_code == 404
