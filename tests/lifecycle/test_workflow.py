import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import BaseModel, ValidationError

from lifecycle.workflow import (
    FORWARD,
    REJECTABLE,
    RETURNS,
    CodeFact,
    IllegalTransition,
    LastMove,
    Status,
    StatusMap,
    UnknownStatus,
    follow,
    follow_steps,
    heed,
    is_back,
    issue_keys,
    may_move,
    meant_keys,
    move,
    steps,
)

statuses = st.sampled_from(Status)
facts = st.sampled_from(CodeFact)


def place(status: Status) -> int:
    return FORWARD.index(status)


def test_the_way_forward_is_the_one_that_was_agreed() -> None:
    assert [status.value for status in FORWARD] == [
        "To Do",
        "In Progress",
        "Code Review",
        "QA",
        "Waiting Release",
        "Released",
        "Closed",
    ]


@pytest.mark.parametrize(
    ("current", "target"),
    [
        (Status.TO_DO, Status.CODE_REVIEW),
        (Status.IN_PROGRESS, Status.QA),
        (Status.QA, Status.CODE_REVIEW),
        (Status.IN_PROGRESS, Status.TO_DO),
        (Status.WAITING_RELEASE, Status.IN_PROGRESS),
        (Status.RELEASED, Status.QA),
        (Status.CODE_REVIEW, Status.CLOSED),
        (Status.QA, Status.CLOSED),
        (Status.CLOSED, Status.TO_DO),
        (Status.QA, Status.QA),
    ],
)
def test_a_move_that_no_rule_allows_is_refused_and_says_which(current: Status, target: Status) -> None:
    with pytest.raises(IllegalTransition) as refused:
        move(current, target)
    assert (refused.value.current, refused.value.target) == (current, target)
    assert str(refused.value) == f"an issue cannot go from {current} to {target}"


@pytest.mark.parametrize(("current", "target"), sorted(RETURNS))
def test_the_three_returns_are_legal(current: Status, target: Status) -> None:
    assert move(current, target) is target


def test_nothing_but_the_agreed_moves_is_legal() -> None:
    legal = {(a, b) for a in Status for b in Status if may_move(a, b)}
    forward = {(FORWARD[i], FORWARD[i + 1]) for i in range(len(FORWARD) - 1)}
    assert legal == forward | RETURNS | {(Status.TO_DO, Status.CLOSED), (Status.IN_PROGRESS, Status.CLOSED)}


def test_an_illegal_transition_survives_the_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(IllegalTransition(Status.QA, Status.TO_DO)))
    assert (again.current, again.target) == (Status.QA, Status.TO_DO)


