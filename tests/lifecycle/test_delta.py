"""Which files of a candidate are migrations, and what of its files is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.delta import kept, migrations
from lifecycle.policy import Project

DEFAULT = Project.model_fields["migrations"].default


@pytest.mark.parametrize(
    "path",
    [
        "migrations/0001.sql",
        "shop/migrations/0002_add_cart.py",
        "a/b/migrations/c/d.sql",
        "migrations/x\n.sql",
    ],
)
def test_a_file_below_a_folder_migrations_is_one(path: str) -> None:
    assert migrations([path], DEFAULT) == (path,)


@pytest.mark.parametrize(
    "path",
    ["migrations", "shop/migrations.py", "old-migrations/1.sql", "migrations-old/1.sql", "shop/cart.py"],
)
def test_a_name_that_only_looks_like_it_is_none(path: str) -> None:
    assert migrations([path], DEFAULT) == ()


@pytest.mark.parametrize(
    ("glob", "path", "is_one"),
    [
        ("db/*.sql", "db/1.sql", True),
        ("db/*.sql", "db/old/1.sql", False),
        ("db/*.sql", "db/1xsql", False),
        ("db/**/*.sql", "db/1.sql", True),
        ("db/**/*.sql", "db/a/b/1.sql", True),
        ("db/v?.sql", "db/v1.sql", True),
        ("db/v?.sql", "db/v.sql", False),
        ("db/v?.sql", "db/v/.sql", False),
        ("schema**", "schema/a/b", True),
        ("**", "any/thing", True),
        ("", "any/thing", False),
        ("[ab].sql", "a.sql", False),
    ],
)
def test_a_star_stays_in_its_folder_and_two_go_through_all(glob: str, path: str, *, is_one: bool) -> None:
    assert bool(migrations([path], [glob])) is is_one


def test_one_of_several_globs_is_enough_and_without_any_nothing_is_one() -> None:
    files = ("b.sql", "a.py", "alembic/1.py")
    assert migrations(files, ["*.sql", "alembic/*"]) == ("b.sql", "alembic/1.py")
    assert migrations(files, []) == ()


def test_of_too_many_files_the_migrations_are_kept_first() -> None:
    files = ["a.py", "b.py", "migrations/1.sql", "b.py", "c.py"]
    assert kept(files, DEFAULT, 2) == ("migrations/1.sql", "a.py")
    assert kept(files, DEFAULT) == ("migrations/1.sql", "a.py", "b.py", "c.py")


@given(st.lists(st.sampled_from(["a", "b", "migrations/1", "x/migrations/2", "c/d"])), st.integers(0, 6))
def test_nothing_is_kept_twice_or_made_up(files: list[str], most: int) -> None:
    found = kept(files, DEFAULT, most)
    assert len(found) == len(set(found)) == min(most, len(set(files)))
    assert set(found) <= set(files)
    assert len(migrations(found, DEFAULT)) == min(most, len(set(migrations(files, DEFAULT))))
