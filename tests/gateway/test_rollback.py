"""Rolling back by a button: shown first what goes back, then a reason, then it is decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments import sandbox_policy
from deployments.demo.waiting import eventually
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tasks import release_messages
from tests.gateway.world import TOKENS, Asked, Office

_NUMBERS = count(1)
_CI = """
deploy:
  script: ["true"]
  environment: {name: production}
"""


class Shop:
    """A GitLab whose production serves the tag 1.3.0, and a newer commit `sha`."""

    def __init__(self, home: Path) -> None:
        seed = home / "seed"
        seed.mkdir()
        (seed / ".gitlab-ci.yml").write_text(_CI)
        members = {slug: level for slug, (_, _, level) in sandbox_policy.CAST.items() if level}
        project = ProjectSeed("shop/shop", "Shop", seed_dir=seed, members=members)
        self.gitlab = GitLabSandbox(home / "gitlab", sandbox_policy.people(TOKENS), [project])
        url, login = f"{self.gitlab.url}/api/v4/projects/1/", {"PRIVATE-TOKEN": TOKENS["olli"]}
        with httpx.Client(base_url=url, headers=login, **LOOPBACK, timeout=60) as api:
            tag = {"tag_name": "1.3.0", "ref": "main"}
            self.first = api.post("repository/tags", json=tag).raise_for_status().json()["commit"]["id"]
            self.sha = self._commit(api)
            api.post("pipeline", json={"ref": "1.3.0"}).raise_for_status()
            query = {"environment": "production", "status": "success"}
            eventually("1.3.0 serves", lambda: api.get("deployments", params=query).json(), 60)

    def _commit(self, api: httpx.Client) -> str:
        actions = [{"action": "create", "file_path": "api/cart.yaml", "content": "x: 1\n"}]
        body = {"branch": "next", "start_branch": "main", "commit_message": "SHOP-3 <New> API"}
        made = api.post("repository/commits", json={**body, "actions": actions})
        return str(made.raise_for_status().json()["id"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    yield made
    made.gitlab.stop()


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Office]:
    """An office whose gateway reaches that GitLab."""
    made = Office(tmp_path_factory.mktemp("floor"))
    made.env |= {"CONVEYOR_GITLAB_URL": shop.gitlab.url, "CONVEYOR_GITLAB_TOKEN": TOKENS["bot"]}
    _rule(made, gitlab=1)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _rule(office: Office, **project: Any) -> None:
    path = office.home / "conveyor.yaml"
    data = yaml.safe_load(path.read_text())
    data["projects"][0] |= project
    data["no_return"] = ["management"]
    path.write_text(yaml.safe_dump(data))


@pytest.fixture
def live(floor: Office, shop: Shop) -> Asked:
    """A release on its way to production, with the message that has the button."""
    version = f"8.{next(_NUMBERS)}.0"
    subject = f"release:shop:{version}"
    floor.record(
        subject,
        e.Planned(project="shop", version=version, issues=("SHOP-3",), base="main", plan_hash="p" * 64),
        e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=shop.sha, branch=f"release/{version}"),
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=shop.sha, url="", pipeline_id=8),
        e.Rehearsed(number=1, to_tag="1.3.0", back_s=2.5, forward_s=3, ok=True),
        e.ProductionStarted(number=1, tag=version, sha=shop.sha),
    )
    said = ("rehearsed on staging in 2.5 s",)
    content = release_messages.live(subject, f"Shop {version} is live", ["• SHOP-3"], datetime.now(UTC), said)
    ts = floor.post(subject, release_messages.live_key(subject, 1), content)
    return Asked(subject, version, {"SHOP-3": subject}, ts)


def test_the_button_asks_whether_it_is_meant_and_shows_the_measured_time(floor: Office, live: Asked) -> None:
    said = floor.message(live)
    assert "Rehearsed on staging in 2.5 s" in said
    assert '"confirm"' in said


def test_what_goes_back_is_shown_and_nothing_is_decided_by_looking(floor: Office, live: Asked) -> None:
    floor.press("dora", live, "release.rollback")
    shown = str(floor.view("dora"))
    for part in (live.version, "1.3.0", "SHOP-3 &lt;New&gt; API", "api/cart.yaml", "rehearsed on staging"):
        assert part in shown
    refused = floor.people["dora"].submit("release.rollback", {"reason": "bad"})
    assert "To roll back a release is for" in str(refused)
    assert floor.kinds(live.subject)[-1] == "ProductionStarted"


def test_a_reason_and_the_role_roll_back_and_wake_the_release(floor: Office, live: Asked) -> None:
    floor.press("olli", live, "release.rollback")
    assert floor.people["olli"].submit("release.rollback", {"reason": "cart <500>"})["view"] == "closed"
    fact = floor.ledger.events(live.subject)[-1]
    assert (fact.kind, fact.data["person"], fact.data["to_tag"]) == ("RollbackStarted", "olli", "1.3.0")
    assert fact.data["reasons"] == ["cart <500>"]
    assert floor.ledger.wakeup(live.subject).pending
    # Once is enough: whoever presses now is told so in the modal.
    floor.press("mara", live, "release.rollback")
    assert "it is rolling back already" in str(floor.view("mara"))


def test_what_is_unsafe_has_to_be_ticked_by_who_may_force_it(floor: Office, live: Asked) -> None:
    _rule(floor, contracts=["api/**"])
    try:
        floor.press("gerd", live, "release.rollback")
        assert "Unsafe" in str(floor.view("gerd"))
        refused = floor.people["gerd"].submit("release.rollback", {"reason": "bad"})
        assert "It can be forced by management" in str(refused)
        forced = floor.people["gerd"].submit("release.rollback", {"reason": "bad", "force": ["force"]})
        assert forced["view"] == "closed"
        assert floor.ledger.events(live.subject)[-1].data["unsafe"] != []
    finally:
        _rule(floor, contracts=[])


def test_a_release_without_a_way_back_says_so_and_has_nothing_to_send_off(floor: Office, live: Asked) -> None:
    stream = f"release:shop:8.{next(_NUMBERS)}.0"
    floor.record(
        stream,
        e.Planned(
            project="shop", version=stream.split(":")[2], issues=("SHOP-4",), base="main", plan_hash="p"
        ),
    )
    content = release_messages.live(stream, "Shop is live", [], datetime.now(UTC), ())
    ts = floor.post(stream, release_messages.live_key(stream, 1), content)
    floor.press("olli", Asked(stream, live.version, {"SHOP-3": stream}, ts), "release.rollback")
    view = floor.view("olli")
    assert "it has not been in production" in str(view)
    assert "submit" not in view or not view["submit"]
