"""What of git's answers lasts, and where its refs stand: a process for each question costs 5 ms of CPU.

A commit, a tree and a blob never change, so what git says of full shas alone is remembered. Refs are read
from git's own files, each time anew: other processes push.
Source: https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_READING = {"cat-file", "diff", "diff-tree", "log", "ls-tree", "merge-base", "merge-tree", "rev-list", "show"}
_SHA = r"[0-9a-f]{40}(?:\^\d*|~\d+|\^\{\w+\})*"
_PINNED = re.compile(rf"\^?{_SHA}(?:\.\.\.?{_SHA})?(?::.*)?", re.DOTALL)
_NAMED = ("--all", "--branches", "--tags", "--remotes", "--since", "--until", "--after", "--before", "--glob")
_WORDS = {"blob", "tree", "commit"}


def lasts(arguments: Sequence[str]) -> bool:
    """Whether `git ARGUMENTS` says the same for ever: it only reads, and names nothing but full shas."""
    if arguments[0] not in _READING:
        return False
    named = False
    for word in arguments[1:]:
        if word == "--":
            break
        if word.startswith(_NAMED):
            return False
        if not word.startswith("-") and word not in _WORDS:
            if not _PINNED.fullmatch(word):
                return False
            named = True
    return named


def is_sha(text: str) -> bool:
    """Whether this is a full sha."""
    return re.fullmatch(r"[0-9a-f]{40}", text) is not None


def read_ref(repository: Path, full_name: str) -> str | None:
    """The object that `refs/...` names; None if there is no such ref."""
    if ".." in full_name or full_name.endswith(".lock"):
        return None
    with suppress(OSError, ValueError):
        return _object((repository / full_name).read_text())
    return _packed(repository).get(full_name)


def read_refs(repository: Path, *folders: str) -> dict[str, str]:
    """Every ref below these folders (`refs/heads`) by its full name, with the object it names."""
    loose: dict[str, str] = {}
    for folder in folders:
        for at, _, names in os.walk(repository / folder):
            for name in names:
                path = Path(at) / name
                full_name = path.relative_to(repository).as_posix()
                if sha := None if name.endswith(".lock") else read_ref(repository, full_name):
                    loose[full_name] = sha
    # After the loose ones: git writes a ref here before it removes its own file.
    below = tuple(f"{folder}/" for folder in folders)
    packed = {name: sha for name, sha in _packed(repository).items() if name.startswith(below)}
    return dict(sorted({**packed, **loose}.items()))


def _packed(repository: Path) -> dict[str, str]:
    try:
        lines = (repository / "packed-refs").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: sha for sha, _, name in (line.partition(" ") for line in lines) if len(sha) == 40}


def _object(text: str) -> str:
    if not is_sha(text.rstrip("\n")):
        raise ValueError(text)
    return text.rstrip("\n")
