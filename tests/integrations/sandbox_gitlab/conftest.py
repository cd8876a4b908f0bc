"""A GitLab with one project and four people, a listener for its webhooks, and git for two of them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import HookSeed, ProjectSeed
from integrations.sandbox.http import LOOPBACK, Server
from integrations.sandbox.people import SandboxPerson


def person(number: int, name: str) -> SandboxPerson:
    slug = name.lower()
    return SandboxPerson(
        slug, name, f"{slug}@example.test", f"acc-{number}", 100 + number, f"U{number}", f"token-{slug}"
    )


PEOPLE = {
    each.id: each for each in (person(n, name) for n, name in enumerate(("May", "Dev", "Rep", "Out"), 1))
}
SIGNING = "whsec_c2FuZGJveC1zaWduaW5nLWtleQ=="


@dataclass
class Hook:
    """One webhook as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


class Listener:
    """Takes webhooks; `wait` gives the next that fits."""

    def __init__(self) -> None:
        self.queue: queue.Queue[Hook] = queue.Queue()
        self.status = 200
        self._server = Server(Starlette(routes=[Route("/hook", self._take, methods=["POST"])]))
        self.url = f"{self._server.url}/hook"

    async def _take(self, request: Request) -> Response:
        self.queue.put(Hook(dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    def wait(self, event: str = "", **attributes: object) -> Hook:
        """The next webhook of this kind whose `object_attributes` have these values; others are dropped."""
        while True:
            hook = self.queue.get(timeout=10)
            seen = hook.json.get("object_attributes") or hook.json
            if event in ("", hook.headers["x-gitlab-event"]) and all(
                seen.get(name) == value for name, value in attributes.items()
            ):
                return hook

    def stop(self) -> None:
        self._server.stop()


class Git:
    """A clone of one person's."""

    def __init__(self, folder: Path, who: SandboxPerson) -> None:
        self.folder = folder
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": who.name,
            "GIT_AUTHOR_EMAIL": who.email,
            "GIT_COMMITTER_NAME": who.name,
            "GIT_COMMITTER_EMAIL": who.email,
        }

    def __call__(self, *arguments: str, ok: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self._env, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is ok, done.stderr
        return done.stdout.strip() if ok else done.stderr

    def commit(self, path: str, content: str, message: str) -> str:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(content)
        self("add", "-A")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")


class World:
    """The sandbox and how to reach it."""

    def __init__(self, tmp: Path, hooks: bool = True, per_minute: int | None = None) -> None:
        seed = tmp / "seed"
        (seed / "bin").mkdir(parents=True)
        (seed / "README.md").write_text("The shop.\n")
        (seed / "bin" / "run").write_text("#!/bin/sh\n")
        (seed / "bin" / "run").chmod(0o755)
        self.tmp = tmp
        self.listener = Listener()
        project = ProjectSeed("shop/shop", "Shop", seed_dir=seed, members={"may": 40, "dev": 30, "rep": 20})
        hook = HookSeed("shop/shop", self.listener.url, "hook-secret", SIGNING)
        self.gitlab = GitLabSandbox(
            tmp / "home",
            list(PEOPLE.values()),
            [project],
            hooks=[hook] if hooks else [],
            per_minute=per_minute,
        )
        self.url = self.gitlab.url

    def api(self, who: str = "may") -> httpx.Client:
        """A client at the project's root."""
        token = PEOPLE[who].token
        return httpx.Client(
            base_url=f"{self.url}/api/v4/projects/1", headers={"PRIVATE-TOKEN": token}, **LOOPBACK
        )

    def address(self, who: str) -> str:
        """Where this person clones from."""
        return self.url.replace("://", f"://{who}:{PEOPLE[who].token}@") + "/shop/shop.git"

    def clone(self, who: str) -> Git:
        folder = self.tmp / who
        folder.mkdir(exist_ok=True)
        Git(folder, PEOPLE[who])("clone", "-q", self.address(who), "shop")
        return Git(folder / "shop", PEOPLE[who])

    def git(self, folder: Path) -> Git:
        """git in some folder, without a login."""
        return Git(folder, PEOPLE["out"])

    @property
    def bare(self) -> Git:
        return Git(self.tmp / "home" / "repositories" / "shop" / "shop.git", PEOPLE["may"])

    def stop(self) -> None:
        self.gitlab.stop()
        self.listener.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.stop()


@pytest.fixture
def may(world: World) -> Iterator[httpx.Client]:
    """The Maintainer's client, at the project's root."""
    with world.api("may") as client:
        yield client


@pytest.fixture
def dev(world: World) -> Iterator[httpx.Client]:
    """The Developer's client, at the project's root."""
    with world.api("dev") as client:
        yield client
