"""The sandbox's GitLab on a loopback port: REST v4, git over HTTP, pages for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.faults import Faults
from integrations.sandbox.gitlab.application import Application
from integrations.sandbox.gitlab.ci.engine import Ci
from integrations.sandbox.gitlab.instance import Instance
from integrations.sandbox.gitlab.merging import watch_pipelines
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import HookSeed, ProjectSeed
from integrations.sandbox.http import Server
from integrations.sandbox.people import SandboxPerson


class GitLabSandbox:
    """Serves from construction until `stop`. Its state is in memory; the repositories are under `home`.

    Projects are numbered from 1, in the order given. `per_minute` limits each account's API requests (429
    past it).

    Raises:
        KeyError: a member or a webhook's project is not among those given.
    """

    def __init__(
        self,
        home: Path,
        people: Sequence[SandboxPerson],
        projects: Sequence[ProjectSeed],
        port: int = 0,
        hooks: Sequence[HookSeed] = (),
        *,
        per_minute: int | None = None,
    ) -> None:
        _check(people, projects, hooks)
        door = _Door()
        self.faults = Faults(door)
        self._server = Server(self.faults, port)
        self.url = self._server.url
        self.instance = Instance(home.resolve(), self.url, people)
        for seed in projects:
            project = self.instance.add_project(seed)
            watch_pipelines(project)
            project.ci = self._ci(project, home.resolve())
        for hook in hooks:
            self.instance.add_hook(hook)
        door.app = Application(self.instance, per_minute)

    def _ci(self, project: Project, home: Path) -> Ci:
        number = project.project_id
        return Ci(
            project,
            home / "ci" / str(number),
            lambda job_id: self.instance.job_token(number, job_id),
            trigger_user=project.triggers.get,
        )

    def stop(self) -> None:
        """End every job, stop serving and free the port; a second call does nothing."""
        self.instance.stop()
        self._server.stop()


def _check(
    people: Sequence[SandboxPerson], projects: Sequence[ProjectSeed], hooks: Sequence[HookSeed]
) -> None:
    known = {person.id for person in people}
    paths = {seed.path for seed in projects}
    members = {member for seed in projects for member in seed.members}
    unknown = sorted((members - known) | ({hook.project_path for hook in hooks} - paths))
    if unknown:
        raise KeyError(", ".join(unknown))


class _Door:
    """Answers 503 until there is an application: the port is known before the state is."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            refusal = JSONResponse({"message": "503 Service Unavailable"}, 503)
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)