class OneIssue(RuleBasedStateMachine):
    """An issue that anybody tries to move anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.status = Status.TO_DO
        self.visited = [Status.TO_DO]

    @rule(to=statuses)
    def anybody_tries_a_move(self, to: Status) -> None:
        before = self.status
        if not may_move(before, to):
            with pytest.raises(IllegalTransition):
                move(before, to)
            return
        self.status = move(before, to)
        self.visited.append(to)

    @rule(fact=facts, by_person=st.booleans())
    def gitlab_tells_something(self, fact: CodeFact, by_person: bool) -> None:
        for step in follow_steps(self.status, fact, moved_by_person=by_person):
            self.status = move(self.status, step)
            self.visited.append(step)

    @precondition(lambda self: self.status is Status.CLOSED)
    @rule(to=statuses)
    def a_closed_issue_stays_closed(self, to: Status) -> None:
        assert not may_move(self.status, to)

    @invariant()
    def no_step_was_skipped(self) -> None:
        if self.visited[-1] is Status.CLOSED and self.visited[-2] in REJECTABLE:
            return  # rejected: it was never built
        latest = self.visited[: len(self.visited) - self.visited[::-1].index(max(self.visited, key=place))]
        assert set(FORWARD[: place(latest[-1]) + 1]) <= set(latest)

    @invariant()
    def every_step_up_is_one_step(self) -> None:
        for before, after in zip(self.visited, self.visited[1:], strict=False):
            if after is not Status.CLOSED:
                assert place(after) - place(before) <= 1


TestOneIssue = OneIssue.TestCase


@given(statuses, statuses)
def test_steps_lead_forward_by_single_legal_moves_or_are_empty(current: Status, target: Status) -> None:
    path = steps(current, target)
    stands = current
    for step in path:
        assert place(step) == place(stands) + 1
        stands = move(stands, step)
    assert stands is (target if place(target) > place(current) else current)


@pytest.mark.parametrize(
    ("current", "fact", "implied"),
    [
        (Status.TO_DO, CodeFact.BRANCH_PUSHED, Status.IN_PROGRESS),
        (Status.TO_DO, CodeFact.MERGE_REQUEST_READY, Status.CODE_REVIEW),
        (Status.TO_DO, CodeFact.MERGE_REQUEST_DRAFT, Status.IN_PROGRESS),
        (Status.IN_PROGRESS, CodeFact.BRANCH_PUSHED, None),
        (Status.IN_PROGRESS, CodeFact.MERGE_REQUEST_READY, Status.CODE_REVIEW),
        (Status.CODE_REVIEW, CodeFact.BRANCH_PUSHED, None),
        (Status.CODE_REVIEW, CodeFact.CHANGES_REQUESTED, Status.IN_PROGRESS),
        (Status.CODE_REVIEW, CodeFact.MERGE_REQUEST_DRAFT, Status.IN_PROGRESS),
        (Status.CODE_REVIEW, CodeFact.MERGED, Status.QA),
        (Status.CODE_REVIEW, CodeFact.PIPELINE_FAILED, Status.IN_PROGRESS),
        (Status.CODE_REVIEW, CodeFact.TESTABLE, Status.QA),
        (Status.QA, CodeFact.PIPELINE_FAILED, None),
        (Status.WAITING_RELEASE, CodeFact.TESTABLE, None),
        (Status.QA, CodeFact.MERGED, None),
        (Status.QA, CodeFact.CHANGES_REQUESTED, None),
        (Status.RELEASED, CodeFact.BRANCH_PUSHED, None),
        (Status.CLOSED, CodeFact.MERGED, None),
    ],
)
def test_the_issue_follows_its_code(current: Status, fact: CodeFact, implied: Status | None) -> None:
    assert follow(current, fact) is implied


@pytest.mark.parametrize(
    "fact", [CodeFact.CHANGES_REQUESTED, CodeFact.MERGE_REQUEST_DRAFT, CodeFact.PIPELINE_FAILED]
)
def test_an_issue_that_a_person_moved_is_not_dragged_back(fact: CodeFact) -> None:
    assert follow(Status.CODE_REVIEW, fact, moved_by_person=True) is None
    assert follow_steps(Status.CODE_REVIEW, fact, moved_by_person=True) == ()


def test_an_issue_that_a_person_moved_still_goes_forward_with_its_code() -> None:
    assert (
        follow(Status.IN_PROGRESS, CodeFact.MERGE_REQUEST_READY, moved_by_person=True) is Status.CODE_REVIEW
    )


def test_a_merge_takes_an_untouched_issue_through_every_step() -> None:
    assert follow_steps(Status.TO_DO, CodeFact.MERGED) == (Status.IN_PROGRESS, Status.CODE_REVIEW, Status.QA)


def test_requested_changes_are_one_step_back() -> None:
    assert follow_steps(Status.CODE_REVIEW, CodeFact.CHANGES_REQUESTED) == (Status.IN_PROGRESS,)


@given(statuses, facts, st.booleans())
def test_the_same_fact_twice_moves_the_issue_once(current: Status, fact: CodeFact, by_person: bool) -> None:
    target = follow(current, fact, moved_by_person=by_person)
    assert follow(target or current, fact, moved_by_person=by_person) is None


@given(statuses, facts, st.booleans())
def test_code_never_drags_back_from_beyond_code_review(current: Status, fact: CodeFact, by: bool) -> None:
    target = follow(current, fact, moved_by_person=by)
    assert target is None or place(target) > place(current) or current is Status.CODE_REVIEW


T = datetime(2026, 10, 16, 10, tzinfo=UTC)
BEFORE, AFTER = T - timedelta(minutes=1), T + timedelta(minutes=1)
BACK = (Status.IN_PROGRESS,)


@pytest.mark.parametrize(
    ("last", "since", "path"),
    [
        (LastMove(AFTER, by_person=True), T, ()),
        (LastMove(BEFORE, by_person=True), T, BACK),
        (LastMove(AFTER, by_person=False), T, BACK),
        (None, T, BACK),
        (LastMove(BEFORE, by_person=True), None, ()),
        (LastMove(BEFORE, by_person=False), None, BACK),
        (None, None, ()),
    ],
)
def test_who_moved_the_issue_since_has_the_last_word(
    last: LastMove | None, since: datetime | None, path: tuple[Status, ...]
) -> None:
    assert heed(Status.CODE_REVIEW, CodeFact.CHANGES_REQUESTED, last, since) == path


def test_an_issue_that_a_person_took_back_after_the_merge_is_not_dragged_forward() -> None:
    by_person = LastMove(AFTER, by_person=True)
    assert heed(Status.IN_PROGRESS, CodeFact.MERGED, by_person, T) == ()
    assert heed(Status.IN_PROGRESS, CodeFact.MERGED, by_person, None) == (Status.CODE_REVIEW, Status.QA)


@pytest.mark.parametrize(
    ("last", "since", "path"),
    [
        (LastMove(BEFORE, by_person=True, back=True), None, ()),
        (LastMove(BEFORE, by_person=True, back=True), T, (Status.CODE_REVIEW,)),
        (LastMove(BEFORE, by_person=False, back=True), None, (Status.CODE_REVIEW,)),
        (LastMove(BEFORE, by_person=True), None, (Status.CODE_REVIEW,)),
        (None, None, (Status.CODE_REVIEW,)),
    ],
)
def test_an_issue_that_a_person_took_back_waits_for_news_that_is_newer(
    last: LastMove | None, since: datetime | None, path: tuple[Status, ...]
) -> None:
    assert heed(Status.IN_PROGRESS, CodeFact.MERGE_REQUEST_READY, last, since) == path


def test_back_is_whatever_lies_before_and_staying_is_not() -> None:
    assert is_back(Status.CODE_REVIEW, Status.IN_PROGRESS)
    assert not is_back(Status.IN_PROGRESS, Status.CODE_REVIEW)
    assert not is_back(Status.QA, Status.QA)


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        ("See SHOP-9 for the reason", ()),
        ("This fixes SHOP-9 at last", ()),
        ("Fixed the totals that SHOP-9 broke", ()),
        ("Issue SHOP-9", ()),
        ("Closes: OTHER-1", ()),
        ("Issue: SHOP-7", ("SHOP-7",)),
        ("Totals\n\nRefs: SHOP-9.\nCloses SHOP-10", ("SHOP-9", "SHOP-10")),
        ("fixes SHOP-7, shop-8 and SHOP-9: the totals of SHOP-1", ("SHOP-7", "SHOP-8", "SHOP-9")),
        ("Jira: SHOP-7 & SHOP-8\r\nResolves SHOP-7", ("SHOP-7", "SHOP-8")),
    ],
)
def test_a_message_names_its_issues_in_trailers_and_mentions_others(
    message: str, keys: tuple[str, ...]
) -> None:
    assert meant_keys("SHOP", [], [message]) == keys


def test_keys_of_the_branch_and_the_title_come_before_those_of_trailers() -> None:
    names = ["shop-3-totals", "SHOP-2 Totals"]
    assert meant_keys("SHOP", names, ["", "Issue: SHOP-1"]) == ("SHOP-3", "SHOP-2", "SHOP-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SHOP",
        "SHOP-",
        "SHOP-0",
        "SHOP-012",
        "SHOP-12b",
        "ESHOP-12",
        "MY_SHOP-12",
        "shop-1.4.0",
        "x1SHOP-2",
    ],
)
def test_what_only_looks_like_a_key_is_none(text: str) -> None:
    assert issue_keys(text, "SHOP") == ()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("feature/SHOP-12-empty-cart", ("SHOP-12",)),
        ("feature_SHOP-12_cart", ("SHOP-12",)),
        ("shop-12-empty-cart", ("SHOP-12",)),
        ("fix-SHOP-3", ("SHOP-3",)),
        ("Draft: SHOP-7, SHOP-3: totals (SHOP-7)", ("SHOP-7", "SHOP-3")),
        ("Total in cents\n\nRefs: SHOP-9.\nCloses: SHOP-10", ("SHOP-9", "SHOP-10")),
    ],
)
def test_keys_are_found_in_branches_titles_and_trailers_in_order_and_once(
    text: str, keys: tuple[str, ...]
) -> None:
    assert issue_keys(text, "SHOP") == keys


def test_a_project_key_is_taken_literally() -> None:
    assert issue_keys("SHOP-1 S.P-2", "S.P") == ("S.P-2",)


@given(st.lists(st.integers(1, 999), max_size=8), st.text(alphabet=" /\n,;:()_", min_size=1, max_size=3))
def test_every_key_that_was_written_is_found(numbers: list[int], between: str) -> None:
    written = [f"SHOP-{number}" for number in numbers]
    assert issue_keys(between.join(written), "SHOP") == tuple(dict.fromkeys(written))


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for_keys(text: str) -> None:
    assert all(key.startswith("SHOP-") for key in issue_keys(text, "SHOP"))


TEAM = StatusMap({"Open": Status.TO_DO, "Reopened": Status.TO_DO, "In QE Test": Status.QA})


def test_a_status_that_nobody_mapped_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UnknownStatus) as unknown:
        TEAM.to_ours("Blocked")
    assert unknown.value.name == "Blocked"
    assert "status 'Blocked' is not mapped; the policy knows Open, Reopened, In QE Test" in str(unknown.value)
    assert pickle.loads(pickle.dumps(unknown.value)).known == unknown.value.known


@pytest.mark.parametrize("names", [{"Open": "Doing"}, {"Open": "QA", "open ": "To Do"}, {" ": "QA"}])
def test_a_map_that_cannot_be_right_is_refused(names: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        StatusMap.model_validate(names)


@pytest.mark.parametrize("name", ["Open", " open", "REOPENED", "To Do"])
def test_several_names_of_the_team_may_mean_one_of_ours(name: str) -> None:
    assert TEAM.to_ours(name) is Status.TO_DO


def test_issues_are_moved_to_the_name_listed_first() -> None:
    assert TEAM.to_theirs(Status.TO_DO) == "Open"
    assert TEAM.to_theirs(Status.QA) == "In QE Test"


def test_a_status_that_is_not_listed_keeps_our_name() -> None:
    assert TEAM.to_theirs(Status.RELEASED) == "Released"
    assert TEAM.to_ours("released") is Status.RELEASED


@given(st.dictionaries(st.text(min_size=1), statuses))
def test_every_status_is_understood_again_when_it_comes_back_from_jira(names: dict[str, Status]) -> None:
    try:
        team = StatusMap(names)
    except ValidationError:
        return
    for status in names.values():
        assert team.to_ours(team.to_theirs(status)) is status


def test_a_status_map_stands_in_a_policy_as_plain_names() -> None:
    class Policy(BaseModel):
        statuses: StatusMap = StatusMap()

    assert Policy.model_validate({"statuses": {"Done": "Closed"}}).statuses.to_ours("done") is Status.CLOSED
    assert Policy().statuses.to_ours("QA") is Status.QA
