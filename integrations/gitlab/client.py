"""What we ask of GitLab, sorted by what it is about.

    gitlab = GitLabClient(settings().gitlab)
    gitlab.repository.create_tag(7, "1.4.0-rc.2", sha, "Candidate 2 of 1.4.0")
    gitlab.pipelines.start(7, "1.4.0-rc.2", {"DEPLOY_TO": "staging"}, op_key=key)
    gitlab.merge_requests.merge(7, 12, sha)

Every call is sent once, with a timeout, and nothing is retried here: the tasks do that. A call that
changes something looks first, does nothing if it is done already, and says which by `changed`.

Raises, everywhere, `integrations.errors`:
    Transient: no answer, or one that says "later"; whether the call took effect is unknown, so look.
    NotFound: the object is not there, or not for this token.
    Conflict: it stands in another state than the call needs.
    Refused: not permitted, or the input is wrong.
    Terminal: an answer that is none of GitLab's.
"""

from __future__ import annotations

from typing import NoReturn, SupportsIndex

from integrations.gitlab.commits import Commits
from integrations.gitlab.environments import Environments
from integrations.gitlab.issues import Issues
from integrations.gitlab.merge_requests import MergeRequests
from integrations.gitlab.milestones import Milestones
from integrations.gitlab.models import Hook, Project, User, Version
from integrations.gitlab.pipelines import Pipelines
from integrations.gitlab.repository import Repository
from integrations.gitlab.session import Session, segment
from integrations.gitlab.wikis import Wikis
from integrations.settings import GitLabSettings


class GitLabClient:
    """One per thread: it keeps an HTTP session. It holds the token, so it cannot be pickled."""

    def __init__(self, settings: GitLabSettings) -> None:
        self._session = Session(settings)
        self.repository = Repository(self._session)
        self.commits = Commits(self._session)
        self.merge_requests = MergeRequests(self._session)
        self.pipelines = Pipelines(self._session)
        self.environments = Environments(self._session)
        self.issues = Issues(self._session)
        self.milestones = Milestones(self._session)
        self.wikis = Wikis(self._session)

    def close(self) -> None:
        """Give the connections back; the client may still be used."""
        self._session.close()

    def version(self) -> Version:
        """The server's version; needs a valid token, so it serves as a check of it."""
        return self._session.get(Version, "version", "version")

    def me(self) -> User:
        """Whose token this is."""
        return self._session.get(User, "me", "user")

    def user(self, user_id: int) -> User:
        """One account, deactivated ones too. Raises NotFound: no such user.

        Source: https://docs.gitlab.com/api/users/#retrieve-a-user
        """
        return self._session.get(User, "user", f"users/{user_id}")

    def project(self, project_id: int) -> Project:
        """The project."""
        return self._session.get(Project, "project", f"projects/{project_id}")

    def project_id(self, path: str) -> int:
        """The numeric id of the project at `path` (`group/shop`). Ask once, at the start.

        Only this call sends a path: proxies decode its `%2F`.
        Source: https://github.com/python-gitlab/python-gitlab/issues/913
        """
        return self._session.get(Project, "project id", f"projects/{segment(path)}").id

    def hooks(self, project_id: int) -> tuple[Hook, ...]:
        """The project's webhooks, with whether GitLab still sends them."""
        return tuple(self._session.rows(Hook, "hooks", f"projects/{project_id}/hooks"))

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        raise TypeError("a GitLabClient holds a token and stays in its process: pass ids instead")
