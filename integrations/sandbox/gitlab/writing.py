"""Commits that somebody makes through the API."""

from __future__ import annotations

from integrations.sandbox.gitlab import trees
from integrations.sandbox.gitlab.errors import refuse
from integrations.sandbox.gitlab.git import ZERO, GitError, Identity
from integrations.sandbox.gitlab.pushes import Change, after_push
from integrations.sandbox.gitlab.routing import Call


def may_write(call: Call, branch: str) -> None:
    """403 unless who asks may push to `branch`."""
    rule = call.project.branch_rule(branch)
    if rule and not 0 < rule.push <= call.level:
        raise refuse(403, "You are not allowed to push into this branch")


def head(call: Call, branch: str, start: str | None = None) -> tuple[str | None, str]:
    """The commit to build on and the branch's present one (`ZERO`: it is to be made).

    Raises:
        Refusal: 400, neither the branch nor `start` is there.
    """
    git = call.project.git
    here = git.refs().get(f"refs/heads/{branch}")
    if here is not None:
        if start is not None and start != branch:
            raise refuse(
                400,
                f"A branch called '{branch}' already exists. Switch to that branch in order to make changes",
            )
        return here, here
    if not git.refs():
        return None, ZERO
    try:
        if start is None:
            raise KeyError(branch)
        return git.resolve(start), ZERO
    except KeyError:
        raise refuse(400, "You can only create or edit files when you are on a branch") from None


def put(call: Call, branch: str, tree: str, parents: tuple[str, ...], old: str, message: str) -> str:
    """Write the commit, set the branch, and let follow what follows a push; the new sha.

    Raises:
        Refusal: 400, the branch moved in between, or its name is none.
    """
    git, full = call.project.git, f"refs/heads/{branch}"
    if not git.valid_name(full):
        raise refuse(400, "Branch name is invalid")
    author = Identity(
        call.params.text("author_name") or call.user.name, call.params.text("author_email") or call.user.email
    )
    sha = trees.commit_tree(git, tree, parents, message, author, Identity(call.user.name, call.user.email))
    try:
        git.update(full, sha, old)
    except GitError:
        raise refuse(400, "Could not update branch. Please refresh and try again.") from None
    after_push(call.project, call.user, [Change(full, old, sha)])
    return sha
