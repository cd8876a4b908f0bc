"""New commits without a working tree: merges, reverts, cherry-picks, edits of files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from integrations.sandbox.gitlab.git import GitError, Identity, MergeConflict, Repository


@dataclass(frozen=True)
class Blob:
    """A file's new content; `mode` is 100644 or 100755."""

    content: bytes
    mode: str = "100644"


def commit_tree(
    repository: Repository,
    tree: str,
    parents: tuple[str, ...],
    message: str,
    author: Identity,
    committer: Identity | None = None,
) -> str:
    """Write a commit; its sha. No ref is moved."""
    by = committer or author
    env = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": by.name,
        "GIT_COMMITTER_EMAIL": by.email,
    }
    flags = [flag for parent in parents for flag in ("-p", parent)]
    written = repository.run("commit-tree", tree, *flags, "-F", "-", stdin=message.encode(), env=env)
    return written.decode().strip()


def merge(repository: Repository, ours: str, theirs: str) -> str:
    """The tree of merging two commits.

    Raises:
        MergeConflict: both changed the same.
    """
    arguments = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    try:
        return repository.run(*arguments).decode().strip("\0\n")
    except GitError as error:
        if error.code != 1:
            raise
        raise MergeConflict([path for path in error.output.split("\0")[1:] if path]) from None


@lru_cache(maxsize=1_000)
def three_way(repository: Repository, base: str, ours: str, theirs: str) -> str:
    """The tree of `ours` with what changed from `base` to `theirs`; full shas of trees or commits.

    git 2.39 takes no merge base from outside: two passing commits on `base` give it one.

    Raises:
        MergeConflict: `ours` changed the same.
    """
    nobody = Identity("GitLab", "gitlab@localhost.invalid")
    root = commit_tree(repository, f"{base}^{{tree}}", (), "base", nobody)
    one = commit_tree(repository, f"{ours}^{{tree}}", (root,), "ours", nobody)
    other = commit_tree(repository, f"{theirs}^{{tree}}", (root,), "theirs", nobody)
    return merge(repository, one, other)


def edited(repository: Repository, start: str | None, files: Mapping[str, Blob | None]) -> str:
    """The tree of `start` (None: nothing) with these files written, or removed where None."""
    lines: list[str] = []
    for path, blob in files.items():
        if blob is None:
            lines.append(f"0 {'0' * 40}\t{path}")
        else:
            sha = repository.run("hash-object", "-w", "--stdin", stdin=blob.content).decode().strip()
            lines.append(f"{blob.mode} {sha}\t{path}")
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if start is not None:
            repository.run("read-tree", start, env=env)
        entries = "".join(f"{line}\0" for line in lines).encode()
        repository.run("update-index", "-z", "--index-info", stdin=entries, env=env)
        return repository.run("write-tree", env=env).decode().strip()
