"""A sandbox GitLab with one small project, a person who works in it, and our client."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from integrations.gitlab import GitLabClient
from integrations.gitlab.models import Pipeline
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import HookSeed, ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.people import SandboxPerson
from integrations.settings import GitLabSettings

T = TypeVar("T")
P = 1  # the project's id
OVER = ("success", "failed", "canceled", "skipped")

CI = """\
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "api"
stages: [test, deploy]
unit:
  stage: test
  script:
    - echo "total 87.5%"
    - mkdir reports
    - cp junit.xml reports/junit.xml
    - test "$FAIL" != "yes"
  coverage: '/total (\\d+\\.\\d+)%/'
  artifacts:
    when: always
    paths: [reports/]
    reports:
      junit: reports/junit.xml
patience:
  stage: test
  script: [sleep 60]
  rules:
    - if: $SLOW == "yes"
deploy:
  stage: deploy
  script: [echo deployed]
  when: manual
  environment:
    name: staging
    url: http://127.0.0.1:1/
"""
JUNIT = """\
<testsuites><testsuite name="shop" tests="3" failures="1" skipped="1" time="1.5">
<testcase classname="shop" name="adds" time="0.5"/>
<testcase classname="shop" name="pays" time="0.5"><failure>no</failure></testcase>
<testcase classname="shop" name="waits" time="0.5"><skipped/></testcase>
</testsuite></testsuites>
"""


def person(name: str, number: int, *, is_bot: bool = False, active: bool = True) -> SandboxPerson:
    email = f"{name}@example.test"
    ids = (f"j{number}", number, f"U{number}", f"tok-{name}")
    return SandboxPerson(name, name.title(), email, *ids, is_bot, active=active)


BOT, ANA, GONE = person("bot", 11, is_bot=True), person("ana", 12), person("gone", 13, active=False)


class World:
    """`gitlab` is our client as the bot (a Maintainer); `ana` (a Developer) works over plain HTTP."""

    def __init__(self, home: Path, hooks: Sequence[HookSeed] = (), per_minute: int | None = None) -> None:
        seed = home / "seed"
        seed.mkdir(parents=True)
        (seed / ".gitlab-ci.yml").write_text(CI)
        (seed / "junit.xml").write_text(JUNIT)
        (seed / "README.md").write_text("A shop.\n")
        (seed / "docs").mkdir()
        (seed / "docs" / "größe.txt").write_text("äöü\n")
        members = {"bot": 40, "ana": 30}
        project = ProjectSeed("group/shop", "shop", seed_dir=seed, members=members)
        self.sandbox = GitLabSandbox(home, [BOT, ANA, GONE], [project], hooks=hooks, per_minute=per_minute)
        self.url = self.sandbox.url
        self.gitlab = self.client()
        headers = {"PRIVATE-TOKEN": ANA.token}
        self.ana = httpx.Client(
            base_url=f"{self.url}/api/v4/projects/{P}", headers=headers, timeout=10, **LOOPBACK
        )
        self.outside = httpx.Client(base_url=self.url, timeout=10, **LOOPBACK)
        self._names = itertools.count(1)

    def client(self, *, timeout_s: float = 10.0, token: str = BOT.token) -> GitLabClient:
        values = {"url": self.url, "token": token, "timeout_s": timeout_s}
        return GitLabClient(GitLabSettings.model_validate(values))

    def stop(self) -> None:
        self.gitlab.close()
        self.ana.close()
        self.outside.close()
        self.sandbox.stop()

    def name(self, word: str = "feature") -> str:
        """A name that nothing in the project has."""
        return f"{word}/{next(self._names)}"

    def head(self, ref: str = "main") -> str:
        """The commit at `ref`, asked for without our client."""
        return str(self.read(f"/repository/commits/{ref.replace('/', '%2F')}")["id"])

    def commit(self, branch: str, message: str = "Work", **files: str) -> str:
        """Ana commits `files` to `branch` (begun from main if it is new); the sha."""
        known = self.ana.get(f"/repository/branches/{branch.replace('/', '%2F')}").status_code == 200
        given = files or {f"file{next(self._names)}.txt": "text\n"}
        actions = [{"action": "create", "file_path": path, "content": text} for path, text in given.items()]
        body: dict[str, Any] = {"branch": branch, "commit_message": message, "actions": actions}
        if not known:
            body["start_branch"] = "main"
        return str(self._json(self.ana.post("/repository/commits", json=body))["id"])

    def read(self, path: str) -> Any:
        """What the project's API says at `path`, asked for without our client."""
        return self._json(self.ana.get(path))

    def write(self, path: str, **body: Any) -> Any:
        """Ana POSTs `body`."""
        return self._json(self.ana.post(path, json=body))

    def fault(self, match: str, do: str, **more: Any) -> None:
        """Order a misfortune (`integrations.sandbox.faults`) for requests below the project."""
        method, _, path = match.partition(" ")
        where = f"{method} /api/v4/projects/{P}{path}"
        answer = self.outside.post("/_sandbox/faults", json={"match": where, "do": do, **more})
        assert answer.status_code == 201, answer.text

    def requests(self, method: str = "POST") -> list[str]:
        """The paths that were asked with `method` since `forget`."""
        seen = self.outside.get("/_sandbox/requests").json()
        return [each["path"] for each in seen if each["method"] == method and each["actor"] in ("", "bot")]

    def forget(self) -> None:
        """Begin counting anew; nothing that was ordered goes wrong any more."""
        self.outside.delete("/_sandbox/requests")
        self.outside.delete("/_sandbox/faults")

    def pipeline(self, *status: str, pipeline_id: int, timeout_s: float = 30.0) -> Pipeline:
        """The pipeline as soon as its status is one of these (default: it is over)."""
        wanted = status or OVER
        return until(
            lambda: self.gitlab.pipelines.get(P, pipeline_id), lambda found: found.status in wanted, timeout_s
        )

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


def until(read: Callable[[], T], good: Callable[[T], bool], timeout_s: float = 30.0) -> T:
    """What `read` gives as soon as it is `good`; fails when the time is up."""
    end = time.monotonic() + timeout_s
    while not good(found := read()):
        assert time.monotonic() < end, f"still {found!r}"
        threading.Event().wait(0.05)
    return found
