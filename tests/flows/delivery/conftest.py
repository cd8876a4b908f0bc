"""The sandbox with the shop in production, real git and real jobs; stages are walked as a release's run does.

Prefect is a stand-in that only says its version: a task needs no more of it outside of a flow.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import prefect as prefect_package
import pytest
import yaml
from prefect.events.clients import NullEventsClient
from prefect.events.worker import EventsWorker
from prefect.logging import disable_run_logger
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)

from deployments.sandbox import FIRST_VERSION, SandboxVendors
from deployments.sandbox_policy import GITLAB_PATH
from integrations.sandbox.faults import Fault
from integrations.sandbox.gitlab.ci.engine import Ci
from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from lifecycle.release import Release
from lifecycle.workflow import Status
from tasks import context, occupying
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait, new_events
from tests.flows import certificates
from tests.flows.conftest import forget
from tests.ledgers import lay

NOBODY = "http://127.0.0.1:1"
Stage = Callable[[ReleaseWalk], Wait | None]
_NUMBERS = count(1)


class _Version(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(prefect_package.__version__).encode() if self.path.endswith("/version") else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base says
        del format, args


@pytest.fixture(scope="module")
def no_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tasks can be called; no server keeps what they did."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Version)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    EventsWorker.set_client_override(NullEventsClient)
    url = f"http://127.0.0.1:{server.server_port}/api"
    settings: dict[Any, Any] = {
        PREFECT_API_URL: url,
        PREFECT_API_SSL_CERT_FILE: certificates.one(tmp_path_factory.mktemp("certificates")),
        PREFECT_LOGGING_LEVEL: "CRITICAL",
    }
    with temporary_settings(settings), disable_run_logger():
        yield
    server.shutdown()
    server.server_close()


class Shop:
    """The shop's GitLab, its two environments, and releases of it on the ledger."""

    def __init__(self, vendors: SandboxVendors) -> None:
        self.vendors = vendors
        self.api = httpx.Client(
            base_url=f"{vendors.gitlab.url}/api/v4/projects/{vendors.gitlab_project}/",
            headers={"PRIVATE-TOKEN": vendors.tokens["olli"]},
            **LOOPBACK,
            timeout=30,
        )
        self.first = self.sha_of(FIRST_VERSION)
        self.second = self.commit("feature", "shop/extra.py", "EXTRA = 1\n")
        self.tag("package-1", self.second)
        self.run("package-1", "verify")

    def sha_of(self, ref: str) -> str:
        """The commit that a ref names in GitLab."""
        return str(self.api.get(f"repository/commits/{ref}").raise_for_status().json()["id"])

    def third(self) -> str:
        """One commit more, packaged."""
        made = self.commit("feature-2", "shop/more.py", "MORE = 1\n", self.second)
        self.tag("package-2", made)
        assert self.run("package-2", "verify") == "success"
        return made

    def commit(self, branch: str, path: str, text: str, start: str = "") -> str:
        """One commit on a new branch off `start`, or else off the first version."""
        actions = [{"action": "create", "file_path": path, "content": text}]
        onto = {"branch": branch, "start_sha": start or self.first}
        body = {**onto, "commit_message": f"Add {path}", "actions": actions}
        return str(self.api.post("repository/commits", json=body).raise_for_status().json()["id"])

    def tag(self, name: str, sha: str) -> None:
        """Tag a commit."""
        self.api.post("repository/tags", json={"tag_name": name, "ref": sha}).raise_for_status()

    def untag(self, name: str) -> None:
        """Delete a tag."""
        self.api.delete(f"repository/tags/{name}").raise_for_status()

    def run(self, ref: str, step: str) -> str:
        """Run one step's pipeline to its end, as somebody by hand; its status."""
        return self.end(self.begin(ref, step))

    def begin(self, ref: str, step: str) -> int:
        """Start one step's pipeline, as somebody by hand; its id."""
        body = {"ref": ref, "variables": [{"key": "CONVEYOR_STEP", "value": step}]}
        return int(self.api.post("pipeline", json=body).raise_for_status().json()["id"])

    def stage(self, ref: str, sha: str) -> None:
        """Have staging serve that commit; nothing is deployed where it does already."""
        if occupying.serves(self.vendors.gitlab_project, "staging") != sha:
            assert self.run(ref, "staging") == "success"

    def end(self, pipeline_id: int) -> str:
        """The status that the pipeline ends with, as soon as it does."""
        ci = self.vendors.gitlab.instance.project(GITLAB_PATH).ci
        assert isinstance(ci, Ci)
        return ci.wait(pipeline_id)

    @staticmethod
    def until(look: Callable[[], Any], within_s: float = 30) -> Any:
        """The first thing seen that is not false."""
        end = time.monotonic() + within_s
        while not (seen := look()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return seen

    def serves(self, environment: str = "production") -> str:
        """The commit that the shop itself says it runs."""
        url = {"production": self.vendors.production_url, "staging": self.vendors.staging_url}[environment]
        return str(httpx.get(f"{url}/healthz", **LOOPBACK).json()["sha"])

    def comments(self, key: str) -> list[str]:
        """What was said on the issue, in order."""
        login = (self.vendors.people["olli"].email, self.vendors.tokens["olli"])
        url = f"{self.vendors.jira.url}/rest/api/2/issue/{key}/comment"
        answer = httpx.get(url, auth=login, **LOOPBACK).raise_for_status().json()
        return [each["body"] for each in answer["comments"]]

    def pipelines(self, ref: str) -> int:
        """How many pipelines ran on this ref."""
        return len(self.api.get("pipelines", params={"ref": ref}).raise_for_status().json())

    def issue(self, title: str, status: Status = Status.WAITING_RELEASE) -> str:
        """A Jira issue that has come as far as `status`."""
        key = context.jira().create_issue("SHOP", "Task", title, "", op_key=f"{title} {next(_NUMBERS)}")
        for step in list(Status)[1:]:
            context.jira().transition(key, step.value)
            if step is status:
                break
        return key

    def status(self, key: str) -> str:
        """Where the issue stands in Jira."""
        return context.jira().issue(key).status

    def signed(
        self, *keys: str, sha: str = "", group: str = "", now: datetime | None = None, **verified: Any
    ) -> str:
        """A release of `keys` that every step let by, of the second commit; its stream."""
        version = f"2.{next(_NUMBERS)}.0"
        sha, stream, issues = sha or self.second, f"release:shop:{version}", keys or ("SHOP-1",)
        branch = {"branch": f"release/{version}", "ref": sha}
        planned = e.Planned(
            project="shop", version=version, issues=issues, base="main", plan_hash="p", group=group
        )
        self.api.post("repository/branches", json=branch).raise_for_status()
        self.tag(f"{version}-rc.1", sha)
        self.stage(f"{version}-rc.1", sha)
        self.tell(
            stream,
            planned,
            e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=sha, branch=f"release/{version}"),
            e.CandidateVerified(number=1, pipeline_id=1, url="http://gitlab.example/pipelines/1", **verified),
            e.Staged(number=1, sha=sha, url="", pipeline_id=2),
            *(
                e.StepOverridden(
                    step=step.id, number=1, person="gerd", role="management", reason="test", door="cli"
                )
                for step in context.policy().steps
            ),
            *(e.StepPassed(step=step.id, number=1) for step in context.policy().steps),
            now=now,
        )
        return stream

    @staticmethod
    def tell(stream: str, *facts: e.ReleaseEvent, now: datetime | None = None) -> None:
        """Put facts on the ledger."""
        context.ledger().append(stream, new_events(stream, facts), now=now or datetime.now(UTC))

    @staticmethod
    def walk(stream: str, *stages: Stage, now: datetime | None = None) -> ReleaseWalk:
        """One pass over these stages."""
        walk = ReleaseWalk(stream, now or datetime.now(UTC), lambda: None)
        for stage in stages:
            walk.step(stage)
        return walk

    def walk_on(
        self, stream: str, *stages: Stage, until: str = "", ahead: timedelta = timedelta(0)
    ) -> ReleaseWalk:
        """Pass after pass, as the webhooks would wake it, until it waits for something but a pipeline.

        With `until` until it waits so; the clock of the walks is `ahead` of ours.
        """

        def settled() -> ReleaseWalk | None:
            walk = self.walk(stream, *stages, now=datetime.now(UTC) + ahead)
            name, message = (walk.waiting.name, walk.waiting.message) if walk.waiting else ("", "")
            runs = name in _AWAITED and _PIPELINE.search(message)
            if runs:
                self.end(int(runs[1]))
            moving = runs or walk.revision != before[0]
            before[0] = walk.revision
            return None if moving or (until and name != until) else walk

        before = [-1]
        found = self.until(settled)
        assert isinstance(found, ReleaseWalk)
        return found

    @staticmethod
    def release(stream: str) -> Release:
        """The release as the ledger has it."""
        return ReleaseWalk(stream, datetime.now(UTC), lambda: None).release

    def said(self) -> str:
        """Everything in the channel of the releases, as JSON."""
        channel = context.policy().project("shop").channel
        answer = httpx.post(
            f"{self.vendors.slack.api_url}conversations.history",
            data={"channel": channel, "limit": "200"},
            headers={"Authorization": f"Bearer {self.vendors.tokens['bot']}"},
            **LOOPBACK,
        )
        return answer.raise_for_status().text

    def fail(self, match: str, do: str) -> None:
        """Order a misfortune for GitLab's next request that matches."""
        self.vendors.gitlab.faults.order(Fault(match, do))


