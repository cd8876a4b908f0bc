"""What has to leave a release together with one issue, and in which order it is reverted."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.removal import Commit, Merge, Removal, arrivals, in_the_way, removal, standing

KEYS = ("A", "B", "C", "D")


def merge(sha: str, issues: str = "", files: str = "") -> Merge:
    return Merge(commit=Commit(sha=sha, issues=tuple(issues)), files=tuple(files.split()))


def taken(found: Removal) -> tuple[set[str], str]:
    return set(found.issues), "".join(each.commit.sha for each in found.reverts)


# What leaves.


@pytest.mark.parametrize(
    ("merges", "links", "issues", "order"),
    [
        ([], [], "A", ""),
        ([merge("1", "A", "x"), merge("2", "B", "y")], [], "A", "1"),
        ([merge("1", "A", "x"), merge("2", "A", "y")], [], "A", "21"),
        ([merge("1", "A", "x"), merge("2", "B", "x")], [], "AB", "21"),
        ([merge("1", "B", "x"), merge("2", "A", "x")], [], "A", "2"),
        ([merge("1", "A", "x"), merge("2", "B", "x y"), merge("3", "C", "y")], [], "ABC", "321"),
        ([merge("1", "A", "x"), merge("2", "", "x")], [], "A", "1"),
        ([merge("1", "AB", "x"), merge("2", "B", "y")], [], "AB", "21"),
        ([merge("1", "A", "x"), merge("2", "B", "y")], [("A", "B")], "AB", "21"),
        ([merge("1", "A", "x"), merge("2", "B", "y")], [("B", "A")], "A", "1"),
        ([merge("1", "B", "y"), merge("2", "A", "x"), merge("3", "B", "x")], [], "AB", "321"),
        ([merge("1", "A", "x")], [("A", "D"), ("D", "C")], "ACD", "1"),
    ],
)
def test_an_issue_leaves_with_all_that_needs_it_and_nothing_else(
    merges: list[Merge], links: list[tuple[str, str]], issues: str, order: str
) -> None:
    assert taken(removal(merges, "A", links)) == (set(issues), order)


def test_each_dependent_says_why() -> None:
    merges = [merge("1", "A", "x y"), merge("2", "B", "y x"), merge("3", "BD")]
    found = removal(merges, "A", [("A", "C")])
    assert found.dependents == ("B changes x after A", "C waits for A", "D came in one merge with B")
    assert [(each.sha, each.issues) for each in found.told] == [
        ("3", ("B", "D")),
        ("2", ("B",)),
        ("1", ("A",)),
    ]


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(("A", "B", "C", "D", "AB", "CD", "")), st.sampled_from(("x", "y", "x y", "z", ""))
    ),
    max_size=7,
).map(lambda rows: [merge(str(number), *row) for number, row in enumerate(rows)])
LINKS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=4)


def holds(merges: list[Merge], links: list[tuple[str, str]], out: set[str]) -> bool:
    """Nothing that stays needs anything that leaves: the rule, written down another way."""
    for place, earlier in enumerate(merges):
        if out & set(earlier.commit.issues):
            if set(earlier.commit.issues) - out:
                return False
            for later in merges[place + 1 :]:
                if set(later.files) & set(earlier.files) and set(later.commit.issues) - out:
                    return False
    return not any(blocker in out and blocked not in out for blocker, blocked in links)


@given(HISTORIES, LINKS)
def test_what_leaves_is_the_one_smallest_set_that_leaves_nothing_broken(
    merges: list[Merge], links: list[tuple[str, str]]
) -> None:
    out = set(removal(merges, "A", links).issues)
    assert holds(merges, links, out)
    others = [key for key in KEYS if key != "A"]
    subsets = chain.from_iterable(combinations(others, size) for size in range(len(others) + 1))
    assert all(out <= {"A", *subset} for subset in subsets if holds(merges, links, {"A", *subset}))


@given(HISTORIES, LINKS)
def test_the_newest_is_reverted_first_and_each_once(
    merges: list[Merge], links: list[tuple[str, str]]
) -> None:
    found = removal(merges, "A", links)
    shas = [each.commit.sha for each in found.reverts]
    assert shas == sorted(set(shas), reverse=True)
    assert set(shas) == {m.commit.sha for m in merges if set(m.commit.issues) & set(found.issues)}


@given(HISTORIES, LINKS)
def test_once_out_there_is_nothing_left_to_take_out(
    merges: list[Merge], links: list[tuple[str, str]]
) -> None:
    gone = {each.commit.sha for each in removal(merges, "A", links).reverts}
    left = [each for each in merges if each.commit.sha not in gone]
    assert removal(left, "A", ()).reverts == ()


# What came onto the branch.


def commits(*rows: str) -> list[Commit]:
    """`b a`: b on a; `m b c A`: a merge, of the issue A."""
    found: list[Commit] = []
    for row in rows:
        sha, *rest = row.split()
        parents = tuple(each for each in rest if each.islower())
        found.append(Commit(sha=sha, parents=parents, issues=tuple(each for each in rest if each.isupper())))
    return found


@pytest.mark.parametrize(
    ("rows", "head", "line"),
    [
        (["a"], "a", "a"),
        (["a"], "gone", ""),
        (["b a", "c b"], "c", "bc"),
        (["f a", "m a f A"], "m", "m"),
        (["f a", "g f", "m a g"], "m", "fg"),
        # main (n, with the merge m of A) is merged into the release (r) by x, which names no issue
        (["f a", "m a f A", "n m", "r a", "x r n"], "x", "rmn"),
        (["r a", "m a", "x r m", "s m", "y x s"], "y", "rms"),
    ],
)
def test_the_line_is_what_came_in_and_a_merge_of_nobody_stands_for_what_it_brought(
    rows: list[str], head: str, line: str
) -> None:
    assert "".join(each.sha for each in arrivals(commits(*rows), head)) == line


@st.composite
def graphs(draw: st.DrawFn) -> list[Commit]:
    """Histories of any shape; each commit's parents are older."""
    found: list[Commit] = []
    for number in range(draw(st.integers(1, 9))):
        older = st.lists(st.integers(0, number - 1), max_size=2, unique=True) if number else st.just([])
        parents = tuple(str(each) for each in draw(older)) or ("base",)
        found.append(Commit(sha=str(number), parents=parents, issues=draw(st.sampled_from(((), ("A",))))))
    return found


