"""The sandbox as a whole: seeded, wired to a gateway, and gone when it is stopped."""

from __future__ import annotations

import os
import queue
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deployments.sandbox import Ports, SandboxVendors
from integrations.gitlab import webhook as gitlab_webhook
from integrations.gitlab.client import GitLabClient
from integrations.jira import webhook as jira_webhook
from integrations.jira.client import JiraClient
from integrations.sandbox import shop
from integrations.sandbox.http import LOOPBACK, Server
from integrations.settings import GitLabSettings, JiraSettings
from tests.cli.world import Cli, Team, first_json

CONVEYOR = Path(sys.executable).parent / "conveyor"


def get(url: str, **more: Any) -> httpx.Response:
    return httpx.get(url, **LOOPBACK, timeout=10, **more)


def test_a_taken_port_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        [jira] = shop.free_ports(1)
        ports = Ports(jira=jira, slack=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            SandboxVendors(tmp_path, ports=ports, gateway_url="http://127.0.0.1:1", policy_out=tmp_path / "p")
    with pytest.raises(httpx.ConnectError):
        get(f"http://127.0.0.1:{jira}/")


def test_production_runs_the_first_version_by_a_real_deployment(team: Team) -> None:
    vendors = team.vendors
    about = get(f"{vendors.production_url}/healthz").json()
    assert (about["status"], about["version"]) == ("ok", "1.3.0")
    api = f"{vendors.gitlab.url}/api/v4/projects/{vendors.gitlab_project}"
    headers = {"PRIVATE-TOKEN": vendors.tokens["bot"]}
    query = {"environment": "production", "status": "success"}
    [deployment] = get(f"{api}/deployments", headers=headers, params=query).json()
    assert (deployment["ref"], deployment["sha"]) == ("1.3.0", about["sha"])
    assert get(f"{api}/protected_branches/main", headers=headers).status_code == 200


def test_staging_is_empty(team: Team) -> None:
    with pytest.raises(httpx.ConnectError):
        get(team.vendors.staging_url)


def test_the_backlog_has_two_issues_to_do(team: Team) -> None:
    bot = (team.vendors.people["bot"].email, team.vendors.tokens["bot"])
    for key in ("SHOP-1", "SHOP-2"):
        issue = get(f"{team.vendors.jira.url}/rest/api/2/issue/{key}", auth=bot).json()
        assert issue["fields"]["status"]["name"] == "To Do"


def test_the_environment_lets_our_clients_in(
    team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in team.vendors.environment().items():
        monkeypatch.setenv(name, value)
    assert JiraClient(JiraSettings()).issue("SHOP-1").key == "SHOP-1"
    assert GitLabClient(GitLabSettings()).me().username == "bot"


def test_the_policy_holds_the_ids_that_the_vendors_gave(team: Team) -> None:
    policy = yaml.safe_load(team.vendors.policy_path.read_text())
    assert policy == team.vendors.policy()
    assert policy["projects"][0]["channel"] == team.vendors.slack.channel_id("releases")
    known = {each["user_id"]: each["id"] for each in get(f"{team.vendors.slack.url}/people").json()}
    in_slack = {p["slack"]: p["id"] for p in policy["people"] if p["slack"]}
    assert in_slack.items() <= known.items()
    assert {p["id"] for p in policy["people"]} - set(in_slack.values()) == {"clara"}


class Gateway:
    """Keeps what the vendors send."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[str, dict[str, str], bytes]] = queue.Queue()
        self.server = Server(Starlette(routes=[Route("/{path:path}", self._keep, methods=["POST"])]))

    async def _keep(self, request: Request) -> Response:
        self.got.put((request.url.path, dict(request.headers), await request.body()))
        return Response()

    def next(self, path: str) -> tuple[dict[str, str], bytes]:
        """The next delivery to that path; whatever comes to others is skipped."""
        while True:
            at, headers, body = self.got.get(timeout=10)
            if at == path:
                return headers, body


@pytest.fixture(scope="module", params=["cloud", "server"])
def wired(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, SandboxVendors]]:
    home, gateway = tmp_path_factory.mktemp("wired"), Gateway()
    vendors = SandboxVendors(
        home, jira=request.param, gateway_url=gateway.server.url, policy_out=home / "conveyor.yaml"
    )
    yield gateway, vendors
    vendors.stop()
    gateway.server.stop()


def test_jira_tells_the_gateway_with_a_signature(wired: tuple[Gateway, SandboxVendors]) -> None:
    gateway, vendors = wired
    env = vendors.environment()
    values = {"url": env["CONVEYOR_JIRA_URL"], "user": env["CONVEYOR_JIRA_USER"]}
    client = JiraClient(JiraSettings.model_validate({**values, "token": env["CONVEYOR_JIRA_TOKEN"]}))
    client.create_issue("SHOP", "Task", "Told", "", op_key="told")
    headers, body = gateway.next("/jira/webhook")
    jira_webhook.verify(headers, body, env["CONVEYOR_JIRA_WEBHOOK_SECRET"])
    assert jira_webhook.parse(body).issue_key.startswith("SHOP-")


def test_gitlab_tells_the_gateway_with_its_token(wired: tuple[Gateway, SandboxVendors]) -> None:
    gateway, vendors = wired
    api = f"{vendors.gitlab.url}/api/v4/projects/{vendors.gitlab_project}/repository/branches"
    made = httpx.post(
        api,
        json={"branch": "SHOP-1-wish", "ref": "main"},
        headers={"PRIVATE-TOKEN": vendors.tokens["dora"]},
        **LOOPBACK,
    )
    assert made.status_code == 201
    headers, body = gateway.next("/gitlab/webhook")
    assert headers["x-gitlab-token"] == vendors.environment()["CONVEYOR_GITLAB_WEBHOOK_TOKEN"]
    assert gitlab_webhook.parse(headers, body) is not None


def test_slack_sends_commands_to_the_gateway(wired: tuple[Gateway, SandboxVendors]) -> None:
    gateway, vendors = wired
    channel = vendors.slack.channel_id("planning")
    sent = {"channel_id": channel, "command": "/request", "text": "A wish"}
    httpx.post(f"{vendors.slack.url}/people/gerd/command", json=sent, **LOOPBACK).raise_for_status()
    headers, body = gateway.next("/slack/commands")
    assert "x-slack-signature" in headers
    assert b"A+wish" in body


def test_the_older_the_flavor_the_other_the_search(wired: tuple[Gateway, SandboxVendors]) -> None:
    _, vendors = wired
    told = get(f"{vendors.jira.url}/rest/api/2/serverInfo").json()["deploymentType"].lower()
    assert told == vendors.environment()["CONVEYOR_JIRA_FLAVOR"]


def test_stopping_twice_stops_the_shop_s_processes_once_and_for_all(tmp_path: Path) -> None:
    vendors = SandboxVendors(tmp_path, gateway_url="http://127.0.0.1:1", policy_out=tmp_path / "p.yaml")
    vendors.wait_production()
    assert len(shop.running(vendors.shop_home)) == 1
    vendors.stop()
    vendors.stop()
    assert shop.running(vendors.shop_home) == []
    for url in (vendors.jira.url, vendors.gitlab.url, vendors.slack.url, vendors.production_url):
        with pytest.raises(httpx.ConnectError):
            get(url)


def test_sandbox_up_does_not_empty_a_folder_of_somebody_else(cli: Cli) -> None:
    (cli.home / "letters").mkdir()
    (cli.home / "letters" / "dear.txt").write_text("dear")
    said = cli.run("sandbox", "up", "--home", "letters", "--first-port", "0")
    assert said.code == 2
    assert "letters holds other files" in said.err
    assert (cli.home / "letters" / "dear.txt").read_text() == "dear"


def test_sandbox_up_stays_until_ctrl_c_and_leaves_nothing_running(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [CONVEYOR, "sandbox", "up", "--first-port", "0", "--home", "box", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        up = first_json(child.stdout)
        assert get(f"{up['urls']['production']}/healthz").json()["version"] == "1.3.0"
        env_file = Path(up["env"])
        assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
        read = subprocess.run(
            ["bash", "-c", f"set -a; . {env_file}; exec env"], capture_output=True, text=True, check=True
        )
        assert f"CONVEYOR_JIRA_URL={up['urls']['jira']}" in read.stdout.splitlines()
        checked = subprocess.run([CONVEYOR, "policy", "check", up["policy"]], cwd=tmp_path, check=False)
        assert checked.returncode == 0
        os.kill(child.pid, signal.SIGINT)
        assert child.wait(timeout=20) == 0
    finally:
        child.kill()
        child.wait()
    assert shop.running(tmp_path / "box" / "shop") == []
