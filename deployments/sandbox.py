"""The three vendors and the shop, seeded and wired to a gateway: for the demo, the tests and a laptop."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml

from deployments import sandbox_policy
from deployments.sandbox_policy import CAST, CHANNELS, GITLAB_PATH, JIRA_KEY, Scale
from integrations.errors import Terminal, Transient
from integrations.sandbox import shop
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import HookSeed, ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox, WebhookTarget
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox

FIRST_VERSION = "1.3.0"
"""What production runs when the story begins."""

_BACKLOG = (
    ("Show in the cart when an order will arrive", 20),
    ("Print the invoice of an order", 9),
)


@dataclass(frozen=True)
class Ports:
    """Loopback ports; 0 takes a free one."""

    jira: int = 0
    gitlab: int = 0
    slack: int = 0
    staging: int = 0
    production: int = 0


class SandboxVendors:
    """Jira, GitLab, Slack and the shop, serving from construction until `stop`; everything below `home`.

    The vendors tell the gateway at `gateway_url`, which may be started later. Production gets 1.3.0 by a
    pipeline of its own, in the background: `wait_production` says when it serves. `tokens` and `people`
    go by the people's slugs; a token is valid at all three vendors.
    """

    def __init__(
        self,
        home: Path,
        *,
        jira: Literal["cloud", "server"] = "cloud",
        ports: Ports | None = None,
        gateway_url: str,
        policy_out: Path,
        scale: Scale = "demo",
    ) -> None:
        ports = ports or Ports()
        self.home = home.resolve()
        self.shop_home = self.home / "shop"
        self.policy_path = policy_out.resolve()
        self._gateway_url = gateway_url.rstrip("/")
        self._flavor: Literal["cloud", "server"] = jira
        self._scale: Scale = scale
        self._prometheus_url = ""
        self._secrets = {name: secrets.token_hex(16) for name in ("jira", "gitlab", "slack", "link")}
        self.tokens = {slug: f"sandbox-{slug}-{secrets.token_hex(8)}" for slug in CAST}
        self._cast = sandbox_policy.people(self.tokens)
        self.people = {person.id: person for person in self._cast}
        free = shop.free_ports(4)
        self.staging_url = f"http://127.0.0.1:{ports.staging or free[0]}"
        self.production_url = f"http://127.0.0.1:{ports.production or free[1]}"
        self._stops: list[Callable[[], None]] = [lambda: shop.stop_all(self.shop_home)]
        try:
            self.jira = self._start_jira(ports.jira)
            self.slack = self._start_slack(ports.slack)
            self.gitlab = self._start_gitlab(
                ports.gitlab, ports.staging or free[0], ports.production or free[1], free[2], free[3]
            )
            self.policy()
        except BaseException:
            self.stop()
            raise
        self._failure = ""
        self._seeding = threading.Thread(target=self._first_release, name="sandbox:seeding", daemon=True)
        self._seeding.start()

    def environment(self) -> dict[str, str]:
        """Every `CONVEYOR_*` variable that a process of ours needs to work with these vendors."""
        return {
            "CONVEYOR_HOME": str(self.home),
            "CONVEYOR_POLICY": str(self.policy_path),
            "CONVEYOR_PUBLIC_URL": self._gateway_url,
            "CONVEYOR_LINK_SECRET": self._secrets["link"],
            "CONVEYOR_JIRA_URL": self.jira.url,
            "CONVEYOR_JIRA_USER": self.people["bot"].email,
            "CONVEYOR_JIRA_TOKEN": self.tokens["bot"],
            "CONVEYOR_JIRA_FLAVOR": self._flavor,
            "CONVEYOR_JIRA_WEBHOOK_SECRET": self._secrets["jira"],
            "CONVEYOR_GITLAB_URL": self.gitlab.url,
            "CONVEYOR_GITLAB_TOKEN": self.tokens["bot"],
            "CONVEYOR_GITLAB_WEBHOOK_TOKEN": self._secrets["gitlab"],
            "CONVEYOR_SLACK_API_URL": self.slack.api_url,
            "CONVEYOR_SLACK_BOT_TOKEN": self.tokens["bot"],
            "CONVEYOR_SLACK_SIGNING_SECRET": self._secrets["slack"],
            "CONVEYOR_SLACK_UI_URL": self.slack.url,
            "CONVEYOR_PROMETHEUS_URL": self._prometheus_url,
        }

    def watch_by(self, prometheus_url: str) -> None:
        """Have the watch ask that Prometheus too: for what reads policy and `environment` from now on."""
        self._prometheus_url = prometheus_url
        self.policy()

    def policy(self) -> dict[str, Any]:
        """The policy with these vendors' own ids, also written to `policy_out`."""
        data = sandbox_policy.policy(
            self._cast,
            {name: self.slack.channel_id(name) for name in CHANNELS},
            self.gitlab_project,
            {"staging": self.staging_url, "production": self.production_url},
            self._scale,
            prometheus=bool(self._prometheus_url),
        )
        logs = {name: f"file:{self.shop_home / name / 'shop.log'}" for name in ("staging", "production")}
        contract = {"health": "/healthz", "metrics": "/metrics", "json_logs": True}
        data["projects"][0] |= {"logs": logs, "runtime": contract}
        self.policy_path.parent.mkdir(parents=True, exist_ok=True)
        header = "# Written by the sandbox for its own people and ids; conveyor.example.yaml explains it.\n"
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        self.policy_path.write_text(header + text, encoding="utf-8")
        return data

    @property
    def gitlab_project(self) -> int:
        """GitLab's id of the shop."""
        return self.gitlab.instance.project(GITLAB_PATH).project_id

    def wait_production(self, within_s: float = 60) -> None:
        """Return as soon as production serves 1.3.0.

        Raises:
            Transient: it does not after `within_s`, or its pipeline failed.
        """
        self._seeding.join(within_s)
        if self._failure or self._seeding.is_alive():
            raise Transient("sandbox", "deploy", FIRST_VERSION, detail=self._failure or "not yet")

    def stop(self) -> None:
        """End the vendors, their jobs and the shop's processes; a second call does nothing."""
        while self._stops:
            self._stops.pop()()

    def _start_jira(self, port: int) -> JiraSandbox:
        target = WebhookTarget(f"{self._gateway_url}/jira/webhook", self._secrets["jira"])
        jira = JiraSandbox(
            None,
            self._cast,
            {JIRA_KEY: "Shop"},
            flavor=self._flavor,
            port=port,
            webhooks=[target],
            # Seconds for minutes: what happens before the gateway is up still reaches it.
            retry_pause_scale=0.01,
        )
        self._stops.append(jira.stop)
        now = datetime.now(UTC)
        reports = [{"title": t, "created": (now - timedelta(days=d)).isoformat()} for t, d in _BACKLOG]
        jira.load_backlog([json.dumps(report) for report in reports], JIRA_KEY)
        return jira

    def _start_slack(self, port: int) -> SlackSandbox:
        app = SlackAppSeed(
            bot_token=self.tokens["bot"],
            signing_secret=self._secrets["slack"],
            interactivity_url=f"{self._gateway_url}/slack/interactivity",
            commands_url=f"{self._gateway_url}/slack/commands",
            events_url=f"{self._gateway_url}/slack/events",
        )
        slack = SlackSandbox(self._cast, CHANNELS, app, port)
        self._stops.append(slack.stop)
        return slack

    def _start_gitlab(self, port: int, staging: int, production: int, dev: int, test: int) -> GitLabSandbox:
        seed = ProjectSeed(
            GITLAB_PATH,
            "shop",
            seed_dir=shop.template_dir(),
            variables=shop.variables(self.shop_home, staging, production, dev_port=dev, test_port=test),
            members={slug: level for slug, (_, _, level) in CAST.items() if level},
            scopes={"SHOP_PRODUCTION_PORT": "production", "SHOP_PRODUCTION_URL": "production"},
        )
        gitlab = GitLabSandbox(self.home / "gitlab", self._cast, [seed], port)
        self._stops.append(gitlab.stop)
        api = f"{gitlab.url}/api/v4/projects/1"
        with httpx.Client(headers=self._as("olli"), **LOOPBACK, timeout=10) as olli:
            tag = {"tag_name": FIRST_VERSION, "ref": "main", "message": f"Release {FIRST_VERSION}"}
            olli.post(f"{api}/repository/tags", json=tag).raise_for_status()
        # From here on the gateway is told; the first tag was before its time.
        hook = HookSeed(GITLAB_PATH, f"{self._gateway_url}/gitlab/webhook", self._secrets["gitlab"])
        gitlab.instance.add_hook(hook)
        return gitlab

    def _as(self, slug: str) -> dict[str, str]:
        return {"PRIVATE-TOKEN": self.tokens[slug]}

    def _first_release(self) -> None:
        """Verify and deploy the first version, as its team would have done."""
        api = f"{self.gitlab.url}/api/v4/projects/{self.gitlab_project}"
        try:
            with httpx.Client(headers=self._as("olli"), **LOOPBACK, timeout=10) as olli:
                for step in ("verify", "production"):
                    _run(olli, api, step)
        except (httpx.HTTPError, Terminal) as error:
            self._failure = str(error)


def _run(client: httpx.Client, api: str, step: str, within_s: float = 60) -> None:
    body = {"ref": FIRST_VERSION, "variables": [{"key": "CONVEYOR_STEP", "value": step}]}
    started = client.post(f"{api}/pipeline", json=body).raise_for_status().json()
    deadline = time.monotonic() + within_s
    status = ""
    while status not in ("success", "failed", "canceled", "skipped") and time.monotonic() < deadline:
        time.sleep(0.05)
        status = client.get(f"{api}/pipelines/{started['id']}").raise_for_status().json()["status"]
    if status != "success":
        raise Terminal("sandbox", step, started["web_url"], detail=status)