@given(graphs(), st.randoms(use_true_random=False))
def test_nothing_comes_before_what_it_was_built_on(graph: list[Commit], chance: object) -> None:
    head = graph[-1].sha
    line = [each.sha for each in arrivals(graph, head)]
    assert len(line) == len(set(line))
    places = {sha: place for place, sha in enumerate(line)}
    for each in graph:
        for parent in each.parents:
            if each.sha in places and parent in places:
                assert places[parent] < places[each.sha]
    shuffled = list(graph)
    chance.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    assert [each.sha for each in arrivals(shuffled, head)] == line


# What still counts.


def undo(sha: str, *undoes: str) -> Commit:
    return Commit(sha=sha, undoes=undoes)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ([undo("a"), undo("b")], "ab"),
        ([undo("a"), undo("b"), undo("r", "a")], "b"),
        ([undo("a"), undo("b"), undo("r", "a", "b")], ""),
        ([undo("a"), undo("r", "a"), undo("s", "r")], "a"),
        ([undo("a"), undo("r", "a"), undo("s", "r"), undo("t", "a")], ""),
        ([undo("a"), undo("r", "older")], "ar"),
        ([undo("a"), undo("r", "a", "older")], "ar"),
    ],
)
def test_what_was_reverted_is_over_and_the_revert_of_a_revert_brings_it_back(
    line: list[Commit], left: str
) -> None:
    assert "".join(each.sha for each in standing(line)) == left


# What git may stumble over.


def test_what_stays_and_later_changed_the_same_file_is_in_the_way() -> None:
    merges = [
        merge("1", "B", "x"),
        merge("2", "A", "x"),
        merge("3", "", "x"),
        merge("4", "A", "x"),
        merge("5", "", "y"),
    ]
    assert [each.commit.sha for each in in_the_way(merges, "2", ["2", "4"])] == ["3"]
    assert in_the_way(merges, "9", []) == ()
