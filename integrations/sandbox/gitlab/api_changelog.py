"""The changelog that GitLab makes of commit trailers, in its default template.

Source: https://docs.gitlab.com/api/repositories/#generate-changelog-data, user/project/changelogs
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from integrations.sandbox.gitlab import trees, writing
from integrations.sandbox.gitlab.errors import refuse
from integrations.sandbox.gitlab.git import Commit
from integrations.sandbox.gitlab.routing import Call, Reply, Routes
from integrations.sandbox.gitlab.state import now

routes = Routes()
_PATH = "/projects/:id/repository/changelog"
_STABLE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@routes.get(_PATH)
def changelog(call: Call) -> Reply:
    """The section of one version; nothing is written."""
    return Reply({"notes": _section(call)})


@routes.post(_PATH)
def write_changelog(call: Call) -> Reply:
    """Put the section of one version into a file on `branch`, before the sections of older ones."""
    branch, file = call.params.text("branch") or call.project.default_branch, call.params.text("file")
    file = file or "CHANGELOG.md"
    writing.may_write(call, branch)
    section, git = _section(call), call.project.git
    parent, old = writing.head(call, branch)
    try:
        before = git.blob(parent or "", file).decode()
    except KeyError:
        before = ""
    sections = re.split(r"(?m)^(?=## )", before)
    wanted = _order(call.params.needed("version"))
    place = next(
        (at for at, one in enumerate(sections) if _order(one[3:]) < wanted and one[:3] == "## "), None
    )
    sections.insert(len(sections) if place is None else place, f"{section}\n")
    tree = trees.edited(git, parent, {file: trees.Blob("".join(sections).encode())})
    message = call.params.text("message") or f"Add changelog for version {call.params.text('version')}"
    writing.put(call, branch, tree, (parent,) if parent else (), old, message)
    return Reply(200)


def _section(call: Call) -> str:
    version = call.params.needed("version")
    trailer = call.params.text("trailer") or "Changelog"
    categories: dict[str, list[str]] = {}
    for commit in _counted(_range(call, version)):
        found = re.search(rf"(?im)^{re.escape(trailer)}: *(\S.*)$", commit.message.partition("\n\n")[2])
        if found:
            categories.setdefault(found[1].strip(), []).append(_entry(call, commit))
    parts = [f"## {version} ({(call.params.time('date') or now()):%Y-%m-%d})\n"]
    for name, entries in categories.items():
        count = "1 change" if len(entries) == 1 else f"{len(entries)} changes"
        parts.append("\n".join([f"### {name} ({count})\n", *entries]) + "\n")
    return "\n".join(parts) if categories else f"{parts[0]}\nNo changes.\n"


def _range(call: Call, version: str) -> Sequence[Commit]:
    """The commits after `from` up to `to`, the newest first."""
    git = call.project.git
    start, end = call.params.text("from"), call.params.text("to") or call.project.default_branch
    if not start:
        older = [
            tag.name
            for tag in git.tags()
            if _STABLE.fullmatch(tag.name) and _order(tag.name) < _order(version)
        ]
        if not older:
            text = "The commit start range is unspecified, and no previous tag could be found to use instead"
            raise refuse(422, f"Failed to generate the changelog: {text}")
        start = max(older, key=_order)
    try:
        return git.log(f"{git.resolve(start)}..{git.resolve(end)}")
    except KeyError as unknown:
        raise refuse(422, f"Failed to generate the changelog: {unknown.args[0]} is not a valid ref") from None


def _order(version: str) -> tuple[int, ...]:
    found = _STABLE.match(version)
    return tuple(int(part) for part in found.groups()) if found else ()


def _counted(commits: Sequence[Commit]) -> list[Commit]:
    """Without commits that were reverted among these, and without their reverts."""
    reverts = {
        commit.sha: found[1]
        for commit in commits
        if (found := re.search(r"This reverts commit ([0-9a-f]{40})", commit.message))
    }
    shas = {commit.sha for commit in commits}
    out = {sha for pair in reverts.items() if pair[1] in shas for sha in pair}
    return [commit for commit in commits if commit.sha not in out]


def _entry(call: Call, commit: Commit) -> str:
    path = call.project.path
    credit = next(
        (
            f" by @{account.username}"
            for account in call.instance.accounts.values()
            if account.email == commit.author_email and not call.project.level(account.id)
        ),
        "",
    )
    request = next(
        (
            f" ([merge request]({path}!{mr.iid}))"
            for mr in call.project.records.merge_requests.values()
            if mr.merge_commit and commit.sha in _brought(call, mr.merge_commit)
        ),
        "",
    )
    return f"- [{commit.title}]({path}@{commit.sha}){credit}{request}"


def _brought(call: Call, merge: str) -> set[str]:
    """The merge commit itself, and what it merged."""
    return {commit.sha for commit in call.project.git.log(f"{merge}^1..{merge}")}
