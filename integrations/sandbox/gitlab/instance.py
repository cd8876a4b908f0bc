"""The whole GitLab: its accounts, its projects, its one lock."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from integrations.sandbox.gitlab.errors import missing
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import Account, HookSeed, Ids, ProjectSeed, now
from integrations.sandbox.gitlab.webhooks import Post
from integrations.sandbox.people import SandboxPerson


class Instance:
    """What one sandbox GitLab is made of. `lock` guards everything but the repositories and the CI."""

    def __init__(self, home: Path, url: str, people: Sequence[SandboxPerson]) -> None:
        self.url = url
        self.started = now()
        self.lock = threading.RLock()
        self.ids = Ids()
        self.post = Post(url, self.ids)
        self.accounts = {person.gitlab_id: Account.of(person) for person in people}
        self.projects: dict[int, Project] = {}
        self._slugs = {person.id: person.gitlab_id for person in people}
        self._by_token = {account.token: account for account in self.accounts.values()}
        self._job_tokens: dict[str, tuple[int, int]] = {}
        self._home = home

    def add_project(self, seed: ProjectSeed) -> Project:
        """Make a project; its repository is made anew.

        Raises:
            KeyError: a member is not one of the people.
        """
        number = len(self.projects) + 1
        repository = self._home / "repositories" / f"{seed.path}.git"
        if repository.exists():
            shutil.rmtree(repository)
        members = {self._slugs[person]: level for person, level in seed.members.items()}
        project = Project(self, number, seed, repository, members)
        self.projects[number] = project
        return project

    def add_hook(self, seed: HookSeed) -> None:
        """Make a webhook."""
        self.project(seed.project_path).add_hook(
            seed.url, set(seed.events), token=seed.token, signing_token=seed.signing_token
        )

    def project(self, name: str) -> Project:
        """A project by its number or its full path; 404 otherwise."""
        for project in self.projects.values():
            if name in (str(project.project_id), project.path):
                return project
        raise missing("Project")

    def account(self, token: str) -> Account | None:
        """Whose `token` this is."""
        return self._by_token.get(token) if token else None

    def job_token(self, project_id: int, job_id: int) -> str:
        """A new `CI_JOB_TOKEN` for one job."""
        token = f"glcbt-{secrets.token_hex(16)}"
        self._job_tokens[token] = (project_id, job_id)
        return token

    def job(self, token: str) -> tuple[int, int] | None:
        """The project and the job that a `CI_JOB_TOKEN` was given to."""
        return self._job_tokens.get(token)

    def stop(self) -> None:
        """End everything that runs."""
        for project in self.projects.values():
            project.stop()
        self.post.stop()
