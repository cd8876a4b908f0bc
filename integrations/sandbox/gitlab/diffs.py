"""What changed between two commits, as the API shows it."""

from __future__ import annotations

import re

from integrations.sandbox.gitlab.git import EMPTY_TREE, Repository
from integrations.sandbox.gitlab.state import Fields

_RAW = re.compile(r":(\d{6}) (\d{6}) [0-9a-f]+ [0-9a-f]+ ([AMDRCT])\d*")


def diff(repository: Repository, old: str | None, new: str) -> list[Fields]:
    """One object per file; `old` None: everything is new. Renames are found."""
    start = old or EMPTY_TREE
    patches = _patches(repository, start, new)
    parts = repository.run("diff", "-z", "--raw", "-M", "--abbrev=40", start, new).decode().split("\0")
    rows: list[Fields] = []
    index = 0
    while index < len(parts) and (found := _RAW.match(parts[index])):
        a_mode, b_mode, letter = found.groups()
        old_path = parts[index + 1]
        new_path = parts[index + 2] if letter in "RC" else old_path
        index += 3 if letter in "RC" else 2
        rows.append(
            {
                "diff": patches[len(rows)],
                "collapsed": False,
                "too_large": False,
                "new_path": new_path,
                "old_path": old_path,
                "a_mode": a_mode,
                "b_mode": b_mode,
                "new_file": letter == "A",
                "renamed_file": letter == "R",
                "deleted_file": letter == "D",
                "generated_file": None,
            }
        )
    return rows


def _patches(repository: Repository, old: str, new: str) -> list[str]:
    """The hunks of each file, without git's head lines."""
    text = repository.run("diff", "-M", "--no-color", old, new).decode(errors="replace")
    found: list[str] = []
    for part in re.split(r"^diff --git .*\n", text, flags=re.MULTILINE)[1:]:
        start = re.search(r"^@@ ", part, flags=re.MULTILINE)
        found.append(part[start.start() :] if start else "")
    return found


def stats(repository: Repository, sha: str) -> Fields:
    """How many lines a commit added and removed."""
    listed = repository.text("show", "-m", "--first-parent", "--format=", "--numstat", sha)
    rows = [line.split("\t") for line in listed.splitlines() if line]
    added = sum(int(row[0]) for row in rows if row[0] != "-")
    removed = sum(int(row[1]) for row in rows if row[1] != "-")
    return {"additions": added, "deletions": removed, "total": added + removed}
