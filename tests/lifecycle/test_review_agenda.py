"""What a review looks at besides the requests."""

from lifecycle.events import FeedbackGiven, Planned
from lifecycle.merging import Merges, merge
from lifecycle.phases import Phase
from lifecycle.release import Release
from lifecycle.requests import AlikeFound
from lifecycle.review_agenda import LeftOver, answers, counts, left_over, open_alike


def alike(issue: str, other: str, score: float = 0.5) -> AlikeFound:
    return AlikeFound(request=f"{issue}{other}", issue=issue, other=other, title=other, score=score)


def release(version: str, phase: Phase, *issues: str, carries: tuple[str, ...] = ()) -> Release:
    titles = {key: f"Title of {key}" for key in issues}
    plan = Planned(
        project="shop",
        version=version,
        issues=issues,
        titles=titles,
        carries=carries,
        base="main",
        plan_hash="0",
    )
    return Release(plan=plan, closed=plan, phase=phase)


def given(issue: str, answer: str, **more: object) -> tuple[str, FeedbackGiven]:
    fact = {"request": issue, "person": "clara", "issue": issue, "answer": answer, **more}
    return "1.4.0", FeedbackGiven.model_validate(fact)


def test_a_request_is_not_like_itself_nor_like_what_is_closed() -> None:
    found = [alike("A", "A"), alike("A", "GONE"), alike("GONE", "A")]
    assert open_alike(found, Merges(), {"A"}) == ()


def test_each_open_pair_comes_once_the_most_alike_first() -> None:
    found = [alike("B", "A", 0.3), alike("A", "B", 0.4), alike("B", "A", 0.2), alike("C", "A", 0.9)]
    assert [(a.issue, a.score) for a in open_alike(found, Merges(), "ABC")] == [("C", 0.9), ("A", 0.4)]


def test_what_is_one_wish_by_now_is_not_asked_again() -> None:
    merges = merge(merge(Merges(requesters={"A": (), "B": (), "C": ()}), "B", "A"), "C", "A")
    assert open_alike([alike("B", "A"), alike("B", "C")], merges, "ABC") == ()


def test_what_an_ended_release_planned_and_none_delivers_is_left_over() -> None:
    releases = [
        release("1.3.0", Phase.CLOSED, "A"),
        release("1.4.0", Phase.SUPERSEDED, "B", "C"),
        release("1.4.1", Phase.CLOSED, "D", carries=("B",)),
        release("1.5.0", Phase.ABANDONED, "C", "A", "E"),
        release("1.6.0", Phase.WATCHING, "E"),
    ]
    assert left_over(releases) == (LeftOver(issue="C", title="Title of C", version="1.5.0"),)
    assert left_over([]) == ()


def test_what_was_removed_from_a_plan_that_went_out_is_left_over() -> None:
    out = release("1.3.0", Phase.CLOSED, "A")
    changed = out.model_copy(update={"closed": release("1.3.0", Phase.CLOSED, "A", "B").plan})
    assert left_over([changed]) == (LeftOver(issue="B", title="Title of B", version="1.3.0"),)


def test_answers_are_counted_and_unmet_wishes_come_first() -> None:
    found = answers(
        [given("A", "solved", score=5), given("B", "not", comment="it is slow"), given("C", "partly")]
    )
    assert [(a.issue, a.answer, a.score, a.comment) for a in found] == [
        ("B", "not", None, "it is slow"),
        ("C", "partly", None, ""),
        ("A", "solved", 5, ""),
    ]
    assert counts(found) == {"not": 1, "partly": 1, "solved": 1}
    assert counts(found[:1]) == {"not": 1}