_PIPELINE = re.compile(r"/pipelines/(\d+)$")
_AWAITED = {f"Awaiting {what}" for what in ("production", "rollback", "rehearsal", "staging")}


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory, no_prefect: None) -> Iterator[SandboxVendors]:
    del no_prefect
    home = tmp_path_factory.mktemp("sandbox")
    made = SandboxVendors(home, gateway_url=NOBODY, policy_out=home / "conveyor.yaml", scale="real")
    made.wait_production()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def town(vendors: SandboxVendors) -> Iterator[Shop]:
    made = Shop(vendors)
    yield made
    made.api.close()


@pytest.fixture
def shop(town: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop, the first version in production; a ledger and a policy of the test's own."""
    policy = tmp_path / "conveyor.yaml"
    policy.write_text(town.vendors.policy_path.read_text())
    own = {"CONVEYOR_HOME": str(tmp_path), "CONVEYOR_POLICY": str(policy)}
    for name, value in {**town.vendors.environment(), **own}.items():
        monkeypatch.setenv(name, value)
    lay(tmp_path)
    forget()
    if town.serves() != town.first:
        assert town.run(FIRST_VERSION, "production") == "success"
    yield town
    context.ledger().close()
    forget()


@pytest.fixture
def rule(shop: Shop) -> Callable[..., None]:
    """Change the project's or (with `top`) the policy's fields."""
    del shop

    def change(*, top: dict[str, Any] | None = None, **project: Any) -> None:
        path = Path(context.settings().policy)
        data = yaml.safe_load(path.read_text())
        data |= top or {}
        data["projects"][0] |= project
        path.write_text(yaml.safe_dump(data))

    return change


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
