"""What a candidate consists of, read from the sandbox's GitLab over HTTP and real git."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.ledger import Ledger
from integrations.settings import settings
from lifecycle.events import CandidateCut
from tasks import code
from tests.integrations.gitlab.world import ANA, BOT, P, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("gitlab"))
    yield made
    made.stop()


@pytest.fixture
def reached(world: World, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> World:
    """`tasks.context` of a fresh thread reaches the sandbox."""
    monkeypatch.setenv("CONVEYOR_GITLAB_URL", world.url)
    monkeypatch.setenv("CONVEYOR_GITLAB_TOKEN", BOT.token)
    settings.cache_clear()
    return world


def contents(sha: str, since: str | None) -> code.Contents:
    """Asked in a thread of its own: a client belongs to the thread that made it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(
            code.contents.fn, P, "SHOP", "1.4.0-rc.1", sha, since, ["SHOP-1"], ["db/**"]
        ).result()


def test_a_candidate_tells_its_commits_authors_and_files(reached: World) -> None:
    reached.gitlab.repository.create_tag(P, "1.3.0", reached.head(), "Version 1.3.0")
    branch = reached.name()
    first = reached.commit(branch, "One", **{"shop/cart.py": "1\n"})
    second = reached.commit(branch, "Two", **{"db/migrations/2.sql": "2\n"})
    found = contents(second, "1.3.0")
    assert [commit.sha for commit in found.commits] == [first, second]
    assert found.files == ("db/migrations/2.sql", "shop/cart.py")
    assert (found.since, found.files_total) == ("1.3.0", 2)
    assert found.strangers == (ANA.email,)


def test_of_a_moved_file_both_paths_are_told_and_it_counts_once(reached: World) -> None:
    branch = reached.name()
    before = reached.commit(branch, "One", **{"db/migrations/9.sql": "create table carts;\n" * 20})
    move = {"action": "move", "previous_path": "db/migrations/9.sql", "file_path": "old/9.sql"}
    body = {"branch": branch, "commit_message": "Two", "actions": [move]}
    after = reached.write("/repository/commits", **body)["id"]
    found = contents(after, before)
    assert sorted(found.files) == ["db/migrations/9.sql", "old/9.sql"]
    assert found.files_total == 1


def test_before_the_first_version_in_production_nothing_is_compared(reached: World) -> None:
    found = contents(reached.head(), None)
    assert (found.commits, found.since, found.files, found.files_total) == ((), "", (), 0)


def test_what_is_read_becomes_the_candidate_s_fact_as_it_is(reached: World) -> None:
    reached.gitlab.repository.create_tag(P, "1.2.0", reached.head(), "Version 1.2.0")
    sha = reached.commit(reached.name(), "One", **{"shop/list.py": "1\n"})
    found = contents(sha, "1.2.0")
    fact = CandidateCut(number=1, tag="1.4.0-rc.1", sha=sha, branch="release/1.4.0", **dict(found))
    assert {name: getattr(fact, name) for name in code.Contents.model_fields} == dict(found)
