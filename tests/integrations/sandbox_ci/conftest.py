"""A project of its own for each test: a bare repository, a CI, its API over real HTTP."""

from __future__ import annotations

import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.gitlab.ci.engine import Ci
from integrations.sandbox.gitlab.host import Event
from integrations.sandbox.http import LOOPBACK, Server

_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(directory: Path, *arguments: str) -> str:
    """The output of one git command."""
    done = subprocess.run(
        ["git", "-C", str(directory), *_AUTHOR, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class LocalProject:
    """A `CiHost` on a bare repository; what the CI tells it is gathered in `events` and `changes`."""

    project_id = 1
    path = "shop/shop"
    api_url = "http://127.0.0.1:1/api/v4"
    web_url = "http://127.0.0.1:1/shop/shop"

    def __init__(self, root: Path) -> None:
        self.repository = root / "shop.git"
        self.work = root / "work"
        self.secrets: dict[str, str] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.changes: list[tuple[int, str, str, str]] = []
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.repository)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.repository), str(self.work)], check=True, stderr=-3)
        git(self.work, "checkout", "-q", "-b", "main")

    def commit_files(self, files: Mapping[str, str], *, branch: str = "main", message: str = "change") -> str:
        """Commit `files` on `branch`, push it, and answer the sha."""
        if git(self.work, "branch", "--show-current") != branch:
            git(self.work, "checkout", "-q", "-B", branch)
        for name, text in files.items():
            target = self.work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text))
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        git(self.work, "push", "-q", "origin", branch)
        return git(self.work, "rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """Tag the head of the working copy, and push the tag."""
        git(self.work, "tag", name)
        git(self.work, "push", "-q", "origin", name)

    def variables(self, environment: str = "") -> Mapping[str, str]:
        return dict(self.secrets)

    def resolve(self, ref: str) -> tuple[str, bool]:
        tags = git(self.repository, "tag", "--list", ref)
        try:
            return git(self.repository, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}"), bool(tags)
        except subprocess.CalledProcessError:
            raise KeyError(ref) from None

    def user(self, gitlab_id: int) -> Mapping[str, object]:
        name = f"user{gitlab_id}"
        return {"id": gitlab_id, "username": name, "name": name, "state": "active", "avatar_url": None}

    def commit(self, sha: str) -> Mapping[str, object]:
        return {"id": sha, "short_id": sha[:8], "title": "change", "message": "change\n"}

    def protected(self, ref: str) -> bool:
        return ref == "main"

    def emit(self, event: Event, payload: Mapping[str, object]) -> None:
        self.events.append((event, dict(payload)))

    def pipeline_changed(self, pipeline_id: int, sha: str, ref: str, status: str) -> None:
        self.changes.append((pipeline_id, sha, ref, status))


class _LetIn:
    """In place of the sandbox's own authentication: everybody is user 7, unless a header says who."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        scope["state"] = {
            "user_id": int(headers.get(b"x-user", b"7")),
            "access_level": int(headers.get(b"x-level", b"40")),
        }
        await self._app(scope, receive, send)


class Bench:
    """What a test works with."""

    def __init__(self, project: LocalProject, ci: Ci, api: httpx.Client) -> None:
        self.project = project
        self.ci = ci
        self.api = api

    def commit(self, config: str, files: Mapping[str, str] | None = None, *, branch: str = "main") -> str:
        """Commit a `.gitlab-ci.yml` and more files."""
        return self.project.commit_files({".gitlab-ci.yml": config, **(files or {})}, branch=branch)

    def run(self, config: str, files: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Commit, start a pipeline as a push does, wait for its end, and answer the pipeline."""
        self.commit(config, files)
        started = self.push(**more)
        self.ci.wait(started["id"])
        return self.get(f"pipelines/{started['id']}")

    def push(self, ref: str = "main", **more: Any) -> dict[str, Any]:
        """The pipeline of a push, just started."""
        started = self.ci.start(ref, source=more.pop("source", "push"), user_id=7, **more)
        assert started is not None
        return dict(started)

    def get(self, path: str, **params: Any) -> Any:
        """The API's answer."""
        answer = self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def jobs(self, pipeline: Mapping[str, Any], **params: Any) -> dict[str, dict[str, Any]]:
        """The pipeline's jobs by name."""
        return {job["name"]: job for job in self.get(f"pipelines/{pipeline['id']}/jobs", **params)}

    def statuses(self, pipeline: Mapping[str, Any]) -> dict[str, str]:
        """The jobs' statuses by name."""
        return {name: job["status"] for name, job in self.jobs(pipeline).items()}

    def trace(self, pipeline: Mapping[str, Any], name: str) -> str:
        """What the job printed."""
        return self.api.get(f"jobs/{self.jobs(pipeline)[name]['id']}/trace").text

    def until(self, holds: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Wait until `holds()`, looking again whenever the CI changes, and ten times a second."""
        end = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < end, "it did not come to that"
            with self.ci.store.changed:
                self.ci.store.changed.wait(0.1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    project = LocalProject(tmp_path)
    before = threading.active_count()
    ci = Ci(project, tmp_path / "ci", lambda job_id: f"token-{job_id}")
    server = Server(Starlette(routes=ci.routes(), middleware=[Middleware(_LetIn)]))
    with httpx.Client(base_url=f"{server.url}/api/v4/projects/1/", **LOOPBACK) as api:
        yield Bench(project, ci, api)
    ci.stop()
    server.stop()
    assert threading.active_count() <= before + 1
