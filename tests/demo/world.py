"""The story's end, made by hand: the real sandbox vendors, driven by a person's API calls, no Conveyor.

Prefect and the command `conveyor` are stand-ins that say what they are told to say, over real HTTP and
as a real process.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from deployments.demo.checks import Account, Facts
from integrations.sandbox import shop
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.shop.changes import apply
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from tests.demo.standins import Prefect, write_command

Json = dict[str, Any]

NAMES = {
    "dora": "Dora (developer)",
    "emil": "Emil (developer)",
    "quinn": "Quinn (QA)",
    "mara": "Mara (manager)",
    "gerd": "Gerd (management)",
    "olli": "Olli (release)",
    "clara": "Clara (client)",
    "bot": "Conveyor",
}
PEOPLE = {
    slug: SandboxPerson(
        slug, name, f"{slug}@example.test", f"acc:{slug}", number, f"U{number}", f"token-{slug}",
        is_bot=slug == "bot", in_slack=slug != "clara",
    )
    for number, (slug, name) in enumerate(NAMES.items(), 11)
}  # fmt: skip

TITLES = {
    "gift": "Let me have my order wrapped as a gift",
    "search": "Search in the catalogue",
    "again": "Gift wrapping for orders",
    "sales": "Draw the sales of the week",
}
KEYS = {"gift": "SHOP-2", "search": "SHOP-3", "again": "SHOP-4", "sales": "SHOP-5", "incident": "SHOP-6"}
DEFERRED = "SHOP-1"
REASON = "It tells capitals from small letters."
REMOVAL_REASON = "its licence is being looked at"
LOCK_REASON = "the accounts are being closed"

_API_ONLY = "    - if: $CI_PIPELINE_SOURCE =~ /^(api|web|trigger)$/\n"


class World:
    """All of it; `stop` ends it. `facts` is what the checks are given."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        people = list(PEOPLE.values())
        self.jira = JiraSandbox(None, people, {"SHOP": "Shop"}, bursts=False)
        app = SlackAppSeed(bot_token=PEOPLE["bot"].token, signing_secret="unused")
        members = [slug for slug in NAMES if slug != "clara"]
        channels = {"releases": members, "planning": members}
        self.slack = SlackSandbox(people, channels, app, limits=False)
        self.staging, self.production = shop.free_ports(2)
        self.deployed = tmp / "deployed"
        self.deployed.mkdir()
        seed = ProjectSeed(
            "shop/shop",
            "Shop",
            seed_dir=_template(tmp / "template"),
            variables=shop.variables(self.deployed, self.staging, self.production),
            members=dict.fromkeys(NAMES, 40),
        )
        self.gitlab = GitLabSandbox(tmp / "gitlab", people, [seed])
        self.prefect = Prefect()
        self.said = tmp / "said"
        self.said.mkdir()
        self.facts = Facts(
            jira_url=self.jira.url,
            gitlab_url=self.gitlab.url,
            slack_url=self.slack.url,
            staging_url=f"http://127.0.0.1:{self.staging}",
            production_url=f"http://127.0.0.1:{self.production}",
            prefect_api_url=self.prefect.url,
            people={slug: Account(p.name, p.email, p.token) for slug, p in PEOPLE.items()},
            keys=KEYS,
            titles=TITLES,
            deferred=(DEFERRED,),
            return_reason=REASON,
            removal_reason=REMOVAL_REASON,
            lock_reason=LOCK_REASON,
            environment={"SAID": str(self.said)},
            conveyor=(sys.executable, "-S", "-E", str(write_command(tmp))),
        )
        self._http = httpx.Client(**LOOPBACK, timeout=30)
        self.work = tmp / "work"
        address = f"{self.gitlab.url}/shop/shop.git".replace("://", f"://olli:{PEOPLE['olli'].token}@")
        self._git(tmp, "clone", "-q", address, str(self.work))

    def stop(self) -> None:
        """End everything, the shop's processes too."""
        self._http.close()
        for each in (self.gitlab, self.jira, self.slack, self.prefect):
            each.stop()
        shop.stop_all(self.deployed)

    # the vendors, as a person calls them

    def on_gitlab(self, method: str, path: str, body: Json | None = None) -> Any:
        """GitLab's API of the shop, as Olli."""
        headers = {"PRIVATE-TOKEN": PEOPLE["olli"].token}
        return self._call(method, f"{self.gitlab.url}/api/v4/projects/1{path}", body, headers=headers)

    def on_jira(self, method: str, path: str, body: Json | None = None) -> Any:
        """Jira's API, as Olli."""
        login = (PEOPLE["olli"].email, PEOPLE["olli"].token)
        return self._call(method, f"{self.jira.url}/rest/api/2{path}", body, auth=login)

    def on_slack(self, method: str, body: Json) -> Any:
        """Slack's Web API, as the app."""
        headers = {"Authorization": f"Bearer {PEOPLE['bot'].token}"}
        answer = self._call("POST", f"{self.slack.api_url}{method}", body, headers=headers)
        assert answer["ok"], answer
        return answer

    def _call(self, method: str, url: str, body: Json | None, **how: Any) -> Any:
        answer = self._http.request(method, url, json=body, **how)
        assert answer.status_code < 400, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    # git and GitLab's CI

    def _git(self, folder: Path, *arguments: str) -> str:
        person = PEOPLE["olli"]
        env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.tmp), "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": person.name, f"GIT_{who}_EMAIL": person.email}
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        """git in Olli's clone."""
        return self._git(self.work, *arguments)

    def develop(self, branch: str, change: str, base: str) -> None:
        """A branch from `base` with the change, and its merge request, merged."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", branch, f"origin/{base}")
        apply(change, self.work)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"{branch}: {change}")
        self.git("push", "-q", "origin", branch)
        self.merge(branch, base)

    def merge(self, source: str, target: str) -> None:
        """A merge request, merged."""
        body = {"source_branch": source, "target_branch": target, "title": source}
        iid = self.on_gitlab("POST", "/merge_requests", body)["iid"]
        self.on_gitlab("PUT", f"/merge_requests/{iid}/merge", {})

    def without(self, branch: str, merge: str, name: str) -> None:
        """A branch `name` from `branch` on which the commit `merge` is reverted."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", name, f"origin/{branch}")
        self.git("revert", "--no-edit", "-m", "1", merge)
        self.git("push", "-q", "origin", name)

    def tag(self, name: str, ref: str) -> None:
        """A tag on what `ref` is now."""
        self.on_gitlab("POST", "/repository/tags", {"tag_name": name, "ref": ref, "message": name})

    def step(self, ref: str, step: str, op: str = "", *, rollback: bool = False) -> int:
        """Run the pipeline of one step to its end; its id."""
        given = {"CONVEYOR_STEP": step, "CONVEYOR_OP": op}
        given |= {"CONVEYOR_ROLLBACK": "true"} if rollback else {}
        rows = [{"key": key, "value": value} for key, value in given.items() if value]
        started = self.on_gitlab("POST", "/pipeline", {"ref": ref, "variables": rows})["id"]
        ended = self.until(
            lambda: self.on_gitlab("GET", f"/pipelines/{started}"),
            lambda pipeline: pipeline["status"] in ("success", "failed", "canceled", "skipped"),
        )
        assert ended["status"] == "success", ended
        return started

    def until(self, look: Callable[[], Any], fits: Callable[[Any], bool], within_s: float = 60) -> Any:
        """The first look that fits."""
        end = time.monotonic() + within_s
        while not fits(seen := look()):
            assert time.monotonic() < end, seen
            time.sleep(0.02)
        return seen

    def sha(self, name: str) -> str:
        """The commit of a tag or branch on GitLab."""
        return self.on_gitlab("GET", f"/repository/commits/{name.replace('/', '%2F')}")["id"]

    # Jira and Slack

    def walk(self, key: str, *statuses: str) -> None:
        """Move the issue through these statuses."""
        for status in statuses:
            ways = self.on_jira("GET", f"/issue/{key}/transitions")["transitions"]
            way = next(way["id"] for way in ways if way["to"]["name"] == status)
            self.on_jira("POST", f"/issue/{key}/transitions", {"transition": {"id": way}})

    def post(
        self,
        channel: str,
        text: str,
        *sections: str,
        op: str = "",
        edited: bool = False,
        button: Json | None = None,
    ) -> str:
        """A message of the app; its ts. `channel` by its name, or a person's slug for a direct one."""
        target = PEOPLE[channel].slack_id if channel in PEOPLE else self.slack.channel_id(channel)
        blocks: list[Json] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": said}} for said in sections
        ]
        if button is not None:
            blocks.append({"type": "actions", "elements": [button]})
        payload = {"event_type": "op", "event_payload": {"op_key": op or f"{channel}:{text}"}}
        body = {"channel": target, "text": text, "blocks": blocks, "metadata": payload}
        sent = self.on_slack("chat.postMessage", body)
        if edited:
            self.on_slack("chat.update", {**body, "channel": sent["channel"], "ts": sent["ts"]})
        return sent["ts"]


def _template(folder: Path) -> Path:
    """The shop's first content, with a CI that runs only what is asked for: people's pushes start nothing."""
    shutil.copytree(shop.template_dir(), folder)
    ci = folder / ".gitlab-ci.yml"
    head, _, rest = ci.read_text().partition("  rules:\n")
    _, found, tail = rest.partition(_API_ONLY)
    assert found
    ci.write_text(f"{head}  rules:\n{_API_ONLY}{tail}")
    return folder
