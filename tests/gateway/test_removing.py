"""“Release without it” in Slack, on a returned issue: the set that would leave, read from a real branch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments import sandbox_policy
from deployments.demo.waiting import eventually
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tests.gateway.world import PROJECT_ID, TOKENS, Asked, Office


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The shop's GitLab as Olli sees it, with a file on main."""
    members = {slug: level for slug, (_, _, level) in sandbox_policy.CAST.items() if level}
    home = tmp_path_factory.mktemp("gitlab")
    shop = ProjectSeed("shop/shop", "Shop", members=members)
    made = GitLabSandbox(home, sandbox_policy.people(TOKENS), [shop])
    token = {"PRIVATE-TOKEN": TOKENS["olli"]}
    with httpx.Client(base_url=f"{made.url}/api/v4/projects/1", headers=token, **LOOPBACK) as client:
        write(client, "main", "begin.txt")
        yield client
    made.stop()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, gitlab: httpx.Client) -> Iterator[Office]:
    """A gateway that reaches this GitLab."""
    made = Office(tmp_path_factory.mktemp("removing"))
    rules = Path(made.home / "conveyor.yaml")
    rules.write_text(rules.read_text().replace(f"gitlab: {PROJECT_ID}", "gitlab: 1"))
    made.env["CONVEYOR_GITLAB_URL"] = str(gitlab.base_url).partition("/api/")[0]
    made.env["CONVEYOR_GITLAB_TOKEN"] = TOKENS["bot"]
    try:
        made.start()
        yield made
    finally:
        made.stop()


def write(gitlab: httpx.Client, branch: str, path: str, **more: Any) -> None:
    actions = [{"action": "create", "file_path": path, "content": "x\n"}]
    body = {"branch": branch, "commit_message": "Work", "actions": actions, **more}
    gitlab.post("/repository/commits", json=body).raise_for_status()


@pytest.fixture
def returned(office: Office, gitlab: httpx.Client) -> Asked:
    """Quinn has returned SHOP-3 of a release with two issues, each merged into its branch."""
    asked = office.asking()
    branch = f"release/{asked.version}"
    gitlab.post("/repository/branches", json={"branch": branch, "ref": "main"}).raise_for_status()
    for key in ("SHOP-3", "SHOP-4"):
        topic = f"{key}-{asked.version}"
        write(gitlab, topic, f"{topic}.txt", start_branch=branch)
        body = {"source_branch": topic, "target_branch": branch, "title": f"{key} Work"}
        iid = gitlab.post("/merge_requests", json=body).json()["iid"]
        gitlab.put(f"/merge_requests/{iid}/merge").raise_for_status()
    request = asked.requests["SHOP-3"]
    assert "Release without it" not in office.message(asked)
    fact = e.Returned(
        request=request, step="qa", issue="SHOP-3", person="quinn", reason="teapot <lost>", door="slack"
    )
    office.record(asked.subject, fact)
    office.refresh(asked)
    return asked


def opened(office: Office, asked: Asked, slug: str) -> str:
    """Somebody presses the button; their modal of this very release, once it is there."""
    office.press(slug, asked, "signoff.without")
    request = asked.requests["SHOP-3"]

    def there() -> bool:
        return any(request in str(view) for view in office.people[slug].inbox()["views"][-1:])

    eventually("the modal", there, 30)
    return str(office.view(slug))


def test_the_message_of_a_returned_issue_offers_it(office: Office, returned: Asked) -> None:
    message = office.message(returned)
    assert message.count("Release without it") == 1
    assert returned.requests["SHOP-3"] in message


def test_it_shows_what_would_leave_and_changes_nothing(
    office: Office, gitlab: httpx.Client, returned: Asked
) -> None:
    head = gitlab.get(f"/repository/commits/release%2F{returned.version}").json()["id"]
    shown = opened(office, returned, "olli")
    assert "SHOP-3 leaves the release" in shown
    assert "revert " in shown
    assert "teapot <lost>" in shown
    assert gitlab.get(f"/repository/commits/release%2F{returned.version}").json()["id"] == head
    assert office.kinds(returned.subject)[-1] == "Returned"


def test_sent_off_it_is_a_change_of_scope_that_waits_for_its_approvals(
    office: Office, returned: Asked
) -> None:
    opened(office, returned, "mara")
    assert "say why" in str(office.people["mara"].submit("signoff.without", {"reason": "  "}))
    assert office.people["mara"].submit("signoff.without", {"reason": "next time"})["view"] == "closed"
    asked = office.ledger.events(returned.subject)[-1].data
    assert (asked["kind"], asked["remove"], asked["door"]) == ("ScopeChangeAsked", ["SHOP-3"], "slack")
    assert str(asked["reverts"]).count("'sha'") == 1
    assert office.ledger.wakeup(returned.subject).pending
    eventually("no second one", lambda: "Release without it" not in office.message(returned), 30)
