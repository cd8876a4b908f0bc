"""The bodies of push and tag push webhooks."""

from __future__ import annotations

from integrations.sandbox.gitlab import payloads
from integrations.sandbox.gitlab.git import ZERO, Commit
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import Account, Fields

PUSH_COMMITS = 20


def push(it: Project, account: Account, ref: str, old: str, new: str) -> Fields:
    """A push to a branch or a tag; `old` and `new` are objects, all zeros where there is none."""
    kind = "tag_push" if ref.startswith("refs/tags/") else "push"
    checkout = None if new == ZERO else it.git.resolve(ref)
    if kind == "tag_push" or new == ZERO:
        commits, total = [], 0
    else:
        commits = it.git.log(*([f"{old}..{new}"] if old != ZERO else ["-1", new]))
        total = len(commits) if old != ZERO else 0
        commits = commits if old != ZERO else []
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": old,
        "after": new,
        "ref": ref,
        "ref_protected": bool((it.tag_rule if kind == "tag_push" else it.branch_rule)(ref.split("/", 2)[2])),
        "checkout_sha": checkout,
        "message": _tag_message(it, ref) if kind == "tag_push" and new != ZERO else None,
        "user_id": account.id,
        "user_name": account.name,
        "user_username": account.username,
        "user_email": None,
        "user_avatar": None,
        "project_id": it.project_id,
        "project": payloads.project(it),
        "commits": [
            {**payloads.commit(it, one), **_touched(it, one)} for one in reversed(commits[:PUSH_COMMITS])
        ],
        "total_commits_count": total,
        "push_options": {},
        "repository": {
            **payloads.repository(it),
            "git_http_url": f"{it.web_url}.git",
            "git_ssh_url": f"{it.web_url}.git",
            "visibility_level": 0,
        },
    }


def _tag_message(it: Project, ref: str) -> str | None:
    return it.git.ref(ref).message or None


def _touched(it: Project, one: Commit) -> Fields:
    listed = it.git.text("diff-tree", "--root", "-r", "-z", "--no-commit-id", "--name-status", one.sha)
    parts = [part for part in listed.split("\0") if part]
    touched: dict[str, list[str]] = {"A": [], "M": [], "D": []}
    for letter, path in zip(parts[::2], parts[1::2], strict=True):
        touched["M" if letter not in touched else letter].append(path)
    return {"added": touched["A"], "modified": touched["M"], "removed": touched["D"]}
