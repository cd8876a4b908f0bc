"""What the CI does with git: it reads the bare repository and checks commits out of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from integrations.sandbox.gitlab import lasting

CONFIG_FILE = ".gitlab-ci.yml"

#: Nothing of the machine's own git settings, and no question to a person.
GIT_ENVIRONMENT: Mapping[str, str] = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
}


class GitFailed(Exception):
    """git answered with an error; the text is its own."""


def git(directory: Path, *arguments: str) -> str:
    """The output of one git command; what never changes is remembered.

    Raises:
        GitFailed: with git's own words.
    """
    return (_lasting if lasting.lasts(arguments) else _run)(directory, *arguments)


def _run(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        capture_output=True,
        check=False,
        env=dict(GIT_ENVIRONMENT),
        timeout=60,
    )
    if done.returncode:
        raise GitFailed(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode(errors="replace")


_lasting = lru_cache(maxsize=1_000)(_run)


def read_file(repository: Path, sha: str, path: str) -> str:
    """One file of a commit.

    Raises:
        KeyError: the commit has no such file.
    """
    try:
        return git(repository, "cat-file", "blob", f"{sha}:{path}")
    except GitFailed:
        raise KeyError(path) from None


def files(repository: Path, sha: str) -> list[str]:
    """All paths of a commit."""
    return [path for path in git(repository, "ls-tree", "-r", "-z", "--name-only", sha).split("\0") if path]


def parent(repository: Path, sha: str) -> str | None:
    """The first parent, None for a root commit."""
    words = git(repository, "rev-list", "--parents", "-1", sha).split()
    return words[1] if len(words) > 1 else None


def changed_between(repository: Path, old: str, new: str) -> list[str]:
    """The paths that differ between the two commits' trees."""
    return [path for path in git(repository, "diff", "--name-only", "-z", old, new).split("\0") if path]


def merge_base(repository: Path, one: str, other: str) -> str:
    """The commit where the two parted.

    Raises:
        GitFailed: one of them is unknown, or they have nothing in common.
    """
    return git(repository, "merge-base", one, other).strip()


def default_branch(repository: Path) -> str:
    """The branch that HEAD names."""
    return git(repository, "symbolic-ref", "--short", "HEAD").strip()


def check_out(repository: Path, sha: str, directory: Path) -> None:
    """A working copy of `sha` in the new `directory`, with borrowed objects and without a remote.

    Raises:
        GitFailed: the commit is not there.
    """
    git(repository, "init", "--quiet", "--template=", str(directory))
    alternates = directory / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    alternates.write_text(f"{(repository / 'objects').resolve()}\n")
    git(directory, "checkout", "--quiet", "--detach", sha)
