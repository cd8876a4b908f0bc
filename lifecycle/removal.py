"""Taking one issue out of a release: which merges of its branch have to be reverted, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from pydantic import BaseModel


class Reverted(BaseModel, frozen=True, extra="forbid"):
    """A merge that is to be taken back, as people read it."""

    sha: str
    title: str = ""
    issues: tuple[str, ...] = ()


class Commit(BaseModel, frozen=True):
    """A commit of the branch. `issues`: whose work it brings; `undoes`: the commits that it reverts."""

    sha: str
    parents: tuple[str, ...] = ()
    title: str = ""
    issues: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()


class Merge(BaseModel, frozen=True):
    """What came onto the branch at once, and the files that it changed there."""

    commit: Commit
    files: tuple[str, ...] = ()


class Removal(BaseModel, frozen=True):
    """What has to leave together. `issues`: each with the reason ("" for the one that was asked for)."""

    issues: Mapping[str, str]
    reverts: tuple[Merge, ...]
    """In the order in which they are reverted: the newest first."""

    @property
    def dependents(self) -> tuple[str, ...]:
        """Why each other issue has to leave too, one sentence each."""
        return tuple(f"{key} {why}" for key, why in self.issues.items() if why)

    @property
    def told(self) -> tuple[Reverted, ...]:
        """What is reverted, as people read it."""
        each = (merge.commit for merge in self.reverts)
        return tuple(Reverted(sha=c.sha, title=c.title, issues=c.issues) for c in each)


def arrivals(commits: Sequence[Commit], head: str) -> tuple[Commit, ...]:
    """What came onto the branch that ends at `head`, the oldest first; `commits` are all since its base.

    That is its first-parent line. A merge there that names no issue (main merged into the release, a release
    merged back) is no one's work: it stands for what it brought, each with its own issues.
    """
    known = {commit.sha: commit for commit in commits}
    found: set[str] = set()
    lines = [head]
    while lines:
        at = known.get(lines.pop())
        while at is not None and at.sha not in found:
            found.add(at.sha)
            if _stands_for_others(at):
                lines += at.parents[1:]
            at = known.get(at.parents[0]) if at.parents else None
    return tuple(
        known[sha]
        for sha in _ancestors_first(known, head)
        if sha in found and not _stands_for_others(known[sha])
    )


def _stands_for_others(commit: Commit) -> bool:
    return len(commit.parents) > 1 and not commit.issues and not commit.undoes


def _ancestors_first(known: Mapping[str, Commit], head: str) -> Iterator[str]:
    """Every known commit behind `head`, none before its parents."""
    done: set[str] = set()
    stack = [(head, False)]
    while stack:
        sha, parents_done = stack.pop()
        if sha in done or sha not in known:
            continue
        if parents_done:
            done.add(sha)
            yield sha
        else:
            stack += [(sha, True), *((parent, False) for parent in reversed(known[sha].parents))]


def standing(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Those of `commits` (the oldest first) that still count: without what was reverted, and its reverts.

    The revert of a revert brings back what that one took; a revert of older work is work like any other.
    """
    here = {commit.sha for commit in commits}
    undone: set[str] = set()
    for commit in reversed(commits):
        if commit.undoes and here.issuperset(commit.undoes):
            if commit.sha not in undone:
                undone.update(commit.undoes)
            undone.add(commit.sha)
    return tuple(commit for commit in commits if commit.sha not in undone)


def removal(merges: Sequence[Merge], issue: str, links: Iterable[tuple[str, str]]) -> Removal:
    """The fewest issues that can leave together with `issue`, and the reverts that take them out.

    `merges` are those that stand, the oldest first; `links` are (blocker, blocked). An issue has to leave
    with another if it waits for it, came in one merge with it, or later changed a file that it had changed.
    Half an issue is never left. What names no issue stays: if it stands in the way, git says so.
    """
    needs = [*_by_merge(merges), *_by_link(links), *_by_file(merges)]
    out = {issue: ""}
    while new := {after: why for before, after, why in reversed(needs) if before in out and after not in out}:
        out |= dict(sorted(new.items()))
    reverts = tuple(merge for merge in reversed(merges) if out.keys() & set(merge.commit.issues))
    return Removal(issues=out, reverts=reverts)


_Need = tuple[str, str, str]
"""If the first issue leaves, the second has to, for this reason."""


def _by_merge(merges: Sequence[Merge]) -> Iterator[_Need]:
    for merge in merges:
        for one in merge.commit.issues:
            for other in merge.commit.issues:
                yield one, other, f"came in one merge with {one}"


def _by_link(links: Iterable[tuple[str, str]]) -> Iterator[_Need]:
    for blocker, blocked in links:
        yield blocker, blocked, f"waits for {blocker}"


def _by_file(merges: Sequence[Merge]) -> Iterator[_Need]:
    for earlier, later in combinations(merges, 2):
        shared = sorted(set(earlier.files) & set(later.files))
        for before in earlier.commit.issues if shared else ():
            for after in later.commit.issues:
                yield before, after, f"changes {shared[0]} after {before}"


def in_the_way(merges: Sequence[Merge], stuck: str, reverts: Iterable[str]) -> tuple[Merge, ...]:
    """What later changed a file of the merge `stuck` and stays: why git may refuse to revert it."""
    out = set(reverts)
    place = next((at for at, merge in enumerate(merges) if merge.commit.sha == stuck), len(merges))
    files = {path for merge in merges[place : place + 1] for path in merge.files}
    return tuple(
        merge for merge in merges[place + 1 :] if merge.commit.sha not in out and files & set(merge.files)
    )
