"""What a fresh clone of the shop's repository shows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.outside import Outside


def checks(facts: Facts) -> Iterator[Check]:
    """Tags, branches, and what comes after what."""
    refused, one, two = (facts.candidate(number) for number in (1, 2, 3))
    last = facts.hotfix_candidate

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"git.{name}", "git", look)

    yield row(
        "tags", partial(_tags, wanted=(facts.first, refused, one, two, facts.release, last, facts.hotfix))
    )
    yield row(f"tag.{facts.release}", partial(_same, name=facts.release, other=two))
    yield row(f"tag.{facts.hotfix}", partial(_same, name=facts.hotfix, other=last))
    yield row(f"branch.{facts.release}", partial(_same, name=f"release/{facts.release}", other=two))
    yield row(f"branch.{facts.hotfix}", partial(_same, name=f"release/{facts.hotfix}", other=last))
    yield row("rework-follows", partial(_after, earlier=one, later=two))
    yield row("hotfix-follows", partial(_after, earlier=facts.release, later=facts.hotfix))
    yield row("merged-back", partial(_after, earlier=facts.hotfix, later="main"))
    library = partial(_differs, path="requirements.lock")
    yield row("sales-tried", partial(library, one=facts.first, two=refused, wanted=True))
    yield row("sales-taken-out", partial(library, one=facts.first, two=facts.release, wanted=False))
    yield row("sales-kept", partial(library, one=facts.hotfix, two="main", wanted=True))
    yield row("gift-untouched", partial(_differs, one=one, two=two, path="shop/cart.py", wanted=False))
    yield row("search-reworked", partial(_differs, one=one, two=two, path="shop/catalogue.py", wanted=True))


def _refs(outside: Outside) -> dict[str, str]:
    """Every tag and branch by its full name, with its commit."""

    def read() -> dict[str, str]:
        lines = outside.git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)").splitlines()
        return {name: commits[-1] for name, *commits in map(str.split, lines)}

    return outside.once(("refs",), read)


def commit_of(outside: Outside, name: str) -> str:
    """The commit behind a tag or a branch, 40 hex.

    Raises:
        LookupError: there is neither.
    """
    refs = _refs(outside)
    found = refs.get(f"refs/tags/{name}") or refs.get(f"refs/heads/{name}")
    if found is None:
        raise LookupError(f"the clone has no tag or branch {name}")
    return found


def _tags(outside: Outside, wanted: tuple[str, ...]) -> Finding:
    """exactly the tags of the story"""
    seen = [name.removeprefix("refs/tags/") for name in _refs(outside) if name.startswith("refs/tags/")]
    return Finding(", ".join(sorted(wanted)), ", ".join(sorted(seen)))


def _same(outside: Outside, name: str, other: str) -> Finding:
    """two names of one commit"""
    return Finding(
        f"{name} and {other} on {commit_of(outside, other)[:8]}",
        f"{name} and {other} on {commit_of(outside, name)[:8]}",
    )


def _after(outside: Outside, earlier: str, later: str) -> Finding:
    """one commit contains another"""
    commits = [commit_of(outside, name) for name in (earlier, later)]
    done = outside.git_done("merge-base", "--is-ancestor", *commits)
    contains = "contains" if done.code == 0 else "does not contain"
    return Finding(f"{later} contains {earlier}", f"{later} {contains} {earlier}")


def _differs(outside: Outside, one: str, two: str, path: str, *, wanted: bool) -> Finding:
    """whether a file is the same in two candidates"""
    blobs = {outside.git("rev-parse", "--verify", f"{name}:{path}") for name in (one, two)}
    words = {True: "differs", False: "is the same"}
    return Finding(
        f"{path} {words[wanted]} in {one} and {two}", f"{path} {words[len(blobs) > 1]} in {one} and {two}"
    )
