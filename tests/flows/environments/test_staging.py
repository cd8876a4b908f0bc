"""One release at a time has staging; a hotfix takes it over, and the other comes back and is signed on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flows.stages.environment import give_way
from flows.stages.staging import deploy_to_staging, may_still_start
from integrations.sandbox.http import Server
from lifecycle.events import (
    Abandoned,
    ProductionDeployed,
    ProductionStarted,
    RollbackStarted,
    RolledBack,
    Unstaged,
)
from lifecycle.occupancy import DECIDING, Taken
from lifecycle.release import Phase
from tasks import context, environment_checks, environment_messages, locking, occupying
from tests.flows.environments.conftest import NOW

Team = Any
Releases = Any
STAGING = "environment:shop:staging"


def had_by() -> str:
    state, _ = occupying.seen("shop", "staging")
    return occupying.had_by("staging", state, NOW)


def test_the_second_waits_while_the_first_is_tested(team: Team, releases: Releases) -> None:
    releases.signed("1.4.0")
    releases.plan("1.5.0")
    waits = releases.take(deploy_to_staging, "1.5.0")
    assert waits is not None
    assert (waits.name, waits.message) == ("Awaiting environment", "staging is taken by 1.4.0")
    assert waits.until == NOW + releases.walk("1.5.0").policy.waits.poll
    assert team.gitlab("GET", "pipelines", "olli") == []
    assert had_by() == "release:shop:1.4.0"


def test_the_second_has_it_once_the_first_is_given_up(releases: Releases) -> None:
    releases.signed("1.4.0")
    releases.plan("1.5.0")
    releases.tell("1.4.0", Abandoned(person="mara", reason="no need"))
    assert had_by() == ""
    assert releases.walk("1.5.0").take("staging") is None
    assert had_by() == "release:shop:1.5.0"


def test_a_hotfix_takes_staging_over_and_the_other_is_brought_there_again(
    team: Team, releases: Releases
) -> None:
    first = releases.signed("1.4.0")
    releases.plan("1.4.1", "hotfix")
    assert releases.walk("1.4.1").take("staging") is None
    assert releases.woken("1.4.0")
    releases.take(give_way, "1.4.0")
    gave = releases.release("1.4.0")
    assert (gave.phase, gave.staged, gave.unstaged[-1].by) == (Phase.STAGING, None, "release:shop:1.4.1")
    waits = releases.take(deploy_to_staging, "1.4.0")
    assert waits is not None
    assert waits.message == "staging is taken by 1.4.1"
    releases.staged("1.4.1")
    releases.tell("1.4.1", *_out(releases, "1.4.1"))
    assert releases.walk("1.4.0").take("staging") is None
    assert had_by() == first
    releases.staged("1.4.0", 2)
    again = releases.walk("1.4.0")
    assert again.phase is Phase.SIGN_OFF
    assert again.may_go_out.allowed, again.may_go_out.reasons
    assert releases.take(give_way, "1.4.0") is None
    assert again.phase is Phase.SIGN_OFF


def _out(releases: Releases, version: str) -> list[Any]:
    return [ProductionStarted(number=1, tag=version, sha=releases.shas[version])]


def test_coming_back_is_a_deployment_of_its_own_by_a_real_pipeline(team: Team, releases: Releases) -> None:
    team.commit(".gitlab-ci.yml", "ship: {script: ['true'], environment: staging}\n")
    subject = releases.signed("1.4.0")
    releases.tell("1.4.0", Unstaged(number=1, round=1, by="release:shop:1.4.1"))
    pipeline = team.gitlab("POST", "pipeline", "olli", ref="main")["id"]
    # What `pipelines.start` leaves on record: the first deployment was number 1.
    key = f"{subject}:pipeline:staging:1.1"
    context.ledger().intend(key, subject, "pipeline", {"step": "staging"}, NOW)
    context.ledger().conclude(key, "done", {"pipeline_id": pipeline, "url": ""}, NOW)
    # A freeze or a lock that comes while it runs stops nothing that was started.
    assert locking.lock("shop", "staging", "olli", "load test", now=NOW).accepted
    deadline = time.monotonic() + 20
    while (waits := releases.take(deploy_to_staging, "1.4.0")) is not None:
        assert waits.name == "Awaiting staging"
        assert time.monotonic() < deadline
    staged = releases.release("1.4.0").staged
    assert (staged.round, staged.pipeline_id, staged.sha) == (2, pipeline, releases.shas["1.4.0"])
    assert releases.walk("1.4.0").may_go_out.allowed


class Slow:
    """A service that is not there yet at the first look, and then says which commit it is."""

    def __init__(self, sha: str) -> None:
        self.sha, self.looks = sha, 0
        self.server = Server(Starlette(routes=[Route("/healthz", self._health)]))

    async def _health(self, _: Request) -> Response:
        self.looks += 1
        return JSONResponse({"sha": self.sha}) if self.looks > 1 else Response(status_code=502)


@pytest.fixture
def slow(team: Team, releases: Releases, change_policy: Callable[..., None]) -> Iterator[Slow]:
    """A release whose deployment to staging has just succeeded."""
    team.commit(".gitlab-ci.yml", "ship: {script: ['true'], environment: staging}\n")
    subject = releases.plan("1.4.0")
    slow = Slow(releases.shas["1.4.0"])
    change_policy({"staging_url": slow.server.url, "runtime": {"health": "/healthz", "within": "1m"}})
    pipeline = team.gitlab("POST", "pipeline", "olli", ref="main")["id"]
    key = f"{subject}:pipeline:staging:1"
    context.ledger().intend(key, subject, "pipeline", {"step": "staging"}, NOW)
    context.ledger().conclude(key, "done", {"pipeline_id": pipeline, "url": ""}, NOW)
    deadline = time.monotonic() + 20
    while team.gitlab("GET", f"pipelines/{pipeline}", "olli")["status"] != "success":
        assert time.monotonic() < deadline
    yield slow
    slow.server.stop()


def test_a_service_that_is_still_starting_is_looked_at_again(releases: Releases, slow: Slow) -> None:
    now = datetime.now(UTC)
    waits = releases.take(deploy_to_staging, "1.4.0", now)
    assert waits is not None
    said = ("Awaiting staging", "runtime.health: /healthz answers 502, not 200")
    assert (waits.name, waits.message) == said
    assert now < waits.until <= now + timedelta(seconds=5)
    assert releases.take(deploy_to_staging, "1.4.0", now) is None
    assert releases.release("1.4.0").staged.sha == slow.sha


def test_patience_ends_within_the_time_that_the_policy_gives(
    releases: Releases, change_policy: Callable[..., None]
) -> None:
    releases.plan("1.4.0")
    change_policy({"runtime": {"within": "8s"}})
    for late, until in ((0, 5), (5, 8), (8, None)):
        walk = releases.walk("1.4.0", NOW + timedelta(seconds=late))
        waits = may_still_start(walk, NOW, ["runtime.health: no"])
        assert (waits and waits.until) == (until and NOW + timedelta(seconds=until))
    assert may_still_start(releases.walk("1.4.0"), None, ["runtime.health: no"]) is None


def test_what_has_staging_keeps_it_without_taking_it_again(releases: Releases) -> None:
    releases.plan("1.4.0")
    for minutes in (0, 60, 6000):
        assert releases.walk("1.4.0", NOW + timedelta(minutes=minutes)).take("staging") is None
    assert [event.kind for event in context.ledger().events(STAGING)] == ["Taken"]


def test_of_two_that_take_it_at_once_one_has_it(releases: Releases) -> None:
    versions = [f"1.{n}.0" for n in range(4, 8)]
    walks = [(releases.plan(version), releases.release(version)) for version in versions]
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda each: occupying.take(each[0], each[1], "staging", NOW), walks))
    assert [verdict.allowed for verdict in verdicts].count(True) == 1
    [taken] = context.ledger().events(STAGING)
    assert Taken.model_validate(taken.data).release == walks[[v.allowed for v in verdicts].index(True)][0]


def test_production_is_one_releases_at_a_time(releases: Releases) -> None:
    releases.signed("1.4.0")
    assert releases.walk("1.4.0").take("production") is None
    releases.signed("1.4.1", "hotfix")
    waits = releases.walk("1.4.1").take("production")
    assert waits is not None
    assert waits.message == "production is taken by 1.4.0"
    assert [event.data["attempt"] for event in context.ledger().events("environment:shop:production")] == [1]
    # Who does not decide in time has lost it, and has to take it anew.
    late = NOW + DECIDING
    assert releases.walk("1.4.1", late).take("production") is None
    assert releases.walk("1.4.0", late).take("production") is not None


# Locks.


@pytest.mark.parametrize(
    ("environment", "person", "reason", "until", "why"),
    [
        ("staging", "nobody", "why", "", "not in Conveyor's people file"),
        ("staging", "dora", "why", "", "that is for release, devops, manager, management"),
        ("staging", "olli", " ", "", "say why"),
        ("stagign", "olli", "why", "", "Shop has review/*, staging, production, no stagign"),
        ("staging", "olli", "why", "2026-11-20 09:59", "that time is over"),
        ("staging", "olli", "why", "soon", "Invalid isoformat"),
    ],
)
def test_a_lock_that_cannot_be_is_refused(
    releases: Releases, environment: str, person: str, reason: str, until: str, why: str
) -> None:
    outcome = locking.lock("shop", environment, person, reason, until, "UTC", now=NOW)
    assert not outcome.accepted
    assert why in outcome.message
    assert context.ledger().events(f"environment:shop:{environment}") == ()


def test_a_lock_holds_a_deployment_until_somebody_unlocks_it(team: Team, releases: Releases) -> None:
    releases.plan("1.4.0")
    assert locking.lock("shop", "staging", "olli", "load test", now=NOW).accepted
    second = locking.lock("shop", "staging", "mara", "mine", now=NOW)
    assert second.message == "staging is locked already, by olli: load test"
    waits = releases.take(deploy_to_staging, "1.4.0")
    assert waits is not None
    assert (waits.name, waits.message) == ("Awaiting environment", "staging is locked by olli: load test")
    for _ in range(2):
        environment_messages.lock_told("shop", "staging")
    [told] = [m for m in team.messages(team.releases) if m["text"] == "Shop: staging is locked"]
    assert "olli: load test" in str(told["blocks"])
    assert not releases.woken("1.4.0")
    assert locking.unlock("shop", "staging", "mara", now=NOW).accepted
    assert releases.woken("1.4.0")
    assert not locking.unlock("shop", "staging", "mara", now=NOW).accepted
    assert releases.walk("1.4.0").take("staging") is None


# What GitLab's variables and the repository say.


def test_what_developers_use_is_free_of_production(team: Team, releases: Releases) -> None:
    project = releases.plan("1.4.0") and releases.walk("1.4.0").project
    assert environment_checks.check(project) == ()
    team.gitlab("POST", "variables", "olli", key="BACKEND", value="http://shop.example/api")
    own = {"key": "PASSWORD", "value": "s3cr3t-value"}
    for scope in ("production", "review/cart"):
        team.gitlab("POST", "variables", "olli", environment_scope=scope, **own)
    team.commit("deploy/review.env", "SHOP_BACKEND=http://shop.example\n")
    found = [(each.where, each.problem) for each in environment_checks.check(project)]
    assert found == [
        ("variable BACKEND (scope *)", "production's address"),
        ("variable PASSWORD (scope review/cart)", "the same value as production's"),
        ("deploy/review.env: SHOP_BACKEND", "production's address"),
    ]


def test_the_standing_of_every_environment_is_shown(releases: Releases) -> None:
    releases.signed("1.4.0")
    releases.deploy("production", "1.4.0")
    locking.lock("shop", "production", "olli", "the fair", now=NOW)
    project = releases.walk("1.4.0").project
    shown = {
        x.environment.name: (x.serves, x.release, x.lock) for x in environment_checks.standing(project, NOW)
    }
    assert shown == {
        "review/*": ("", "", ""),
        "staging": (releases.shas["1.4.0"], "release:shop:1.4.0", ""),
        "production": (releases.shas["1.4.0"], "", "olli: the fair"),
    }


def test_a_hotfix_has_production_right_after_the_rollback(releases: Releases) -> None:
    releases.signed("1.4.0")
    assert releases.walk("1.4.0").take("production") is None
    sha, before = releases.shas["1.4.0"], "b" * 40
    releases.tell(
        "1.4.0",
        ProductionStarted(number=1, tag="1.4.0", sha=sha, previous_tag="1.3.0", previous_sha=before),
        ProductionDeployed(sha=sha, url="http://shop.example", pipeline_id=3, at=NOW),
        RollbackStarted(person="olli", reasons=("bad",), to_tag="1.3.0", to_sha=before),
    )
    releases.signed("1.4.1", "hotfix")
    assert releases.walk("1.4.1").take("production") is not None  # it is being rolled back
    releases.tell("1.4.0", RolledBack(to_sha=before, pipeline_id=4, at=NOW))
    assert releases.walk("1.4.1").take("production") is None
