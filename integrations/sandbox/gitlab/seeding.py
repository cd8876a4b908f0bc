"""A new project's repository and its first commit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from integrations.sandbox.gitlab.git import Repository
from integrations.sandbox.gitlab.state import ProjectSeed

# Refuses the whole push, as GitLab does; what is refused was decided before, from the push's commands.
_PRE_RECEIVE = """#!/bin/sh
if [ -n "$SANDBOX_REFUSED" ]; then
  echo "GitLab: $SANDBOX_REFUSED"
  exit 1
fi
while read -r old new ref; do
  case " $SANDBOX_NO_FORCE " in
    *" $ref "*)
      git merge-base --is-ancestor "$old" "$new" || { echo "GitLab: $SANDBOX_NO_FORCE_WHY"; exit 1; } ;;
  esac
done
"""

_LEFT_OUT = ("__pycache__", ".git", ".venv", ".pytest_cache", ".ruff_cache")


def plant(repository: Repository, seed: ProjectSeed) -> None:
    """Make the bare repository with `seed.seed_dir` as its first commit, modes kept."""
    repository.create(seed.default_branch)
    hook = repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_PRE_RECEIVE)
    hook.chmod(0o755)
    if seed.seed_dir is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        repository.run("update-index", "-z", "--index-info", stdin=_index(repository, seed.seed_dir), env=env)
        tree = repository.run("write-tree", env=env).decode().strip()
    commit = repository.text("commit-tree", tree, "-m", "Initial commit")
    repository.update(f"refs/heads/{seed.default_branch}", commit)


def _index(repository: Repository, folder: Path) -> bytes:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _left_out(path, folder))
    lines = [str(path.resolve()) for path in paths]
    hashed = repository.run(
        "hash-object", "-w", "--no-filters", "--stdin-paths", stdin="\n".join(lines).encode()
    )
    entries: list[bytes] = []
    for path, blob in zip(paths, hashed.decode().split(), strict=True):
        mode = "100755" if os.access(path, os.X_OK) else "100644"
        entries.append(f"{mode} {blob}\t{path.relative_to(folder).as_posix()}\0".encode())
    return b"".join(entries)


def _left_out(path: Path, folder: Path) -> bool:
    return any(part in _LEFT_OUT for part in path.relative_to(folder).parts)
