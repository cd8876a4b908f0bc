"""Clone, fetch and push with the real git; what is protected stays as it was."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import httpx

from integrations.sandbox.http import LOOPBACK

if TYPE_CHECKING:
    from conftest import World


def test_a_clone_has_the_seeds_files_and_modes(world: World) -> None:
    git = world.clone("dev")
    assert (git.folder / "README.md").read_text() == "The shop.\n"
    assert (git.folder / "bin" / "run").stat().st_mode & 0o111
    assert git("log", "--format=%s") == "Initial commit"


def test_two_people_push_and_see_each_others_commits(world: World) -> None:
    dev, may = world.clone("dev"), world.clone("may")
    dev("switch", "-qc", "feature")
    sha = dev.commit("cart.py", "total = 0\n", "Add the cart")
    dev("push", "-q", "origin", "feature")
    may("fetch", "-q")
    assert may("rev-parse", "origin/feature") == sha
    may("switch", "-q", "feature")
    second = may.commit("cart.py", "total = 1\n", "Count")
    may("push", "-q", "origin", "feature")
    dev("pull", "-q", "--ff-only", "origin", "feature")
    assert dev("rev-parse", "HEAD") == second == world.bare("rev-parse", "feature")
    assert dev("log", "-1", "--format=%an") == "May"


def test_a_developer_may_not_push_to_main_or_a_release_branch(world: World) -> None:
    git = world.clone("dev")
    before = world.bare("rev-parse", "main")
    git.commit("x", "x", "X")
    for branch in ("main", "release/1.4.0"):
        why = git("push", "origin", f"HEAD:refs/heads/{branch}", ok=False)
        assert "You are not allowed to push code to protected branches" in why
    assert world.bare("for-each-ref", "--format=%(refname) %(objectname)") == f"refs/heads/main {before}"


def test_a_developer_may_not_push_a_tag_and_a_maintainer_may(world: World) -> None:
    dev, may = world.clone("dev"), world.clone("may")
    dev("tag", "1.4.0")
    assert "not allowed to create this tag" in dev("push", "origin", "1.4.0", ok=False)
    assert world.bare("tag") == ""
    may("tag", "-am", "The release", "1.4.0")
    may("push", "-q", "origin", "1.4.0")
    assert world.bare("tag") == "1.4.0"


def test_a_refused_ref_refuses_the_whole_push(world: World) -> None:
    git = world.clone("dev")
    git.commit("x", "x", "X")
    git("push", "origin", "HEAD:refs/heads/mine", "HEAD:refs/heads/main", ok=False)
    assert world.bare("branch", "--format=%(refname:short)") == "main"


def test_nobody_forces_a_protected_branch_or_deletes_it_by_push(world: World) -> None:
    git = world.clone("may")
    first = git("rev-parse", "HEAD")
    second = git.commit("x", "x", "X")
    git("push", "-q", "origin", "HEAD:main")
    assert "not allowed to force push" in git("push", "-f", "origin", f"{first}:main", ok=False)
    assert "only delete protected branches" in git("push", "origin", ":main", ok=False)
    assert world.bare("rev-parse", "main") == second


def test_a_reporter_reads_and_does_not_push(world: World) -> None:
    git = world.clone("rep")
    git.commit("x", "x", "X")
    assert "403" in git("push", "origin", "HEAD:refs/heads/mine", ok=False)
    assert world.bare("branch", "--format=%(refname:short)") == "main"


def test_without_a_members_token_there_is_nothing_to_clone(world: World) -> None:
    git = world.git(world.tmp)
    assert "could not read Username" in git("clone", "-q", f"{world.url}/shop/shop.git", "a", ok=False)
    assert "not found" in git("clone", "-q", world.address("out"), "b", ok=False)
    refused = httpx.get(f"{world.url}/shop/shop.git/info/refs?service=git-upload-pack", **LOOPBACK)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_big_push_arrives_whole(world: World) -> None:
    git = world.clone("dev")
    git("switch", "-qc", "big")
    content = random.Random(1).randbytes(3_000_000).hex()
    sha = git.commit("big.txt", content, "Big")
    git("push", "-q", "origin", "big")
    assert world.bare("rev-parse", "big") == sha
    assert world.bare("cat-file", "-s", f"{sha}:big.txt") == str(len(content))
