"""The release branch, its candidates, and what a candidate consists of. See `integrations.gitlab`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from prefect import task
from pydantic import BaseModel

from integrations.errors import NotFound
from integrations.gitlab.models import MergeRequest
from lifecycle import delta
from lifecycle.metrics import CommitFact
from lifecycle.policy import Policy
from lifecycle.workflow import issue_keys
from tasks.context import gitlab, policy
from tasks.effects import RETRY, done, once


class Contents(BaseModel):
    """What a candidate holds: per issue the digest of its files, who wrote the delta, what it changes.

    Named as in the fact `CandidateCut`, which holds it. Of a file that was moved both paths are among
    `files`; `files_total` counts it once.
    """

    digests: dict[str, str]
    authors: tuple[str, ...]
    strangers: tuple[str, ...]
    commits: tuple[CommitFact, ...]
    since: str = ""
    files: tuple[str, ...]
    files_total: int = 0


@task(task_run_name="branch {name} from {base}", **RETRY)
def cut_branch(project_id: int, name: str, base: str, *, subject: str) -> str:
    """The head of branch `name`, cut from `base` (a branch or tag) if there is none; a repeat only looks."""
    existing = gitlab().repository.branch(project_id, name)
    if existing is not None:
        return existing.sha
    sha = gitlab().repository.commit(project_id, base).sha
    outcome = once(
        f"{subject}:branch",
        subject=subject,
        kind="branch",
        request={"name": name, "sha": sha},
        look=lambda _: (
            None if (b := gitlab().repository.branch(project_id, name)) is None else {"sha": b.sha}
        ),
        act=lambda: {"sha": gitlab().repository.create_branch(project_id, name, sha).sha},
    )
    return str(outcome["sha"])


def head(project_id: int, branch: str) -> str | None:
    """The branch's head, None if there is no such branch."""
    found = gitlab().repository.branch(project_id, branch)
    return None if found is None else found.sha


@task(task_run_name="tag {name}", **RETRY)
def cut_tag(project_id: int, name: str, sha: str, message: str, *, subject: str) -> str:
    """Tag `sha` as `name`.

    A repeat finds the tag; a tag of that name on another commit is a Conflict, and a person decides.
    """

    def look(_: object) -> dict[str, object] | None:
        tag = gitlab().repository.tag(project_id, name)
        return {"sha": tag.sha} if tag is not None and tag.sha == sha else None

    outcome = once(
        f"{subject}:tag:{name}",
        subject=subject,
        kind="tag",
        request={"name": name, "sha": sha},
        look=look,
        act=lambda: {"sha": gitlab().repository.create_tag(project_id, name, sha, message).sha},
    )
    return str(outcome["sha"])


def tagged(subject: str, name: str) -> bool:
    """The ledger says that the tag stands."""
    return done(f"{subject}:tag:{name}") is not None


@task(task_run_name="contents of {tag}", **RETRY)
def contents(
    project_id: int,
    jira_key: str,
    tag: str,  # noqa: ARG001 - the task run's name
    sha: str,
    since: str | None,
    issues: Sequence[str],
    migrations: Sequence[str],
) -> Contents:
    """Read what `sha` holds since the production tag `since` (None: since ever). Reads only."""
    rules = policy()
    blobs = gitlab().repository.blobs(project_id, sha)
    files_of = _files_of_issues(project_id, jira_key, issues)
    digests = {
        issue: _digest({path: blobs.get(path, "") for path in files}) for issue, files in files_of.items()
    }
    comparison = gitlab().repository.compare(project_id, since, sha) if since else None
    commits = comparison.commits if comparison else ()
    changed = comparison.files if comparison else ()
    emails = [e for c in commits for e in (c.author_email, *c.co_author_emails)]
    return Contents(
        digests=digests,
        authors=_authors(rules, emails),
        strangers=_strangers(rules, emails),
        commits=tuple(CommitFact(sha=c.sha, authored_at=c.authored_at) for c in commits if c.authored_at),
        since=since or "",
        files=delta.kept((path for f in changed for path in (f.new_path, f.old_path)), migrations),
        files_total=len(changed),
    )


def _files_of_issues(project_id: int, jira_key: str, issues: Sequence[str]) -> dict[str, set[str]]:
    """Per issue the files that its merged merge requests touched, on whichever branch they went in."""
    files: dict[str, set[str]] = {issue: set() for issue in issues}
    for request in gitlab().merge_requests.list(project_id, state="merged"):
        for issue in issues_of(request, jira_key):
            if issue in files:
                files[issue].update(gitlab().merge_requests.files(project_id, request.iid))
    return {issue: found for issue, found in files.items() if found}


def issues_of(request: MergeRequest, jira_key: str) -> tuple[str, ...]:
    """The issues that a merge request names in its branch, title or description."""
    return issue_keys(f"{request.source_branch} {request.title} {request.description}", jira_key)


def _digest(blobs: dict[str, str]) -> str:
    lines = "\n".join(f"{path} {blob}" for path, blob in sorted(blobs.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _authors(rules: Policy, emails: Sequence[str]) -> tuple[str, ...]:
    people = (rules.by_email(email) for email in emails)
    return tuple(sorted({person.id for person in people if person is not None}))


def _strangers(rules: Policy, emails: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({e for e in emails if e and rules.by_email(e) is None and e not in rules.bots}))


def production_tag(project_id: int, environment: str = "production") -> tuple[str, str] | None:
    """(tag, sha) of the newest successful production deployment; None before the first."""
    for deployment in gitlab().environments.deployments(project_id, environment, status="success", limit=1):
        return deployment.ref, deployment.sha
    return None


def require_branch(project_id: int, branch: str) -> str:
    """The branch's head; NotFound if somebody deleted it."""
    sha = head(project_id, branch)
    if sha is None:
        raise NotFound("gitlab", "branch", branch)
    return sha
