"""What went out comes back to main, and main keeps what was taken out of the release: on real git."""

from __future__ import annotations

import pytest

from integrations.errors import Transient
from tasks import context, merging_back, removing
from tests.flows.delivery.remove.conftest import BRANCH, SUBJECT, Shop, asked, plan


def back(source: str = BRANCH) -> merging_back.Back:
    return merging_back.merge_back.fn(1, source, "main", "Merge back", subject=SUBJECT)


@pytest.fixture
def without(shop: Shop) -> list[str]:
    """Two issues in the release; the second was taken out again, after some rework on the branch."""
    keys = [shop.team.file("dora", f"Wish {n}") for n in (1, 2)]
    shop.write("main", "begin", cart="1\n", gift="1\n", chore="1\n")
    shop.merge(keys[0], cart="1\nfirst\n")
    shop.merge(keys[1], gift="1\nsecond\n")
    plan(*keys)
    shop.cut()
    shop.merge(keys[0], BRANCH, cart="1\nfirst\nreworked\n")
    assert removing.take_out.fn(SUBJECT, asked(keys[1])) == ""
    assert shop.read("gift.txt", BRANCH) == "1\n"
    return keys


def test_nothing_of_its_own_needs_no_merge_request(shop: Shop) -> None:
    shop.cut()
    assert back() == merging_back.Back("", merged=True)
    assert shop.requests() == []


def test_what_conflicts_stays_open_and_main_stays_as_it_is(shop: Shop) -> None:
    shop.write("main", "begin", cart="1\n")
    shop.cut()
    shop.merge("", BRANCH, cart="release\n")
    shop.write("main", "other", cart="main\n")
    head = shop.head("main")
    first, again = back(), back()
    assert first == again
    assert not first.merged
    [open_] = shop.requests(state="opened")
    assert open_["web_url"] == first.url
    assert shop.head("main") == head


def test_main_gets_the_rework_and_keeps_what_was_taken_out(shop: Shop, without: list[str]) -> None:
    del without
    shop.write("main", "next", chore="1\nnext\n")
    first, again = back(), back()
    assert first.merged
    assert first.url == again.url
    assert shop.files("main") == {
        "cart.txt": "1\nfirst\nreworked\n",
        "gift.txt": "1\nsecond\n",
        "chore.txt": "1\nnext\n",
    }
    assert shop.read("gift.txt", BRANCH) == "1\n"
    assert len(shop.requests(state="merged", target_branch="main")) == 3


def test_a_hotfix_of_that_release_does_not_undo_it_on_main_either(shop: Shop, without: list[str]) -> None:
    del without
    shop.cut("release/1.4.1", BRANCH)
    shop.merge("", "release/1.4.1", hotfix="new\n")
    assert back("release/1.4.1").merged
    assert shop.read("gift.txt", "main") == "1\nsecond\n"
    assert shop.read("hotfix.txt", "main") == "new\n"
    assert back() == merging_back.Back("", merged=True)


def test_the_next_release_brings_it_and_can_leave_it_out_again(shop: Shop, without: list[str]) -> None:
    assert back().merged
    shop.cut("release/1.5.0")
    plan(*without, version="1.5.0")
    assert shop.read("gift.txt", "release/1.5.0") == "1\nsecond\n"
    seen = removing.preview("release:shop:1.5.0", without[1])
    assert seen is not None
    assert seen.why_not == ""
    [revert] = seen.removal.told
    context.gitlab().repository.revert(1, revert.sha, "release/1.5.0", beyond="main")
    assert shop.read("gift.txt", "release/1.5.0") == "1\n"


def test_where_bringing_it_back_conflicts_a_draft_waits_for_a_person(shop: Shop, without: list[str]) -> None:
    del without
    shop.merge("", BRANCH, gift="1\nELSE\n")
    head = shop.head("main")
    found = back()
    assert not found.merged
    [open_] = shop.requests(state="opened")
    assert open_["draft"]
    assert "would undo on main" in open_["description"]
    assert shop.head("main") == head
    assert "conveyor/" not in " ".join(shop.branches())


@pytest.mark.parametrize(
    ("where", "do"),
    [
        ("POST /api/v4/projects/1/repository/branches", "drop_after"),
        ("POST /api/v4/projects/1/repository/commits/.*/revert", "drop_after"),
        ("POST /api/v4/projects/1/merge_requests", "drop_after"),
        ("PUT /api/v4/projects/1/merge_requests/.*/merge", "drop_after"),
    ],
)
def test_cut_short_anywhere_it_is_merged_back_once(
    shop: Shop, without: list[str], where: str, do: str
) -> None:
    del without
    method, _, path = where.partition(" ")
    shop.fail(path, do, method)
    with pytest.raises(Transient):
        back()
    assert back().merged
    assert shop.read("gift.txt", "main") == "1\nsecond\n"
    reworked = [r for r in shop.requests(state="merged", target_branch="main") if "back" in r["title"]]
    assert len(reworked) == 1
